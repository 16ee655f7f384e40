//! Penalties on the distance from the base, or from what sampled, token by token.

use crate::aggregate::Aggregate;
use pstar_core::objective::ObjectiveBatch;
use pstar_core::{Field, PluginError, math};
use serde::Deserialize;

/// −coefficient times an estimate of a divergence, as a term of the loss.
///
/// With x = log(q/o), o the base or what sampled: k1 = x, k2 = x²/2, k3 = e^−x − 1 + x, abs = |x|. What they do is their slope
/// in log q: 1, x, 1 − e^−x, sign x.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Penalty {
    estimator: Estimator,
    coefficient: f64,
    to: Other,
    /// How its tokens add up; as the rest where absent.
    #[serde(default)]
    aggregate: Option<Aggregate>,
    /// Greater estimates have no gradient.
    #[serde(default)]
    clamp: Option<f64>,
    /// Whether a factor with a gradient of its own is part of it.
    #[serde(default)]
    weighted: Weighted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Estimator {
    K1,
    K2,
    K3,
    Abs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Other {
    Base,
    Behaviour,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Weighted {
    /// No factor.
    #[default]
    None,
    /// q/b of the token.
    Ratio,
    /// One that is 1, and whose derivative is that of log q.
    #[serde(rename = "Self")]
    Own,
}

impl Penalty {
    pub(crate) const FIELD: Field = Field::optional(
        "penalties",
        "list of (estimator: K1 | K2 | K3 | Abs, coefficient, to: Base | Behaviour, aggregate, clamp: None, weighted: None | Ratio | Self)",
        "clamp > 0",
        "[]",
        "what the distance from the base, or from what sampled, costs",
    );

    /// # Errors
    /// For a value out of range.
    pub(crate) fn check(self) -> Result<(), PluginError> {
        if !self.coefficient.is_finite() {
            let message = format!("`coefficient` must be a number, found `{}`", self.coefficient);
            return Err(PluginError::config("penalties", message));
        }
        if let Some(clamp) = self.clamp.filter(|clamp| clamp.is_nan() || *clamp <= 0.0) {
            let message = format!("`clamp` must be a positive number, found `{clamp}`");
            return Err(PluginError::config("penalties", message));
        }
        self.aggregate.map_or(Ok(()), Aggregate::check)
    }

    /// Adds its part to coefficients, one a token, whose own terms add up by `aggregate`.
    ///
    /// # Errors
    /// If the batch lacks base log-probabilities.
    pub(crate) fn add(
        self,
        batch: &ObjectiveBatch<'_>,
        aggregate: Aggregate,
        c: &mut [f64],
    ) -> Result<(), PluginError> {
        let others = match self.to {
            Other::Base => batch.base_log_probs()?,
            Other::Behaviour => batch.behaviour_log_probs(),
        };
        let shares = self.aggregate.unwrap_or(aggregate).shares(batch, |_| true);
        let rows = batch.log_probs().rows().zip(others.rows()).zip(batch.behaviour_log_probs().rows());
        let tokens = rows.zip(shares).flat_map(|(((now, other), then), share)| {
            now.iter()
                .zip(other)
                .zip(then)
                .map(move |((&log_q, &log_o), &log_b)| (share, [log_q, log_o, log_b]))
        });
        for (c, (share, [log_q, log_o, log_b])) in c.iter_mut().zip(tokens) {
            let weight = if self.weighted == Weighted::Ratio { math::exp(log_q - log_b) } else { 1.0 };
            // What the policy cannot produce has no gradient.
            if log_q > f64::NEG_INFINITY {
                *c -= self.coefficient * share * self.slope(log_q - log_o, weight);
            }
        }
        Ok(())
    }

    /// The derivative of a token's term in log q.
    fn slope(self, x: f64, weight: f64) -> f64 {
        let (value, slope) = match self.estimator {
            Estimator::K1 => (x, 1.0),
            Estimator::K2 => (0.5 * x * x, x),
            Estimator::K3 => (math::exp_m1(-x) + x, -math::exp_m1(-x)),
            Estimator::Abs => (x.abs(), if x == 0.0 { 0.0 } else { x.signum() }),
        };
        if self.clamp.is_some_and(|clamp| (weight * value).abs() > clamp) {
            return 0.0;
        }
        weight * if self.weighted == Weighted::None { slope } else { slope + value }
    }
}
