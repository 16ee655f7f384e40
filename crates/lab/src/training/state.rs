//! Everything that changes while an arm trains.

use super::signals::Signals;
use super::{NoEffectWatch, OptimizerState, bits};
use crate::consistency::Kept;
use crate::rollout::SavedRollout;
use pstar_core::PluginError;
use pstar_record::{ArmPrompts, Budget, Crossings, CurvePoint, Measures, PartitionRecord};
use serde::{Deserialize, Serialize};

/// Everything that changes while an arm trains: with the arm's spec all there is to going on where it stopped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ArmState {
    /// Batches trained on.
    pub step: u32,
    /// The policy's parameters.
    #[serde(with = "bits")]
    pub parameters: Vec<f64>,
    pub(super) optimizer: OptimizerState,
    /// What the objective has learnt, in its own words.
    pub(super) objective: String,
    /// What was spent.
    pub budget: Budget,
    pub(super) partitions: PartitionRecord,
    pub(super) no_effect: NoEffectWatch,
    pub(super) signals: Signals,
    /// The curve so far.
    pub curve: Vec<CurvePoint>,
    /// Everything about the policy before the first step.
    pub initial: Measures,
    pub(super) last: Option<Measures>,
    #[serde(default)]
    pub(super) crossings: Option<Crossings>,
    /// What was found at single prompts.
    #[serde(default)]
    pub(super) prompts: ArmPrompts,
    /// Samples of the last evaluation without a verdict.
    #[serde(default)]
    pub(super) no_verdicts: u64,
    pub(super) first_batch: Option<String>,
    /// Verdicts of the first step, which are asked for again behind the last.
    pub(super) first: Option<Kept>,
    /// Batches that were drawn and not yet trained on, the next one first.
    pub(super) waiting: Vec<SavedRollout>,
}

impl ArmState {
    pub(super) fn text(&self) -> Result<String, PluginError> {
        serde_json::to_string(self)
            .map_err(|error| PluginError::contract(format!("the arm's state cannot be saved: {error}")))
    }

    /// The state of a text that [`Arm::save`](super::Arm::save) wrote.
    ///
    /// # Errors
    /// If the text is something else.
    pub fn read(text: &str) -> Result<Self, PluginError> {
        serde_json::from_str(text)
            .map_err(|error| PluginError::data(format!("the saved state of the arm cannot be read: {error}")))
    }
}
