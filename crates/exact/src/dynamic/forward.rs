//! The forward recursion over a product.
//!
//! In linear space with one power of two a layer; where that could have lost something, again in log space, which is
//! about ten times slower.

use std::f64::consts::LN_2;
use std::sync::Arc;

use pstar_core::math;

use crate::automata::product::{Product, Role};
use crate::dynamic::mixture::{LogMixed, Mixed, Mixture};
use crate::dynamic::rows::ModelRows;
use crate::dynamic::weight::{Choice, Dual, Expectation, Greatest, LogDual, Support, Weight};

/// A product with the probabilities of its models. Where there is no policy, the base stands in for it.
#[derive(Clone, Copy, Debug)]
pub struct WeightedProduct<'a> {
    /// The product.
    pub product: &'a Product,
    /// The base's choices.
    pub base: &'a ModelRows,
    /// The policy's choices; the base's own where the product has no policy.
    pub policy: &'a ModelRows,
}

/// Which outputs count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The valid ones.
    Valid,
    /// All.
    All,
}

/// A sum times a power of two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Total<W> {
    pub(crate) value: W,
    pub(crate) exponent: i32,
}

/// A sum over valid outputs and one over the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums<W> {
    pub(crate) valid: Total<W>,
    pub(crate) invalid: Total<W>,
    /// The greatest exponent that any layer had.
    peak: i32,
}

/// Layers are scaled when their greatest weight leaves 2^±BOUND.
const BOUND: i32 = 256;

/// Up to this exponent no number of prefixes, of which the least is 1, has been lost beside the greatest.
const MOST_GROWTH: i32 = 640;

impl<'a> WeightedProduct<'a> {
    /// Of a base alone.
    pub fn of_base(product: &'a Product, base: &'a ModelRows) -> Self {
        Self { product, base, policy: base }
    }

    /// Sums a weight over outputs, each the product of the factors of its choices.
    pub(crate) fn sum<W: Weight>(&self, scope: Scope, factor: impl Fn(Choice) -> W) -> Sums<W> {
        self.sum_of(scope, Factors { factor, table: Vec::new(), made_for: None })
    }

    /// Sums the probability of outputs under one of the models.
    fn mass(&self, scope: Scope, role: Role) -> Sums<f64> {
        let rows = if role == Role::Policy { self.policy } else { self.base };
        let role = if self.product.has_policy() { role } else { Role::Base } as usize;
        self.sum_of(scope, Probs { rows, role })
    }

    fn sum_of<W: Weight>(&self, scope: Scope, mut source: impl FactorSource<W>) -> Sums<W> {
        let space = self.product.space();
        let (symbols, choices) = (space.symbols, space.choices());
        let mut weights = vec![W::ONE];
        let mut next = Vec::new();
        let mut exponent = 0;
        let mut sums = Sums { valid: Total::EMPTY, invalid: Total::EMPTY, peak: 0 };
        for (position, layer) in self.product.layers().iter().enumerate() {
            let factors = source.at(self, position);
            let nodes = if scope == Scope::Valid { layer.alive } else { layer.nodes() };
            next.clear();
            next.resize(layer.next_nodes, W::ZERO);
            let pairs = layer.pair[..nodes].iter().zip(&weights[..nodes]);
            for ((&pair, &weight), successors) in pairs.zip(layer.successors.chunks_exact(symbols)) {
                let row = &factors.table[factors.row(pair, choices)..][..symbols];
                for (&factor, &successor) in row.iter().zip(successors) {
                    weight.add_product(factor, &mut next[successor as usize]);
                }
            }
            if self.product.ends_early() {
                let mut classes = [W::ZERO; 2];
                let ends = layer.pair[..nodes].iter().zip(&weights[..nodes]).zip(&layer.ends_valid);
                for ((&pair, &weight), &valid) in ends {
                    let factor = factors.table[factors.row(pair, choices) + symbols];
                    weight.add_product(factor, &mut classes[usize::from(!valid)]);
                }
                sums.add(classes, exponent);
            }
            std::mem::swap(&mut weights, &mut next);
            if let (Scope::Valid, Some(behind)) = (scope, self.product.layers().get(position + 1)) {
                weights.truncate(behind.alive);
            }
            if position + 1 < space.horizon {
                exponent += rescale(&mut weights);
                sums.peak = sums.peak.max(exponent);
            }
        }
        sums.add([weights[0], weights[1]], exponent);
        if scope == Scope::Valid {
            sums.invalid = Total::EMPTY;
        }
        sums
    }

    /// The greatest log-weight of a valid output and of another; −∞ where there is none.
    pub(crate) fn greatest(&self, log_factor: impl Fn(Choice) -> f64) -> [f64; 2] {
        let sums = self.sum(Scope::All, |choice| Greatest(log_factor(choice)));
        [sums.valid.value.0, sums.invalid.value.0]
    }

