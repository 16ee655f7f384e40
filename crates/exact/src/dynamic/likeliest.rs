//! The most probable outputs of spaces that nobody can enumerate, by best-first search.
//!
//! A prefix is as good as its best completion, which one backward pass over the product knows for every node: the search
//! opens the best prefix first and goes straight to its end, so that each output costs its length. Checked against
//! sorting all outputs.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::{Likely, Role, WeightedProduct};

/// Prefixes whose best completions differ by less than a billionth count as equal, so that rounding does not send the
/// search to and fro between them.
const STEPS: f64 = 1e9;

/// Prefixes that are opened at most: many times what outputs of any length take.
const MOST_OPENED: usize = 1 << 20;

/// The best log-probability of a completion, of each class, of every node.
type Best = Vec<Vec<[f64; 2]>>;

/// A prefix that waits to be opened.
struct Prefix {
    /// The best completion's log-probability, in steps.
    steps: i64,
    /// That of the prefix.
    log_prob: f64,
    position: usize,
    node: usize,
    /// The number of the choice that led here, and of the one before it.
    choice: usize,
    /// Whether it is an output.
    complete: bool,
}

impl Ord for Prefix {
    /// The best first; of equal ones the longest, so that one is brought to its end before others are looked at.
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |prefix: &Self| (prefix.steps, prefix.complete, prefix.position);
        key(self).cmp(&key(other)).then(other.choice.cmp(&self.choice))
    }
}

impl PartialOrd for Prefix {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Prefix {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Prefix {}

/// The `count` most probable valid outputs of base or policy and the `count` most probable others, each in
/// [order](Likely::order); fewer where fewer have any probability. `None` if the search was given up.
///
/// # Range and cost
/// Nothing underflows. What is left out is no more probable than what is given but by 10⁻⁹ of its size, and where more
/// outputs than that are equal, which of them are given is open. Time O(transitions) and O(count × horizon × choices),
/// memory 16 bytes a position and node.
pub fn likeliest(weighted: &WeightedProduct<'_>, role: Role, count: usize) -> Option<[Vec<Likely>; 2]> {
    let search = Search::new(weighted, role);
    Some([search.run(0, count)?, search.run(1, count)?])
}

struct Search<'a> {
    weighted: &'a WeightedProduct<'a>,
    role: Role,
    best: Best,
}

/// What lies behind a choice.
#[derive(Clone, Copy)]
enum Behind {
    Node(usize),
    /// The end of an output, of this class.
    End(usize),
}

impl<'a> Search<'a> {
    fn new(weighted: &'a WeightedProduct<'a>, role: Role) -> Self {
        let horizon = weighted.product.space().horizon;
        let mut search = Self { weighted, role, best: vec![Vec::new(); horizon] };
        for position in (0..horizon).rev() {
            let nodes = weighted.product.layers()[position].nodes();
            let best = (0..nodes).map(|node| {
                let mut best = [f64::NEG_INFINITY; 2];
                for (_, log_prob, behind) in search.steps(position, node) {
                    for (class, best) in best.iter_mut().enumerate() {
                        *best = best.max(log_prob + search.behind(position, behind, class));
                    }
                }
                best
            });
            search.best[position] = best.collect();
        }
        search
    }

    /// The choices at a node: symbols, then the end symbol if there is one.
    fn steps(&self, position: usize, node: usize) -> impl Iterator<Item = (u32, f64, Behind)> + '_ {
        let WeightedProduct { product, base, policy } = self.weighted;
        let (rows, role) = match self.role {
            Role::Policy if product.has_policy() => (policy, 1),
            Role::Policy => (policy, 0),
            Role::Base => (base, 0),
        };
        let space = product.space();
        let layer = &product.layers()[position];
        let last = position + 1 == space.horizon;
        let first = layer.pairs[layer.pair[node] as usize][role] as usize * space.choices();
        let row = &rows.table(position).log_probs[first..][..space.choices()];
        let successors = &layer.successors[node * space.symbols..][..space.symbols];
        let symbols = successors.iter().map(move |&successor| match successor as usize {
            class if last => Behind::End(class),
            node => Behind::Node(node),
        });
        let end = Behind::End(usize::from(!layer.ends_valid[node]));
        let steps = (0..).zip(row).zip(symbols.chain([end]));
        steps
            .map(|((token, &log_prob), behind)| (token, log_prob, behind))
            .filter(|(_, log_prob, _)| *log_prob > f64::NEG_INFINITY)
    }

    fn behind(&self, position: usize, behind: Behind, class: usize) -> f64 {
        match behind {
            Behind::Node(node) => self.best[position + 1][node][class],
            Behind::End(found) if found == class => 0.0,
            Behind::End(_) => f64::NEG_INFINITY,
        }
    }

