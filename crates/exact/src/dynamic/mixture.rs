//! Sums of geometric mixtures u^{1−ε} t^ε beside those of u itself, of which they differ by little near ε = 0.
//!
//! What is carried is the sum of u and the difference of the two, or the logarithms of the first and of their ratio: so
//! that where ε is tiny the difference, of order ε, has digits of its own. u is one of base and policy, t the other.

use pstar_core::math;

use crate::automata::product::Role;
use crate::dynamic::weight::{Choice, Dual, Weight, log_add};

/// Which mixture: u is `anchor`, t the other model, and `exponent` is ε.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixture {
    pub(crate) anchor: Role,
    /// At most 1; where it is negative, t reaches whatever u does.
    pub(crate) exponent: f64,
}

/// Logarithms of Σ u and of Σ u^{1−ε} t^ε / Σ u.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LogMixed {
    pub(crate) log_weight: f64,
    pub(crate) log_ratio: f64,
}

/// Σ u and Σ (u^{1−ε} t^ε − u).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mixed {
    pub(crate) weight: f64,
    pub(crate) difference: f64,
}

impl Mixture {
    pub(crate) fn linear(self, choice: Choice) -> Mixed {
        let LogMixed { log_ratio, .. } = self.logarithmic(choice);
        let weight = if self.anchor == Role::Base { choice.a } else { choice.q };
        Mixed { weight, difference: if weight == 0.0 { 0.0 } else { weight * math::exp_m1(log_ratio) } }
    }

    pub(crate) fn logarithmic(self, Choice { log_a, log_q, .. }: Choice) -> LogMixed {
        let (log_u, log_t) = if self.anchor == Role::Base { (log_a, log_q) } else { (log_q, log_a) };
        let log_ratio = match (log_u, log_t) {
            (f64::NEG_INFINITY, _) => 0.0,
            // With a negative exponent no output of u comes here.
            (_, f64::NEG_INFINITY) if self.exponent < 0.0 => 0.0,
            _ => self.exponent * (log_t - log_u),
        };
        LogMixed { log_weight: log_u, log_ratio }
    }
}

impl Mixed {
    /// As a sum with one moment, the difference.
    pub(crate) fn dual(self) -> Dual<1> {
        Dual { weight: self.weight, moments: [self.difference] }
    }
}

impl Weight for Mixed {
    const ZERO: Self = Self { weight: 0.0, difference: 0.0 };
    const ONE: Self = Self { weight: 1.0, difference: 0.0 };

    #[inline]
    fn add_product(self, factor: Self, sum: &mut Self) {
        sum.weight += self.weight * factor.weight;
        sum.difference +=
            self.difference * (factor.weight + factor.difference) + self.weight * factor.difference;
    }

    #[inline]
    fn magnitude(self) -> f64 {
        self.weight
    }

    fn scale(&mut self, factor: f64) {
        self.weight *= factor;
        self.difference *= factor;
    }
}

impl Weight for LogMixed {
    const ZERO: Self = Self { log_weight: f64::NEG_INFINITY, log_ratio: 0.0 };
    const ONE: Self = Self { log_weight: 0.0, log_ratio: 0.0 };

    #[inline]
    fn add_product(self, factor: Self, sum: &mut Self) {
        let added = self.log_weight + factor.log_weight;
        if added == f64::NEG_INFINITY {
            return;
        }
        let (log_weight, shares) = log_add(sum.log_weight, added);
        sum.log_ratio = log_mean(shares, [sum.log_ratio, self.log_ratio + factor.log_ratio]);
        sum.log_weight = log_weight;
    }

    fn magnitude(self) -> f64 {
        1.0
    }

    fn scale(&mut self, _: f64) {}
}

/// log Σ share · e^log, for shares that add up to 1: of logarithms near 0 with all of their digits.
fn log_mean([x, y]: [f64; 2], [log_x, log_y]: [f64; 2]) -> f64 {
    let (great, small, [of_great, of_small]) =
        if log_x >= log_y { (log_x, log_y, [x, y]) } else { (log_y, log_x, [y, x]) };
    if of_great == 0.0 || great == f64::NEG_INFINITY {
        return small;
    }
    let distance = small - great;
    great
        + if distance > -0.5 {
            math::ln_1p(of_small * math::exp_m1(distance))
        } else {
            math::ln(of_great + of_small * math::exp(distance))
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;

    #[test]
    fn a_mean_of_logarithms_near_0_keeps_their_digits() {
        assert_close(log_mean([0.25, 0.75], [1e-15, -3e-15]) / -2e-15, 1.0, 1e-14);
        assert_close(log_mean([0.25, 0.75], [4f64.ln(), f64::NEG_INFINITY]), 0.0, 1e-15);
        assert_close(log_mean([0.5, 0.5], [-2000.0, 3000.0]), 3000.0 + 0.5f64.ln(), 1e-12);
        assert_close(log_mean([1.0, 0.0], [0.0, 800.0]), 0.0, 0.0);
        assert_close(log_mean([0.5, 0.5], [f64::NEG_INFINITY; 2]), f64::NEG_INFINITY, 0.0);
    }

    /// Two choices, twice: u = (0.3, 0.7)², t = (0.6, 0.4)²; the sum of mixtures is a square.
    #[test]
    fn both_ways_of_carrying_give_the_product() {
        for exponent in [0.5, 1e-3, 1e-9, 1e-15, -0.25] {
            let mixture = Mixture { anchor: Role::Base, exponent };
            let choices =
                [[0.3f64, 0.6f64], [0.7, 0.4]].map(|[a, q]| Choice { a, log_a: a.ln(), q, log_q: q.ln() });
            let (mut linear, mut logarithmic) = (Mixed::ZERO, LogMixed::ZERO);
            for first in choices {
                for second in choices {
                    mixture.linear(first).add_product(mixture.linear(second), &mut linear);
                    mixture.logarithmic(first).add_product(mixture.logarithmic(second), &mut logarithmic);
                }
            }
            let one = 0.3 * (exponent * 2f64.ln()).exp_m1() + 0.7 * (exponent * (4f64 / 7.0).ln()).exp_m1();
            let expected = 2.0 * one.ln_1p();
            assert_close(linear.difference.ln_1p() / expected, 1.0, 1e-14);
            assert_close(logarithmic.log_ratio / expected, 1.0, 1e-14);
        }
    }
}