    /// How the supports of base and policy differ on the valid outputs and on the others.
    pub(crate) fn supports(&self) -> [Support; 2] {
        if !self.base.has_zeros() && !self.policy.has_zeros() {
            return [Support::ONE; 2];
        }
        let factor =
            |choice: Choice| Support::of(choice.log_a > f64::NEG_INFINITY, choice.log_q > f64::NEG_INFINITY);
        let sums = self.sum(Scope::All, factor);
        [sums.valid.value, sums.invalid.value]
    }

    /// The number of valid outputs that the base reaches, as a logarithm, and the mean of log q over them.
    pub(crate) fn uniform_over_base(&self) -> [LogDual<1>; 2] {
        let counted = |choice: Choice| {
            let reached = choice.log_a > f64::NEG_INFINITY;
            let moment = if reached && choice.log_q > f64::NEG_INFINITY { choice.log_q } else { 0.0 };
            (reached, moment)
        };
        let sums = self.sum(Scope::Valid, |choice| {
            let (reached, moment) = counted(choice);
            Dual { weight: f64::from(u8::from(reached)), moments: [moment] }
        });
        // Numbers grow, unlike probabilities: where they have grown much, few prefixes may be lost that are many later.
        if sums.peak <= MOST_GROWTH {
            return [sums.valid.log_dual(), sums.invalid.log_dual()];
        }
        let sums = self.sum(Scope::Valid, |choice| {
            let (reached, moment) = counted(choice);
            LogDual { log_weight: if reached { 0.0 } else { f64::NEG_INFINITY }, means: [moment] }
        });
        [sums.valid.value, sums.invalid.value]
    }

    /// Sums a weight over the valid outputs and over the others: the logarithms of the sums, and the expectations
    /// under the normalised weights. With [`Scope::Valid`] the second is empty.
    pub(crate) fn expectations<const N: usize>(
        &self,
        scope: Scope,
        wanted: &Expectation<N>,
    ) -> [LogDual<N>; 2] {
        let linear = match (wanted.base, wanted.policy) {
            (1.0, 0.0) if N == 0 => self.mass(scope, Role::Base).log_duals(scope, plain),
            (0.0, 1.0) if N == 0 => self.mass(scope, Role::Policy).log_duals(scope, plain),
            (base, policy) if base < 0.0 || policy < 0.0 => None,
            _ => self.sum(scope, |choice| wanted.linear(choice)).log_duals(scope, |dual| dual),
        };
        if let Some(classes) = linear {
            return classes;
        }
        let sums = self.sum(scope, |choice| wanted.logarithmic(choice));
        [sums.valid.value, sums.invalid.value]
    }
}

impl WeightedProduct<'_> {
    /// Sums a geometric mixture of base and policy over the valid outputs, beside one of the two.
    pub(crate) fn mixed(&self, mixture: Mixture) -> LogMixed {
        // Outside (0, 1) a mixture has no bound, and may overflow where its anchor does not.
        let bounded = mixture.exponent > 0.0 && mixture.exponent < 1.0;
        let linear = bounded.then(|| self.sum(Scope::Valid, |choice| mixture.linear(choice)));
        match linear.and_then(|sums| sums.log_duals(Scope::Valid, Mixed::dual)) {
            Some([LogDual { log_weight, means: [relative] }, _]) => {
                // Rounding may put the mixture below nothing.
                LogMixed { log_weight, log_ratio: math::ln_1p(relative.max(-1.0)) }
            }
            None => self.sum(Scope::Valid, |choice| mixture.logarithmic(choice)).valid.value,
        }
    }
}

impl<W: Weight> Total<W> {
    const EMPTY: Self = Self { value: W::ZERO, exponent: 0 };

    /// The logarithm of a part of the sum.
    pub(crate) fn log(&self, part: impl Fn(&W) -> f64) -> f64 {
        math::ln(part(&self.value)) + f64::from(self.exponent) * LN_2
    }

    fn map<V>(self, part: impl Fn(W) -> V) -> Total<V> {
        Total { value: part(self.value), exponent: self.exponent }
    }

    fn add(&mut self, mut value: W, exponent: i32) {
        if value.magnitude() == 0.0 {
            return;
        }
        if self.value.magnitude() == 0.0 {
            self.exponent = exponent;
        }
        let greatest = self.exponent.max(exponent);
        self.value.scale(power_of_two(self.exponent - greatest));
        value.scale(power_of_two(exponent - greatest));
        self.exponent = greatest;
        W::ONE.add_product(value, &mut self.value);
    }
}

/// A sum without moments.
fn plain<const N: usize>(weight: f64) -> Dual<N> {
    Dual { weight, moments: [0.0; N] }
}

