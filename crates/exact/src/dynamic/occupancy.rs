//! Expected counts of a policy's choices along a product, by forward and backward recursions.
//!
//! A policy is a table of softmax rows in one flat vector; many nodes can share a row. For any weight a^s q^t of
//! the valid outputs, [`Posterior`] is the distribution proportional to it; its expected counts, how often a row is
//! used and what it chooses there, make gradients and projections. All is in log space, so that neither a long
//! output nor a choice of probability e^−λ underflows, and in a fixed order. Checked against enumeration.
//!
//! # Source
//! The forward–backward algorithm of Baum (1972), with weights for probabilities.

use std::sync::Arc;

use pstar_core::math;

use crate::automata::product::{Layer, Role};
use crate::{ModelRows, Product};

/// Where the rows of a policy's states begin in its parameters, for every position.
#[derive(Clone, Debug)]
pub struct PolicyRows {
    /// For each position, aligned with the policy's states there.
    offsets: Vec<Arc<[usize]>>,
}

impl PolicyRows {
    /// Asks `place` for the offsets of the rows of a position's states. Equal neighbours share their memory.
    ///
    /// # Errors
    /// Those of `place`.
    ///
    /// # Panics
    /// If the product has no policy, or `place` does not give one offset a state.
    pub fn new<E>(
        product: &Product,
        mut place: impl FnMut(usize, &[u64]) -> Result<Vec<usize>, E>,
    ) -> Result<Self, E> {
        assert!(product.has_policy(), "a product of base and policy");
        let mut offsets: Vec<Arc<[usize]>> = Vec::new();
        for (position, layer) in product.layers().iter().enumerate() {
            let states = &layer.states[Role::Policy as usize];
            let here = place(position, states)?;
            assert_eq!(here.len(), states.len(), "one row a state");
            offsets.push(match offsets.last().filter(|before| before[..] == here) {
                Some(before) => Arc::clone(before),
                None => here.into(),
            });
        }
        Ok(Self { offsets })
    }
}

/// One prompt of a task, with its part in means over prompts.
#[derive(Clone, Copy, Debug)]
pub struct PromptProblem<'a> {
    /// Base, policy and verifier.
    pub product: &'a Product,
    /// The base's choices.
    pub base: &'a ModelRows,
    /// Where the policy's rows lie.
    pub rows: &'a PolicyRows,
    /// The prompt's weight in means.
    pub weight: f64,
    /// log A1, of the base; −∞ if it reaches no valid output.
    pub log_valid: f64,
    /// log A0, of the base.
    pub log_invalid: f64,
}

/// What lies behind a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// A node of the next position.
    Node(usize),
    /// The end of an output, valid or not.
    End(bool),
}

/// One choice at a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Index of the choice in the policy's parameters.
    pub(crate) index: usize,
    /// Log-probability under the base.
    pub(crate) log_a: f64,
    /// Log-probability under the policy.
    pub(crate) log_q: f64,
    /// Where it leads.
    pub(crate) behind: Behind,
}

