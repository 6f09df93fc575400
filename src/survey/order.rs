//! Whose order decides between accepted suites, and which order it is.
//!
//! Every answer is a comparison: the suite selected comes before all other accepted ones that
//! the hello offered. From these an order is supposed, and each place of it that is not proven
//! yet is asked for: the suites from that place on, the first of them offered last.

use std::collections::{BTreeMap, BTreeSet};

use crate::tls::CipherSuite;

/// Whose order of suites decides.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Preference {
    /// The server's.
    Server,
    /// The client's.
    Client,
    /// Fewer than two suites are accepted, or it could not be learned.
    #[default]
    Unknown,
}

/// One answer: what a hello offered and what the server selected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Observation {
    pub(super) offered: Vec<CipherSuite>,
    pub(super) selected: CipherSuite,
}

/// Says whose order decides, as far as the answers show it.
///
/// One answer that passes over an accepted suite offered earlier proves the server's order; the
/// client's is proven by `reversed`, an answer to the order that the others speak for, turned
/// round.
pub(super) fn preference(accepted: &[CipherSuite], observations: &[Observation]) -> Preference {
    let follows_client = |observation: &Observation| {
        observation.offered.iter().find(|suite| accepted.contains(suite))
            == Some(&observation.selected)
    };
    let comparisons = observations
        .iter()
        .filter(|seen| seen.offered.iter().filter(|suite| accepted.contains(suite)).count() > 1);
    if comparisons.clone().any(|seen| !follows_client(seen)) {
        return Preference::Server;
    }
    // Each of two suites was preferred to the other: only its place in the offer can be why.
    let both_ways = comparisons.clone().any(|one| {
        comparisons.clone().any(|other| {
            one.selected != other.selected
                && one.offered.contains(&other.selected)
                && other.offered.contains(&one.selected)
        })
    });
    if both_ways { Preference::Client } else { Preference::Unknown }
}

/// The order that answers speak for, and how much of it they prove.
#[derive(Debug)]
pub(super) struct Order {
    beats: BTreeMap<CipherSuite, BTreeSet<CipherSuite>>,
    supposed: Vec<CipherSuite>,
}

impl Order {
    /// Supposes an order of `accepted`, whose own order decides where nothing is known.
    pub(super) fn suppose(accepted: &[CipherSuite], observations: &[Observation]) -> Self {
        let mut beats: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for seen in observations {
            let beaten = beats.entry(seen.selected).or_default();
            // Hellos offer many more suites than are accepted; no order is wanted among those.
            let losers = seen.offered.iter().filter(|suite| **suite != seen.selected);
            beaten.extend(losers.filter(|suite| accepted.contains(suite)));
        }
        let mut order = Self { beats, supposed: Vec::new() };
        let mut left = accepted.to_vec();
        while !left.is_empty() {
            let next = left
                .iter()
                .position(|suite| !left.iter().any(|other| order.has_beaten(*other, *suite)))
                .unwrap_or(0);
            order.supposed.push(left.remove(next));
        }
        order
    }

    fn has_beaten(&self, winner: CipherSuite, loser: CipherSuite) -> bool {
        winner != loser && self.beats.get(&winner).is_some_and(|beaten| beaten.contains(&loser))
    }

    /// The supposed order.
    pub(super) fn suites(&self) -> &[CipherSuite] {
        &self.supposed
    }

    /// What to offer to prove the first place that is not proven yet. `None` when all is proven.
    ///
    /// One question at a time, since an answer can turn the rest of the supposed order over.
    /// Usually it offers the suites from that place on, turned round, whose winner is proven to
    /// stand there. Where a few `strays` have to find their places in a long chain whose order is
    /// known, it offers one of them beside the lower half of the chain.
    pub(super) fn open_question(&self, strays: usize) -> Option<Vec<CipherSuite>> {
        let mut places = 0..self.supposed.len().saturating_sub(1);
        let place = places.find(|place| !self.open_after(*place).is_empty())?;
        let rest = &self.supposed[place..];
        let open = self.open_after(place);
        let chain = open.windows(2).all(|pair| self.has_beaten(pair[0], pair[1]));
        let halvings = self.supposed.len().ilog2() as usize + 1;
        let lower: Vec<_> = if chain && strays * halvings < self.supposed.len() {
            open[open.len() / 2..].iter().chain(&rest[..1]).copied().collect()
        } else {
            rest.to_vec()
        };
        Some(lower.into_iter().rev().collect())
    }

    /// What to offer to prove all places that are not proven yet, if the supposed order is right:
    /// questions that do not wait for each other. None when all is proven.
    pub(super) fn open_questions(&self) -> Vec<Vec<CipherSuite>> {
        let last = self.supposed.len().saturating_sub(1);
        // Neighbours that are all proven prove the whole order.
        let open =
            (0..last).filter(|place| self.open_after(*place).contains(&self.supposed[place + 1]));
        open.map(|place| self.supposed[place..].iter().rev().copied().collect()).collect()
    }

