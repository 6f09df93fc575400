//! The promise of every patch, kept by a real Envoy: it fails before and connects after. And
//! where there is none, it fails whatever one tries.

use serde_json::{Value, json};

use super::shape::{Expect, Kind, Patch, Shape};
use super::shapes;
use crate::support::envoy::{Outcome, Release, Wiring, connect_wired, merge};
use crate::support::gloo::{World, translate};
use crate::support::in_parallel;

/// What the command said of a shape.
struct Said {
    code: Option<i32>,
    patches: Vec<Patch>,
    stderr: String,
}

#[test]
fn patches_do_for_envoy_1_36_what_they_promise() {
    hold_to(Release::V1_36);
}

#[test]
fn patches_do_for_envoy_1_40_what_they_promise() {
    hold_to(Release::V1_40);
}

fn hold_to(release: Release) {
    let shapes = shapes::all();
    let said = in_parallel(&shapes, 3, |shape| ask(shape, release));
    let mut batch = Batch::default();
    let tries: Vec<_> =
        shapes.iter().zip(&said).map(|(shape, said)| Tries::new(shape, said, &mut batch)).collect();
    let outcomes = connect_wired(release, &batch.wirings);

    let mut wrong = Vec::new();
    for ((shape, said), tries) in shapes.iter().zip(&said).zip(&tries) {
        if let Some(fault) = fault(shape, said, tries, &outcomes, release) {
            wrong.push(format!("{}: {fault}", shape.name));
        }
    }
    let count = shapes.len();
    assert!(wrong.is_empty(), "{} of {count} shapes:\n{}", wrong.len(), wrong.join("\n"));
    let patched = tries.iter().filter(|tries| tries.after.is_some()).count();
    assert!(patched >= 24, "{patched} of {count} shapes with a patch");
}

fn ask(shape: &Shape, release: Release) -> Said {
    let run = shape.run(release, &["--fix", "patch", "--answer-timeout", "3s"]);
    Said { code: run.code, patches: Patch::all(&run.stdout), stderr: run.stderr.trim().to_owned() }
}

/// What is asked of one Envoy, all at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) wirings: Vec<Wiring>,
}

/// Places in the batch, one for each endpoint; or why Gloo has no such cluster.
pub(super) type Places = Result<Vec<usize>, String>;

/// What is tried for one shape.
struct Tries {
    before: Places,
    after: Option<Places>,
    /// What somebody might try by hand, where nothing is to help.
    tweaks: Vec<(Value, Places)>,
}

impl Batch {
    pub(super) fn add(&mut self, upstream: &Value, world: &World) -> Places {
        let hops = translate(upstream, world)?;
        let first = self.wirings.len();
        self.wirings.extend(hops.into_iter().map(|hop| hop.wiring));
        Ok((first..self.wirings.len()).collect())
    }
}

impl Tries {
    fn new(shape: &Shape, said: &Said, batch: &mut Batch) -> Self {
        let before = batch.add(&shape.upstream, &shape.world);
        let after = said.patches.first().map(|patch| {
            let (upstream, world) = shape.after(patch);
            batch.add(&upstream, &world)
        });
        let tweaks = if shape.expect == Expect::Nothing { tweaks(shape) } else { Vec::new() };
        let tweaks = tweaks.into_iter().map(|tweak| {
            let mut upstream = shape.upstream.clone();
            merge(&mut upstream, &tweak);
            let places = batch.add(&upstream, &shape.world);
            (tweak, places)
        });
        Self { before, after, tweaks: tweaks.collect() }
    }
}

