//! What is carried along a product: sums of products of probabilities, and of those times logarithms.
//!
//! The weight of an output is a^s q^t, a product over its tokens. [`Dual`] carries the sum of the weights of all ways
//! to a node, and the sums of weight times Σ_tokens (x log a + y log q): the expectation semiring of Eisner (2002).
//! [`LogDual`] does the same in log space, for sums that would underflow.

use pstar_core::math;

/// What is carried.
pub(crate) trait Weight: Copy {
    /// The empty sum.
    const ZERO: Self;
    /// The weight of the empty prefix.
    const ONE: Self;

    /// Adds `self · factor` to `sum`.
    fn add_product(self, factor: Self, sum: &mut Self);

    /// What scaling looks at; 0 for nothing.
    fn magnitude(self) -> f64;

    /// Multiplies by a power of two.
    fn scale(&mut self, factor: f64);
}

/// A sum of weights and N sums of weights times logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dual<const N: usize> {
    pub(crate) weight: f64,
    pub(crate) moments: [f64; N],
}

impl<const N: usize> Weight for Dual<N> {
    const ZERO: Self = Self { weight: 0.0, moments: [0.0; N] };
    const ONE: Self = Self { weight: 1.0, moments: [0.0; N] };

    #[inline]
    fn add_product(self, factor: Self, sum: &mut Self) {
        sum.weight += self.weight * factor.weight;
        for n in 0..N {
            sum.moments[n] += self.moments[n] * factor.weight + self.weight * factor.moments[n];
        }
    }

    #[inline]
    fn magnitude(self) -> f64 {
        self.weight
    }

    fn scale(&mut self, factor: f64) {
        self.weight *= factor;
        self.moments.iter_mut().for_each(|moment| *moment *= factor);
    }
}

/// A sum of weights alone.
impl Weight for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline]
    fn add_product(self, factor: Self, sum: &mut Self) {
        *sum += self * factor;
    }

    #[inline]
    fn magnitude(self) -> f64 {
        self
    }

    fn scale(&mut self, factor: f64) {
        *self *= factor;
    }
}

/// log(e^x + e^y), and the share of each, where not both are 0.
#[inline]
pub(super) fn log_add(x: f64, y: f64) -> (f64, [f64; 2]) {
    let greatest = x.max(y);
    let parts = [x, y].map(|log| math::exp(log - greatest));
    let sum = parts[0] + parts[1];
    (greatest + math::ln(sum), parts.map(|part| part / sum))
}

/// The logarithm of a sum of weights, and N means of logarithms under those weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LogDual<const N: usize> {
    pub(crate) log_weight: f64,
    pub(crate) means: [f64; N],
}

impl<const N: usize> Weight for LogDual<N> {
    const ZERO: Self = Self { log_weight: f64::NEG_INFINITY, means: [0.0; N] };
    const ONE: Self = Self { log_weight: 0.0, means: [0.0; N] };

    #[inline]
    fn add_product(self, factor: Self, sum: &mut Self) {
        let added = self.log_weight + factor.log_weight;
        if added == f64::NEG_INFINITY {
            return;
        }
        let (log_weight, [_, share]) = log_add(sum.log_weight, added);
        for n in 0..N {
            sum.means[n] += share * (self.means[n] + factor.means[n] - sum.means[n]);
        }
        sum.log_weight = log_weight;
    }

    fn magnitude(self) -> f64 {
        1.0
    }

    fn scale(&mut self, _: f64) {}
}

/// The logarithm of the greatest weight: max-plus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Greatest(pub(crate) f64);

impl Weight for Greatest {
    const ZERO: Self = Self(f64::NEG_INFINITY);
    const ONE: Self = Self(0.0);

    #[inline]
    fn add_product(self, factor: Self, sum: &mut Self) {
        let found = self.0 + factor.0;
        sum.0 = if found > sum.0 { found } else { sum.0 };
    }

    fn magnitude(self) -> f64 {
        1.0
    }

