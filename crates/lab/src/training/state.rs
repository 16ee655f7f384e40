//! Everything that changes while an arm trains.

use super::signals::Signals;
use super::{NoEffectWatch, OptimizerState, bits};
use crate::consistency::Kept;
use crate::evaluation::Evaluation;
use crate::rollout::SavedRollout;
use pstar_core::PluginError;
use pstar_core::objective::{ObjectiveAnswer, PartitionSource};
use pstar_record::{ArmPrompts, Budget, Crossings, CurvePoint, Measures, PartitionRecord, Warning};
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
    /// Notes what an objective tells beside its coefficients.
    pub(super) fn tally(&mut self, step: &ObjectiveAnswer) {
        self.signals.diagnostics(&step.diagnostics);
        self.no_effect.observe_clip(&step.diagnostics);
        for used in &step.partitions {
            *match used.source {
                PartitionSource::Exact => &mut self.partitions.exact,
                PartitionSource::Group => &mut self.partitions.group,
                PartitionSource::Running => &mut self.partitions.running,
            } += 1;
        }
    }

    /// What its verifier said beyond valid and invalid.
    pub(super) fn missing_verdicts(&self) -> impl Iterator<Item = Warning> + use<> {
        let Budget { no_verdicts, between, verifier_calls, .. } = self.budget;
        let responses = Warning::NoVerdicts { count: no_verdicts, of: Some(verifier_calls) };
        let samples = Warning::NoVerdicts { count: self.no_verdicts, of: None };
        let thresholds = Warning::BetweenScores { count: between, of: verifier_calls };
        let told = [(no_verdicts, responses), (self.no_verdicts, samples), (between, thresholds)];
        told.into_iter().filter(|(count, _)| *count > 0).map(|(_, warning)| warning)
    }

    /// Notes what the policy is after the last step.
    pub(super) fn end(&mut self, evaluation: Evaluation) {
        let Evaluation { full, prompts, outputs, crossings, no_verdicts, .. } = evaluation;
        self.no_verdicts = no_verdicts;
        self.last = Some(full);
        self.crossings = crossings;
        (self.prompts.end, self.prompts.outputs) = (prompts, outputs);
    }

    pub(super) fn record(&mut self, measures: Measures) {
        let signals = self.signals.take_recent();
        self.curve.push(CurvePoint { step: self.step, measures, signals });
    }

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
