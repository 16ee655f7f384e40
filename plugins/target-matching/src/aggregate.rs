//! How tokens add up to a loss.

use pstar_core::objective::ObjectiveBatch;
use pstar_core::{Field, PluginError};
use serde::{Deserialize, Deserializer, de};

/// How the tokens of a step add up, relative to a mean over sequences.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Aggregate {
    /// The sum of a sequence's tokens, over a number; a mean over the sequences, or a sum.
    SequenceSum {
        /// The number.
        #[serde(default)]
        divisor: Divisor,
        /// Whether the mean over sequences is taken.
        #[serde(default = "yes")]
        batch_mean: bool,
    },
    /// The mean of a sequence's tokens.
    SequenceMean,
    /// The mean of all tokens of the step.
    TokenMean,
    /// The sum of all tokens of the step.
    TokenSum,
}

/// What sums of a sequence's tokens are divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Divisor {
    /// A number.
    Number(f64),
    /// The length of the longest sequence that counts.
    Longest,
}

fn yes() -> bool {
    true
}

impl Default for Divisor {
    fn default() -> Self {
        Self::Number(1.0)
    }
}

impl<'de> Deserialize<'de> for Divisor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match pstar_core::config::as_written(deserializer)?.as_str() {
            "Longest" => Ok(Self::Longest),
            text => text.parse().map(Self::Number).map_err(|_| {
                de::Error::custom(format!("expected a number or `Longest` as `divisor`, found `{text}`"))
            }),
        }
    }
}

impl Aggregate {
    pub(crate) const FIELD: Field = Field::optional(
        "aggregate",
        "SequenceSum(divisor: 1 | Longest, batch_mean: true) | SequenceMean | TokenMean | TokenSum",
        "divisor > 0",
        "TokenMean",
        "how the tokens of a step add up",
    );

    /// # Errors
    /// For a value out of range.
    pub(crate) fn check(self) -> Result<(), PluginError> {
        match self {
            Self::SequenceSum { divisor: Divisor::Number(divisor), .. }
                if !(divisor > 0.0 && divisor.is_finite()) =>
            {
                let message = format!("`divisor` must be a positive number, found `{divisor}`");
                Err(PluginError::config("aggregate", message))
            }
            _ => Ok(()),
        }
    }

    /// For each sequence the factor that makes the sum of its tokens' terms, over the number of sequences, its share of the
    /// aggregate over those that count; 0 for the others. Groups that are not updated now are not counted.
    pub(crate) fn shares(self, batch: &ObjectiveBatch<'_>, counts: impl Fn(usize) -> bool) -> Vec<f64> {
        let length = |i: usize| batch.log_probs().row(i).len() as f64;
        let (mut rows, mut kept, mut tokens, mut longest) = (0.0, 0.0, 0.0, 0.0f64);
        for i in (0..batch.groups()).filter(|&g| batch.is_updated(g)).flat_map(|g| batch.group(g)) {
            rows += 1.0;
            if counts(i) {
                kept += 1.0;
                tokens += length(i);
                longest = longest.max(length(i));
            }
        }
        let share = |i: usize| match self {
            Self::SequenceMean => rows / kept / length(i),
            Self::TokenMean => rows / tokens,
            Self::TokenSum => rows,
            Self::SequenceSum { divisor, batch_mean } => {
                let divisor = if let Divisor::Number(number) = divisor { number } else { longest };
                if batch_mean { rows / kept / divisor } else { rows / divisor }
            }
        };
        // Without tokens there is nothing to share.
        (0..batch.len()).map(|i| if counts(i) && length(i) > 0.0 { share(i) } else { 0.0 }).collect()
    }
}
