//! The divergences D(q‖p) = E_p f(q/p), by the pseudo-reward −f′ of each.

use pstar_core::objective::{self, Target};
use pstar_core::{Field, PluginError, math};
use serde::Deserialize;
use std::f64::consts::LN_2;

/// A divergence of the policy q from the target p.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Divergence {
    /// KL(p‖q): f = −log t.
    ForwardKl,
    /// KL(q‖p): f = t log t.
    ReverseKl,
    /// The sum of the two KLs to the midpoint, twice their mean: f = t log t − (1 + t) log((1 + t)/2).
    JensenShannon,
    /// Half the sum of the absolute differences: f = |t − 1|/2.
    TotalVariation,
    /// χ²(p‖q) = E_q (p/q)² − 1: f = (1 − t)²/t.
    ChiSquared,
    /// χ²(q‖p) = E_p (q/p)² − 1: f = (t − 1)².
    ReverseChiSquared,
    /// The α-divergence at α = ½, 4 (1 − Σ √(p q)): f = 2 (1 − √t)².
    Hellinger,
}

impl Divergence {
    pub(crate) const FIELD: Field = Field::required(
        "divergence",
        "ForwardKl | ReverseKl | JensenShannon | TotalVariation | ChiSquared | ReverseChiSquared | Hellinger",
        "ReverseKl and ReverseChiSquared with a tilted target alone",
        "how far the policy is from the target",
    );

    /// Refuses a target of which the divergence is infinite for every policy that can be wrong.
    ///
    /// # Errors
    /// Naming the field `divergence`.
    pub(crate) fn check(self, target: Target) -> Result<(), PluginError> {
        if !self.needs_support() || !target.is_on_right() {
            return Ok(());
        }
        let name = if target == Target::Filtered { "filtered model" } else { "power-filtered target" };
        let message = format!(
            "`divergence: {self:?}` to the {name} is infinite for every policy that can give a wrong answer"
        );
        let hint = "aim at the tilted distribution with `target: Tilted(…)`, or choose a divergence that a target of 0 \
                    leaves finite, such as `ForwardKl` or `JensenShannon`";
        Err(PluginError::config("divergence", message).with_hint(hint))
    }

    /// Whether it is infinite where the policy can give what the target cannot.
    pub(crate) fn needs_support(self) -> bool {
        matches!(self, Self::ReverseKl | Self::ReverseChiSquared)
    }

    /// The host's name of it, where the host has one.
    pub(crate) fn known(self, target: Target) -> Option<objective::Divergence> {
        match (self, target) {
            (Self::ForwardKl, Target::Filtered) => Some(objective::Divergence::KlFromFiltered),
            (Self::Hellinger, Target::Filtered) => Some(objective::Divergence::Alpha { alpha: 0.5 }),
            (Self::ReverseKl, Target::Tilted { beta }) => Some(objective::Divergence::KlToTilted { beta }),
            (of_filtered, Target::Power { alpha }) => of_filtered.known(Target::Filtered)?.of_power(alpha),
            _ => None,
        }
    }

    /// −f′(t) times e^`log_factor`, at log t = −`log_ratio`, the log of p/q: −∞ where p is 0. The product may be a number
    /// where −f′ itself is beyond them.
    pub(crate) fn scaled_pseudo_reward(self, log_ratio: f64, log_factor: f64) -> f64 {
        let times = |scale: f64, exponent: f64, rest: f64| {
            scale * math::exp(exponent + log_factor) + rest * math::exp(log_factor)
        };
        match self {
            Self::ForwardKl => times(1.0, log_ratio, 0.0),
            Self::ChiSquared => times(1.0, 2.0 * log_ratio, -1.0),
            Self::Hellinger => times(2.0, 0.5 * log_ratio, -2.0),
            Self::ReverseChiSquared => times(-2.0, -log_ratio, 2.0),
            bounded => times(0.0, f64::NEG_INFINITY, bounded.pseudo_reward(log_ratio)),
        }
    }

    /// −f′(t) at log t = −`log_ratio`, the log of p/q: −∞ where p is 0.
    pub(crate) fn pseudo_reward(self, log_ratio: f64) -> f64 {
        match self {
            Self::ForwardKl => math::exp(log_ratio),
            Self::ReverseKl => log_ratio - 1.0,
            Self::JensenShannon => math::softplus(log_ratio) - LN_2,
            Self::TotalVariation => {
                0.5 * (f64::from(u8::from(log_ratio > 0.0)) - f64::from(u8::from(log_ratio < 0.0)))
            }
            Self::ChiSquared => math::exp_m1(2.0 * log_ratio),
            Self::ReverseChiSquared => -2.0 * math::exp_m1(-log_ratio),
            Self::Hellinger => 2.0 * math::exp_m1(0.5 * log_ratio),
        }
    }
}