    fn scale(&mut self, _: f64) {}
}

/// Which of base and policy reach a prefix: the supports, whatever underflows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Support(u8);

impl Support {
    const BOTH: u8 = 1;
    const BASE: u8 = 2;
    const POLICY: u8 = 4;

    /// Of one choice.
    pub(crate) fn of(in_base: bool, in_policy: bool) -> Self {
        Self(match (in_base, in_policy) {
            (true, true) => Self::BOTH,
            (true, false) => Self::BASE,
            (false, true) => Self::POLICY,
            (false, false) => 0,
        })
    }

    /// Whether the base reaches an output that the policy does not.
    pub(crate) fn policy_misses(self) -> bool {
        self.0 & Self::BASE != 0
    }

    /// Whether the policy reaches an output that the base does not.
    pub(crate) fn policy_escapes(self) -> bool {
        self.0 & Self::POLICY != 0
    }
}

impl Weight for Support {
    const ZERO: Self = Self(0);
    const ONE: Self = Self(Self::BOTH);

    #[inline]
    fn add_product(self, factor: Self, sum: &mut Self) {
        let only = |one: u8| {
            let reaches = |support: u8| support & (Self::BOTH | one) != 0;
            (self.0 & one != 0 && reaches(factor.0)) || (factor.0 & one != 0 && reaches(self.0))
        };
        sum.0 |= self.0 & factor.0 & Self::BOTH;
        sum.0 |= if only(Self::BASE) { Self::BASE } else { 0 };
        sum.0 |= if only(Self::POLICY) { Self::POLICY } else { 0 };
    }

    fn magnitude(self) -> f64 {
        1.0
    }

    fn scale(&mut self, _: f64) {}
}

/// One choice under base and policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) log_a: f64,
    pub(crate) a: f64,
    pub(crate) log_q: f64,
    pub(crate) q: f64,
}

/// A weight a^base q^policy, and the logarithms x log a + y log q whose expectations are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expectation<const N: usize> {
    pub(crate) base: f64,
    pub(crate) policy: f64,
    pub(crate) moments: [[f64; 2]; N],
}

impl<const N: usize> Expectation<N> {
    #[inline]
    pub(crate) fn linear(&self, choice: Choice) -> Dual<N> {
        let weight = power(choice.a, choice.log_a, self.base) * power(choice.q, choice.log_q, self.policy);
        let moments = if weight == 0.0 { [0.0; N] } else { self.logs(choice).map(|log| weight * log) };
        Dual { weight, moments }
    }

    #[inline]
    pub(crate) fn logarithmic(&self, choice: Choice) -> LogDual<N> {
        let part = |exponent: f64, log: f64| match (exponent, log) {
            (0.0, _) => 0.0,
            (_, f64::NEG_INFINITY) => f64::NEG_INFINITY,
            _ => exponent * log,
        };
        let log_weight = part(self.base, choice.log_a) + part(self.policy, choice.log_q);
        LogDual {
            log_weight,
            means: if log_weight > f64::NEG_INFINITY { self.logs(choice) } else { [0.0; N] },
        }
    }

    /// A zero counts as a logarithm of 0: where it has weight, the supports have said so.
    #[inline]
    fn logs(&self, choice: Choice) -> [f64; N] {
        let part = |factor: f64, log: f64| if log == f64::NEG_INFINITY { 0.0 } else { factor * log };
        self.moments.map(|[x, y]| part(x, choice.log_a) + part(y, choice.log_q))
    }
}

/// prob^exponent over the support: 1 for an exponent of 0, and 0 wherever else the probability is 0.
#[inline]
fn power(prob: f64, log_prob: f64, exponent: f64) -> f64 {
    match exponent {
        0.0 => 1.0,
        1.0 => prob,
        _ if log_prob == f64::NEG_INFINITY => 0.0,
        2.0 => prob * prob,
        0.5 => prob.sqrt(),
        _ => math::exp(exponent * log_prob),
    }
}
