//! A task with the components that define it, and how policies are measured on it: all that arms have in common.

use crate::experiment::Verbatim;
use pstar_core::Task;
use pstar_core::data::RaggedBuffer;
use pstar_loader::{BaseModelHandle, VerifierHandle};

/// What all arms share: the task, and how policies are measured on it.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub struct World {
    /// What every component was told.
    pub task: Task,
    /// Whether an output that no end symbol ends is invalid, whatever the verifier says.
    pub truncated_is_invalid: bool,
    /// The prompts as texts.
    pub prompt_texts: Vec<String>,
    /// The prompts as tokens.
    pub prompts: RaggedBuffer<u32>,
    /// One weight a prompt; they sum to 1.
    pub weights: Vec<f64>,
    /// What policies train on.
    pub trained: TrainedPrompts,
    /// The name of the base model's component.
    pub base_plugin: String,
    /// The base model.
    pub base: BaseModelHandle,
    /// The name of the verifier's component.
    pub verifier_plugin: String,
    /// The verifier.
    pub verifier: VerifierHandle,
    /// The greatest share of responses that may go without a verdict of the verifier's.
    pub no_verdict_limit: f64,
    /// How policies are measured.
    pub evaluation: EvaluationSettings,
}

/// The prompts that policies train on: all, or some of those that they are measured on.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainedPrompts {
    /// Their numbers, ascending.
    pub numbers: Vec<u32>,
    /// One weight a prompt of the task: 0 of those that are not trained on; they sum to 1.
    pub weights: Vec<f64>,
}

impl TrainedPrompts {
    /// All prompts of these weights.
    #[allow(clippy::cast_possible_truncation, reason = "prompts are below 2^32")]
    pub fn all(weights: &[f64]) -> Self {
        Self { numbers: (0..weights.len() as u32).collect(), weights: weights.to_vec() }
    }

    /// Those of some numbers, of which one has a positive weight.
    pub(crate) fn some(numbers: Vec<u32>, weights: &[f64]) -> Self {
        let mut of_these = vec![0.0; weights.len()];
        let total: f64 = numbers.iter().map(|&prompt| weights[prompt as usize]).sum();
        for &prompt in &numbers {
            of_these[prompt as usize] = weights[prompt as usize] / total;
        }
        Self { numbers, weights: of_these }
    }

    /// Whether the task has others.
    pub fn leave_some_out(&self) -> bool {
        self.numbers.len() < self.weights.len()
    }
}

/// How policies are measured.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationSettings {
    /// Steps between two points of a curve.
    pub every: u32,
    /// Numbers of samples k, at least 1.
    pub k: Vec<Verbatim<u64>>,
    /// β, positive.
    pub betas: Vec<Verbatim<f64>>,
    /// α of the power-filtered targets, from 0 to 1e9.
    pub powers: Vec<Verbatim<f64>>,
    /// α.
    pub alphas: Vec<Verbatim<f64>>,
    /// s of the power sums.
    pub power_sums: Vec<Verbatim<f64>>,
    /// Greatest number of outputs that are enumerated.
    pub enumerate_up_to: u64,
    /// Samples a prompt where outputs are too many to enumerate.
    pub samples: usize,
    /// Whether a run looks for the optimum of each policy class under each objective.
    pub optima: bool,
    /// Greatest number of states of a verifier, and of its product with base and policy.
    pub max_states: usize,
}
