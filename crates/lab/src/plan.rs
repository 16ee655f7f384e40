//! What is to be run on a [`World`](crate::world::World): policies × objectives × learning rates × seeds, and how they
//! train.

use pstar_core::files::FileRead;
use pstar_core::objective::Source;
use pstar_record::Best;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is to be run: an arm for every policy, objective, learning rate and seed, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The policies.
    pub policies: Vec<PolicySpec>,
    /// The objectives.
    pub objectives: Vec<ObjectiveSpec>,
    /// How policies train; absent if nothing says so.
    pub training: Option<Training>,
    /// The learning rates of the objectives that have none of their own; one if nothing says how policies train.
    pub learning_rates: Vec<f64>,
    /// How one of them is selected; where nothing is, arms at all of them are rows.
    pub select_on: Option<SelectOn>,
    /// The seeds.
    pub seeds: Vec<u64>,
}

impl Plan {
    /// The arms whose rows a run may have, in their order: those at every learning rate. Where rates are selected, each
    /// policy and objective has the arms of one of them.
    pub fn arms(&self) -> impl Iterator<Item = ArmKey> + '_ {
        self.pairs().flat_map(|(policy, objective)| self.arms_of(policy, objective, &self.seeds))
    }

    /// The arms that select learning rates, in the same order: of every objective without a rate of its own, with the
    /// seeds of the selection.
    pub fn selecting(&self) -> impl Iterator<Item = ArmKey> + '_ {
        let seeds = self.select_on.as_ref().map_or(&[][..], |select_on| &select_on.seeds);
        let pairs = self.pairs().filter(|&(_, objective)| self.selects(objective));
        pairs.flat_map(move |(policy, objective)| self.arms_of(policy, objective, seeds))
    }

    /// The policies and objectives, by their numbers.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        (0..self.policies.len())
            .flat_map(|policy| (0..self.objectives.len()).map(move |objective| (policy, objective)))
    }

    fn arms_of<'a>(
        &self,
        policy: usize,
        objective: usize,
        seeds: &'a [u64],
    ) -> impl Iterator<Item = ArmKey> + use<'a> {
        let rates = 0..self.rates(objective).len();
        rates.flat_map(move |rate| seeds.iter().map(move |&seed| ArmKey { policy, objective, rate, seed }))
    }

    /// The learning rates of an objective, by its number: its own, or those of all.
    pub fn rates(&self, objective: usize) -> &[f64] {
        let own = self.objectives[objective].learning_rate.as_ref();
        own.map_or(&self.learning_rates, std::slice::from_ref)
    }

    /// The learning rate of an arm.
    pub fn rate_of(&self, arm: ArmKey) -> f64 {
        self.rates(arm.objective)[arm.rate]
    }

    /// Whether a learning rate is selected for an objective, by its number.
    pub fn selects(&self, objective: usize) -> bool {
        self.select_on.is_some() && self.objectives[objective].learning_rate.is_none()
    }

    /// Whether arms may differ in their learning rates.
    pub fn has_several_rates(&self) -> bool {
        let mut rates = (0..self.objectives.len()).flat_map(|objective| self.rates(objective));
        rates.next().is_some_and(|first| rates.any(|rate| rate != first))
    }

    /// The number of arms that are trained under an objective, by its number, for each policy: those that select
    /// included.
    pub fn arms_under(&self, objective: usize) -> u64 {
        let (rates, seeds) = (self.rates(objective).len() as u64, self.seeds.len() as u64);
        match &self.select_on {
            Some(select_on) if self.selects(objective) => {
                rates.saturating_mul(select_on.seeds.len() as u64).saturating_add(seeds)
            }
            _ => rates.saturating_mul(seeds),
        }
    }

    /// The number of arms that are trained, those that select learning rates included.
    pub fn arm_count(&self) -> u64 {
        let under = (0..self.objectives.len()).map(|objective| self.arms_under(objective));
        under.fold(0, u64::saturating_add).saturating_mul(self.policies.len() as u64)
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
    /// The number of its learning rate among the objective's.
    pub rate: usize,
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
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveSpec {
    /// Its name in the experiment.
    pub name: String,
    /// The component.
    pub plugin: String,
    /// The configuration as RON text.
    pub configuration: String,
    /// Where the configuration stands in the file.
    pub place: Range<usize>,
    /// Its own learning rate, positive; absent where it has those of all.
    pub learning_rate: Option<f64>,
}

/// How learning rates are selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectOn {
    /// The seeds of the arms that select, none of the plan's.
    pub seeds: Vec<u64>,
    /// The figure, as in `curves.csv`, at the end of an arm.
    pub metric: String,
    /// Which mean of it over the seeds is the best.
    pub best: Best,
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
    /// The optimizer, at the first of the plan's learning rates.
    pub optimizer: Optimizer,
    /// Greatest Euclidean norm of a gradient, positive.
    pub clip_norm: Option<f64>,
    /// What is made equal between arms, if anything.
    pub matched: Option<Match>,
}

/// What is made equal between arms beside all that is equal anyhow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Match {
    /// The length of the expected step: every gradient is multiplied by the ratio of |Σ_x w_x ∇V_x|, plain REINFORCE's, to
    /// |Σ_x w_x κ(V_x) ∇V_x|, the objective's own, at the policy as it is.
    Kappa,
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

impl SampleSource {
    /// What objectives call it.
    pub fn source(self) -> Source {
        match self {
            Self::Policy => Source::Policy,
            Self::Base => Source::Base,
            Self::Filtered => Source::Filtered,
            Self::Buffer { .. } => Source::Buffer,
        }
    }
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
    /// The same optimizer at another step size.
    #[must_use]
    pub fn at(mut self, rate: f64) -> Self {
        let (Self::Sgd { learning_rate } | Self::Adam { learning_rate, .. }) = &mut self;
        *learning_rate = rate;
        self
    }

    /// The step size.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Self::Sgd { learning_rate } | Self::Adam { learning_rate, .. } => learning_rate,
        }
    }
}