    /// The suites after `place` that the one at it has not beaten, itself or through others.
    fn open_after(&self, place: usize) -> Vec<CipherSuite> {
        let mut beaten = BTreeSet::new();
        let mut winners = vec![self.supposed[place]];
        while let Some(winner) = winners.pop() {
            for loser in self.beats.get(&winner).into_iter().flatten() {
                if beaten.insert(*loser) {
                    winners.push(*loser);
                }
            }
        }
        let after = self.supposed[place + 1..].iter();
        after.filter(|suite| !beaten.contains(suite)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn suites(numbers: &[u16]) -> Vec<CipherSuite> {
        numbers.iter().copied().map(CipherSuite).collect()
    }

    fn seen(offered: &[u16], selected: u16) -> Observation {
        Observation { offered: suites(offered), selected: CipherSuite(selected) }
    }

    #[test]
    fn passing_over_an_earlier_suite_proves_the_servers_order() {
        let accepted = suites(&[1, 2, 3]);
        assert_eq!(preference(&accepted, &[seen(&[9, 1, 2], 2)]), Preference::Server);
        assert_eq!(preference(&accepted, &[seen(&[9, 1, 2], 1)]), Preference::Unknown);
        let both = [seen(&[1, 2, 3], 1), seen(&[3, 2, 1], 3)];
        assert_eq!(preference(&accepted, &both), Preference::Client);
        assert_eq!(preference(&suites(&[1]), &[seen(&[1], 1)]), Preference::Unknown);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Asking the open questions of a server with an order finds that order, whatever was
        /// seen before, in fewer questions than there are suites.
        #[test]
        fn open_questions_lead_to_the_servers_order(
            order in Just((1u16..=12).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let order = suites(&order);
            let mut accepted = order.clone();
            accepted.sort_unstable();
            let select = |offered: &[CipherSuite]| {
                *order.iter().find(|suite| offered.contains(suite)).unwrap()
            };
            let mut observations = Vec::new();
            let mut asked = 0;
            loop {
                let supposed = Order::suppose(&accepted, &observations);
                let Some(offered) = supposed.open_question(accepted.len()) else {
                    prop_assert_eq!(supposed.suites(), &order[..]);
                    break;
                };
                let selected = select(&offered);
                observations.push(Observation { offered, selected });
                asked += 1;
                prop_assert!(asked < accepted.len(), "{} questions", asked);
            }
        }

        /// Rounds of questions that do not wait for each other find the order too, and an order
        /// that is right as supposed in one round.
        #[test]
        fn rounds_of_questions_lead_to_the_servers_order(
            order in Just((1u16..=24).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            for (accepted, most) in [(suites(&order), 1), (suites(&Vec::from_iter(1..=24)), 23)] {
                let order = suites(&order);
                let (mut observations, mut rounds) = (Vec::new(), 0);
                loop {
                    let supposed = Order::suppose(&accepted, &observations);
                    let questions = supposed.open_questions();
                    if questions.is_empty() {
                        prop_assert_eq!(supposed.suites(), &order[..]);
                        break;
                    }
                    for offered in questions {
                        let selected = *order.iter().find(|suite| offered.contains(suite)).unwrap();
                        observations.push(Observation { offered, selected });
                    }
                    rounds += 1;
                    prop_assert!(rounds <= most, "{} rounds", rounds);
                }
            }
        }

        /// A few suites that were found apart find their places in a long chain without asking
        /// for each place of it.
        #[test]
        fn a_short_chain_is_placed_by_halving(
            order in Just((1u16..=35).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let order = suites(&order);
            let mut accepted = order.clone();
            accepted.sort_unstable();
            let chain_of = |members: &dyn Fn(u16) -> bool| {
                let mut left: Vec<_> =
                    order.iter().copied().filter(|suite| members(suite.0)).collect();
                let mut seen = Vec::new();
                while !left.is_empty() {
                    seen.push(Observation { offered: left.clone(), selected: left[0] });
                    left.remove(0);
                }
                seen
            };
            let mut observations = chain_of(&|number| number > 4);
            observations.extend(chain_of(&|number| number <= 4));
            let mut asked = 0;
            while let Some(offered) = Order::suppose(&accepted, &observations).open_question(4) {
                let selected = *order.iter().find(|suite| offered.contains(suite)).unwrap();
                observations.push(Observation { offered, selected });
                asked += 1;
                prop_assert!(asked <= 26, "{} questions", asked);
            }
            let found = Order::suppose(&accepted, &observations);
            prop_assert_eq!(found.suites(), &order[..]);
        }
    }
}
