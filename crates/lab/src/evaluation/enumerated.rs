//! Exact evaluation.

use super::measures::{Keys, add_divergences, add_tilted, of_summary};
use super::targets::{PromptTargets, keys, means, sample_numbers, uniform, values};
use super::{Enumerator, Measures, Reference};
use crate::experiment::Experiment;
use pstar_core::host::PolicyHandle;
use pstar_core::{PluginError, math};
use pstar_exact::{CurvePoint, Divergences, Orders, OutputTable, Split, Summary, at_least_once, entropy};

impl Reference {
    /// The rows that policies are compared with, means over prompts.
    pub fn means(&self, experiment: &Experiment) -> Vec<(String, Measures)> {
        let prompts = 0..self.prompts().len();
        let all: Vec<PromptTargets> = prompts.map(|prompt| self.targets(prompt, experiment)).collect();
        means(&all, &self.weights(experiment), experiment)
    }

    /// The figures of a prompt's base and targets.
    pub fn targets(&self, prompt: usize, experiment: &Experiment) -> PromptTargets {
        let (k, keys) = (sample_numbers(experiment), keys(experiment).k);
        let table = self.base(prompt).view();
        let prompt = &self.prompts()[prompt];
        let filtered = prompt.filtered.as_ref();
        PromptTargets {
            uniform: filtered.and_then(|filtered| {
                let entropy = Summary::of_filtered(filtered, &k).entropy;
                let support = filtered.support as f64;
                uniform([support, math::ln(support)], entropy, &k, &keys)
            }),
            base: of_summary(&Summary::with_split(table, &prompt.valid, &prompt.split, &k), &keys),
            filtered: filtered.map(|filtered| {
                let mut measures = of_summary(&Summary::of_filtered(filtered, &k), &keys);
                measures.push("kl_to_base", filtered.kl_to_base());
                measures
            }),
            tilted: prompt
                .tilted
                .iter()
                .map(|tilted| {
                    let summary = Summary::of_tilted(tilted, &prompt.split, filtered, &k);
                    let mut measures = of_summary(&summary, &keys);
                    add_tilted(&mut measures, tilted);
                    measures
                })
                .collect(),
        }
    }
}

/// Evaluates the policies of one arm over all outputs.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct EnumeratedEvaluation<'a> {
    reference: &'a Reference,
    experiment: &'a Experiment,
    enumerator: Enumerator,
    weights: Vec<f64>,
    table: OutputTable,
    k: Vec<u64>,
    keys: Keys,
}

impl<'a> EnumeratedEvaluation<'a> {
    /// For policies of the class of `policy`.
    ///
    /// # Errors
    /// If the policy's finite-state view fails.
    pub fn new(
        reference: &'a Reference,
        experiment: &'a Experiment,
        policy: &PolicyHandle,
    ) -> Result<Self, PluginError> {
        Ok(Self {
            reference,
            experiment,
            enumerator: Enumerator::new(policy, experiment.prompts.view(), reference.space())?,
            weights: reference.weights(experiment),
            table: OutputTable::default(),
            k: sample_numbers(experiment),
            keys: keys(experiment),
        })
    }

    /// What curves show: validity rate, entropy, effective number, KL(p*‖q), pass@k, coverage@k.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn curve(&mut self, policy: &PolicyHandle) -> Result<Measures, PluginError> {
        let (k, keys) = (self.k.clone(), self.keys.k.clone());
        let rows = self.evaluate(policy, |reference, prompt, table, entropy| {
            let reference = &reference.prompts()[prompt];
            let point = CurvePoint::of(table.view(), &reference.valid, reference.filtered.as_ref(), &k);
            let mut measures = Measures::default();
            measures.push("validity_rate", point.validity_rate);
            measures.push("entropy", entropy);
            measures.push("effective_number", math::exp(entropy));
            measures.push("kl_from_filtered", point.kl_from_filtered);
            let passes = k.iter().map(|&k| at_least_once(point.validity_rate, k));
            measures.push_family("pass_at", keys.iter().cloned(), passes);
            measures.push_family("coverage_at", keys.iter().cloned(), point.coverage_at);
            measures
        })?;
        Ok(Measures::mean(&rows, &self.weights))
    }

    /// Everything, means over prompts: record P.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn full(&mut self, policy: &PolicyHandle) -> Result<Measures, PluginError> {
        Ok(Measures::mean(&self.by_prompt(policy)?, &self.weights))
    }

    /// Everything, prompt by prompt: record P.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn by_prompt(&mut self, policy: &PolicyHandle) -> Result<Vec<Measures>, PluginError> {
        let (k, keys) = (self.k.clone(), self.keys.clone());
        let alphas = values(&self.experiment.evaluation.alphas);
        let powers = values(&self.experiment.evaluation.power_sums);
        self.evaluate(policy, |reference, prompt, table, _| {
            let base = reference.base(prompt).view();
            let prompt = &reference.prompts()[prompt];
            let split = Split::of(table.view(), &prompt.valid);
            let mut measures =
                of_summary(&Summary::with_split(table.view(), &prompt.valid, &split, &k), &keys.k);
            let against = pstar_exact::Reference {
                base,
                valid: &prompt.valid,
                split: &prompt.split,
                filtered: prompt.filtered.as_ref(),
                tilted: &prompt.tilted,
            };
            let orders = Orders { alphas: &alphas, powers: &powers };
            let divergences = Divergences::of(table.view(), &split, &against, &orders);
            add_divergences(&mut measures, &divergences, &keys);
            measures
        })
    }

    /// Measures every prompt, walking the outputs once for each context that the policy tells apart.
    fn evaluate(
        &mut self,
        policy: &PolicyHandle,
        measure: impl Fn(&Reference, usize, &OutputTable, f64) -> Measures,
    ) -> Result<Vec<Measures>, PluginError> {
        let mut rows = vec![Measures::default(); self.reference.prompts().len()];
        for context in 0..self.enumerator.contexts() {
            self.enumerator.fill(policy, context, &mut self.table)?;
            let entropy = entropy(self.table.view());
            for (prompt, row) in rows.iter_mut().enumerate() {
                if self.enumerator.context_of()[prompt] == context {
                    *row = measure(self.reference, prompt, &self.table, entropy);
                }
            }
        }
        Ok(rows)
    }
}
