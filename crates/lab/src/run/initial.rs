//! What policies measure before their first step.
//!
//! Arms that start from the same parameters start with the same figures, which are worked out once.

use super::Prepared;
use crate::evaluation::{Evaluation, Evaluator};
use crate::plan::ArmKey;
use crate::training::create;
use pstar_core::PluginError;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::PolicyHandle;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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
        match &prepared.policies[policy].start {
            Some(parameters) => handle.set_parameters(parameters)?,
            None => handle.randomise(StreamKey::new(seed, Purpose::Initialise, 0))?,
        }
        let evaluator = prepared.truth.evaluator(&experiment.world, &handle, seed)?;
        Ok(Self { policy: handle, evaluator })
    }
}

/// What policies measure before their first step.
#[derive(Debug)]
pub struct Starts {
    /// For each policy its figures, where they are the same for all seeds.
    alike: Vec<Option<Arc<Evaluation>>>,
    /// The others, as they were asked for.
    by_seed: Mutex<HashMap<(usize, u64), Arc<Evaluation>>>,
}

impl Starts {
    /// Evaluates, in parallel, the policies that some of `arms` start from the same parameters with any seed.
    pub fn of(prepared: &Prepared<'_>, arms: impl Iterator<Item = ArmKey>) -> Self {
        let mut first: Vec<Option<u64>> = vec![None; prepared.experiment.plan.policies.len()];
        for arm in arms {
            first[arm.policy].get_or_insert(arm.seed);
        }
        let figures = |(policy, seed): (usize, &Option<u64>)| {
            let seed = (*seed).filter(|_| prepared.policies[policy].start.is_some())?;
            let (figures, seeded) = evaluate(prepared, policy, seed).ok()?;
            (!seeded).then(|| Arc::new(figures))
        };
        Self { alike: first.par_iter().enumerate().map(figures).collect(), by_seed: Mutex::default() }
    }

    /// Of an arm.
    ///
    /// # Errors
    /// If a component fails.
    pub fn get(&self, prepared: &Prepared<'_>, arm: ArmKey) -> Result<Arc<Evaluation>, PluginError> {
        if let Some(figures) = &self.alike[arm.policy] {
            return Ok(Arc::clone(figures));
        }
        let known = || self.by_seed.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (arm.policy, arm.seed);
        if let Some(figures) = known().get(&key) {
            return Ok(Arc::clone(figures));
        }
        // Not under the lock: an evaluation may itself be spread over threads that ask for another. Two that come at
        // once work out the same.
        let figures = Arc::new(evaluate(prepared, arm.policy, arm.seed)?.0);
        Ok(Arc::clone(known().entry(key).or_insert(figures)))
    }
}

/// What a policy measures as an arm with this seed starts it, and whether that depends on the seed's samples.
fn evaluate(prepared: &Prepared<'_>, policy: usize, seed: u64) -> Result<(Evaluation, bool), PluginError> {
    let Starting { policy, mut evaluator } = Starting::new(prepared, policy, seed)?;
    Ok((evaluator.evaluate(&policy, 0)?, evaluator.is_seeded()))
}
