//! Distributions to aim at.

use super::PromptFacts;
use crate::config::with_unnamed_of;
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
    /// The power-filtered target p_α = a^α v / Z_α: p* at α = 1, sharper above it, flatter below, and at 0 uniform on the
    /// right outputs that the base can produce.
    Power {
        /// α from 0 to [`MOST_POWER`](Target::MOST_POWER); configurations that say 1 mean [`Filtered`](Target::Filtered).
        alpha: f64,
    },
}

impl Target {
    /// The greatest α: beyond it the rounding of log a, times α, is more than log p_α has to tell.
    pub const MOST_POWER: f64 = 1e9;

    /// How a configuration lists its field `target`.
    pub const FIELD: Field = Field::optional(
        "target",
        "Filtered | Tilted(beta) | Power(alpha)",
        "beta > 0, alpha from 0 to 1e9",
        "Filtered",
        "the distribution to aim at: the base given that it is right, a e^(v/beta) / Z, or a^alpha v / Z",
    );

    /// Itself, if its β or α is one.
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
            Self::Power { alpha } if !(0.0..=Self::MOST_POWER).contains(&alpha) => {
                let message = format!(
                    "`alpha` of `target: Power(alpha)` must be a number from 0 to {:e}, found `{alpha}`",
                    Self::MOST_POWER
                );
                let error = PluginError::config("target", message);
                Err(error.with_hint(
                    "0 is uniform on right answers, 1 is `target: Filtered`, and above 1 the likeliest ones gain",
                ))
            }
            fits => Ok(fits),
        }
    }

    /// Whether it gives nothing to wrong answers: where no answer is right, it does not exist.
    pub fn is_on_right(self) -> bool {
        !matches!(self, Self::Tilted { .. })
    }

    /// The power of the base that the target holds, where that is not the base itself: what to
    /// [declare](super::Declaration::power).
    pub fn power(self) -> Option<f64> {
        match self {
            Self::Power { alpha } => Some(alpha),
            _ => None,
        }
    }

    /// Logarithm of the base's part of the target: of the base's probability of a sequence, or of a power of that. −∞ of
    /// what the base cannot produce, whatever the power.
    pub fn log_base(self, log_prob: f64) -> f64 {
        match self {
            Self::Power { alpha } if log_prob > f64::NEG_INFINITY => alpha * log_prob,
            _ => log_prob,
        }
    }

    /// Logarithm of what the [base's part](Self::log_base) is multiplied by for a sequence of this reward, the normaliser
    /// left out; −∞ where the target is 0 whatever the base is.
    pub fn log_weight(self, reward: f64) -> f64 {
        match self {
            Self::Filtered | Self::Power { .. } if reward > 0.0 => 0.0,
            Self::Filtered | Self::Power { .. } => f64::NEG_INFINITY,
            Self::Tilted { beta } => reward / beta,
        }
    }

    /// Logarithm of the exact normaliser of a prompt: log Z, log Z_β = log(1 − Z + Z e^{1/β}), or log Z_α of the power that
    /// was [declared](super::Declaration::power); `None` where it is unknown.
    pub fn log_partition(self, facts: PromptFacts) -> Option<f64> {
        if let Self::Power { .. } = self {
            return facts.log_power_partition;
        }
        let log_valid = facts.log_partition?;
        match self {
            Self::Filtered | Self::Power { .. } => Some(log_valid),
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
            Power { alpha: f64 },
        }
        let name = |choice: &str| if choice == "Power" { "alpha" } else { "beta" };
        Ok(match with_unnamed_of(name, deserializer)? {
            Written::Power { alpha: 1.0 } | Written::Filtered => Self::Filtered,
            Written::Tilted { beta } => Self::Tilted { beta },
            Written::Power { alpha } => Self::Power { alpha },
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
    fn a_power_has_its_own_normaliser() {
        let power = Target::Power { alpha: 0.5 };
        let facts = PromptFacts::new(0.25f64.ln(), 0.75f64.ln());
        assert_eq!(power.log_partition(facts), None);
        assert_eq!(power.log_partition(facts.with_log_power_partition(0.7)), Some(0.7));
        assert_eq!([power.log_base(-3.0), power.log_weight(1.0)], [-1.5, 0.0]);
        assert_eq!(power.log_weight(0.0), f64::NEG_INFINITY);
        // What the base cannot produce has no part, even where all else has the same.
        let uniform = Target::Power { alpha: 0.0 };
        assert_eq!([uniform.log_base(f64::NEG_INFINITY), uniform.log_base(-3.0)], [f64::NEG_INFINITY, 0.0]);
    }

    #[test]
    fn a_power_is_read_like_a_tilt_and_1_is_the_filtered_model() {
        #[derive(Deserialize)]
        struct Config {
            target: Target,
        }
        let read = |target: &str| {
            crate::config::parse::<Config>(&format!("(target: {target})")).map(|config| config.target)
        };
        for text in ["Power(0.5)", "Power(alpha: 0.5)", "Power ( alpha : 5e-1, )"] {
            assert_eq!(read(text).unwrap(), Target::Power { alpha: 0.5 }, "{text}");
        }
        for text in ["Power(1)", "Power(alpha: 1.0)", "Filtered"] {
            assert_eq!(read(text).unwrap(), Target::Filtered, "{text}");
        }
        assert_eq!(read("Tilted(0.5)").unwrap(), Target::Tilted { beta: 0.5 });
        for (text, words) in [
            ("Power(beta: 0.5)", "beta"),
            ("Power", "expected"),
            ("Power()", "alpha"),
            ("Tilted(alpha: 1)", "alpha"),
        ] {
            let message = read(text).unwrap_err().message;
            assert!(message.contains(words), "{text}: {message}");
        }
    }

    #[test]
    fn a_power_out_of_range_is_refused_by_its_field() {
        for alpha in [-0.1, -0.0, 0.0, 1e-12, 1e6, Target::MOST_POWER, 1e10, f64::NAN, f64::INFINITY] {
            let checked = Target::Power { alpha }.check();
            if (0.0..=1e9).contains(&alpha) {
                assert!(checked.is_ok(), "{alpha}");
                continue;
            }
            let error = checked.unwrap_err();
            assert_eq!(error.field.as_deref(), Some("target"));
            assert!(error.message.ends_with(&format!("from 0 to 1e9, found `{alpha}`")), "{}", error.message);
        }
    }

    #[test]
    fn a_beta_out_of_range_is_refused_by_its_field() {
        for beta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Target::Tilted { beta }.check().unwrap_err().field.as_deref(), Some("target"));
        }
    }
}
