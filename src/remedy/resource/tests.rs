//! What is wanted, and the resource that changes.

use serde_json::{Value, json};

use super::*;
use crate::envoy::Build;
use crate::gloo::{NoSecrets, Release};

fn discovered(annotation: &str) -> Value {
    json!({
        "labels": { "discovered_by": "kubernetesplugin" },
        "annotations": { "gloo.solo.io/sslService.secret": annotation },
    })
}

struct World {
    document: Value,
    settings: Option<Settings>,
}

impl World {
    fn of(spec: Value) -> Self {
        Self::with_metadata(json!({}), spec)
    }

    fn with_metadata(mut metadata: Value, spec: Value) -> Self {
        metadata["name"] = json!("u");
        metadata["namespace"] = json!("n");
        Self { document: json!({ "metadata": metadata, "spec": spec }), settings: None }
    }

    fn settings(self, parameters: Value) -> Self {
        let document = json!({
            "metadata": { "name": "default", "namespace": "gloo-system" },
            "spec": { "upstreamOptions": { "sslParameters": parameters } },
        });
        Self { settings: Some(Settings::read(&document).unwrap()), ..self }
    }

    fn revise(&self, wanted: &Wanted, prefer: Prefer) -> Result<Revision, NoRevision> {
        self.with_subject(|subject| revise(subject, wanted, prefer))
    }