impl PromptProblem<'_> {
    /// Whether the base reaches a valid output.
    pub(crate) fn has_filtered(&self) -> bool {
        self.log_valid > f64::NEG_INFINITY
    }

    /// The first parameter of every row that is used, with repetitions.
    pub(crate) fn row_starts(&self) -> impl Iterator<Item = usize> + '_ {
        self.rows.offsets.iter().flat_map(|offsets| offsets.iter().copied())
    }

    /// Whether the policy's rows lie in the same places at two positions of one layer.
    pub(crate) fn same_rows(&self, position: usize, other: usize) -> bool {
        self.rows.offsets[position] == self.rows.offsets[other]
    }

    /// The choices at a node, for a policy of log-probabilities `log_q`.
    #[inline]
    pub(crate) fn steps<'s>(
        &'s self,
        log_q: &'s [f64],
        position: usize,
        node: usize,
    ) -> impl Iterator<Item = Step> + 's {
        let space = self.product.space();
        let (symbols, choices) = (space.symbols, space.choices());
        let last = position + 1 == space.horizon;
        let layer: &Layer = &self.product.layers()[position];
        let [base, policy] = layer.pairs[layer.pair[node] as usize];
        let log_a = &self.base.table(position).log_probs[base as usize * choices..][..choices];
        let first = self.rows.offsets[position][policy as usize];
        let log_q = &log_q[first..first + choices];
        let successors = &layer.successors[node * symbols..][..symbols];
        (0..choices).map(move |choice| Step {
            index: first + choice,
            log_a: log_a[choice],
            log_q: log_q[choice],
            behind: match successors.get(choice) {
                None => Behind::End(layer.ends_valid[node]),
                Some(&successor) if last => Behind::End(successor == 0),
                Some(&successor) => Behind::Node(successor as usize),
            },
        })
    }
}

/// The weights of the prompts in means of figures: over those that have p*, unless none has.
pub(crate) fn mean_weights(problems: &[PromptProblem<'_>]) -> Vec<f64> {
    let all = !problems.iter().any(PromptProblem::has_filtered);
    let counted =
        |problem: &PromptProblem<'_>| if all || problem.has_filtered() { problem.weight } else { 0.0 };
    let total: f64 = problems.iter().map(counted).sum();
    problems.iter().map(|problem| counted(problem) / total).collect()
}

/// The logarithm of a growing sum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogSum {
    greatest: f64,
    scaled: f64,
}

impl LogSum {
    /// The empty sum.
    pub(crate) const EMPTY: Self = Self { greatest: f64::NEG_INFINITY, scaled: 0.0 };

    /// Adds e^log.
    #[inline]
    pub(crate) fn add(&mut self, log: f64) {
        if log <= self.greatest {
            if log > f64::NEG_INFINITY {
                self.scaled += math::exp(log - self.greatest);
            }
        } else {
            self.scaled = self.scaled * math::exp(self.greatest - log) + 1.0;
            self.greatest = log;
        }
    }

    /// The logarithm; −∞ for nothing.
    #[inline]
    pub(crate) fn log(&self) -> f64 {
        if self.scaled == 1.0 { self.greatest } else { self.greatest + math::ln(self.scaled) }
    }
}

/// The distribution over valid outputs that is proportional to a^base q^policy.
pub(crate) struct Posterior<'a> {
    problem: &'a PromptProblem<'a>,
    log_q: &'a [f64],
    exponents: [f64; 2],
    /// Whether outputs that the policy misses weigh nothing, even with an exponent of 0.
    reached: bool,
    /// Position by position, the log-weight of all valid ends of the nodes that have one.
    future: Vec<Vec<f64>>,
}

impl<'a> Posterior<'a> {
    /// Runs backwards; `exponents` are those of base and policy, and 0⁰ = 1.
    pub(crate) fn new(problem: &'a PromptProblem<'a>, log_q: &'a [f64], exponents: [f64; 2]) -> Self {
        Self::run(problem, log_q, exponents, false)
    }

    /// The same over the outputs that the policy reaches.
    pub(crate) fn of_reached(problem: &'a PromptProblem<'a>, log_q: &'a [f64], exponents: [f64; 2]) -> Self {
        Self::run(problem, log_q, exponents, true)
    }

    fn run(problem: &'a PromptProblem<'a>, log_q: &'a [f64], exponents: [f64; 2], reached: bool) -> Self {
        let layers = problem.product.layers();
        let mut posterior =
            Self { problem, log_q, exponents, reached, future: vec![Vec::new(); layers.len()] };
        for (position, layer) in layers.iter().enumerate().rev() {
            let future = (0..layer.alive)
                .map(|node| {
                    let mut sum = LogSum::EMPTY;
                    for step in problem.steps(log_q, position, node) {
                        sum.add(posterior.log_weight(&step) + posterior.behind(position, step.behind));
                    }
                    sum.log()
                })
                .collect();
            posterior.future[position] = future;
        }
        posterior
    }

