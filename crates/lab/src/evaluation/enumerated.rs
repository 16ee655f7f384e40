//! Exact evaluation.

use super::measures::{Keys, add_divergences, add_tilted, of_summary};
use super::{Enumerator, Measures, Reference};
use crate::experiment::{Experiment, Written};
use pstar_core::PluginError;
use pstar_core::host::PolicyHandle;
use pstar_exact::{CurvePoint, Divergences, Orders, OutputTable, Split, Summary, entropy};

fn texts<T>(numbers: &[Written<T>]) -> Vec<String> {
    numbers.iter().map(|number| number.text.clone()).collect()
}

fn values<T: Copy>(numbers: &[Written<T>]) -> Vec<f64>
where
    f64: From<T>,
{
    numbers.iter().map(|number| f64::from(number.value)).collect()
}

fn keys(experiment: &Experiment) -> Keys {
    let evaluation = &experiment.evaluation;
    Keys {
        k: texts(&evaluation.k),
        alphas: texts(&evaluation.alphas),
        betas: texts(&evaluation.betas),
        power_sums: texts(&evaluation.power_sums),
    }
}

fn sample_numbers(experiment: &Experiment) -> Vec<u64> {
    experiment.evaluation.k.iter().map(|k| k.value).collect()
}

/// The rows that policies are compared with, means over prompts.
pub(super) fn targets(reference: &Reference, experiment: &Experiment) -> Vec<(String, Measures)> {
    let (k, keys, weights) = (sample_numbers(experiment), keys(experiment).k, &experiment.weights);
    let prompts = reference.prompts();
    let mean = |rows: Vec<Option<Measures>>| {
        let present = rows.into_iter().zip(weights).filter_map(|(row, &weight)| Some((row?, weight)));
        let (rows, weights): (Vec<_>, Vec<_>) = present.unzip();
        Measures::mean(&rows, &weights)
    };
    let summary = |summary: &Summary| of_summary(summary, &keys);
    let base = (0..prompts.len()).map(|i| {
        let prompt = &prompts[i];
        let table = reference.base(i).view();
        let mut measures = summary(&Summary::with_split(table, &prompt.valid, &prompt.split, &k));
        let kl = prompt.filtered.as_ref().map(|_| -prompt.split.valid.log_mass);
        measures.push("kl_from_filtered", kl);
        Some(measures)
    });
    let filtered = prompts.iter().map(|prompt| {
        let filtered = prompt.filtered.as_ref()?;
        let mut measures = summary(&Summary::of_filtered(filtered, &k));
        measures.push("kl_to_base", filtered.kl_to_base());
        measures.push("kl_from_filtered", 0.0);
        Some(measures)
    });
    let mut rows = vec![("base".into(), mean(base.collect())), ("filtered".into(), mean(filtered.collect()))];
    for (b, beta) in experiment.evaluation.betas.iter().enumerate() {
        let tilted = prompts.iter().map(|prompt| {
            let tilted = &prompt.tilted[b];
            let filtered = prompt.filtered.as_ref();
            let mut measures = summary(&Summary::of_tilted(tilted, &prompt.split, filtered, &k));
            add_tilted(&mut measures, tilted);
            Some(measures)
        });
        rows.push((format!("tilted {}", beta.text), mean(tilted.collect())));
    }
    let uniform = prompts.iter().map(|prompt| {
        let filtered = prompt.filtered.as_ref()?;
        let mut measures = summary(&Summary::of_uniform(filtered.support as u64, &k)?);
        // KL(p*‖u) = log |support| − H(p*).
        let entropy = Summary::of_filtered(filtered, &k).entropy;
        let log_support = pstar_core::math::ln(filtered.support as f64);
        measures.push("kl_from_filtered", (log_support - entropy).max(0.0));
        Some(measures)
    });
    rows.push(("uniform-valid".into(), mean(uniform.collect())));
    rows
}

/// Evaluates the policies of one arm over all outputs.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct EnumeratedEvaluation<'a> {
    reference: &'a Reference,
    experiment: &'a Experiment,
    enumerator: Enumerator,
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
            table: OutputTable::default(),
            k: sample_numbers(experiment),
            keys: keys(experiment),
        })
    }

    /// What curves show: validity rate, entropy, effective number, KL(p*‖q), coverage@k.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn curve(&mut self, policy: &PolicyHandle) -> Result<Measures, PluginError> {
        let (k, keys) = (self.k.clone(), self.keys.k.clone());
        self.evaluate(policy, |reference, prompt, table, entropy| {
            let reference = &reference.prompts()[prompt];
            let point = CurvePoint::of(table.view(), &reference.valid, reference.filtered.as_ref(), &k);
            let mut measures = Measures::default();
            measures.push("validity_rate", point.validity_rate);
            measures.push("entropy", entropy);
            measures.push("effective_number", pstar_core::math::exp(entropy));
            measures.push("kl_from_filtered", point.kl_from_filtered);
            measures.push_family("coverage_at", keys.iter().cloned(), point.coverage_at);
            measures
        })
    }

    /// Everything: record P.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn full(&mut self, policy: &PolicyHandle) -> Result<Measures, PluginError> {
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
    ) -> Result<Measures, PluginError> {
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
        Ok(Measures::mean(&rows, &self.experiment.weights))
    }
}
