//! The manifests under deploy/: Kubernetes takes them, they ask for no privilege, and the command
//! takes what they give it.

use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::kubernetes::published_faults;
use crate::support::{program, root};

/// The oldest and the newest Kubernetes that the manifests are held against.
const KUBERNETES: [&str; 2] = ["1.31.0", "1.37.0"];

/// What `kubectl apply -k deploy` would send.
fn manifests() -> Vec<Value> {
    let output = Command::new(program("kubectl"))
        .env("KUBECONFIG", "/dev/null")
        .args(["kustomize"])
        .arg(root().join("deploy"))
        .stdin(Stdio::null())
        .output()
        .expect("kubectl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = serde_norway::Deserializer::from_str(&text);
    documents.map(|document| Value::deserialize(document).expect("YAML")).collect()
}

fn of_kind(kind: &str) -> Value {
    let mut all = manifests().into_iter().filter(|manifest| manifest["kind"] == kind);
    all.next().unwrap_or_else(|| panic!("there is no {kind}"))
}

/// What both the Job and the CronJob say of a job.
fn jobs() -> [Value; 2] {
    [of_kind("Job")["spec"].clone(), of_kind("CronJob")["spec"]["jobTemplate"]["spec"].clone()]
}

fn container(job: &Value) -> &Value {
    &job["template"]["spec"]["containers"][0]
}

fn arguments(job: &Value) -> Vec<&str> {
    let arguments = container(job)["args"].as_array().unwrap();
    arguments.iter().map(|argument| argument.as_str().unwrap()).collect()
}

#[test]
fn kubernetes_takes_every_manifest() {
    let kinds: Vec<_> =
        manifests().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect();
    for kind in ["ConfigMap", "CronJob", "Job", "NetworkPolicy"] {
        assert!(kinds.iter().any(|known| known == kind), "{kinds:?}");
    }
    for release in KUBERNETES {
        for manifest in manifests() {
            let faults = published_faults(release, &manifest);
            assert_eq!(faults, Vec::<String>::new(), "{} {release}", manifest["kind"]);
        }
    }
}

#[test]
fn the_published_schemas_refuse_what_kubernetes_would() {
    let changes: [(&str, Value); 6] = [
        ("/spec/completions", json!("eight")),
        ("/spec/completionsmode", json!("Indexed")),
        ("/spec/template/spec/containers/0/arguments", json!([])),
        ("/spec/template/spec/containers/0/args", json!([8])),
        ("/spec/template/spec/securityContext/runAsRoot", json!(false)),
        ("/spec/podFailurePolicy/rules/0/action", json!(null)),
    ];
    for release in KUBERNETES {
        for (place, value) in &changes {
            let mut job = of_kind("Job");
            let (parent, field) = place.rsplit_once('/').unwrap();
            job.pointer_mut(parent).unwrap()[field] = value.clone();
            assert_ne!(published_faults(release, &job), Vec::<String>::new(), "{place}");
        }
    }
}

/// The rules of the Pod Security Standard 'restricted', and more.
#[test]
fn pods_have_no_privilege() {
    for job in jobs() {
        let pod = &job["template"]["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_ne!(pod["securityContext"]["runAsUser"], 0);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(pod["containers"].as_array().map(Vec::len), Some(1));
        let security = &container(&job)["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["capabilities"], json!({ "drop": ["ALL"] }));
        assert!(container(&job)["resources"]["limits"]["memory"].is_string());
        for shared in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(pod.get(shared).is_none_or(|it| *it == json!(false)), "{shared}");
        }
    }
}

#[test]
fn both_run_the_same_and_every_share_is_run() {
    let [job, nightly] = jobs();
    assert_eq!(job, nightly);
    assert_eq!(job["completionMode"], "Indexed");
    let shares = format!("--shards={}", job["completions"]);
    assert!(arguments(&job).contains(&shares.as_str()), "{shares}");
}

/// The exit codes are answers, which no second try changes; Kubernetes ends the share there.
#[test]
fn an_answer_is_not_asked_for_again() {
    let rules = jobs()[0]["podFailurePolicy"]["rules"].clone();
    let codes = json!({ "containerName": "cipher-test", "operator": "In", "values": [1, 2] });
    assert_eq!(rules[1], json!({ "action": "FailIndex", "onExitCodes": codes }));
    assert_eq!(jobs()[0]["template"]["spec"]["restartPolicy"], "Never");
}

#[test]
fn targets_are_mounted_where_the_command_looks() {
    let map = of_kind("ConfigMap");
    assert!(map["data"]["targets.txt"].as_str().unwrap().contains("example.com:443"));
    for job in jobs() {
        let volume = &job["template"]["spec"]["volumes"][0];
        assert_eq!(volume["configMap"]["name"], map["metadata"]["name"]);
        let mount = &container(&job)["volumeMounts"][0];
        assert_eq!((&mount["name"], &mount["readOnly"]), (&volume["name"], &json!(true)));
        let file = format!("--targets={}/targets.txt", mount["mountPath"].as_str().unwrap());
        assert!(arguments(&job).contains(&file.as_str()), "{file}");
    }
}

/// Nothing but glibc and the compiler's support library, which the image has.
#[test]
fn the_command_needs_no_more_than_the_image_has() {
    let text = std::fs::read_to_string(root().join("deploy/Containerfile")).unwrap();
    assert!(text.contains("FROM gcr.io/distroless/cc-debian12:nonroot"), "{text}");
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_cipher-test")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let libraries = text.lines().filter_map(|line| line.split_whitespace().next());
    let known = ["linux-vdso.so", "libgcc_s.so", "libm.so", "libc.so", "/lib64/ld-linux"];
    for library in libraries {
        assert!(known.iter().any(|known| library.starts_with(known)), "{library}");
    }
}

#[test]
fn the_container_file_takes_what_is_there_and_ends_without_root() {
    let text = std::fs::read_to_string(root().join("deploy/Containerfile")).unwrap();
    let ignored = std::fs::read_to_string(root().join(".containerignore")).unwrap();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let copies = text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from"));
    for copy in copies {
        let copy = words(copy);
        for source in &copy[1..copy.len() - 1] {
            assert!(root().join(source).exists(), "{source}");
            assert!(ignored.lines().any(|line| line.strip_prefix('!') == Some(source)), "{source}");
        }
    }
    let last = text.lines().rev().find(|line| line.starts_with("USER ")).unwrap();
    assert_eq!(last, "USER 65532:65532");
    let pod = &jobs()[0]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsUser"], 65532);
}
