//! How tokens add up to a loss.

use crate::Block;
use crate::rows::Counts;
use crate::value::{Arguments, Value, unknown};
use pstar_core::{Field, PluginError};
use std::fmt;

/// How the tokens of a step add up, relative to a mean over its N sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    /// The sum of a sequence's tokens over a constant (Liu et al. 2025, arXiv 2503.20783), averaged over sequences
    /// or, without `batch_mean`, summed.
    SequenceSum {
        /// The constant.
        divisor: Divisor,
        /// Whether sequences are averaged.
        batch_mean: bool,
    },
    /// The mean of all tokens of the step (Yu et al. 2025, arXiv 2503.14476).
    TokenMean,
    /// The mean of a sequence's tokens (Shao et al. 2024, arXiv 2402.03300).
    SequenceMean,
    /// The sum of all tokens.
    TokenSum,
}

/// What a sum of tokens is divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divisor {
    /// A number.
    Number(f64),
    /// The length of the longest sequence of the step.
    Longest,
    /// The horizon of the task; where there is none, the length of the longest sequence of the batch.
    Horizon,
}

const NAMES: &[&str] = &["SequenceSum", "TokenMean", "SequenceMean", "TokenSum"];

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SequenceSum { divisor, batch_mean } => {
                match divisor {
                    Divisor::Number(number) => write!(f, "SequenceSum(divisor: {number}")?,
                    Divisor::Longest => f.write_str("SequenceSum(divisor: Longest")?,
                    Divisor::Horizon => f.write_str("SequenceSum(divisor: Horizon")?,
                }
                f.write_str(if *batch_mean { ")" } else { ", batch_mean: false)" })
            }
            Self::TokenMean => f.write_str("TokenMean"),
            Self::SequenceMean => f.write_str("SequenceMean"),
            Self::TokenSum => f.write_str("TokenSum"),
        }
    }
}

impl Block for Aggregate {
    const FIELD: Field = Field::optional(
        "aggregate",
        "SequenceSum(divisor: number | Longest | Horizon, batch_mean: true) | TokenMean | SequenceMean | TokenSum",
        "divisor > 0",
        "SequenceSum(divisor: 1)",
        "how the tokens of a step add up",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        Self::read_in("aggregate", value)
    }
}

impl Aggregate {
    /// Reads one that stands in a field.
    ///
    /// # Errors
    /// Naming the field.
    pub(crate) fn read_in(field: &'static str, value: &Value) -> Result<Self, PluginError> {
        match value.name() {
            Some("TokenMean") => Arguments::of(field, value, &[]).map(|_| Self::TokenMean),
            Some("SequenceMean") => Arguments::of(field, value, &[]).map(|_| Self::SequenceMean),
            Some("TokenSum") => Arguments::of(field, value, &[]).map(|_| Self::TokenSum),
            Some("SequenceSum") => {
                let found = Arguments::of(field, value, &["divisor", "batch_mean"])?;
                let divisor = match found.given("divisor") {
                    Some(word) if word.name() == Some("Longest") => Divisor::Longest,
                    Some(word) if word.name() == Some("Horizon") => Divisor::Horizon,
                    _ => Divisor::Number(found.number(
                        "divisor",
                        1.0,
                        "a positive number, `Longest` or `Horizon`",
                        |n| n > 0.0 && n.is_finite(),
                    )?),
                };
                let batch_mean = found.word("batch_mean", true, &[("true", true), ("false", false)])?;
                Ok(Self::SequenceSum { divisor, batch_mean })
            }
            _ => Err(unknown(field, value, NAMES)),
        }
    }

    /// Whether tokens of all sequences have one factor, whatever else is sampled.
    pub fn is_constant(self) -> bool {
        matches!(self, Self::SequenceSum { divisor: Divisor::Number(_) | Divisor::Horizon, batch_mean: true })
    }

    /// The same where all sequences are of one length.
    pub fn is_constant_at_one_length(self) -> bool {
        matches!(self, Self::SequenceSum { batch_mean: true, .. } | Self::SequenceMean | Self::TokenMean)
    }

    /// The factor of a token of a sequence of this length.
    pub fn factor(self, length: usize, counts: &Counts) -> f64 {
        // Coefficients are relative to a mean over the whole step.
        let over_rows = counts.step / counts.rows;
        match self {
            Self::SequenceSum { divisor, batch_mean } => {
                let divisor = match divisor {
                    Divisor::Number(number) => number,
                    Divisor::Longest => counts.longest,
                    Divisor::Horizon => counts.horizon,
                };
                if batch_mean { over_rows / divisor } else { counts.step / divisor }
            }
            Self::SequenceMean => over_rows / length as f64,
            Self::TokenMean => counts.step / counts.tokens,
            Self::TokenSum => counts.step,
        }
    }
}
