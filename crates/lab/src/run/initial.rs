//! What policies measure before their first step.
//!
//! Arms that start from the same parameters start with the same figures, which are worked out once.

use super::Prepared;
use crate::evaluation::{Evaluation, Evaluator};
use crate::training::create;
use pstar_core::PluginError;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::PolicyHandle;
use rayon::prelude::*;

/// A policy at the start of an arm, and what evaluates it.
pub(super) struct Starting<'a> {
    pub(super) policy: PolicyHandle,
    pub(super) evaluator: Evaluator<'a>,
}

impl<'a> Starting<'a> {
    /// The policy of that number, as an arm with this seed starts it.
    pub(super) fn new(prepared: &'a Prepared<'_>, policy: usize, seed: u64) -> Result<Self, PluginError> {
        let experiment = prepared.experiment;
        let mut handle = create(&experiment.world, prepared.registry, &experiment.plan.policies[policy])?;
        match &prepared.starts[policy] {
            Some(parameters) => handle.set_parameters(parameters)?,
            None => handle.randomise(StreamKey::new(seed, Purpose::Initialise, 0))?,
        }
        let evaluator = prepared.ruler.evaluator(&experiment.world, &handle, seed)?;
        Ok(Self { policy: handle, evaluator })
    }
}

/// The figures of one policy before the first step.
enum Figures {
    /// The same for all seeds.
    Alike(Evaluation),
    /// For each seed.
    BySeed(Vec<Result<Evaluation, PluginError>>),
}

/// The figures before the first step, of every policy and seed.
pub(super) struct Initial(Vec<Figures>);

impl Initial {
    /// Evaluates all policies where the experiment's arms start, in parallel.
    pub(super) fn of(prepared: &Prepared<'_>) -> Self {
        let policies = 0..prepared.experiment.plan.policies.len();
        Self(policies.into_par_iter().map(|policy| Figures::of(prepared, policy)).collect())
    }

    /// Of a policy and a seed, by their numbers.
    pub(super) fn get(&self, policy: usize, seed: usize) -> Result<&Evaluation, PluginError> {
        match &self.0[policy] {
            Figures::Alike(figures) => Ok(figures),
            Figures::BySeed(figures) => figures[seed].as_ref().map_err(Clone::clone),
        }
    }
}

impl Figures {
    fn of(prepared: &Prepared<'_>, policy: usize) -> Self {
        let seeds = &prepared.experiment.plan.seeds;
        let evaluate = |&seed: &u64| -> Result<(Evaluation, bool), PluginError> {
            let Starting { policy, mut evaluator } = Starting::new(prepared, policy, seed)?;
            Ok((evaluator.evaluate(&policy, 0)?, evaluator.is_seeded()))
        };
        if prepared.starts[policy].is_some()
            && let Some(Ok((figures, false))) = seeds.first().map(evaluate)
        {
            return Self::Alike(figures);
        }
        let figures = seeds.par_iter().map(|seed| Ok(evaluate(seed)?.0)).collect();
        Self::BySeed(figures)
    }
}
