//! Where the ratio to what sampled takes the gradient away.

use pstar_core::{Field, PluginError};
use serde::Deserialize;

/// A clip of token ratios.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Clip {
    /// A token counts no more once its ratio has gone far enough in the direction of its advantage (Schulman et al. 2017).
    Ppo {
        /// ε below 1, for negative advantages.
        low: f64,
        /// ε above 1, for positive ones.
        high: f64,
        /// With it, neither where the ratio is above this and the advantage negative (Ye et al. 2020).
        #[serde(default)]
        dual: Option<f64>,
    },
}

impl Default for Clip {
    fn default() -> Self {
        Self::Ppo { low: 0.2, high: 0.2, dual: None }
    }
}

impl Clip {
    pub(crate) const FIELD: Field = Field::optional(
        "clip",
        "Ppo(low, high, dual: None)",
        "low in [0, 1], high >= 0, dual > 1",
        "Ppo(low: 0.2, high: 0.2)",
        "where the ratio of a token to what sampled it takes its gradient away",
    );

    /// # Errors
    /// For a value out of range.
    pub(crate) fn check(self) -> Result<Self, PluginError> {
        let Self::Ppo { low, high, dual } = self;
        let fault = if !(0.0..=1.0).contains(&low) {
            format!("`low` must be in [0, 1], found `{low}`")
        } else if !(high >= 0.0 && high.is_finite()) {
            format!("`high` must be a number of at least 0, found `{high}`")
        } else if let Some(dual) = dual.filter(|dual| !(*dual > 1.0 && dual.is_finite())) {
            format!("`dual` must be a number above 1, found `{dual}`")
        } else {
            return Ok(self);
        };
        Err(PluginError::config("clip", fault))
    }

    /// Whether a token of this ratio has no gradient.
    pub(crate) fn cuts(self, advantage: f64, ratio: f64) -> bool {
        let Self::Ppo { low, high, dual } = self;
        if advantage > 0.0 {
            ratio > 1.0 + high
        } else {
            advantage < 0.0 && (ratio < 1.0 - low || dual.is_some_and(|dual| ratio > dual))
        }
    }
}
