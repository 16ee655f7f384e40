//! What training an arm gave.

use pstar_core::PluginError;
use pstar_core::author::Tensor;
use pstar_record::{
    ArmPrompts, ArmStatus, Budget, Crossings, CurvePoint, Failure, Means, Measures, PartitionRecord, Warning,
};

/// What training an arm gave.
#[derive(Clone, Debug, Default)]
pub struct ArmOutcome {
    /// How it ended.
    pub status: ArmStatus,
    /// Where and why it failed, if it did.
    pub failure: Option<Failure>,
    /// What it spent.
    pub budget: Budget,
    /// The curve, from before the first step.
    pub curve: Vec<CurvePoint>,
    /// Everything about the policy before the first step; absent if its evaluation failed.
    pub initial: Option<Measures>,
    /// Everything about the policy after the last step; absent if the arm failed.
    pub last: Option<Measures>,
    /// Where it falls below the base after the last step, where that is known.
    pub crossings: Option<Crossings>,
    /// What was found at single prompts.
    pub prompts: ArmPrompts,
    /// How many groups used log Z from each source.
    pub partitions: PartitionRecord,
    /// Fingerprint of the rollouts of step 0; absent where nothing is sampled.
    pub first_batch: Option<String>,
    /// Signals of the host's and diagnostics of the objective's, means over all steps.
    pub diagnostics: Means,
    /// What silently did nothing.
    pub warnings: Vec<Warning>,
    /// The final parameters.
    pub parameters: Vec<f64>,
    /// What they are, one tensor behind another; empty where the policy does not say.
    pub tensors: Vec<Tensor>,
}

impl ArmOutcome {
    /// The outcome of an arm that failed before it started.
    pub fn of_failure(error: PluginError) -> Self {
        let mut outcome = Self::default();
        outcome.fail(0, error);
        outcome
    }

    pub(crate) fn fail(&mut self, step: u32, error: PluginError) {
        self.status = ArmStatus::Failed;
        let message = match error.hint {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message,
        };
        self.failure = Some(Failure { step, message });
    }
}
