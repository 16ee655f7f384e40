//! A policy's class along a task: what exact gradients, fits and optima need.

use crate::evaluation::{DynamicReference, ExploredPrompt, Stopped, Unavailable, settle, space_of};
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::objective::PromptFacts;
use pstar_exact::{Acceptor, ExplicitAutomaton, PolicyRows, PromptProblem, Role, WeightedProduct, dynamic};
use pstar_loader::PolicyHandle;

/// The products of base, policy and verifier for all prompts, and where the policy's rows lie among its parameters.
#[allow(missing_debug_implementations, reason = "large tables")]
pub struct PolicyClass {
    /// The prompts that count, those of weight 0 left out.
    prompts: Vec<ClassPrompt>,
}

struct ClassPrompt {
    explored: ExploredPrompt,
    weight: f64,
    facts: PromptFacts,
    /// Where the policy's rows lie.
    rows: PolicyRows,
}

impl PolicyClass {
    /// The class of `policy`, on the prompts that are trained on.
    ///
    /// # Errors
    /// If a component fails. The inner one: the policy has no finite-state view or is no table of softmax rows, or
    /// there are too many states.
    pub fn new(
        reference: &DynamicReference,
        world: &World,
        policy: &PolicyHandle,
    ) -> Result<Result<Self, Unavailable>, PluginError> {
        let facts = reference.facts();
        let weights = &world.trained.weights;
        let explore = |(prompt, weight)| {
            ClassPrompt::new(world, policy, (prompt, weight), reference.acceptor(prompt), facts[prompt])
        };
        let prompts: Result<Vec<ClassPrompt>, Stopped> = counted(weights).map(explore).collect();
        settle(prompts.map(|prompts| Self { prompts }))
    }

    /// The class of `policy` on all prompts, where every output is valid, so that p* is the base itself: for fits of the base.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_base(world: &World, policy: &PolicyHandle) -> Result<Result<Self, Unavailable>, PluginError> {
        let space = space_of(world);
        let mut all =
            ExplicitAutomaton { symbols: space.symbols, next: vec![0; space.symbols], accepts: vec![true] };
        let Ok(all) = Acceptor::explore(&mut all, space, false, 1) else { unreachable!("one state") };
        let facts = PromptFacts::new(0.0, f64::NEG_INFINITY);
        let explore = |prompt| ClassPrompt::new(world, policy, prompt, &all, facts);
        let prompts: Result<Vec<ClassPrompt>, Stopped> = counted(&world.weights).map(explore).collect();
        settle(prompts.map(|prompts| Self { prompts }))
    }

    /// Logarithms of the masses of the valid and of the invalid outputs under a policy of the class, one pair a problem.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn log_masses(&self, policy: &PolicyHandle) -> Result<Vec<[f64; 2]>, PluginError> {
        let of_prompt = |ClassPrompt { explored, .. }: &ClassPrompt| -> Result<[f64; 2], Stopped> {
            let rows = explored.rows_of(policy)?;
            let weighted =
                WeightedProduct { product: &explored.product, base: &explored.base, policy: &rows };
            Ok(dynamic::log_masses(&weighted, Role::Policy))
        };
        let masses: Result<_, Stopped> = self.prompts.iter().map(of_prompt).collect();
        settle(masses)?.map_err(|unavailable| PluginError::contract(unavailable.reason))
    }

    /// The class with a power of the base in the base's place: what holds of its p* holds of the power-filtered target.
    /// It has no invalid outputs to speak of.
    pub fn powered(&self, power: f64) -> Self {
        Self { prompts: self.prompts.iter().map(|prompt| prompt.powered(power)).collect() }
    }

    /// Number of transitions of the products, over all prompts.
    pub fn transitions(&self) -> usize {
        self.prompts.iter().map(|prompt| prompt.explored.product.transitions()).sum()
    }

    /// Number of prompts that have p*.
    pub fn solvable(&self) -> usize {
        let valid = self.prompts.iter().map(|prompt| prompt.facts.log_partition.unwrap_or(f64::NEG_INFINITY));
        valid.filter(|&log| log > f64::NEG_INFINITY).count()
    }

    /// What the exact engine is asked about.
    pub fn problems(&self) -> Vec<PromptProblem<'_>> {
        self.prompts.iter().map(ClassPrompt::problem).collect()
    }
}

/// The prompts of positive weight, with it.
fn counted(weights: &[f64]) -> impl Iterator<Item = (usize, f64)> + '_ {
    weights.iter().copied().enumerate().filter(|&(_, weight)| weight > 0.0)
}

impl ClassPrompt {
    fn problem(&self) -> PromptProblem<'_> {
        PromptProblem {
            product: &self.explored.product,
            base: &self.explored.base,
            rows: &self.rows,
            weight: self.weight,
            log_valid: self.facts.log_partition.unwrap_or(f64::NEG_INFINITY),
            log_invalid: self.facts.log_invalidity.unwrap_or(f64::NEG_INFINITY),
        }
    }

    fn powered(&self, power: f64) -> Self {
        let facts = PromptFacts::new(self.explored.log_power_partition(power), f64::NEG_INFINITY);
        Self { explored: self.explored.powered(power), weight: self.weight, facts, rows: self.rows.clone() }
    }

    fn new(
        world: &World,
        policy: &PolicyHandle,
        (prompt, weight): (usize, f64),
        acceptor: &Acceptor,
        facts: PromptFacts,
    ) -> Result<Self, Stopped> {
        let explored = ExploredPrompt::new(world, Some(policy), prompt, acceptor)?;
        let rows = PolicyRows::new(&explored.product, |position, states| -> Result<Vec<usize>, Stopped> {
            let mut rows = vec![0; states.len()];
            if !policy.rows(position, states, &mut rows)? {
                return Err(Stopped::Limited(Unavailable::no_rows(policy)));
            }
            let index =
                |row| usize::try_from(row).map_err(|_| PluginError::contract("a row beyond memory").into());
            rows.into_iter().map(index).collect()
        })?;
        Ok(Self { explored, weight, facts, rows })
    }
}