    /// The logarithm of the sum of the weights.
    pub(crate) fn log_total(&self) -> f64 {
        self.future[0].first().copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// Runs forwards and shows every choice in use with the logarithm of its expected count.
    pub(crate) fn visit(&self, mut see: impl FnMut(&Step, f64)) {
        if self.log_total() == f64::NEG_INFINITY {
            return;
        }
        let (mut here, mut next) = (vec![0.0], Vec::new());
        for (position, layer) in self.problem.product.layers().iter().enumerate() {
            next.clear();
            next.resize(layer.next_nodes, LogSum::EMPTY);
            for (node, &log_occupancy) in here.iter().enumerate().take(layer.alive) {
                if log_occupancy == f64::NEG_INFINITY {
                    continue;
                }
                let log_unit = log_occupancy - self.future[position][node];
                for step in self.problem.steps(self.log_q, position, node) {
                    let log_count = log_unit + self.log_weight(&step) + self.behind(position, step.behind);
                    if log_count == f64::NEG_INFINITY {
                        continue;
                    }
                    see(&step, log_count);
                    if let Behind::Node(successor) = step.behind {
                        next[successor].add(log_count);
                    }
                }
            }
            here.clear();
            here.extend(next.iter().map(LogSum::log));
        }
    }

    #[inline]
    fn log_weight(&self, step: &Step) -> f64 {
        if self.reached && step.log_q == f64::NEG_INFINITY {
            return f64::NEG_INFINITY;
        }
        let [base, policy] = self.exponents;
        let part = |exponent: f64, log: f64| if exponent == 0.0 { 0.0 } else { exponent * log };
        part(base, step.log_a) + part(policy, step.log_q)
    }

    /// The log-weight of all valid ends from behind a choice at a position.
    #[inline]
    pub(crate) fn behind(&self, position: usize, behind: Behind) -> f64 {
        match behind {
            Behind::End(true) => 0.0,
            Behind::End(false) => f64::NEG_INFINITY,
            Behind::Node(node) => self.future[position + 1].get(node).copied().unwrap_or(f64::NEG_INFINITY),
        }
    }
}

/// The rows of a policy that some prompt uses.
#[derive(Clone, Debug)]
pub(crate) struct RowSet {
    /// Where they begin, increasing.
    pub(crate) starts: Vec<usize>,
    /// Entries of a row.
    pub(crate) choices: usize,
}

/// Where the rows lie that the problems use: ranges of parameters, increasing.
pub fn rows_in_use(problems: &[PromptProblem<'_>]) -> Vec<std::ops::Range<usize>> {
    RowSet::of(problems).ranges().collect()
}

impl RowSet {
    /// Of all prompts.
    pub(crate) fn of(problems: &[PromptProblem<'_>]) -> Self {
        let mut starts: Vec<usize> = problems.iter().flat_map(PromptProblem::row_starts).collect();
        starts.sort_unstable();
        starts.dedup();
        let choices = problems.first().map_or(0, |problem| problem.product.space().choices());
        Self { starts, choices }
    }

    /// The range of each row.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.starts.iter().map(|&start| start..start + self.choices)
    }

    /// Log-probabilities from logits, row by row; what is in no row is left as it is.
    pub(crate) fn log_softmax(&self, parameters: &[f64]) -> Vec<f64> {
        let mut log_q = parameters.to_vec();
        for range in self.ranges() {
            let row = &mut log_q[range];
            let log_norm = math::log_sum_exp(row);
            if log_norm > f64::NEG_INFINITY {
                for log_prob in row.iter_mut() {
                    *log_prob -= log_norm;
                }
            }
        }
        log_q
    }
}

#[cfg(test)]
pub(crate) mod tests;