    fn with_subject<T>(&self, then: impl FnOnce(Subject<'_>) -> T) -> T {
        let context = Context {
            gloo: Release::STABLE,
            envoy: Release::STABLE.envoy(),
            build: Build::Standard,
            settings: self.settings.as_ref(),
            secrets: &NoSecrets,
        };
        let upstream = Upstream::read(&self.document).unwrap();
        let cluster = translate(&upstream, &context);
        let subject = Subject {
            document: &self.document,
            upstream: &upstream,
            cluster: &cluster,
            context: &context,
        };
        then(subject)
    }

    fn patch(&self, wanted: &Wanted) -> Value {
        self.revise(wanted, Prefer::Upstream).unwrap().patch
    }
}

fn tls13() -> Wanted {
    let server = Change { maximum_protocol_version: Some(TlsVersion::TLS13), ..Change::default() };
    Wanted { server, ..Wanted::default() }
}

fn named(names: &[(usize, Option<&str>)]) -> Wanted {
    let names = names.iter().map(|(index, name)| (*index, name.map(str::to_owned)));
    Wanted { server_names: names.collect(), ..Wanted::default() }
}

fn two_hosts(more: Value) -> Value {
    let mut spec = json!({ "static": { "hosts": [
        { "addr": "a.example", "port": 443, "loadBalancingWeight": 2 },
        { "addr": "b.example", "port": 443, "healthCheckConfig": { "path": "/ok" } },
    ] } });
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec
}

fn kube(ssl_config: Value) -> Value {
    json!({
        "kube": { "serviceName": "s", "serviceNamespace": "ns", "servicePort": 443 },
        "sslConfig": ssl_config,
    })
}

#[test]
fn parameters_come_into_an_ssl_config_made_for_them() {
    let patch = World::of(two_hosts(json!({}))).patch(&tls13());
    let parameters = json!({ "maximumProtocolVersion": "TLSv1_3" });
    assert_eq!(patch, json!({ "spec": { "sslConfig": { "parameters": parameters } } }));
}

#[test]
fn the_settings_default_is_repeated_where_own_parameters_would_switch_it_off() {
    let default = json!({ "minimumProtocolVersion": "TLSv1_2", "ecdhCurves": ["P-384"] });
    let world = World::of(two_hosts(json!({}))).settings(default);
    let revision = world.revise(&tls13(), Prefer::Upstream).unwrap();
    let parameters = json!({
        "minimumProtocolVersion": "TLSv1_2",
        "maximumProtocolVersion": "TLSv1_3",
        "ecdhCurves": ["P-384"],
    });
    assert_eq!(revision.patch["spec"]["sslConfig"]["parameters"], parameters);
    assert_eq!(revision.notes, [RevisionNote::RepeatsSettings]);
}

#[test]
fn own_parameters_keep_what_does_not_change() {
    let own = json!({ "parameters": { "ecdhCurves": ["P-384"] }, "sni": "x" });
    let patch = World::of(kube(own)).patch(&tls13());
    let parameters = json!({ "maximumProtocolVersion": "TLSv1_3" });
    assert_eq!(patch, json!({ "spec": { "sslConfig": { "parameters": parameters } } }));
}

#[test]
fn a_base_server_name_outlives_a_new_ssl_config() {
    let mut spec = two_hosts(json!({}));
    spec["static"]["autoSniRewrite"] = json!(false);
    let patch = World::of(spec).patch(&tls13());
    assert_eq!(patch["spec"]["sslConfig"]["sni"], "a.example");
    let tunnel = json!({ "httpProxyHostname": "server.example:443" });
    let patch = World::of(two_hosts(tunnel)).patch(&tls13());
    assert_eq!(patch["spec"]["sslConfig"]["sni"], "a.example");
}

#[test]
fn a_server_name_for_one_host_leaves_the_others_and_writes_all_hosts() {
    let patch = World::of(two_hosts(json!({}))).patch(&named(&[(1, Some("x.example"))]));
    let hosts = json!([
        { "addr": "a.example", "port": 443, "loadBalancingWeight": 2 },
        { "addr": "b.example", "port": 443, "healthCheckConfig": { "path": "/ok" },
          "sniAddr": "x.example" },
    ]);
    assert_eq!(patch, json!({ "spec": { "static": { "hosts": hosts } } }));
}

#[test]
fn no_server_name_for_one_host_names_the_others() {
    let spec = two_hosts(json!({ "sslConfig": { "sni": "old.example" } }));
    let patch = World::of(spec).patch(&named(&[(0, None)]));
    assert_eq!(patch["spec"]["sslConfig"], json!({ "sni": null }));
    assert_eq!(patch["spec"]["static"]["autoSniRewrite"], false);
    let hosts = patch["spec"]["static"]["hosts"].as_array().unwrap();
    assert_eq!(hosts[0].get("sniAddr"), None);
    assert_eq!(hosts[1]["sniAddr"], "b.example");
    let patch = World::of(two_hosts(json!({}))).patch(&named(&[(0, None), (1, None)]));
    assert_eq!(patch["spec"]["sslConfig"], json!({}));
}

#[test]
fn other_kinds_have_one_server_name() {
    let world = World::of(kube(json!({})));
    let patch = world.patch(&named(&[(0, Some("x.example"))]));
    assert_eq!(patch, json!({ "spec": { "sslConfig": { "sni": "x.example" } } }));
    let world = World::of(kube(json!({ "sni": "x.example" })));
    let patch = world.patch(&named(&[(0, None)]));
    assert_eq!(patch, json!({ "spec": { "sslConfig": { "sni": null } } }));
}

#[test]
fn the_proxy_of_a_tunnel_has_parameters_of_its_own() {
    let more = json!({ "httpProxyHostname": "s.example:443", "httpConnectSslConfig": {},
        "sslConfig": {} });
    let wanted = Wanted { proxy: tls13().server, ..Wanted::default() };
    let spec = json!({ "static": { "hosts": [{ "addr": "p.example", "port": 1 }] } });
    let mut spec = spec;
    for (name, value) in more.as_object().unwrap() {
        spec[name] = value.clone();
    }
    let patch = World::of(spec).patch(&wanted);
    let parameters = json!({ "maximumProtocolVersion": "TLSv1_3" });
    let expected = json!({ "spec": { "httpConnectSslConfig": { "parameters": parameters } } });
    assert_eq!(patch, expected);
}

#[test]
fn beside_sds_no_parameter_helps_and_a_server_name_does() {
    let world = World::of(kube(json!({ "sds": { "certificatesSecretName": "c" } })));
    assert_eq!(world.revise(&tls13(), Prefer::Upstream), Err(NoRevision::Sds));
    assert_eq!(world.revise(&tls13(), Prefer::Settings), Err(NoRevision::Sds));
    let patch = world.patch(&named(&[(0, Some("x.example"))]));
    assert_eq!(patch, json!({ "spec": { "sslConfig": { "sni": "x.example" } } }));
}

#[test]
fn aws_and_azure_are_changed_in_settings_alone() {
    let world = World::of(json!({ "aws": { "region": "r" }, "sslConfig": {} }))
        .settings(json!({ "ecdhCurves": ["P-256"] }));
    let revision = world.revise(&tls13(), Prefer::Upstream).unwrap();
    assert_eq!(revision.resource, Resource::Settings);
    assert_eq!(revision.name.to_string(), "gloo-system/default");
    let parameters = json!({ "maximumProtocolVersion": "TLSv1_3" });
    let expected = json!({ "spec": { "upstreamOptions": { "sslParameters": parameters } } });
    assert_eq!(revision.patch, expected);
    let renamed = named(&[(0, Some("x.example"))]);
    assert_eq!(world.revise(&renamed, Prefer::Upstream), Err(NoRevision::Kind("aws")));
}

#[test]
fn the_settings_default_does_not_reach_own_parameters() {
    let world = World::of(kube(json!({ "parameters": {} })));
    assert_eq!(world.revise(&tls13(), Prefer::Settings), Err(NoRevision::OwnParameters));
    let renamed = named(&[(0, Some("x.example"))]);
    let world = World::of(kube(json!({})));
    assert_eq!(world.revise(&renamed, Prefer::Settings), Err(NoRevision::NotInSettings));
}

#[test]
fn what_discovery_owns_is_changed_on_the_service() {
    let metadata = json!({
        "labels": { "discovered_by": "kubernetesplugin" },
        "annotations": {
            "gloo.solo.io/sslService.secret": "443:x",
            "gloo.solo.io/upstream_config": "{\"maxConcurrentStreams\":7}",
        },
    });
    let secret = json!({ "secretRef": { "name": "x", "namespace": "ns" } });
    let world = World::with_metadata(metadata, kube(secret));
    let revision = world.revise(&tls13(), Prefer::Upstream).unwrap();
    assert_eq!((revision.resource, revision.name.to_string()), (Resource::Service, "ns/s".into()));
    let text = revision.patch["metadata"]["annotations"][UPSTREAM_CONFIG].as_str().unwrap();
    let config: Value = serde_json::from_str(text).unwrap();
    let expected = json!({ "maxConcurrentStreams": 7, "sslConfig": {
        "secretRef": { "name": "x", "namespace": "ns" },
        "parameters": { "maximumProtocolVersion": "TLSv1_3" },
    } });
    assert_eq!(config, expected);
}

#[test]
fn an_annotation_that_is_no_json_is_left_alone() {
    let metadata = json!({
        "labels": { "discovered_by": "kubernetesplugin" },
        "annotations": { "gloo.solo.io/sslService.secret": "x", UPSTREAM_CONFIG: "[" },
    });
    let world = World::with_metadata(metadata, kube(json!({})));
    assert_eq!(world.revise(&tls13(), Prefer::Upstream), Err(NoRevision::Annotation));
}

#[test]
fn a_secret_is_referred_to() {
    let secret = ObjectName { namespace: "ns".to_owned(), name: "client".to_owned() };
    let wanted = Wanted { secret: Some(secret), ..Wanted::default() };
    let patch = World::of(kube(json!({}))).patch(&wanted);
    let reference = json!({ "name": "client", "namespace": "ns" });
    assert_eq!(patch, json!({ "spec": { "sslConfig": { "secretRef": reference } } }));
    let unnamed = named(&[(0, None), (1, None)]).server_names;
    let patch = World::of(two_hosts(json!({}))).patch(&Wanted { server_names: unnamed, ..wanted });
    assert_eq!(patch["spec"]["sslConfig"], json!({ "secretRef": reference }));
}

#[test]
fn a_secret_for_a_client_certificate_ends_one_way_tls() {
    let secret = ObjectName { namespace: "ns".to_owned(), name: "client".to_owned() };
    let wanted = Wanted { secret: Some(secret), ..Wanted::default() };
    let patch = World::of(kube(json!({ "oneWayTls": true }))).patch(&wanted);
    let reference = json!({ "name": "client", "namespace": "ns" });
    let expected = json!({ "oneWayTls": null, "secretRef": reference });
    assert_eq!(patch, json!({ "spec": { "sslConfig": expected } }));
}

#[test]
fn merge_patches_say_what_differs_and_nothing_else() {
    let before = json!({ "a": 1, "b": { "c": [1], "d": 2 }, "e": { "f": 1 } });
    let after = json!({ "a": 1, "b": { "c": [1, 2], "d": 2 }, "e": 7, "g": null });
    let patch = merge_patch_between(&before, &after);
    assert_eq!(patch, json!({ "b": { "c": [1, 2] }, "e": 7, "g": null }));
    let gone = merge_patch_between(&before, &json!({ "a": 1, "b": {} }));
    assert_eq!(gone, json!({ "b": { "c": null, "d": null }, "e": null }));
}

#[test]
fn a_service_that_no_command_can_name_is_not_patched() {
    for (field, name) in [("serviceName", "$(id)"), ("serviceName", "-f"), ("serviceNamespace", "")]
    {
        let mut spec = kube(json!({}));
        spec["kube"][field] = json!(name);
        let world = World::with_metadata(discovered("x"), spec);
        assert_eq!(world.revise(&tls13(), Prefer::Upstream), Err(NoRevision::ServiceName));
    }
}

#[test]
fn a_command_steers_no_terminal_and_says_the_same() {
    let mut spec = two_hosts(json!({}));
    spec["static"]["hosts"][0]["sniAddr"] = json!("a'\u{9b}\u{1b}\u{202e}");
    let revision = World::of(spec).revise(&named(&[(1, Some("x.example"))]), Prefer::Upstream);
    let revision = revision.unwrap();
    let command = revision.kubectl_command();
    assert!(!command.contains(steers), "{command}");
    let json = command.split_once("-p '").unwrap().1.strip_suffix('\'').unwrap();
    let json = json.replace(r"'\''", "'");
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), revision.patch);
}

