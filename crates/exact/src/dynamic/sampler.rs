//! Exact samples of the filtered model p* = a·v / A1, however rare valid outputs are.
//!
//! From a node, a choice has p*'s probability a(choice) · A1(behind) / A1(node), where A1(node) is the base's mass of
//! the valid completions: one backward pass, then one inverse CDF a token. Checked against enumeration.

use std::f64::consts::LN_2;

use pstar_core::math;
use pstar_core::rng::{cumulative, pick};

use crate::{ModelRows, Product, Role, Weighted};

/// Draws outputs of the filtered model of a base.
#[derive(Clone, Debug)]
pub struct FilteredSampler {
    product: Product,
    base: ModelRows,
    masses: Completions,
}

impl FilteredSampler {
    /// For the base of `weighted`; `None` if it reaches no valid output.
    ///
    /// # Range and cost
    /// No range: every mass has an exponent of its own. Time O(transitions), memory 16 bytes a position and node that
    /// can become valid.
    pub fn new(weighted: &Weighted<'_>) -> Option<Self> {
        let masses = Completions::of(Walk::of(weighted, Role::Base), Wide::plus);
        let reaches = !masses.start().is_zero();
        reaches.then(|| Self { product: weighted.product.clone(), base: weighted.base.clone(), masses })
    }

    /// log A1, the logarithm of the base's mass of valid outputs.
    pub fn log_validity_rate(&self) -> f64 {
        self.masses.start().ln()
    }

    /// Draws an output into `tokens` and returns log p* of it.
    ///
    /// `uniforms` gives the number in [0, 1) that decides the choice at a position: the first, in the order of the
    /// symbols with the end symbol last, whose cumulative probability exceeds it. An end symbol is written as token V.
    ///
    /// # Range and cost
    /// Time O(choices) a token.
    pub fn sample(&self, mut uniforms: impl FnMut(usize) -> f64, tokens: &mut Vec<u32>) -> f64 {
        let walk = Walk { product: &self.product, rows: &self.base, role: Role::Base as usize };
        let choices = self.product.space().choices();
        let (mut probs, mut sums) = (vec![0.0; choices], vec![0.0; choices]);
        let mut log_prob = 0.0;
        let mut node = 0;
        tokens.clear();
        for position in 0..self.product.space().horizon {
            let here = self.masses.at(position, node);
            for (prob, step) in probs.iter_mut().zip(walk.steps(position, node)) {
                *prob = step.prob.times(self.masses.behind(position, step.behind)).over(here);
            }
            cumulative(&probs, &mut sums);
            let choice = pick(&sums, uniforms(position)).min(choices - 1);
            tokens.push(u32::try_from(choice).unwrap_or(u32::MAX));
            let Some(step) = walk.steps(position, node).nth(choice) else { break };
            log_prob += step.log_prob;
            let Behind::Node(next) = step.behind else { break };
            node = next;
        }
        log_prob - self.log_validity_rate()
    }
}

/// The choices of one model along a product, from the nodes that can still become valid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk<'a> {
    product: &'a Product,
    rows: &'a ModelRows,
    /// Which of a pair's states is the model's.
    role: usize,
}

/// What lies behind a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A node that can still become valid.
    Node(usize),
    /// The end of a valid output.
    Valid,
    /// Nothing valid.
    Nothing,
}

/// A choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) log_prob: f64,
    pub(super) prob: Wide,
    pub(super) behind: Behind,
}

impl<'a> Walk<'a> {
    pub(super) fn of(weighted: &Weighted<'a>, role: Role) -> Self {
        let rows = if role == Role::Policy { weighted.policy } else { weighted.base };
        let role = if weighted.product.has_policy() { role } else { Role::Base } as usize;
        Self { product: weighted.product, rows, role }
    }

    /// Number of positions.
    pub(super) fn horizon(self) -> usize {
        self.product.layers().len()
    }

    /// Number of nodes at a position that can still become valid; 0 at the horizon.
    pub(super) fn alive(self, position: usize) -> usize {
        self.product.layers().get(position).map_or(0, |layer| layer.alive)
    }

    /// The choices at a node: symbols, then the end symbol if there is one.
    pub(super) fn steps(self, position: usize, node: usize) -> impl Iterator<Item = Step> {
        let space = self.product.space();
        let (layer, table) = (&self.product.layers()[position], self.rows.table(position));
        let last = position + 1 == space.horizon;
        let alive = if last { 1 } else { self.alive(position + 1) };
        let first = layer.pairs[layer.pair[node] as usize][self.role] as usize * space.choices();
        let successors = layer.successors[node * space.symbols..][..space.symbols].iter();
        let symbols = successors.map(move |&successor| match successor as usize {
            dead if dead >= alive => Behind::Nothing,
            _ if last => Behind::Valid,
            node => Behind::Node(node),
        });
        let end = if layer.ends_valid[node] { Behind::Valid } else { Behind::Nothing };
        let choices = first..first + space.choices();
        let row = table.log_probs[choices.clone()].iter().zip(&table.probs[choices]);
        // The row of a space without an end symbol stops before it.
        row.zip(symbols.chain([end])).map(|((&log_prob, &prob), behind)| Step {
            log_prob,
            prob: Wide::of_prob(prob, log_prob),
            behind,
        })
    }
}

