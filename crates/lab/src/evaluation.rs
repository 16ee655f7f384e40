//! How good a policy is: exactly, over all outputs of the task, or from samples with standard errors.

mod crossing;
mod dynamic;
mod enumerated;
mod enumerator;
mod explored_prompt;
mod known;
mod likely;
mod measures;
mod reference;
mod sampled;
mod samplers;
mod stopped;
mod targets;
mod truth;
mod unjudged;
mod verdicts;

pub(crate) use dynamic::{DynamicEvaluation, DynamicReference, space_of};
pub(crate) use enumerated::EnumeratedEvaluation;
pub use enumerator::Enumerator;
pub(crate) use explored_prompt::ExploredPrompt;
pub use known::KnownVerdicts;
pub(crate) use pstar_record::number::number;
pub(crate) use reference::{EnumeratedReference, tokens_of};
pub(crate) use sampled::SampledEvaluation;
pub(crate) use samplers::FilteredSamplers;
pub(crate) use stopped::{Stopped, Unavailable, settle};
pub(crate) use targets::PromptTargets;
pub(crate) use unjudged::Unjudged;
pub(crate) use verdicts::{incremental, known_verdicts, question, refuses_truncated, verdicts};

use crate::consistency;
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::objective::PromptFacts;
use pstar_loader::PolicyHandle;
use pstar_record::{Crossings, Measures, Method, PromptOutputs, prompt_figures};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a task's policies are measured by.
#[derive(Debug)]
pub enum GroundTruth {
    /// All outputs.
    Enumerated(Box<EnumeratedReference>),
    /// The states of base and verifier; the number of outputs is too large.
    Dynamic(Box<DynamicReference>),
    /// Samples of the base; the number of outputs is too large, and there is no finite-state view.
    Sampled(Box<SampledEvaluation>, Unavailable),
}

impl GroundTruth {
    /// Enumerates the outputs of the world's task; where they are too many walks the states of base and verifier,
    /// and where these are none or too many samples the base.
    ///
    /// # Errors
    /// If the base or the verifier fails, or contradicts itself where [`consistency`] looks.
    pub fn new(world: &World) -> Result<Self, PluginError> {
        Self::watched(world, &|_, _| ())
    }

    /// As [`new`](Self::new), telling how much of it is done, of how much at most: outputs or states of verifiers.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn watched(world: &World, tell: &(dyn Fn(u64, u64) + Sync)) -> Result<Self, PluginError> {
        consistency::check_task(world)?;
        let prompts = world.prompts.view().len() as u64;
        let done = AtomicU64::new(0);
        let count = |most: u64, more: u64| tell(done.fetch_add(more, Ordering::Relaxed) + more, most);
        let outputs = prompts.saturating_mul(space_of(world).count().unwrap_or(0));
        if let Some(reference) = EnumeratedReference::new(world, &|more| count(outputs, more))? {
            consistency::check_listed(world, &reference)?;
            return Ok(Self::Enumerated(Box::new(reference)));
        }
        let states = prompts.saturating_mul(world.evaluation.max_states as u64);
        Ok(match DynamicReference::watched(world, &|more| count(states, more))? {
            Ok(reference) => Self::Dynamic(Box::new(reference)),
            Err(unavailable) => Self::Sampled(Box::new(SampledEvaluation::by_rejection(world)?), unavailable),
        })
    }

    /// How figures are had.
    pub fn method(&self) -> Method {
        match self {
            Self::Enumerated(_) => Method::Enumeration,
            Self::Dynamic(_) => Method::DynamicProgramming,
            Self::Sampled(..) => Method::Sampling,
        }
    }

    /// The exact values of every prompt, where they are known.
    pub fn facts(&self, prompts: usize) -> Vec<PromptFacts> {
        match self {
            Self::Enumerated(reference) => reference.facts(),
            Self::Dynamic(reference) => reference.facts(),
            Self::Sampled(..) => vec![PromptFacts::default(); prompts],
        }
    }

    /// The same with log Z_α, where it is known, for an objective that takes a power of the base.
    ///
    /// # Errors
    /// If the base fails.
    pub fn facts_of_power(
        &self,
        world: &World,
        facts: &[PromptFacts],
        power: f64,
    ) -> Result<Vec<PromptFacts>, PluginError> {
        let partitions = match self {
            Self::Enumerated(reference) => reference.log_power_partitions(power),
            Self::Dynamic(reference) => reference.log_power_partitions(world, power)?,
            Self::Sampled(..) => return Ok(facts.to_vec()),
        };
        let known = facts.iter().zip(partitions);
        Ok(known.map(|(facts, log_partition)| facts.with_log_power_partition(log_partition)).collect())
    }

    /// The rows that policies are compared with, and their names: base, filtered, tilted, powers, uniform on valid;
    /// means over prompts.
    pub fn targets(&self, world: &World) -> Vec<(String, Measures)> {
        match self {
            Self::Enumerated(reference) => reference.means(world),
            Self::Dynamic(reference) => reference.means(world),
            Self::Sampled(sampled, _) => {
                sampled.base().map(|base| ("base".into(), base.clone())).into_iter().collect()
            }
        }
    }

    /// What is kept of single prompts of the same rows, in the file's order.
    pub fn prompts(&self, world: &World) -> PromptRows<Measures> {
        let rows = match self {
            Self::Enumerated(reference) => reference.rows(world),
            Self::Dynamic(reference) => reference.rows(world),
            Self::Sampled(sampled, _) => sampled.base_rows(),
        };
        let kept = |row: Option<Measures>| row.map(|row| prompt_figures(&row));
        rows.into_iter().map(|(name, rows)| (name, rows.into_iter().map(kept).collect())).collect()
    }

    /// The most probable outputs of base, p* and tilted distributions at the first prompts; where the base is sampled its
    /// own alone.
    ///
    /// # Errors
    /// If the base fails, which it did not when it was explored first.
    pub fn likely(&self, world: &World) -> Result<PromptRows<PromptOutputs>, PluginError> {
        Ok(match self {
            Self::Enumerated(reference) => reference.likely(world),
            Self::Dynamic(reference) => reference.likely(world)?,
            Self::Sampled(sampled, _) => sampled.base_outputs(),
        })
    }

    /// What evaluates the policies of one arm.
    ///
    /// # Errors
    /// If the policy's finite-state view fails.
    pub fn evaluator<'a>(
        &'a self,
        world: &'a World,
        policy: &PolicyHandle,
        seed: u64,
    ) -> Result<Evaluator<'a>, PluginError> {
        Ok(match self {
            Self::Enumerated(reference) => {
                Evaluator::Enumerated(Box::new(EnumeratedEvaluation::new(reference, world, policy)?))
            }
            Self::Dynamic(reference) => match DynamicEvaluation::new(reference, world, policy)? {
                Ok(evaluation) => Evaluator::Dynamic(Box::new(evaluation)),
                Err(_) => Evaluator::Sampled { sampled: reference.sampled(world)?, world, seed },
            },
            Self::Sampled(sampled, _) => Evaluator::Sampled { sampled, world, seed },
        })
    }
}