#[test]
fn a_change_of_settings_counts_for_others() {
    let world = World::of(two_hosts(json!({})));
    let revision = world.revise(&tls13(), Prefer::Settings).unwrap();
    let maximum = |world: &World| {
        let cluster = world.with_subject(|other| revision.cluster_of(other)).unwrap();
        cluster.endpoints[0].tls.as_ref().unwrap().config.maximum_protocol_version
    };
    assert_eq!(maximum(&World::of(kube(json!({})))), Some(TlsVersion::TLS13));
    assert_eq!(maximum(&World::of(kube(json!({ "parameters": {} })))), None);
}

#[test]
fn a_change_of_a_service_replaces_what_other_ports_have() {
    let port = |secret: &str| {
        let reference = json!({ "secretRef": { "name": secret, "namespace": "ns" } });
        World::with_metadata(discovered("443:a"), kube(reference))
    };
    let revision = port("a").revise(&tls13(), Prefer::Upstream).unwrap();
    let spares = |world: &World| {
        world.with_subject(|other| {
            let after = revision.cluster_of(other).unwrap();
            same_but_for_offers(other.cluster, &after)
        })
    };
    assert!(spares(&port("a")));
    assert!(!spares(&port("b")), "another Secret");
    let mut plain = kube(json!({}));
    plain.as_object_mut().unwrap().remove("sslConfig");
    assert!(!spares(&World::with_metadata(discovered("443:a"), plain.clone())), "plain text");
    let undiscovered = World::of(plain);
    assert_eq!(undiscovered.with_subject(|other| revision.cluster_of(other)), None);
}

#[test]
fn an_annotation_carries_what_the_proxy_of_a_tunnel_needs() {
    let mut spec = kube(json!({}));
    spec["httpProxyHostname"] = json!("s.example:443");
    spec["httpConnectSslConfig"] = json!({});
    let wanted = Wanted { proxy: tls13().server, ..Wanted::default() };
    let revision = World::with_metadata(discovered("x"), spec).revise(&wanted, Prefer::Upstream);
    let patch = revision.unwrap().patch;
    let text = patch["metadata"]["annotations"][UPSTREAM_CONFIG].as_str().unwrap();
    let parameters = json!({ "maximumProtocolVersion": "TLSv1_3" });
    let expected = json!({ "httpConnectSslConfig": { "parameters": parameters } });
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
}