    fn run(&self, class: usize, count: usize) -> Option<Vec<Likely>> {
        let mut found = Vec::new();
        // Every choice that was made, and the one before it.
        let mut choices: Vec<(u32, usize)> = Vec::new();
        let mut waiting = BinaryHeap::new();
        let start =
            self.best.first().and_then(|layer| layer.first()).map_or(f64::NEG_INFINITY, |best| best[class]);
        if start > f64::NEG_INFINITY && count > 0 {
            let (log_prob, choice) = (0.0, usize::MAX);
            let complete = false;
            waiting.push(Prefix { steps: steps(start), log_prob, position: 0, node: 0, choice, complete });
        }
        let mut opened = 0;
        while let Some(prefix) = waiting.pop() {
            if prefix.complete {
                let tokens = tokens(&choices, prefix.choice);
                found.push(Likely::of_tokens(tokens, prefix.log_prob, self.weighted.product.space()));
                if found.len() == count {
                    break;
                }
                continue;
            }
            opened += 1;
            if opened > MOST_OPENED {
                return None;
            }
            for (token, log_prob, behind) in self.steps(prefix.position, prefix.node) {
                let rest = self.behind(prefix.position, behind, class);
                if rest == f64::NEG_INFINITY {
                    continue;
                }
                let log_prob = prefix.log_prob + log_prob;
                let (node, complete) = match behind {
                    Behind::Node(node) => (node, false),
                    Behind::End(_) => (0, true),
                };
                choices.push((token, prefix.choice));
                let (position, choice) = (prefix.position + 1, choices.len() - 1);
                waiting.push(Prefix {
                    steps: steps(log_prob + rest),
                    log_prob,
                    position,
                    node,
                    choice,
                    complete,
                });
            }
        }
        found.sort_by(Likely::order);
        Some(found)
    }
}

/// A log-probability in steps, so that what differs by rounding is equal.
#[allow(clippy::cast_possible_truncation, reason = "saturates, where all are as improbable")]
fn steps(log_prob: f64) -> i64 {
    (log_prob * STEPS).round() as i64
}

/// The tokens of the choices up to one.
fn tokens(choices: &[(u32, usize)], mut last: usize) -> Vec<u32> {
    let mut tokens = Vec::new();
    while let Some(&(token, before)) = choices.get(last) {
        tokens.push(token);
        last = before;
    }
    tokens.reverse();
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamic::sampler::tests::{Task, even, independent};
    use crate::testing::assert_close;
    use crate::{ExplicitAutomaton, OutputSpace};
    use pstar_core::data::Ending;

    /// Against sorting all outputs. Those whose probabilities are equal but for rounding may stand for one another.
    #[test]
    fn equals_sorting_on_random_tasks() {
        let mut whole = 0;
        for seed in 0..500 {
            let task = Task::random(seed);
            let outputs = task.outputs();
            for (role, index) in [(Role::Base, 0), (Role::Policy, usize::MAX)] {
                let found = likeliest(&task.weighted(), role, 10).unwrap();
                for (valid, found) in [true, false].into_iter().zip(found) {
                    let mut all: Vec<(f64, Vec<u32>)> = outputs
                        .iter()
                        .filter(|output| output.valid == valid)
                        .map(|output| {
                            let log_prob = output.log_probs[index.min(output.log_probs.len() - 1)];
                            (log_prob, output.tokens.clone())
                        })
                        .filter(|(log_prob, _)| *log_prob > f64::NEG_INFINITY)
                        .collect();
                    all.sort_by(|(x, a), (y, b)| y.total_cmp(x).then(a.cmp(b)));
                    assert_eq!(found.len(), all.len().min(10), "seed {seed}");
                    whole += found.len();
                    let mut met = std::collections::BTreeSet::new();
                    for (likely, (expected, _)) in found.iter().zip(&all) {
                        assert_close(likely.log_prob, *expected, 1e-9 * (1.0 + expected.abs()));
                        let mut tokens = likely.symbols.clone();
                        tokens.extend(likely.ended.then_some(u32::try_from(task.space.symbols).unwrap()));
                        let known =
                            all.iter().find(|(_, known)| *known == tokens).expect("an output of the class");
                        assert_close(likely.log_prob, known.0, 1e-12 * (1.0 + known.0.abs()));
                        assert!(met.insert(tokens), "twice");
                    }
                }
            }
        }
        assert!(whole > 5000, "{whole}");
    }

    #[test]
    fn of_4_to_the_40_equal_outputs_ten_are_found_at_once() {
        let space = OutputSpace { symbols: 4, horizon: 40, ending: Ending::FixedLength };
        let task = Task::new(vec![independent(&[0.25; 4], 4)], even(4), space, false);
        let [valid, invalid] = likeliest(&task.weighted(), Role::Base, 10).unwrap();
        for likely in valid.iter().chain(&invalid) {
            assert_close(likely.log_prob, 40.0 * 0.25f64.ln(), 1e-12);
        }
        assert_eq!((valid.len(), invalid.len()), (10, 10));
        let zeros = |likely: &Likely| likely.symbols.iter().filter(|&&symbol| symbol == 0).count();
        assert!(valid.iter().all(|likely| zeros(likely) % 2 == 0));
        assert!(invalid.iter().all(|likely| zeros(likely) % 2 == 1));
    }

    /// Independent symbols of 0.6, 0.3 and 0.1: the best have all the likeliest, then one of the second.
    #[test]
    fn underflow_and_depth_are_no_obstacle() {
        let space = OutputSpace { symbols: 3, horizon: 3000, ending: Ending::FixedLength };
        let all = ExplicitAutomaton { symbols: 3, next: vec![0; 3], accepts: vec![true] };
        let task = Task::new(vec![independent(&[0.6, 0.3, 0.1], 3)], all, space, false);
        let [valid, invalid] = likeliest(&task.weighted(), Role::Base, 5).unwrap();
        assert!(invalid.is_empty());
        assert_close(valid[0].log_prob, 3000.0 * 0.6f64.ln(), 1e-8);
        for likely in &valid[1..] {
            assert_close(likely.log_prob, 2999.0 * 0.6f64.ln() + 0.3f64.ln(), 1e-8);
            assert_eq!(likely.symbols.iter().sum::<u32>(), 1);
        }
    }
}
