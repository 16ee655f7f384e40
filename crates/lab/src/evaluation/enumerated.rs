//! Exact evaluation.

use super::measures::{Keys, add_divergences, add_power, add_power_divergences, add_tilted, of_summary};
use super::targets::{PromptTargets, keys, means, sample_numbers, uniform, values};
use super::{EnumeratedReference, Enumerator, Evaluation, Measures};
use crate::world::World;
use pstar_core::{PluginError, math};
use pstar_exact::{
    CurveMeasures, Distribution, Divergences, Orders, OutputTable, Split, Summary, at_least_once,
};
use pstar_loader::PolicyHandle;

impl EnumeratedReference {
    /// The rows that policies are compared with, means over prompts.
    pub fn means(&self, world: &World) -> Vec<(String, Measures)> {
        let prompts = 0..self.prompts().len();
        let all: Vec<PromptTargets> = prompts.map(|prompt| self.targets(prompt, world)).collect();
        means(&all, &self.weights(world), world)
    }

    /// The figures of a prompt's base and targets.
    pub fn targets(&self, prompt: usize, world: &World) -> PromptTargets {
        let (k, keys) = (sample_numbers(world), keys(world).k);
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
            powers: prompt
                .powers
                .iter()
                .map(|power| {
                    let mut measures = of_summary(&Summary::of_power(power, &k), &keys);
                    add_power(&mut measures, &power.figures);
                    measures
                })
                .collect(),
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
    figures: Figures<'a>,
    enumerator: Enumerator,
    weights: Vec<f64>,
    table: OutputTable,
}

impl<'a> EnumeratedEvaluation<'a> {
    /// For policies of the class of `policy`.
    ///
    /// # Errors
    /// If the policy's finite-state view fails.
    pub fn new(
        reference: &'a EnumeratedReference,
        world: &'a World,
        policy: &PolicyHandle,
    ) -> Result<Self, PluginError> {
        Ok(Self {
            figures: Figures {
                reference,
                k: sample_numbers(world),
                alphas: values(&world.evaluation.alphas),
                powers: values(&world.evaluation.power_sums),
                keys: keys(world),
            },
            enumerator: Enumerator::new(policy, world.prompts.view(), reference.space())?,
            weights: reference.weights(world),
            table: OutputTable::default(),
        })
    }

    /// What curves show, means over prompts: validity rate, entropy, effective number, KL(p*‖q), pass@k, coverage@k.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn curve(&mut self, policy: &PolicyHandle) -> Result<Measures, PluginError> {
        let rows = self.walk(policy, Figures::of_curve)?;
        Ok(Measures::mean(&rows, &self.weights))
    }

    /// Everything, means over prompts.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn evaluate(&mut self, policy: &PolicyHandle) -> Result<Evaluation, PluginError> {
        let rows = self.walk(policy, |figures, prompt, table, entropy| {
            (figures.all(prompt, table), figures.of_curve(prompt, table, entropy))
        })?;
        let (full, curve): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        Ok(Evaluation {
            full: Measures::mean(&full, &self.weights),
            curve: Measures::mean(&curve, &self.weights),
        })
    }

    /// Everything, prompt by prompt: record P.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn by_prompt(&mut self, policy: &PolicyHandle) -> Result<Vec<Measures>, PluginError> {
        self.walk(policy, |figures, prompt, table, _| figures.all(prompt, table))
    }

    /// Measures every prompt, walking the outputs once for each context that the policy tells apart.
    fn walk<T: Clone + Default>(
        &mut self,
        policy: &PolicyHandle,
        measure: impl Fn(&Figures<'a>, usize, Distribution<'_>, f64) -> T,
    ) -> Result<Vec<T>, PluginError> {
        let mut rows = vec![T::default(); self.figures.reference.prompts().len()];
        for context in 0..self.enumerator.contexts() {
            let entropy = self.enumerator.fill_with_entropy(policy, context, &mut self.table)?;
            for (prompt, row) in rows.iter_mut().enumerate() {
                if self.enumerator.context_of()[prompt] == context {
                    *row = measure(&self.figures, prompt, self.table.view(), entropy);
                }
            }
        }
        Ok(rows)
    }
}

/// What is measured of a policy's outputs for one prompt.
struct Figures<'a> {
    reference: &'a EnumeratedReference,
    k: Vec<u64>,
    alphas: Vec<f64>,
    powers: Vec<f64>,
    keys: Keys,
}

impl Figures<'_> {
    fn of_curve(&self, prompt: usize, policy: Distribution<'_>, entropy: f64) -> Measures {
        let prompt = &self.reference.prompts()[prompt];
        let point = CurveMeasures::of(policy, &prompt.valid, prompt.filtered.as_ref(), &self.k);
        let mut measures = Measures::default();
        measures.push("validity_rate", point.validity_rate);
        measures.push("entropy", entropy);
        measures.push("effective_number", math::exp(entropy));
        measures.push("kl_from_filtered", point.kl_from_filtered);
        let passes = self.k.iter().map(|&k| at_least_once(point.validity_rate, k));
        measures.push_family("pass_at", self.keys.k.iter().cloned(), passes);
        measures.push_family("coverage_at", self.keys.k.iter().cloned(), point.coverage_at);
        measures
    }

    fn all(&self, prompt: usize, policy: Distribution<'_>) -> Measures {
        let base = self.reference.base(prompt).view();
        let prompt = &self.reference.prompts()[prompt];
        let split = Split::of(policy, &prompt.valid);
        let mut measures =
            of_summary(&Summary::with_split(policy, &prompt.valid, &split, &self.k), &self.keys.k);
        let against = pstar_exact::Targets {
            base,
            valid: &prompt.valid,
            split: &prompt.split,
            filtered: prompt.filtered.as_ref(),
            tilted: &prompt.tilted,
        };
        let orders = Orders { alphas: &self.alphas, powers: &self.powers };
        let divergences = Divergences::of(policy, &split, &against, &orders);
        add_divergences(&mut measures, &divergences, &self.keys);
        let of_filtered = divergences.kl_to_filtered.zip(divergences.kl_from_filtered);
        let kls = (0..self.keys.powers.len()).map(|power| {
            let (to, from) = of_filtered?;
            Some(prompt.powers[power].divergences(policy, &prompt.valid, [to, from]))
        });
        add_power_divergences(&mut measures, &kls.collect::<Vec<_>>(), &self.keys);
        measures
    }
}
