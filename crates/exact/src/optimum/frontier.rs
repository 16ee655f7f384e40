//! What a best-first search has not looked at yet.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Open entries, the one of the highest priority first; of several, the one that is greatest by `T`, which decides alone
/// and so keeps the order of a search the same everywhere.
#[derive(Debug)]
pub(super) struct Frontier<T, E> {
    heap: BinaryHeap<Open<T, E>>,
}

#[derive(Debug)]
struct Open<T, E> {
    priority: f64,
    tie: T,
    entry: E,
}

impl<T: Ord, E> Frontier<T, E> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new() }
    }

    pub(super) fn push(&mut self, priority: f64, tie: T, entry: E) {
        self.heap.push(Open { priority, tie, entry });
    }

    /// The priority of the entry that comes next.
    pub(super) fn highest(&self) -> Option<f64> {
        self.heap.peek().map(|open| open.priority)
    }

    /// Takes out the entry that comes next.
    pub(super) fn pop(&mut self) -> Option<E> {
        self.heap.pop().map(|open| open.entry)
    }
}

impl<T: Ord, E> Ord for Open<T, E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority.total_cmp(&other.priority).then_with(|| self.tie.cmp(&other.tie))
    }
}

impl<T: Ord, E> PartialOrd for Open<T, E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord, E> PartialEq for Open<T, E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord, E> Eq for Open<T, E> {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Reverse;

    #[test]
    fn the_highest_comes_first_and_the_oldest_of_several() {
        let mut frontier = Frontier::new();
        for (age, priority) in [0.5, 2.0, f64::NEG_INFINITY, 2.0, 0.5].into_iter().enumerate() {
            frontier.push(priority, Reverse(age), age);
        }
        assert_eq!(frontier.highest(), Some(2.0));
        let order: Vec<usize> = std::iter::from_fn(|| frontier.pop()).collect();
        assert_eq!(order, [1, 3, 0, 4, 2]);
        assert_eq!(frontier.highest(), None);
    }
}
