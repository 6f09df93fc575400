//! An Upstream with servers behind it, and what the change is expected to be.

use std::any::Any;
use std::net::SocketAddr;

use cipher_test::lab;
use serde_json::{Value, json};

use super::{Documents, settings, upstream, words};
use crate::support::binary::Run;
use crate::support::embedded;
use crate::support::envoy::{Release, merge};
use crate::support::gloo::{Secret, World, discovered};
use crate::support::servers::{Door, own_address};

/// What comes of an Upstream for the Envoy of Gloo 1.21.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Expect {
    /// Envoy connects as it is.
    Connects,
    /// A patch of this kind of resource serves all endpoints.
    Patch(Kind),
    /// A patch serves all endpoints but the one at this place.
    PatchBut(Kind, usize),
    /// Nothing that Gloo can be told helps, as long as the rest of the Upstream stays as it is.
    Nothing,
    /// Envoy does not connect, and the command cannot tell why.
    Unclear,
}

/// What is patched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Upstream,
    Settings,
    Service,
}

/// A merge patch, and what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) text: String,
    pub(crate) patch: Value,
}

/// One row of the table.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) expect: Expect,
    pub(crate) upstream: Value,
    pub(crate) service: Option<Value>,
    pub(crate) world: World,
    /// Further documents of the input.
    beside: Vec<Value>,
    pub(crate) args: Vec<String>,
    servers: Vec<Box<dyn Any + Send + Sync>>,
}

impl Shape {
    pub(crate) fn new(name: &'static str, expect: Expect) -> Self {
        Self {
            name,
            expect,
            upstream: Value::Null,
            service: None,
            world: World::default(),
            beside: Vec::new(),
            args: Vec::new(),
            servers: Vec::new(),
        }
    }

    pub(crate) fn spec(mut self, spec: Value) -> Self {
        self.upstream = upstream("billing", spec);
        self
    }

    /// Changes the document, as a merge patch does.
    pub(crate) fn document(mut self, patch: Value) -> Self {
        merge(&mut self.upstream, &patch);
        self
    }

    /// Changes every host, as a merge patch does.
    pub(crate) fn each_host(mut self, patch: Value) -> Self {
        let hosts = self.upstream["spec"]["static"]["hosts"].as_array_mut().expect("hosts");
        hosts.iter_mut().for_each(|host| merge(host, &patch));
        self
    }

    /// The Settings default.
    pub(crate) fn settings(mut self, parameters: Value) -> Self {
        self.world.settings = settings(parameters);
        self
    }

    /// `istioOptions` of the Settings.
    pub(crate) fn istio(mut self, options: Value) -> Self {
        if self.world.settings.is_null() {
            self.world.settings = settings(json!(null));
        }
        self.world.settings["spec"]["gloo"]["istioOptions"] = options;
        self
    }

    pub(crate) fn service(mut self, service: Value) -> Self {
        self.service = Some(service);
        self
    }

    pub(crate) fn secret(mut self, name: &str, secret: Secret) -> Self {
        self.world.secrets.insert(name.to_owned(), secret);
        self
    }

