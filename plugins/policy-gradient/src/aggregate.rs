//! How tokens add up to a loss.

use pstar_core::objective::ObjectiveBatch;
use pstar_core::{Field, PluginError};
use serde::Deserialize;

/// How the tokens of a step add up, relative to a mean over sequences.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Aggregate {
    /// The sum of a sequence's tokens, over a constant (Liu et al. 2025).
    SequenceSum {
        /// The constant.
        #[serde(default = "one")]
        divisor: f64,
    },
    /// The mean of a sequence's tokens (Shao et al. 2024).
    SequenceMean,
    /// The mean of all tokens of the step (Yu et al. 2025).
    TokenMean,
}

fn one() -> f64 {
    1.0
}

impl Default for Aggregate {
    fn default() -> Self {
        Self::SequenceSum { divisor: 1.0 }
    }
}

impl Aggregate {
    pub(crate) const FIELD: Field = Field::optional(
        "aggregate",
        "SequenceSum(divisor: 1) | SequenceMean | TokenMean",
        "divisor > 0",
        "SequenceSum(divisor: 1)",
        "how the tokens of a step add up",
    );

    /// # Errors
    /// For a value out of range.
    pub(crate) fn check(self) -> Result<Self, PluginError> {
        match self {
            Self::SequenceSum { divisor } if !(divisor > 0.0 && divisor.is_finite()) => {
                let message = format!("`divisor` must be a positive number, found `{divisor}`");
                Err(PluginError::config("aggregate", message))
            }
            fits => Ok(fits),
        }
    }

    /// Multiplies coefficients, one a token, by what makes their sum that of the aggregate.
    pub(crate) fn apply(self, batch: &ObjectiveBatch<'_>, coefficients: &mut [f64]) {
        let (mut rows, mut tokens) = (0.0, 0.0);
        for i in (0..batch.groups()).filter(|&g| batch.is_updated(g)).flat_map(|g| batch.group(g)) {
            rows += 1.0;
            tokens += batch.log_probs().row(i).len() as f64;
        }
        let mut rest = coefficients;
        for row in batch.log_probs().rows() {
            let (own, behind) = rest.split_at_mut(row.len());
            rest = behind;
            let factor = match self {
                Self::SequenceSum { divisor } => 1.0 / divisor,
                Self::SequenceMean => 1.0 / row.len() as f64,
                Self::TokenMean => rows / tokens,
            };
            for c in own {
                *c *= factor;
            }
        }
    }
}
