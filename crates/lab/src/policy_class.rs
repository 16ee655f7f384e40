//! A policy's class along a task: what exact gradients, fits and optima need.

use crate::evaluation::{DynamicReference, Stopped, Unavailable, View, settle, start};
use crate::experiment::Experiment;
use pstar_core::PluginError;
use pstar_core::host::PolicyHandle;
use pstar_core::objective::PromptFacts;
use pstar_exact::{ModelRows, PolicyRows, Product, PromptProblem, Role, Started};

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
        let walk = |prompt: usize| -> Result<Walk, Stopped> {
            let tokens = experiment.prompts.view().row(prompt);
            let (base, own) = (View(&experiment.base), View(policy));
            let base = Started { model: &base, start: start(&experiment.base, tokens, "the base")? };
            let own = Started { model: &own, start: start(policy, tokens, "the policy")? };
            let limit = experiment.evaluation.max_states;
            let product = Product::explore(&[base, own], reference.acceptor(prompt), limit)?;
            let rows = PolicyRows::new(&product, |position, states| -> Result<Vec<usize>, Stopped> {
                let mut rows = vec![0; states.len()];
                if !policy.rows(position, states, &mut rows)? {
                    return Err(Stopped::Limited(Unavailable::no_rows(policy)));
                }
                rows.into_iter()
                    .map(|row| {
                        usize::try_from(row).map_err(|_| PluginError::contract("a row beyond memory").into())
                    })
                    .collect()
            })?;
            let base = ModelRows::of(&product, Role::Base, base)?;
            Ok(Walk { product, base, rows })
        };
        let prompts: Result<Vec<Walk>, Stopped> = (0..experiment.prompts.view().len()).map(walk).collect();
        settle(prompts.map(|prompts| Self {
            prompts,
            facts: reference.facts(),
            weights: experiment.weights.clone(),
        }))
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