    /// The Secret, for Gloo and as a document of type `kubernetes.io/tls` in the input.
    pub(crate) fn given_secret(mut self, name: &str, secret: Secret) -> Self {
        let text = |path: &std::path::Path| {
            openssl::base64::encode_block(&std::fs::read(path).expect("a PEM file"))
        };
        let mut data = json!({ "tls.crt": "", "tls.key": "" });
        if let Some((certificate, key)) = &secret.pair {
            data = json!({ "tls.crt": text(certificate), "tls.key": text(key) });
        }
        if let Some(authority) = &secret.authority {
            data["ca.crt"] = text(authority).into();
        }
        let (namespace, own) = name.split_once('/').expect("a namespace and a name");
        self.beside.push(json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": { "name": own, "namespace": namespace }, "data": data,
        }));
        self.secret(name, secret)
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(words(args));
        self
    }

    /// Holds a server as long as the shape.
    pub(crate) fn keep(mut self, server: impl Any + Send + Sync) -> Self {
        self.servers.push(Box::new(server));
        self
    }

    /// A name that leads to the server, at the server's port.
    pub(crate) fn name(mut self, name: &str, server: SocketAddr) -> Self {
        self.world.addresses.insert(format!("{name}:{}", server.port()), server);
        self
    }

    /// A name and port that lead to the server by way of a door at that port.
    pub(crate) fn door(mut self, name: &str, port: u16, server: SocketAddr) -> Self {
        let door = Door::open((own_address(), port).into(), server);
        self.world.addresses.insert(format!("{name}:{port}"), door.address());
        self.keep(door)
    }

    /// Gives the place of a `HOST:PORT` to another.
    pub(crate) fn rename(mut self, from: &str, to: &str) -> Self {
        let address = self.world.addresses.remove(from).expect("a name");
        self.world.addresses.insert(to.to_owned(), address);
        self
    }

    /// Where names lead, in the command's own words.
    fn resolve(&self) -> Vec<String> {
        let addresses = self.world.addresses.iter();
        addresses
            .flat_map(|(name, address)| {
                let port = name.rsplit_once(':').expect("a port").1;
                assert_eq!(port, address.port().to_string(), "{name}");
                ["--resolve".to_owned(), format!("{name}:{}", address.ip())]
            })
            .collect()
    }

    /// Runs the command on the shape's documents, for this release of Envoy.
    pub(crate) fn run(&self, release: Release, args: &[&str]) -> Run {
        self.run_with(&self.upstream, release, args)
    }

    /// As [`Self::run`], with this in the place of its own Upstream.
    pub(crate) fn run_with(&self, upstream: &Value, release: Release, args: &[&str]) -> Run {
        let mut documents = vec![upstream.clone()];
        documents.extend(self.service.clone());
        documents.extend(self.beside.clone());
        documents.extend(Some(self.world.settings.clone()).filter(|settings| !settings.is_null()));
        let envoy = match release {
            Release::V1_36 => words(&["--gloo", "1.21"]),
            Release::V1_40 => words(&["--gloo", "1.21", "--envoy", "1.40"]),
        };
        let args = [words(args), envoy, self.resolve(), self.args.clone()].concat();
        Documents::new(&documents).run(&args)
    }

    /// The object that a patch is for, as it is before.
    pub(crate) fn subject_of(&self, patch: &Patch) -> Value {
        match patch.kind {
            Kind::Upstream => self.upstream.clone(),
            Kind::Service => self.service_or_likeness(),
            Kind::Settings if self.world.settings.is_null() => settings(json!({})),
            Kind::Settings => self.world.settings.clone(),
        }
    }

    /// The Upstream and its world after a patch, and after discovery where a Service is patched.
    pub(crate) fn after(&self, patch: &Patch) -> (Value, World) {
        let (mut upstream, mut world) = (self.upstream.clone(), self.world.clone());
        let mut after = self.subject_of(patch);
        merge(&mut after, &patch.patch);
        match patch.kind {
            Kind::Upstream => upstream = after,
            Kind::Settings => world.settings = after,
            Kind::Service => {
                upstream = discovered(&upstream, &after).expect("annotations that Gloo reads");
            }
        }
        (upstream, world)
    }

    /// The Service, or what the Upstream tells of it: discovery copies the annotations.
    pub(crate) fn service_or_likeness(&self) -> Value {
        let kube = &self.upstream["spec"]["kube"];
        let likeness = || {
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {
                    "name": kube["serviceName"],
                    "namespace": kube["serviceNamespace"],
                    "annotations": self.upstream["metadata"]["annotations"],
                },
                "spec": { "ports": [{ "port": kube["servicePort"] }] },
            })
        };
        self.service.clone().unwrap_or_else(likeness)
    }
}

impl Patch {
    /// Reads what `--fix patch` prints: each patch after a comment that says what it is for.
    pub(crate) fn all(stdout: &str) -> Vec<Self> {
        stdout.split("---\n").filter(|text| !text.is_empty()).map(Self::one).collect()
    }

    fn one(text: &str) -> Self {
        let words: Vec<_> = text.lines().next().expect("a line").split(' ').collect();
        let [
            "#",
            "kubectl",
            "patch",
            kind,
            name,
            "-n",
            namespace,
            "--type",
            "merge",
            "--patch-file",
        ] = words[..]
        else {
            panic!("{text}");
        };
        let kind = match kind {
            "upstreams.gloo.solo.io" => Kind::Upstream,
            "settings.gloo.solo.io" => Kind::Settings,
            "services" | "service" => Kind::Service,
            other => panic!("{other}"),
        };
        Self {
            kind,
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            text: text.to_owned(),
            patch: serde_norway::from_str(text).expect("YAML"),
        }
    }
}

/// One host, called by its address.
pub(crate) fn host(server: SocketAddr) -> Value {
    json!({ "addr": server.ip(), "port": server.port() })
}

/// One host with a name, at the server's port.
pub(crate) fn named_host(name: &str, server: SocketAddr) -> Value {
    json!({ "addr": name, "port": server.port() })
}

/// An embedded server.
pub(crate) fn lab(config: lab::ServerConfig) -> lab::Server {
    embedded::server(&config)
}
