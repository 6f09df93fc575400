//! How to speak to a server that answers nothing, or accepts nothing, of what is usually said.
//!
//! 'Nothing accepted' is the least likely answer. Before it is given, plainer hellos are tried:
//! shorter, without most extensions, with another version in the record, and without a name.

use futures::future::join_all;

use super::evidence::{HelloSize, Oddity, Plainness};
use super::hello::{Extensions, Manner, Subject, greeting};
use super::size::{in_bytes, pad, size};
use crate::probe::{Outcome, Prober};

/// The shortest hello that is tried with extensions.
const SHORT_BYTES: usize = 120;

/// A way of speaking that a server answers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Approach {
    /// How hellos have to be made.
    pub manner: Manner,
    /// What is odd about that.
    pub oddities: Vec<Oddity>,
}

/// Which answers count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// Any, an alert too.
    Answer,
    /// The selection of a suite.
    Selection,
}

/// Tries plainer hellos side by side; `None` if none of them gets what is wanted.
pub async fn approach(prober: &Prober, subject: &Subject, wanted: Wanted) -> Option<Approach> {
    let manners = manners(subject);
    let asked = manners
        .iter()
        .map(async |(manner, _)| prober.ask(&greeting(&subject.in_manner(*manner))).await);
    let outcomes = join_all(asked).await;
    let selected = outcomes.iter().position(|outcome| matches!(outcome, Outcome::Selected(_)));
    let refused = outcomes.iter().position(|outcome| matches!(outcome, Outcome::Refused(_)));
    let found = selected.or(refused.filter(|_| wanted == Wanted::Answer))?;
    let (manner, plainness) = manners[found];
    match plainness {
        None => Some(Approach::default()),
        Some(Plainness::FewGroups) => Some(few_or_short(prober, subject, manner).await),
        Some(plainness) => {
            Some(Approach { manner, oddities: vec![Oddity::OnlyPlainer(plainness)] })
        }
    }
}

/// The fewest restraints first.
fn manners(subject: &Subject) -> Vec<(Manner, Option<Plainness>)> {
    let usual = Manner::default();
    let bare = Manner { extensions: Extensions::Bare, ..usual };
    let nameless = Manner { omits_name: true, ..usual };
    let mut manners = vec![
        (usual, None),
        (Manner { newer_record: true, ..usual }, Some(Plainness::NewerRecord)),
        (in_bytes(usual, SHORT_BYTES), Some(Plainness::FewGroups)),
        (bare, Some(Plainness::NoExtensions)),
    ];
    if subject.sni.is_some() {
        manners.push((nameless, Some(Plainness::NoServerName)));
    }
    manners
}

/// A short hello with few groups is answered: which of the two is it?
async fn few_or_short(prober: &Prober, subject: &Subject, short: Manner) -> Approach {
    let usual = Manner::default();
    let few = Manner { most_bytes: usual.most_bytes, ..short };
    let answers = async |bytes: Option<usize>| {
        let mut hello = greeting(&subject.in_manner(short));
        bytes.into_iter().for_each(|bytes| pad(&mut hello, bytes));
        let outcome = prober.ask_within(&hello, prober.control_patience()).await;
        let is_answer = matches!(outcome, Outcome::Selected(_) | Outcome::Refused(_));
        is_answer.then(|| size(&hello))
    };
    if answers(Some(usual.most_bytes)).await.is_some() {
        return Approach { manner: few, oddities: vec![Oddity::OnlyPlainer(Plainness::FewGroups)] };
    }
    let unanswered = size(&greeting(&subject.in_manner(usual)));
    for bytes in [220, 180, 150] {
        if let Some(answered) = answers(Some(bytes)).await {
            let oddity = Oddity::LongHello { unanswered, answered };
            return Approach { manner: in_bytes(usual, bytes), oddities: vec![oddity] };
        }
    }
    let answered = HelloSize { ..size(&greeting(&subject.in_manner(short))) };
    let manner = Manner { most_bytes: answered.bytes.max(SHORT_BYTES), ..short };
    Approach { manner, oddities: vec![Oddity::LongHello { unanswered, answered }] }
}
