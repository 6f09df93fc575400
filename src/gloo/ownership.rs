//! Who else writes an Upstream: discovery, and what applies it from a source.

use serde_json::Value;

use super::upstream::{ObjectName, Upstream, UpstreamKind};

/// The annotation of a Service that can carry any field of its Upstream.
pub const UPSTREAM_CONFIG: &str = "gloo.solo.io/upstream_config";
/// What the annotations begin with that make an `sslConfig` of their own.
const SSL_SERVICE: &str = "gloo.solo.io/sslService.";
/// The label of Upstreams that discovery has written.
const DISCOVERED_BY: &str = "discovered_by";

/// A sign that an object is applied from a source, which takes live changes back.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum AppliedFrom {
    /// `kubectl apply`.
    Kubectl,
    /// A Helm release.
    Helm,
    /// Argo CD.
    ArgoCd,
    /// Flux.
    Flux,
}

impl AppliedFrom {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kubectl => "kubectl apply",
            Self::Helm => "Helm",
            Self::ArgoCd => "Argo CD",
            Self::Flux => "Flux",
        }
    }
}

/// What is written on an object that tells where it comes from.
const SIGNS: [(&str, AppliedFrom); 7] = [
    ("kubectl.kubernetes.io/last-applied-configuration", AppliedFrom::Kubectl),
    ("meta.helm.sh/release-name", AppliedFrom::Helm),
    ("argocd.argoproj.io/tracking-id", AppliedFrom::ArgoCd),
    ("argocd.argoproj.io/instance", AppliedFrom::ArgoCd),
    ("app.kubernetes.io/instance", AppliedFrom::ArgoCd),
    ("kustomize.toolkit.fluxcd.io/name", AppliedFrom::Flux),
    ("helm.toolkit.fluxcd.io/name", AppliedFrom::Flux),
];

impl Upstream {
    /// From which sources the Upstream seems to be applied.
    #[must_use]
    pub fn applied_from(&self) -> Vec<AppliedFrom> {
        let written = |name| self.annotation(name).or(self.label(name)).is_some();
        let mut found: Vec<_> =
            SIGNS.iter().filter(|(name, _)| written(name)).map(|(_, sign)| *sign).collect();
        if self.label("app.kubernetes.io/managed-by") == Some("Helm") {
            found.push(AppliedFrom::Helm);
            // Charts set the instance label, too, which alone says Argo CD.
            found.retain(|sign| {
                *sign != AppliedFrom::ArgoCd
                    || self.annotation("argocd.argoproj.io/tracking-id").is_some()
            });
        }
        let mut signs = Vec::new();
        for sign in found {
            if !signs.contains(&sign) {
                signs.push(sign);
            }
        }
        signs
    }

    /// The Service that owns the `sslConfig`: discovery replaces it as a whole by what the
    /// Service's annotations say, and keeps it only where they say nothing
    /// (Gloo `projects/gloo/pkg/plugins/utils/update_upstream_spec.go`).
    #[must_use]
    pub fn service_owning_ssl_config(&self) -> Option<&ObjectName> {
        let UpstreamKind::Kube { service, .. } = &self.kind else { return None };
        let discovered = self.label(DISCOVERED_BY) == Some("kubernetesplugin");
        let by_key = self.annotations.iter().any(|(name, _)| name.starts_with(SSL_SERVICE));
        (discovered && (by_key || self.config_annotation_has_ssl())).then_some(service)
    }

    fn config_annotation_has_ssl(&self) -> bool {
        let config = self.annotation(UPSTREAM_CONFIG);
        let config: Option<Value> = config.and_then(|text| serde_json::from_str(text).ok());
        config.is_some_and(|config| {
            ["sslConfig", "ssl_config"].iter().any(|name| config.get(name).is_some())
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn upstream(labels: Value, annotations: Value) -> Upstream {
        let document = json!({
            "metadata": { "name": "a", "labels": labels, "annotations": annotations },
            "spec": { "kube": { "serviceName": "s", "serviceNamespace": "n", "servicePort": 1 } },
        });
        Upstream::read(&document).unwrap()
    }

    #[test]
    fn sources_are_told_by_their_marks() {
        let table = [
            (json!({}), json!({}), vec![]),
            (
                json!({}),
                json!({ "kubectl.kubernetes.io/last-applied-configuration": "{}" }),
                vec![AppliedFrom::Kubectl],
            ),
            (
                json!({ "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "x" }),
                json!({ "meta.helm.sh/release-name": "x" }),
                vec![AppliedFrom::Helm],
            ),
            (json!({ "app.kubernetes.io/instance": "x" }), json!({}), vec![AppliedFrom::ArgoCd]),
            (
                json!({ "kustomize.toolkit.fluxcd.io/name": "x" }),
                json!({}),
                vec![AppliedFrom::Flux],
            ),
        ];
        for (labels, annotations, expected) in table {
            assert_eq!(upstream(labels, annotations).applied_from(), expected);
        }
    }

    #[test]
    fn discovery_owns_ssl_config_only_where_the_service_says_something_of_it() {
        let discovered = json!({ "discovered_by": "kubernetesplugin" });
        let owns = |labels: &Value, annotations| {
            upstream(labels.clone(), annotations).service_owning_ssl_config().is_some()
        };
        assert!(owns(&discovered, json!({ "gloo.solo.io/sslService.secret": "x" })));
        assert!(owns(&discovered, json!({ UPSTREAM_CONFIG: "{\"ssl_config\":{}}" })));
        assert!(!owns(&discovered, json!({ UPSTREAM_CONFIG: "{\"useHttp2\":true}" })));
        assert!(!owns(&discovered, json!({ UPSTREAM_CONFIG: "broken" })));
        assert!(!owns(&discovered, json!({})));
        assert!(!owns(&json!({}), json!({ "gloo.solo.io/sslService.secret": "x" })));
    }
}