/// A sum, or the greatest, of the weights of the valid completions of every node that has any.
#[derive(Clone, Debug)]
pub(super) struct Completions {
    layers: Vec<Vec<Wide>>,
}

impl Completions {
    pub(super) fn of(walk: Walk<'_>, combine: impl Fn(Wide, Wide) -> Wide) -> Self {
        let mut completions = Self { layers: vec![Vec::new(); walk.horizon()] };
        for position in (0..walk.horizon()).rev() {
            let layer = (0..walk.alive(position))
                .map(|node| {
                    let steps = walk.steps(position, node);
                    let weights =
                        steps.map(|step| step.prob.times(completions.behind(position, step.behind)));
                    weights.fold(Wide::ZERO, &combine)
                })
                .collect();
            completions.layers[position] = layer;
        }
        completions
    }

    /// From the start.
    pub(super) fn start(&self) -> Wide {
        self.layers.first().and_then(|layer| layer.first()).copied().unwrap_or(Wide::ZERO)
    }

    pub(super) fn at(&self, position: usize, node: usize) -> Wide {
        self.layers[position][node]
    }

    /// From what lies behind a choice at `position`.
    pub(super) fn behind(&self, position: usize, behind: Behind) -> Wide {
        match behind {
            Behind::Node(node) => self.at(position + 1, node),
            Behind::Valid => Wide::ONE,
            Behind::Nothing => Wide::ZERO,
        }
    }
}

/// A number of at least 0 with an exponent of its own: products of any length neither underflow nor overflow, and keep
/// the precision that logarithms of that size would lose. The order is that of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Wide {
    exponent: i64,
    /// In [1, 2), or 0.
    mantissa: f64,
}

impl Wide {
    pub(super) const ZERO: Self = Self { exponent: i64::MIN / 2, mantissa: 0.0 };
    pub(super) const ONE: Self = Self { exponent: 0, mantissa: 1.0 };

    /// A logarithm further from 0 counts as this one, so that only −∞ gives zero and no exponent overflows.
    const MOST_LOG: f64 = 1e12;

    /// Of a number of at least 0 that is normal or 0.
    pub(super) fn new(value: f64) -> Self {
        Self::normalised(value, 0)
    }

    /// e^log.
    #[allow(clippy::cast_possible_truncation, reason = "at most MOST_LOG / log 2")]
    pub(super) fn exp(log: f64) -> Self {
        if log == f64::NEG_INFINITY {
            return Self::ZERO;
        }
        let log = log.clamp(-Self::MOST_LOG, Self::MOST_LOG);
        let exponent = (log / LN_2).round();
        Self::normalised(math::exp(log - exponent * LN_2), exponent as i64)
    }

    /// A probability; zero only where its logarithm is −∞.
    fn of_prob(prob: f64, log_prob: f64) -> Self {
        if prob >= f64::MIN_POSITIVE { Self::new(prob) } else { Self::exp(log_prob) }
    }

    fn normalised(value: f64, exponent: i64) -> Self {
        const MANTISSA: u64 = (1 << 52) - 1;
        if value == 0.0 {
            return Self::ZERO;
        }
        let bits = value.to_bits();
        let shift = (bits >> 52).cast_signed() - 1023;
        Self { exponent: exponent + shift, mantissa: f64::from_bits(bits & MANTISSA | 1023 << 52) }
    }

    pub(super) fn is_zero(self) -> bool {
        self.mantissa == 0.0
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self::normalised(self.mantissa * other.mantissa, self.exponent + other.exponent)
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let (great, small) = if self >= other { (self, other) } else { (other, self) };
        if small.is_zero() || great.exponent - small.exponent > 64 {
            return great;
        }
        let small = small.mantissa * power_of_two(small.exponent - great.exponent);
        Self::normalised(great.mantissa + small, great.exponent)
    }

    pub(super) fn max(self, other: Self) -> Self {
        if self >= other { self } else { other }
    }

    /// self / other; 0 if both are zero.
    pub(super) fn over(self, other: Self) -> f64 {
        if self.is_zero() {
            return 0.0;
        }
        let exponent = self.exponent - other.exponent;
        Self { exponent, mantissa: self.mantissa / other.mantissa }.value()
    }

    /// The number itself; 0 or infinite where it is beyond the range.
    pub(super) fn value(self) -> f64 {
        let exponent = self.exponent.clamp(-1200, 1200);
        self.mantissa * power_of_two(exponent / 2) * power_of_two(exponent - exponent / 2)
    }

    fn ln(self) -> f64 {
        math::ln(self.mantissa) + self.exponent as f64 * LN_2
    }
}

/// 2^exponent for the exponents of normal numbers.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits((exponent + 1023).cast_unsigned() << 52)
}

#[cfg(test)]
pub(super) mod tests;
