//! Distributions to aim at.

use super::PromptFacts;
use crate::config::with_unnamed;
use crate::error::PluginError;
use crate::field::Field;
use crate::math::log_sum_exp;
use serde::{Deserialize, Deserializer};

/// The distribution that an objective aims at, as experiments configure it: the base times a function of the reward,
/// normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// The filtered model p* = a v / Z.
    #[default]
    Filtered,
    /// The tilted distribution p_\[β\] = a e^{v/β} / Z_β.
    Tilted {
        /// β > 0.
        beta: f64,
    },
}

impl Target {
    /// How a configuration lists its field `target`.
    pub const FIELD: Field = Field::optional(
        "target",
        "Filtered | Tilted(beta)",
        "beta > 0",
        "Filtered",
        "the distribution to aim at: the base given that it is right, or a e^(v/beta) / Z",
    );

    /// Itself, if its β is one.
    ///
    /// # Errors
    /// For a value out of range, naming the field `target`.
    pub fn check(self) -> Result<Self, PluginError> {
        match self {
            Self::Tilted { beta } if !(beta > 0.0 && beta.is_finite()) => {
                let message =
                    format!("`beta` of `target: Tilted(beta)` must be a positive number, found `{beta}`");
                let error = PluginError::config("target", message);
                Err(error.with_hint("the limit of a beta of 0 is `target: Filtered`"))
            }
            fits => Ok(fits),
        }
    }

    /// Logarithm of what the base's probability of a sequence of this reward is multiplied by, the normaliser left out;
    /// −∞ where the target is 0 whatever the base is.
    pub fn log_weight(self, reward: f64) -> f64 {
        match self {
            Self::Filtered if reward > 0.0 => 0.0,
            Self::Filtered => f64::NEG_INFINITY,
            Self::Tilted { beta } => reward / beta,
        }
    }

    /// Logarithm of the exact normaliser of a prompt: log Z, or log Z_β = log(1 − Z + Z e^{1/β}); `None` where Z is unknown.
    pub fn log_partition(self, facts: PromptFacts) -> Option<f64> {
        let log_valid = facts.log_partition?;
        match self {
            Self::Filtered => Some(log_valid),
            Self::Tilted { beta } => {
                let log_invalid =
                    facts.log_invalidity.unwrap_or_else(|| crate::math::ln(-crate::math::exp_m1(log_valid)));
                Some(log_sum_exp(&[log_invalid, log_valid + 1.0 / beta]))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        enum Written {
            Filtered,
            Tilted { beta: f64 },
        }
        Ok(match with_unnamed("beta", deserializer)? {
            Written::Filtered => Self::Filtered,
            Written::Tilted { beta } => Self::Tilted { beta },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Z = 1/4, e^{1/β} = 3: Z_β = 3/4 + 3/4.
    #[test]
    fn normalisers_in_closed_form() {
        let facts = PromptFacts::new(0.25f64.ln(), 0.75f64.ln());
        let tilted = Target::Tilted { beta: 1.0 / 3f64.ln() };
        assert_eq!(Target::Filtered.log_partition(facts), Some(0.25f64.ln()));
        assert!((tilted.log_partition(facts).unwrap() - 1.5f64.ln()).abs() < 1e-15);
        assert_eq!(tilted.log_partition(PromptFacts::default()), None);
        assert!((tilted.log_weight(1.0) - 3f64.ln()).abs() < 1e-15);
        // A prompt that nothing solves is as the base has it, and one that everything solves is too.
        for facts in [PromptFacts::new(f64::NEG_INFINITY, 0.0), PromptFacts::new(0.0, f64::NEG_INFINITY)] {
            let expected = if facts.log_partition == Some(0.0) { 3f64.ln() } else { 0.0 };
            assert!((tilted.log_partition(facts).unwrap() - expected).abs() < 1e-15);
        }
        // e^{1/β} is beyond the range of numbers.
        let cold = Target::Tilted { beta: 1e-4 };
        assert!((cold.log_partition(facts).unwrap() - (1e4 + 0.25f64.ln())).abs() < 1e-9);
    }

    #[test]
    fn a_beta_out_of_range_is_refused_by_its_field() {
        for beta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Target::Tilted { beta }.check().unwrap_err().field.as_deref(), Some("target"));
        }
    }
}