impl<W: Weight> Sums<W> {
    /// Logarithms and means; `None` where sums in linear space could have lost something.
    fn log_duals<const N: usize>(self, scope: Scope, dual: impl Fn(W) -> Dual<N>) -> Option<[LogDual<N>; 2]> {
        let classes = [self.valid, self.invalid].map(|class| class.map(&dual));
        // What a layer lost lies below 2^−1022 of what it kept.
        let least = f64::from(self.peak - 900) * LN_2;
        let needed = if scope == Scope::Valid { 1 } else { 2 };
        let kept = classes[..needed].iter().all(|class| class.log(|dual| dual.weight) > least);
        kept.then(|| classes.map(|class| class.log_dual()))
    }
}

impl<const N: usize> Total<Dual<N>> {
    fn log_dual(&self) -> LogDual<N> {
        let weight = self.value.weight;
        let mean = |moment: f64| if moment == 0.0 { 0.0 } else { moment / weight };
        LogDual { log_weight: self.log(|dual| dual.weight), means: self.value.moments.map(mean) }
    }
}

impl<W: Weight> Sums<W> {
    fn add(&mut self, [valid, invalid]: [W; 2], exponent: i32) {
        self.valid.add(valid, exponent);
        self.invalid.add(invalid, exponent);
    }
}

/// Brings the greatest weight near 1 if it is far from it; returns the exponent that was taken out.
fn rescale<W: Weight>(weights: &mut [W]) -> i32 {
    let greatest = weights.iter().map(|weight| weight.magnitude()).fold(0.0, f64::max);
    let exponent = if greatest > 0.0 { exponent_of(greatest) } else { 0 };
    if exponent.abs() < BOUND {
        return 0;
    }
    let factor = power_of_two(-exponent);
    for weight in weights {
        weight.scale(factor);
    }
    exponent
}

/// The exponent of a positive number.
fn exponent_of(x: f64) -> i32 {
    let bits = i32::try_from(x.to_bits() >> 52 & 0x7ff).unwrap_or(0);
    bits - 1023
}

/// 2^exponent; 0 below the normal numbers.
fn power_of_two(exponent: i32) -> f64 {
    if exponent < -1022 {
        return 0.0;
    }
    f64::from_bits(u64::try_from(exponent.min(1023) + 1023).unwrap_or(0) << 52)
}

/// The factors of a layer's choices: rows of a table, and for each pair of states which.
struct LayerFactors<'a, W> {
    table: &'a [W],
    /// The pairs and which of their states is the row; the pair itself where absent.
    states: Option<(&'a [[u32; 2]], usize)>,
}

impl<W> LayerFactors<'_, W> {
    /// Where the row of a pair begins.
    #[inline]
    fn row(&self, pair: u32, choices: usize) -> usize {
        let row = self.states.map_or(pair, |(pairs, role)| pairs[pair as usize][role]);
        row as usize * choices
    }
}

/// Gives the factors, layer by layer.
trait FactorSource<W> {
    fn at<'a>(&'a mut self, weighted: &WeightedProduct<'a>, position: usize) -> LayerFactors<'a, W>;
}

/// Probabilities as they are.
struct Probs<'r> {
    rows: &'r ModelRows,
    role: usize,
}

impl FactorSource<f64> for Probs<'_> {
    fn at<'a>(&'a mut self, weighted: &WeightedProduct<'a>, position: usize) -> LayerFactors<'a, f64> {
        let pairs = &weighted.product.layers()[position].pairs;
        LayerFactors { table: &self.rows.table(position).probs, states: Some((pairs, self.role)) }
    }
}

/// What a function makes of choices: pairs × choices. Kept from position to position where nothing changes.
struct Factors<W, F> {
    factor: F,
    table: Vec<W>,
    made_for: Option<[*const (); 3]>,
}

impl<W, F: Fn(Choice) -> W> FactorSource<W> for Factors<W, F> {
    fn at<'a>(&'a mut self, weighted: &WeightedProduct<'a>, position: usize) -> LayerFactors<'a, W> {
        let layer = &weighted.product.layers()[position];
        let (base, policy) = (weighted.base.table(position), weighted.policy.table(position));
        let made_for = [Arc::as_ptr(layer).cast(), Arc::as_ptr(base).cast(), Arc::as_ptr(policy).cast()];
        if self.made_for != Some(made_for) {
            self.made_for = Some(made_for);
            let choices = weighted.product.space().choices();
            let policy_role = if weighted.product.has_policy() { Role::Policy } else { Role::Base } as usize;
            self.table.clear();
            for pair in &layer.pairs {
                let (a, q) = (pair[0] as usize * choices, pair[policy_role] as usize * choices);
                self.table.extend((0..choices).map(|choice| {
                    (self.factor)(Choice {
                        log_a: base.log_probs[a + choice],
                        a: base.probs[a + choice],
                        log_q: policy.log_probs[q + choice],
                        q: policy.probs[q + choice],
                    })
                }));
            }
        }
        LayerFactors { table: &self.table, states: None }
    }
}
