//! What is to be run on a [`World`](crate::world::World): policies × objectives × seeds, and how they train.

use pstar_core::files::FileRead;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is to be run: an arm for every policy, objective and seed, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The policies.
    pub policies: Vec<PolicySpec>,
    /// The objectives.
    pub objectives: Vec<ObjectiveSpec>,
    /// How policies train; absent if nothing says so.
    pub training: Option<Training>,
    /// The seeds.
    pub seeds: Vec<u64>,
}

impl Plan {
    /// The arms, in the order of a run's rows.
    pub fn arms(&self) -> impl Iterator<Item = ArmKey> + '_ {
        let pairs = (0..self.policies.len())
            .flat_map(|policy| (0..self.objectives.len()).map(move |objective| (policy, objective)));
        pairs.flat_map(|(policy, objective)| {
            self.seeds.iter().map(move |&seed| ArmKey { policy, objective, seed })
        })
    }

    /// The number of arms.
    pub fn arm_count(&self) -> u64 {
        let counts = [self.policies.len(), self.objectives.len(), self.seeds.len()];
        counts.iter().fold(1, |product, &count| product.saturating_mul(count as u64))
    }

    /// The seed of what is shown of policies apart from any arm: the first, or 0 where there is none.
    pub fn first_seed(&self) -> u64 {
        self.seeds.first().copied().unwrap_or(0)
    }
}

/// Which arm of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArmKey {
    /// The number of its policy.
    pub policy: usize,
    /// The number of its objective.
    pub objective: usize,
    /// Its seed.
    pub seed: u64,
}

/// A policy of a plan.
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

/// An objective of a plan.
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

/// Where a policy's initial parameters come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Start {
    /// The best fit of the base: the maximum likelihood under its outputs.
    FitBase,
    /// The base's own parameters.
    CopyBase,
    /// Drawn, one draw a seed.
    Random,
    /// From the policy's configuration.
    AsConfigured,
}

/// How policies train.
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

/// Where gradients come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gradient {
    /// Estimated from samples.
    Sampled(Sampling),
    /// Exact: over all outputs, or over the components' states where outputs are too many to list.
    Population,
}

/// What a step samples and how often it is stepped on.
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

/// Where the samples of training come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub enum SampleSource {
    /// The policy.
    #[default]
    Policy,
    /// The base.
    Base,
    /// The filtered model p*, exactly.
    Filtered,
    /// The policy as it was some batches ago.
    Buffer {
        /// How many; at the start the policy is what it was at first.
        age: u32,
    },
}

/// The optimizer.
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
