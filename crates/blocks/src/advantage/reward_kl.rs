//! A KL to the base inside the reward.

use crate::value::{Arguments, Value};
use crate::{Block, Estimator};
use pstar_core::{Field, PluginError};

/// What of a sequence's KL to the base a token's reward is lessened by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// All of it, before the baseline.
    Sequence,
    /// What comes from the token on, without a baseline.
    ToGo,
}

/// A KL inside the reward, from what sampled to the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RewardKl {
    /// The estimate.
    pub estimator: Estimator,
    /// What it is multiplied by.
    pub coefficient: f64,
    /// What of it.
    pub per: Per,
}

impl Block for RewardKl {
    const FIELD: Field = Field::optional(
        "reward_kl",
        "None | (estimator: K1 | K2 | K3 | Abs, coefficient, per: Sequence | ToGo)",
        "coefficient a number",
        "None",
        "an estimate of KL(b|a) that is subtracted from the reward, b what sampled and a the base",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let found = Arguments::of("reward_kl", value, &["estimator", "coefficient", "per"])?;
        Ok(Self {
            estimator: found.word("estimator", Estimator::K1, &Estimator::WORDS)?,
            coefficient: found.number("coefficient", None, "a number", f64::is_finite)?,
            per: found.word("per", Per::Sequence, &[("Sequence", Per::Sequence), ("ToGo", Per::ToGo)])?,
        })
    }
}
