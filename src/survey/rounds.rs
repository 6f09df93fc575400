//! Finds the accepted members of a list in few rounds of questions that are sent side by side.
//!
//! Pure. The list stands in the order that the server is supposed to have. A round asks for the
//! members from several places on, each time to the end of the list: if the order is as supposed,
//! or if the server takes the client's first, each question finds the member that it begins with,
//! and its answer proves that member's place before all that follow. Where answers repeat each
//! other, the order is another one, and the next round asks for parts that share no member.

/// Places from which a round asks when nothing is known yet: servers that accept few members of a
/// list accept the first ones.
const FIRST_PLACES: [usize; 5] = [0, 1, 2, 3, 5];
/// The fewest questions of a round after the first.
const LEAST_QUESTIONS: usize = 2;
/// The fewest of them where questions share no members.
const LEAST_APART: usize = 4;
/// The most questions of one round.
const MOST_QUESTIONS: usize = 16;

/// How the next round is to be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rounds {
    /// How many questions.
    questions: usize,
    /// Whether questions share no members.
    apart: bool,
    /// Whether another order was supposed once.
    has_changed: bool,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { questions: FIRST_PLACES.len(), apart: false, has_changed: false }
    }
}

impl Rounds {
    /// The questions of the next round over `open`, the members of which nothing is known.
    pub(super) fn ask<T: Copy>(self, open: &[T]) -> Vec<Vec<T>> {
        if open.is_empty() {
            return Vec::new();
        }
        if self.apart {
            let size = open.len().div_ceil(self.questions);
            return open.chunks(size).map(<[T]>::to_vec).collect();
        }
        let first = FIRST_PLACES.into_iter().take(self.questions);
        let further = (FIRST_PLACES.len() + 1..).take(self.questions - first.len());
        let places = first.chain(further).filter(|place| *place < open.len());
        places.map(|place| open[place..].to_vec()).collect()
    }

    /// Learns from a round in which `selected` answers named a member, `new` of them different
    /// ones.
    pub(super) fn learn(&mut self, selected: usize, new: usize) {
        self.apart |= selected > 1 && selected >= new * 2;
        self.questions = match self.apart {
            true => (new * 4).clamp(LEAST_APART, MOST_QUESTIONS),
            false => (new * 2).clamp(LEAST_QUESTIONS, MOST_QUESTIONS),
        };
    }

    /// Forgets that the order was another one than supposed, since another is supposed now.
    pub(super) fn suppose_another_order(&mut self) {
        self.apart &= self.has_changed;
        self.has_changed = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Asks a server with this order until all is known; returns what it accepts and the number
    /// of rounds.
    fn find(list: &[u16], order: &[u16]) -> (Vec<u16>, usize) {
        let (mut rounds, mut open, mut found) = (Rounds::default(), list.to_vec(), Vec::new());
        let mut count = 0;
        while !open.is_empty() {
            count += 1;
            let (mut selected, before) = (0, found.len());
            for question in rounds.ask(&open) {
                match order.iter().find(|member| question.contains(member)) {
                    Some(member) => {
                        selected += 1;
                        if !found.contains(member) {
                            found.push(*member);
                        }
                    }
                    None => open.retain(|member| !question.contains(member)),
                }
            }
            open.retain(|member| !found.contains(member));
            rounds.learn(selected, found.len() - before);
            assert!(count <= list.len() + 1);
        }
        (found, count)
    }

    #[test]
    fn an_order_as_supposed_is_found_in_two_rounds() {
        let list: Vec<_> = (0..20).collect();
        let (found, rounds) = find(&list, &[0, 1, 2, 3, 4]);
        assert_eq!(found.len(), 5);
        assert!(rounds <= 2, "{rounds} rounds");
    }

    proptest! {
        #[test]
        fn whatever_the_order_all_members_are_found(
            list in Just((0u16..40).collect::<Vec<_>>()).prop_shuffle(),
            accepted in 0usize..40,
        ) {
            let all: Vec<_> = (0u16..40).collect();
            let (mut found, rounds) = find(&all, &list[..accepted]);
            let mut expected = list[..accepted].to_vec();
            found.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
            prop_assert!(rounds <= 14, "{} rounds", rounds);
        }
    }
}
