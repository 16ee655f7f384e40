//! What objectives claim to follow.

use crate::math;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an objective claims its expected gradient for a prompt to be, up to a positive factor that all prompts share: the
/// gradient of a function of the validity rate V, which is w(V)·∇V.
///
/// ```
/// use pstar_core::objective::Claim;
///
/// let half = [0.5f64.ln(); 2];
/// assert_eq!(Claim::ValidityRate.weight(half), 1.0);
/// // 4 (1 − V)³
/// assert!((Claim::PassAtK { k: 4 }.weight(half) - 0.5).abs() < 1e-15);
/// assert_eq!(Claim::PassAtK { k: 4 }.to_string(), "∇pass@4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Claim {
    /// ∇V: w = 1.
    ValidityRate,
    /// ∇(1 − (1 − V)^k): w = k (1 − V)^(k−1).
    PassAtK {
        /// k, at least 1.
        k: u32,
    },
    /// ∇ log V, w = 1/V, or the first `order` terms of its series at V = 1, w = (1 − (1 − V)^order)/V.
    LogValidity {
        /// The number of terms; all if absent.
        order: Option<u32>,
    },
    /// ∇ V^(1−q)/(1 − q), or ∇ log V at q = 1: w = V^(−q).
    Power {
        /// q.
        q: f64,
    },
}

impl Claim {
    /// w at a validity rate, given by the logarithms of it and of the invalidity rate; 0 where that is beyond the range of
    /// numbers, as of a prompt that is never solved, whose ∇V is 0 as well.
    pub fn weight(self, [log_valid, log_invalid]: [f64; 2]) -> f64 {
        // log(1 − V)^n, where 0 · −∞ is 0.
        let failures = |n: f64| if n == 0.0 { 0.0 } else { n * log_invalid };
        let weight = match self {
            Self::ValidityRate => 1.0,
            Self::PassAtK { k } => f64::from(k) * math::exp(failures(f64::from(k) - 1.0)),
            Self::LogValidity { order: None } => math::exp(-log_valid),
            Self::LogValidity { order: Some(order) } => {
                -math::exp_m1(failures(f64::from(order))) * math::exp(-log_valid)
            }
            Self::Power { q } => math::exp(-q * log_valid),
        };
        if weight.is_finite() { weight } else { 0.0 }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValidityRate => f.write_str("∇V"),
            Self::PassAtK { k } => write!(f, "∇pass@{k}"),
            Self::LogValidity { order: None } => f.write_str("∇log V"),
            Self::LogValidity { order: Some(order) } => write!(f, "∇log V, {order} terms"),
            Self::Power { q } => write!(f, "V^-{q} ∇V"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(claim: Claim, v: f64) -> f64 {
        claim.weight([math::ln(v), math::ln_1p(-v)])
    }

    /// The primitives of the documentation, by central differences: an error of about h² of the third derivative and of
    /// rounding over h.
    #[test]
    fn weights_are_the_derivatives_of_what_is_claimed() {
        type Primitive = fn(f64) -> f64;
        let claims: [(Claim, Primitive); 6] = [
            (Claim::ValidityRate, |v| v),
            (Claim::PassAtK { k: 1 }, |v| v),
            (Claim::PassAtK { k: 4 }, |v| 1.0 - (1.0 - v).powi(4)),
            (Claim::LogValidity { order: None }, f64::ln),
            // −Σ (1 − V)^m/m, the logarithm's series.
            (Claim::LogValidity { order: Some(3) }, |v| {
                -(1..=3).map(|m| (1.0 - v).powi(m) / f64::from(m)).sum::<f64>()
            }),
            (Claim::Power { q: 0.75 }, |v| v.powf(0.25) / 0.25),
        ];
        for (claim, primitive) in claims {
            for v in [0.01, 0.3, 0.5, 0.99] {
                let h = 1e-5 * v;
                let slope = (primitive(v + h) - primitive(v - h)) / (2.0 * h);
                assert!((weight(claim, v) - slope).abs() < 1e-8 * slope.abs().max(1e-2), "{claim} at {v}");
            }
        }
    }

    #[test]
    fn weights_are_numbers_everywhere() {
        let claims = [
            Claim::ValidityRate,
            Claim::PassAtK { k: u32::MAX },
            Claim::LogValidity { order: None },
            Claim::LogValidity { order: Some(u32::MAX) },
            Claim::Power { q: 300.0 },
        ];
        for masses in [[f64::NEG_INFINITY, 0.0], [0.0, f64::NEG_INFINITY], [-800.0, 0.0], [-2.0, -0.1]] {
            assert!(claims.iter().all(|claim| claim.weight(masses).is_finite()), "{masses:?}");
        }
        assert_eq!(weight(Claim::PassAtK { k: 1 }, 1.0), 1.0);
        assert_eq!(weight(Claim::PassAtK { k: 2 }, 1.0), 0.0);
        assert_eq!(weight(Claim::LogValidity { order: Some(2) }, 1.0), 1.0);
    }
}
