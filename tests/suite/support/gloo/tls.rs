//! `sslConfig` to `UpstreamTlsContext`.

use serde_json::{Value, json};

use super::{Secret, World, fields};
use crate::support::envoy::TYPE;

/// Why there is no context.
pub(super) enum Fault {
    /// A warning by default.
    SecretMissing,
    /// An error, which takes the cluster away.
    Refused(String),
}

/// Gloo's names of versions, by their numbers.
const VERSIONS: [&str; 5] = ["TLS_AUTO", "TLSv1_0", "TLSv1_1", "TLSv1_2", "TLSv1_3"];

/// The context and the static secrets that it names; `label` keeps those of many apart.
pub(super) fn context(
    config: &Value,
    world: &World,
    label: &str,
) -> Result<(Value, Vec<Value>), Fault> {
    let (mut common, secrets) = common_context(config, world, label)?;
    if let Some(protocols) = config["alpnProtocols"].as_array().filter(|names| !names.is_empty()) {
        common["alpn_protocols"] = protocols.clone().into();
    }
    let mut context = json!({ "common_tls_context": common });
    if let Some(name) = config["sni"].as_str().filter(|name| !name.is_empty()) {
        context["sni"] = name.into();
    }
    if config["allowRenegotiation"] == true {
        context["allow_renegotiation"] = true.into();
    }
    Ok((context, secrets))
}

/// The context of an Upstream that has TLS and no `sslConfig`.
pub(super) fn plain_context(name: &str, parameters: &Value) -> Result<Value, String> {
    let mut context = json!({ "common_tls_context": { "tls_params": tls_params(parameters)? } });
    if !name.is_empty() {
        context["sni"] = name.into();
    }
    Ok(context)
}

pub(super) fn socket(context: &Value) -> Value {
    let mut context = context.clone();
    context["@type"] =
        format!("{TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext").into();
    json!({ "name": "envoy.transport_sockets.tls", "typed_config": context })
}

fn common_context(
    config: &Value,
    world: &World,
    label: &str,
) -> Result<(Value, Vec<Value>), Fault> {
    // One oneof: what is declared last wins.
    if config["sds"].is_object() {
        check_sds(config)?;
        return Ok(from_sds(config, world, label));
    }
    let secret = match (&config["sslFiles"], &config["secretRef"]) {
        (files @ Value::Object(_), _) => from_files(files)?,
        (_, reference @ Value::Object(_)) => from_reference(reference, world)?,
        _ => Secret::default(),
    };
    let mut common = json!({});
    let parameters = tls_params(&config["parameters"]).map_err(Fault::Refused)?;
    common["tls_params"] = parameters;
    if let Some((certificate, key)) = &secret.pair
        && config["oneWayTls"] != true
    {
        common["tls_certificates"] = json!([{
            "certificate_chain": { "filename": certificate }, "private_key": { "filename": key } }]);
    }
    let names = names_to_verify(config);
    match &secret.authority {
        Some(authority) => {
            let mut validation = json!({ "trusted_ca": { "filename": authority } });
            if !names.is_empty() {
                validation["match_typed_subject_alt_names"] = names.into();
            }
            common["validation_context"] = validation;
        }
        None if names.is_empty() => {}
        None => {
            let text = "a root_ca must be provided if verify_subject_alt_name is not empty";
            return Err(Fault::Refused(text.to_owned()));
        }
    }
    Ok((common, Vec::new()))
}

fn from_reference(reference: &Value, world: &World) -> Result<Secret, Fault> {
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    // There is no default namespace.
    let name = format!("{}/{}", text("namespace"), text("name"));
    world.secrets.get(&name).cloned().ok_or(Fault::SecretMissing)
}

/// The check for PEM is made of the paths themselves, so only an authority alone gets through.
fn from_files(files: &Value) -> Result<Secret, Fault> {
    let path = |field: &str| files[field].as_str().filter(|path| !path.is_empty());
    if path("tlsCert").is_some() || path("tlsKey").is_some() || path("rootCa").is_none() {
        let text = "Invalid TLS secret: tls: failed to find any PEM data in certificate input";
        return Err(Fault::Refused(text.to_owned()));
    }
    Ok(Secret { pair: None, authority: path("rootCa").map(Into::into) })
}

fn check_sds(config: &Value) -> Result<(), Fault> {
    let names = |field: &str| config["sds"][field].as_str().is_some_and(|name| !name.is_empty());
    let fault = match (names("certificatesSecretName"), names("validationContextName")) {
        (false, false) => {
            "at least one of certificates_secret_name or validation_context_name must be provided"
        }
        (_, false) if !names_to_verify(config).is_empty() => {
            "must provide validation context name if verifying SAN"
        }
        _ => return Ok(()),
    };
    Err(Fault::Refused(fault.to_owned()))
}

/// SDS in the form of static secrets. Parameters are not looked at.
fn from_sds(config: &Value, world: &World, label: &str) -> (Value, Vec<Value>) {
    let mut common = json!({ "tls_params": {} });
    let mut secrets = Vec::new();
    let delivered = |field: &str| {
        let name = config["sds"][field].as_str()?;
        Some((format!("{label}-{field}"), world.secrets.get(&format!("sds/{name}"))?))
    };
    if let Some((name, secret)) = delivered("certificatesSecretName") {
        let (certificate, key) = secret.pair.as_ref().expect("a certificate from SDS");
        secrets.push(json!({ "name": name, "tls_certificate": {
            "certificate_chain": { "filename": certificate }, "private_key": { "filename": key } } }));
        common["tls_certificate_sds_secret_configs"] = json!([{ "name": name }]);
    }
    if let Some((name, secret)) = delivered("validationContextName") {
        let authority = secret.authority.as_ref().expect("an authority from SDS");
        secrets.push(json!({ "name": name,
            "validation_context": { "trusted_ca": { "filename": authority } } }));
        common["combined_validation_context"] = json!({
            "default_validation_context":
                { "match_typed_subject_alt_names": names_to_verify(config) },
            "validation_context_sds_secret_config": { "name": name },
        });
    }
    (common, secrets)
}

fn names_to_verify(config: &Value) -> Vec<Value> {
    let names = config["verifySubjectAltName"].as_array().into_iter().flatten();
    names.map(|name| json!({ "san_type": "DNS", "matcher": { "exact": name } })).collect()
}

fn tls_params(parameters: &Value) -> Result<Value, String> {
    let mut params = json!({});
    for (field, value) in fields(parameters) {
        match field.as_str() {
            "minimumProtocolVersion" => params["tls_minimum_protocol_version"] = version(&value)?,
            "maximumProtocolVersion" => params["tls_maximum_protocol_version"] = version(&value)?,
            "cipherSuites" => params["cipher_suites"] = value,
            "ecdhCurves" => params["ecdh_curves"] = value,
            other => panic!("the test has a field that is no parameter: {other}"),
        }
    }
    Ok(params)
}

fn version(value: &Value) -> Result<Value, String> {
    let name = match value {
        Value::String(name) => VERSIONS.iter().find(|known| *known == name),
        number => number.as_u64().and_then(|number| VERSIONS.get(usize::try_from(number).ok()?)),
    };
    name.map(|name| Value::from(*name)).ok_or_else(|| format!("tls version {value} not found"))
}