/// Evaluates the policies of one arm.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub enum Evaluator<'a> {
    /// Over all outputs.
    Enumerated(Box<EnumeratedEvaluation<'a>>),
    /// Over all states.
    Dynamic(Box<DynamicEvaluation<'a>>),
    /// From samples.
    Sampled {
        /// Samples of p*.
        sampled: &'a SampledEvaluation,
        /// The task.
        world: &'a World,
        /// The arm's seed.
        seed: u64,
    },
}

/// What an evaluation of everything gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Everything: record P, means over prompts.
    pub full: Measures,
    /// What curves show of it, means over prompts.
    pub curve: Measures,
    /// What is kept of single prompts, in the file's order.
    pub prompts: Vec<Measures>,
    /// The most probable outputs at the first prompts.
    pub outputs: Vec<PromptOutputs>,
    /// Where it falls below the base; absent where that is not known exactly.
    pub crossings: Option<Crossings>,
    /// Samples without a verdict, which are left out.
    pub no_verdicts: u64,
}

/// A row of each name, prompt by prompt; nothing where a prompt has no such row.
pub type PromptRows<T> = Vec<(String, Vec<Option<T>>)>;

impl Evaluator<'_> {
    /// What curves show, means over prompts.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn curve(&mut self, policy: &PolicyHandle, step: u32) -> Result<Measures, PluginError> {
        match self {
            Self::Enumerated(evaluation) => evaluation.curve(policy),
            Self::Dynamic(evaluation) => evaluation.curve(policy),
            Self::Sampled { sampled, world, seed } => {
                Ok(sampled.policy(world, policy, *seed, step)?.without_shared())
            }
        }
    }

    /// Everything, means over prompts.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn evaluate(&mut self, policy: &PolicyHandle, step: u32) -> Result<Evaluation, PluginError> {
        match self {
            Self::Enumerated(evaluation) => evaluation.evaluate(policy),
            Self::Dynamic(evaluation) => evaluation.evaluate(policy),
            Self::Sampled { sampled, world, seed } => sampled.evaluate(world, policy, *seed, step),
        }
    }

    /// Whether the figures of one policy differ from seed to seed.
    pub fn is_seeded(&self) -> bool {
        matches!(self, Self::Sampled { .. })
    }
}
