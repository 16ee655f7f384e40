//! An experiment that was checked and can be run.

use super::file::{SampleSource, Start};
use super::{ExperimentFile, Written};
use crate::inputs::Inputs;
use pstar_core::Task;
use pstar_core::data::RaggedBuffer;
use pstar_core::files::FileRead;
use pstar_loader::{BaseModelHandle, VerifierHandle};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;

/// An experiment whose task is built and whose parts are checked.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub struct Experiment {
    /// The file as written.
    pub file: ExperimentFile,
    /// Where the file stands.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What every component was told.
    pub task: Task,
    /// The prompts as texts.
    pub prompt_texts: Vec<String>,
    /// The prompts as tokens.
    pub prompts: RaggedBuffer<u32>,
    /// One weight a prompt; they sum to 1.
    pub weights: Vec<f64>,
    /// The base model.
    pub base: BaseModelHandle,
    /// The verifier.
    pub verifier: VerifierHandle,
    /// The policies.
    pub policies: Vec<PolicySpec>,
    /// The objectives.
    pub objectives: Vec<ObjectiveSpec>,
    /// How policies train; absent if the file does not say.
    pub training: Option<Training>,
    /// How policies are measured.
    pub evaluation: Evaluation,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The files that it is made from.
    pub inputs: Inputs,
}

/// A policy of an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySpec {
    /// Its name in the experiment.
    pub name: String,
    /// The component.
    pub plugin: String,
    /// The configuration as RON text.
    pub configuration: String,
    /// Where its initial parameters come from.
    pub start: Start,
    /// Where `start` stands in the file.
    pub start_place: Range<usize>,
    /// Where the configuration stands in the file.
    pub place: Range<usize>,
    /// The files that it was made from; absent where its plugin does not tell.
    pub files: Option<Vec<FileRead>>,
}

/// An objective of an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectiveSpec {
    /// Its name in the experiment.
    pub name: String,
    /// The component.
    pub plugin: String,
    /// The configuration as RON text.
    pub configuration: String,
    /// Where the configuration stands in the file.
    pub place: Range<usize>,
}

/// Where gradients come from, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gradient {
    /// Estimated from samples.
    Sampled(Sampling),
    /// Exact: over all outputs, or over the components' states where outputs are too many to list.
    Population,
}

/// What a step samples and how often it is stepped on, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Groups a batch, at least 1.
    pub prompts: usize,
    /// Samples a group, at least 1.
    pub group: usize,
    /// Passes over a batch, 1 to 255.
    pub epochs: u32,
    /// Optimizer steps a pass, each of whole groups: a divisor of `prompts`.
    pub minibatches: usize,
    /// Where samples come from.
    pub source: SampleSource,
    /// How often a group whose samples are all right or all wrong is drawn again at most.
    pub redraw: u8,
}

impl Sampling {
    /// One optimizer step a batch of samples of the policy.
    pub fn on_policy(prompts: usize, group: usize) -> Self {
        Self { prompts, group, epochs: 1, minibatches: 1, source: SampleSource::Policy, redraw: 0 }
    }

    /// How many batches ago what is trained on was drawn, once training is under way.
    pub fn age(&self) -> u32 {
        if let SampleSource::Buffer { age } = self.source { age } else { 0 }
    }

    /// Whether what is trained on at a step was sampled by another than the policy of that moment.
    pub fn samples_are_of_others(&self, step: u32) -> bool {
        match self.source {
            SampleSource::Policy => false,
            SampleSource::Base | SampleSource::Filtered => true,
            SampleSource::Buffer { .. } => step > 0,
        }
    }

    /// Optimizer steps a batch.
    pub fn updates(&self) -> u64 {
        u64::from(self.epochs) * self.minibatches as u64
    }
}

/// The optimizer, checked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Optimizer {
    /// Plain gradient ascent.
    Sgd {
        /// Step size, positive.
        learning_rate: f64,
    },
    /// Kingma and Ba (2015), *Adam: A Method for Stochastic Optimization*.
    Adam {
        /// Step size, positive.
        learning_rate: f64,
        /// Decay of the first moment, in [0, 1).
        beta1: f64,
        /// Decay of the second moment, in [0, 1).
        beta2: f64,
        /// Added to the root of the second moment, positive.
        epsilon: f64,
    },
}

impl Optimizer {
    /// The step size.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Self::Sgd { learning_rate } | Self::Adam { learning_rate, .. } => learning_rate,
        }
    }
}

/// How policies train, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Where gradients come from.
    pub gradient: Gradient,
    /// Number of optimizer steps.
    pub steps: u32,
    /// The optimizer.
    pub optimizer: Optimizer,
    /// Greatest Euclidean norm of a gradient, positive.
    pub clip_norm: Option<f64>,
}

/// How policies are measured, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Steps between two points of a curve.
    pub every: u32,
    /// Numbers of samples k, at least 1.
    pub k: Vec<Written<u64>>,
    /// β, positive.
    pub betas: Vec<Written<f64>>,
    /// α.
    pub alphas: Vec<Written<f64>>,
    /// s of the power sums.
    pub power_sums: Vec<Written<f64>>,
    /// Greatest number of outputs that are enumerated.
    pub enumerate_up_to: u64,
    /// Samples a prompt where outputs are too many to enumerate.
    pub samples: usize,
    /// Whether a run looks for the optimum of each policy class under each objective.
    pub optima: bool,
    /// Greatest number of states of a verifier, and of its product with base and policy.
    pub max_states: usize,
}
