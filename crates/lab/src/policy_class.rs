//! A policy's class along a task: what exact gradients, fits and optima need.

use crate::evaluation::{DynamicReference, Stopped, Unavailable, View, settle, space_of, start};
use crate::experiment::Experiment;
use pstar_core::PluginError;
use pstar_core::host::PolicyHandle;
use pstar_core::objective::PromptFacts;
use pstar_exact::{
    Acceptor, ExplicitAutomaton, ModelRows, PolicyRows, Product, PromptProblem, Role, Started, Weighted,
    dynamic,
};

/// The products of base, policy and verifier for all prompts, and where the policy's rows lie among its parameters.
#[allow(missing_debug_implementations, reason = "large tables")]
pub struct PolicyClass {
    prompts: Vec<Walk>,
    facts: Vec<PromptFacts>,
    weights: Vec<f64>,
}

struct Walk {
    product: Product,
    base: ModelRows,
    rows: PolicyRows,
}

impl PolicyClass {
    /// The class of `policy`.
    ///
    /// # Errors
    /// If a component fails. The inner one: the policy has no finite-state view or is no table of softmax rows, or
    /// there are too many states.
    pub fn new(
        reference: &DynamicReference,
        experiment: &Experiment,
        policy: &PolicyHandle,
    ) -> Result<Result<Self, Unavailable>, PluginError> {
        let walk = |prompt| Walk::new(experiment, policy, prompt, reference.acceptor(prompt));
        let prompts: Result<Vec<Walk>, Stopped> = (0..experiment.prompts.view().len()).map(walk).collect();
        settle(prompts.map(|prompts| Self {
            prompts,
            facts: reference.facts(),
            weights: experiment.weights.clone(),
        }))
    }

    /// The class of `policy` where every output is valid, so that p* is the base itself: for fits of the base.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_base(
        experiment: &Experiment,
        policy: &PolicyHandle,
    ) -> Result<Result<Self, Unavailable>, PluginError> {
        let space = space_of(experiment);
        let mut all =
            ExplicitAutomaton { symbols: space.symbols, next: vec![0; space.symbols], accepts: vec![true] };
        let Ok(all) = Acceptor::explore(&mut all, space, false, 1) else { unreachable!("one state") };
        let count = experiment.prompts.view().len();
        let prompts: Result<Vec<Walk>, Stopped> =
            (0..count).map(|prompt| Walk::new(experiment, policy, prompt, &all)).collect();
        let facts = PromptFacts { log_partition: Some(0.0), log_invalidity: Some(f64::NEG_INFINITY) };
        settle(prompts.map(|prompts| Self {
            prompts,
            facts: vec![facts; count],
            weights: experiment.weights.clone(),
        }))
    }

    /// Logarithms of the masses of the valid and of the invalid outputs under a policy of the class, prompt by prompt.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn log_masses(
        &self,
        experiment: &Experiment,
        policy: &PolicyHandle,
    ) -> Result<Vec<[f64; 2]>, PluginError> {
        let of_prompt = |(prompt, walk): (usize, &Walk)| -> Result<[f64; 2], Stopped> {
            let tokens = experiment.prompts.view().row(prompt);
            let own = View(policy);
            let own = Started { model: &own, start: start(policy, tokens, "the policy")? };
            let rows = ModelRows::of(&walk.product, Role::Policy, own)?;
            let weighted = Weighted { product: &walk.product, base: &walk.base, policy: &rows };
            Ok(dynamic::log_masses(&weighted, Role::Policy))
        };
        let masses: Result<_, Stopped> = self.prompts.iter().enumerate().map(of_prompt).collect();
        settle(masses)?.map_err(|unavailable| PluginError::contract(unavailable.reason))
    }

    /// Number of transitions of the products, over all prompts.
    pub fn transitions(&self) -> usize {
        self.prompts.iter().map(|walk| walk.product.transitions()).sum()
    }

    /// What the exact engine is asked about.
    pub fn problems(&self) -> Vec<PromptProblem<'_>> {
        let parts = self.prompts.iter().zip(&self.facts).zip(&self.weights);
        parts
            .map(|((walk, facts), &weight)| PromptProblem {
                product: &walk.product,
                base: &walk.base,
                rows: &walk.rows,
                weight,
                log_valid: facts.log_partition.unwrap_or(f64::NEG_INFINITY),
                log_invalid: facts.log_invalidity.unwrap_or(f64::NEG_INFINITY),
            })
            .collect()
    }
}

impl Walk {
    fn new(
        experiment: &Experiment,
        policy: &PolicyHandle,
        prompt: usize,
        acceptor: &Acceptor,
    ) -> Result<Self, Stopped> {
        let tokens = experiment.prompts.view().row(prompt);
        let (base, own) = (View(&experiment.base), View(policy));
        let base = Started { model: &base, start: start(&experiment.base, tokens, "the base")? };
        let own = Started { model: &own, start: start(policy, tokens, "the policy")? };
        let product = Product::explore(&[base, own], acceptor, experiment.evaluation.max_states)?;
        let rows = PolicyRows::new(&product, |position, states| -> Result<Vec<usize>, Stopped> {
            let mut rows = vec![0; states.len()];
            if !policy.rows(position, states, &mut rows)? {
                return Err(Stopped::Limited(Unavailable::no_rows(policy)));
            }
            let index =
                |row| usize::try_from(row).map_err(|_| PluginError::contract("a row beyond memory").into());
            rows.into_iter().map(index).collect()
        })?;
        let base = ModelRows::of(&product, Role::Base, base)?;
        Ok(Self { product, base, rows })
    }
}