/// All that the Upstream's own fields can do about a handshake, without giving up what it is:
/// where it takes its certificates from, and what it verifies.
fn tweaks(shape: &Shape) -> Vec<Value> {
    let everything = json!({
        "minimumProtocolVersion": "TLSv1_0",
        "maximumProtocolVersion": "TLSv1_3",
        "cipherSuites": [
            "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
            "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
            "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA",
            "AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA", "AES256-SHA",
        ],
        "ecdhCurves": ["X25519", "P-256", "P-384", "P-521"],
    });
    let newest = json!({
        "minimumProtocolVersion": "TLSv1_3", "maximumProtocolVersion": "TLSv1_3" });
    let mut tweaks = vec![
        json!({ "spec": { "sslConfig": { "parameters": everything } } }),
        json!({ "spec": { "sslConfig": { "parameters": newest } } }),
        json!({ "spec": { "sslConfig": { "parameters": everything }, "useHttp2": true } }),
        json!({ "spec": { "sslConfig": { "parameters": everything, "sni": "localhost" } } }),
    ];
    if shape.upstream["spec"]["static"].is_object() {
        tweaks.push(json!({ "spec": {
            "sslConfig": { "parameters": everything }, "static": { "autoSniRewrite": false } } }));
    }
    tweaks
}

/// What is wrong with what the command said, if anything is.
fn fault(
    shape: &Shape,
    said: &Said,
    tries: &Tries,
    outcomes: &[Outcome],
    release: Release,
) -> Option<String> {
    let Said { code, patches, stderr } = said;
    let told = format!("it said {code:?}, {:?}, {stderr:?}", kinds(patches));
    let before = connect(&tries.before, outcomes);
    let connects = before.iter().all(|one| *one);
    let right = match (connects, shape.expect) {
        (true, _) => 0,
        (false, Expect::Unclear) => 2,
        (false, _) => 1,
    };
    if *code != Some(right) {
        return Some(format!("{told}; Envoy before: {}", describe(&tries.before, outcomes)));
    }
    // The table is of 1.36; what another release needs, its Envoy tells.
    let expected = match shape.expect {
        Expect::Patch(kind) | Expect::PatchBut(kind, _) if !connects => Some(kind),
        _ => None,
    };
    let is_expected = connects == (shape.expect == Expect::Connects);
    if release == Release::V1_36 && !is_expected {
        return Some(format!("the table says {:?}; {told}", shape.expect));
    }
    if patches.len() > 1 || patches.first().map(|patch| patch.kind) != expected {
        return Some(format!("the table says {:?}; {told}", shape.expect));
    }
    if let Some(after) = &tries.after {
        let unserved = match shape.expect {
            Expect::PatchBut(_, place) => Some(place),
            _ => None,
        };
        let connected = connect(after, outcomes);
        let is_as_promised =
            connected.iter().enumerate().all(|(place, done)| *done == (Some(place) != unserved));
        if !is_as_promised || connected.is_empty() {
            let patch = &patches[0].patch;
            return Some(format!("after {patch} Envoy: {}", describe(after, outcomes)));
        }
    } else if !connects
        && !["no patch", "nothing serves", "unclear"].iter().any(|words| stderr.contains(words))
    {
        return Some(format!("no word on why there is no patch; {told}"));
    }
    tries.tweaks.iter().find_map(|(tweak, places)| {
        let helps = connect(places, outcomes).iter().any(|one| *one);
        helps.then(|| format!("{told}; but this helps: {tweak}"))
    })
}

fn kinds(patches: &[Patch]) -> Vec<Kind> {
    patches.iter().map(|patch| patch.kind).collect()
}

/// Whether Envoy connects, for each endpoint; nowhere if there is no cluster.
pub(super) fn connect(places: &Places, outcomes: &[Outcome]) -> Vec<bool> {
    match places {
        Ok(places) => places.iter().map(|place| outcomes[*place].connects()).collect(),
        Err(_) => vec![false],
    }
}

pub(super) fn describe(places: &Places, outcomes: &[Outcome]) -> String {
    let places = match places {
        Ok(places) => places,
        Err(refusal) => return format!("has no cluster: {refusal}"),
    };
    let one = |place: &usize| {
        let outcome = &outcomes[*place];
        let reason = outcome.rejected.as_deref().unwrap_or(&outcome.reason);
        format!("connects {}, {:?} {reason}", outcome.connects(), outcome.status)
    };
    places.iter().map(one).collect::<Vec<_>>().join("; ")
}
