//! Results in the order of their targets.

use std::collections::BTreeMap;

/// How many results may wait for one before them, for each that is worked on.
const WAITING: usize = 2;

/// Holds back what is done before its turn; not more than a few times what is worked on at once.
#[derive(Debug)]
pub(super) struct Order<T> {
    begun: usize,
    taken: usize,
    waiting: BTreeMap<usize, T>,
    most: usize,
}

impl<T> Order<T> {
    /// For so many things worked on at once.
    pub(super) fn new(at_once: usize) -> Self {
        Self { begun: 0, taken: 0, waiting: BTreeMap::new(), most: at_once * WAITING }
    }

    /// The number of the next thing to work on.
    pub(super) fn number(&mut self) -> usize {
        self.begun += 1;
        self.begun - 1
    }

    /// Whether another should be begun before what the others wait for is done.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < self.most
    }

    pub(super) fn put(&mut self, number: usize, done: T) {
        self.waiting.insert(number, done);
    }

    /// The next in turn, if it is done.
    pub(super) fn take(&mut self) -> Option<T> {
        let next = self.waiting.remove(&self.taken)?;
        self.taken += 1;
        Some(next)
    }

    /// All that is done, in order.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.waiting).into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_turn() {
        let mut order = Order::new(1);
        let numbers = [order.number(), order.number(), order.number(), order.number()];
        assert_eq!(numbers, [0, 1, 2, 3]);
        order.put(2, 'c');
        assert!(order.has_room());
        order.put(1, 'b');
        assert_eq!(order.take(), None);
        assert!(!order.has_room(), "two wait for the first");
        order.put(0, 'a');
        assert_eq!([order.take(), order.take(), order.take()], [Some('a'), Some('b'), Some('c')]);
        assert!(order.has_room());
    }

    #[test]
    fn what_is_done_is_not_lost_with_what_is_not() {
        let mut order = Order::new(4);
        order.put(3, 'd');
        order.put(1, 'b');
        assert_eq!(order.rest().collect::<Vec<_>>(), ['b', 'd']);
    }
}
