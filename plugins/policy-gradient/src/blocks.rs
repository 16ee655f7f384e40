//! The blocks that objectives of this family are made of, in their order of evaluation.

mod aggregate;
mod baseline;
mod clip;
mod covariance_penalty;
mod entropy;
mod group;
mod importance;
mod lone;
mod multiplier;
mod penalty;
mod prompt_weight;
mod rank_penalty;
mod ratio;
mod reward_kl;
mod scale;
mod sequence_mask;
mod sharing;
mod signal;
mod subset;
mod whiten;

pub(crate) use aggregate::{Aggregate, Counts};
pub(crate) use baseline::Baseline;
pub(crate) use clip::{At, Clip};
pub(crate) use covariance_penalty::CovariancePenalty;
pub(crate) use entropy::{Entropy, Form as EntropyForm};
pub(crate) use group::Group;
pub(crate) use importance::Importance;
pub(crate) use lone::Lone;
pub(crate) use multiplier::Multiplier;
pub(crate) use penalty::{Estimator, Penalties, Penalty, Reference, Weighted};
pub(crate) use prompt_weight::{PromptWeight, Reference as RateReference, Standing, Window};
pub(crate) use rank_penalty::RankPenalty;
pub(crate) use ratio::Ratio;
pub(crate) use reward_kl::{Per, RewardKl};
pub(crate) use scale::{Scales, deviation};
pub(crate) use sequence_mask::SequenceMask;
pub(crate) use sharing::{Member, Sharing};
pub(crate) use signal::Signal;
pub(crate) use subset::Subset;
pub(crate) use whiten::Whiten;

use crate::value::Value;
use pstar_core::{Field, PluginError};

/// A block that is configured by a field.
pub(crate) trait Block: Sized {
    /// The field.
    const FIELD: Field;

    /// Reads it.
    ///
    /// # Errors
    /// Naming the field.
    fn read(value: &Value) -> Result<Self, PluginError>;
}
