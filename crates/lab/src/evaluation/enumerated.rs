//! Exact evaluation.

use super::crossing::{Reach, crossings, greatest_k};
use super::likely::{COUNT, MOST_PROMPTS, by_name, likely_outputs, of_targets};
use super::measures::{
    Keys, add_divergences, add_power, add_power_divergences, add_support, add_tilted, add_token_entropy,
    mean_with_cover, of_summary,
};
use super::reference::PromptReference;
use super::targets::{PromptTargets, keys, means, rows, sample_numbers, uniform, values};
use super::truth::{table_of_filtered, table_of_tilted};
use super::{EnumeratedReference, Enumerator, Evaluation, Measures, PromptRows};
use crate::world::World;
use pstar_core::{PluginError, math};
use pstar_exact::{
    CoverageCurve, CurveMeasures, Distribution, Divergences, Orders, OutputTable, Spread, Summary, Support,
    at_least_once, expected_length, likeliest,
};
use pstar_loader::PolicyHandle;
use pstar_record::{PromptOutputs, prompt_figures};

impl EnumeratedReference {
    /// The rows that policies are compared with, means over prompts.
    pub fn means(&self, world: &World) -> Vec<(String, Measures)> {
        means(&self.all_targets(world), &self.weights(world), world)
    }

    /// The same, prompt by prompt.
    pub fn rows(&self, world: &World) -> PromptRows<Measures> {
        rows(&self.all_targets(world), world)
    }

    fn all_targets(&self, world: &World) -> Vec<PromptTargets> {
        (0..self.prompts().len()).map(|prompt| self.targets(prompt, world)).collect()
    }

    /// The most probable outputs of base, p* and tilted distributions, at the first prompts.
    pub fn likely(&self, world: &World) -> PromptRows<PromptOutputs> {
        let prompts = self.prompts().iter().enumerate().take(MOST_PROMPTS);
        let of_prompt = |(number, prompt): (usize, &super::reference::PromptReference)| {
            let base = likeliest(self.base(number).view(), &prompt.valid, self.space(), COUNT);
            of_targets(world, &base, &prompt.split, &prompt.tilted)
        };
        by_name(prompts.map(of_prompt).collect())
    }

    /// The figures of a prompt's base and targets.
    pub fn targets(&self, prompt: usize, world: &World) -> PromptTargets {
        let (k, keys) = (sample_numbers(world), keys(world).k);
        let table = self.base(prompt).view();
        let base_length = expected_length(table, self.space());
        let prompt = &self.prompts()[prompt];
        let indices = prompt.valid.indices();
        let of_base = |j: usize| table.probs[indices[j] as usize];
        // What samples of the base find beside other samples of the base is what chance alone keeps.
        let support = |own: &dyn Fn(usize) -> f64| {
            let found = Support::at(indices.len(), own, of_base, &k);
            found.into_iter().map(Some).collect::<Vec<_>>()
        };
        let filtered = prompt.filtered.as_ref();
        let add_truth = |measures: &mut Measures, of: &dyn Fn() -> OutputTable| {
            if let Some(truth) = &prompt.truth {
                truth.add(measures, of().view(), &prompt.valid, (&k, &keys));
            }
        };
        PromptTargets {
            uniform: filtered.and_then(|filtered| {
                let entropy = Summary::of_filtered(filtered, &k).entropy;
                let support = filtered.support as f64;
                uniform([support, math::ln(support)], entropy, &k, &keys)
            }),
            base: {
                let summary = Summary::with_split(table, &prompt.valid, &prompt.split, &k);
                let mut measures = of_summary(&summary, &keys);
                add_token_entropy(&mut measures, summary.entropy, base_length);
                add_support(&mut measures, &support(&of_base), &keys);
                if let Some(truth) = &prompt.truth {
                    truth.add(&mut measures, table, &prompt.valid, (&k, &keys));
                }
                measures
            },
            filtered: filtered.map(|filtered| {
                let mut measures = of_summary(&Summary::of_filtered(filtered, &k), &keys);
                add_support(&mut measures, &support(&|j| filtered.probs[j]), &keys);
                measures.push("kl_to_base", filtered.kl_to_base());
                add_truth(&mut measures, &|| table_of_filtered(filtered, &prompt.valid));
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
                    let probs = filtered.map_or(&[][..], |filtered| &filtered.probs);
                    let own = |j: usize| probs.get(j).map_or(0.0, |prob| tilted.mu * prob);
                    add_support(&mut measures, &support(&own), &keys);
                    add_tilted(&mut measures, tilted);
                    let of = (&prompt.split, filtered);
                    add_truth(&mut measures, &|| table_of_tilted(tilted, table, of, &prompt.valid));
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
    world: &'a World,
    enumerator: Enumerator,
    weights: Vec<f64>,
    /// All outputs in a context, and the valid ones of a prompt.
    table: OutputTable,
    valid: OutputTable,
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
            world,
            enumerator: Enumerator::new(policy, world.prompts.view(), reference.space())?,
            weights: reference.weights(world),
            table: OutputTable::default(),
            valid: OutputTable::default(),
        })
    }

    /// What curves show, means over prompts: validity rate, entropy, effective number, KL(p*‖q), pass@k, coverage@k.
    ///
    /// Where a policy has states, of the rows of these and of the valid outputs alone.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn curve(&mut self, policy: &PolicyHandle) -> Result<Measures, PluginError> {
        let mut rows = vec![Measures::default(); self.figures.reference.prompts().len()];
        for context in 0..self.enumerator.contexts() {
            let prompts = self.enumerator.prompts_of(context);
            if let Some(trees) = self.figures.reference.trees(&prompts)
                && let Some(automaton) = self.enumerator.automaton(policy, context)?
            {
                let spread = Spread::of_rows(automaton);
                for (prompt, tree) in prompts.into_iter().zip(trees) {
                    tree.fill(automaton, &mut self.valid);
                    let own = Own { all: None, valid: self.valid.view(), spread };
                    rows[prompt] = self.figures.of_curve(prompt, own);
                }
            } else {
                self.look(policy, context, |figures, prompt, _, own| {
                    rows[prompt] = figures.of_curve(prompt, own);
                })?;
            }
        }
        Ok(Measures::mean(&rows, &self.weights))
    }

    /// Everything, means over prompts.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn evaluate(&mut self, policy: &PolicyHandle) -> Result<Evaluation, PluginError> {
        let (world, greatest) = (self.world, greatest_k(self.world));
        let rows = self.walk(policy, |figures, prompt, table, own| {
            let full = figures.all(prompt, table);
            let curve = figures.of_curve(prompt, own);
            let reach = Reach {
                validity_rate: full.get("validity_rate").unwrap_or_default(),
                coverage: Some(CoverageCurve::of(own.valid.probs.iter().copied(), greatest)),
            };
            (full, curve, reach, figures.likely(prompt, table, world))
        })?;
        let base: Vec<&Reach> = self.figures.reference.prompts().iter().map(|prompt| &prompt.reach).collect();
        let own: Vec<&Reach> = rows.iter().map(|(_, _, reach, _)| reach).collect();
        let crossings = crossings(&own, &base, &self.weights, greatest);
        let mut evaluation = Evaluation { crossings: Some(crossings), ..Evaluation::default() };
        let (mut full, mut curve) = (Vec::new(), Vec::new());
        for (all, of_curve, _, likely) in rows {
            evaluation.prompts.push(prompt_figures(&of_curve));
            evaluation.outputs.extend(likely);
            full.push(all);
            curve.push(of_curve);
        }
        evaluation.full = mean_with_cover(&full, &self.weights);
        evaluation.curve = Measures::mean(&curve, &self.weights);
        Ok(evaluation)
    }

    /// Everything, prompt by prompt: record P.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn by_prompt(&mut self, policy: &PolicyHandle) -> Result<Vec<Measures>, PluginError> {
        self.walk(policy, |figures, prompt, table, _| figures.all(prompt, table))
    }

    /// Measures every prompt, walking all outputs once for each context that the policy tells apart.
    fn walk<T: Clone + Default>(
        &mut self,
        policy: &PolicyHandle,
        measure: impl Fn(&Figures<'a>, usize, Distribution<'_>, Own<'_>) -> T,
    ) -> Result<Vec<T>, PluginError> {
        let mut rows = vec![T::default(); self.figures.reference.prompts().len()];
        for context in 0..self.enumerator.contexts() {
            self.look(policy, context, |figures, prompt, all, own| {
                rows[prompt] = measure(figures, prompt, all, own);
            })?;
        }
        Ok(rows)
    }

    /// Walks all outputs in a context, and shows them for each of its prompts.
    fn look(
        &mut self,
        policy: &PolicyHandle,
        context: usize,
        mut show: impl FnMut(&Figures<'a>, usize, Distribution<'_>, Own<'_>),
    ) -> Result<(), PluginError> {
        let spread = self.enumerator.fill_with_spread(policy, context, &mut self.table)?;
        for prompt in self.enumerator.prompts_of(context) {
            let indices = self.figures.reference.prompts()[prompt].valid.indices();
            self.valid.gather(self.table.view(), indices);
            let own = Own { all: Some(self.table.view()), valid: self.valid.view(), spread };
            show(&self.figures, prompt, self.table.view(), own);
        }
        Ok(())
    }
}

/// A policy's outputs to a prompt, as far as curves look at them.
#[derive(Clone, Copy)]
struct Own<'t> {
    /// The valid ones, in order.
    valid: Distribution<'t>,
    /// All of them, where they were walked.
    all: Option<Distribution<'t>>,
    spread: Spread,
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
    fn of_curve(&self, prompt: usize, Own { valid, all, spread }: Own<'_>) -> Measures {
        let prompt = &self.reference.prompts()[prompt];
        let point = CurveMeasures::of(valid, prompt.filtered.as_ref(), &self.k);
        let mut measures = Measures::default();
        measures.push("validity_rate", point.validity_rate);
        measures.push("entropy", spread.entropy);
        measures.push("effective_number", math::exp(spread.entropy));
        measures.push("kl_from_filtered", point.kl_from_filtered);
        add_token_entropy(&mut measures, spread.entropy, spread.expected_length);
        let passes = self.k.iter().map(|&k| at_least_once(point.validity_rate, k));
        measures.push_family("pass_at", self.keys.k.iter().cloned(), passes);
        measures.push_family("coverage_at", self.keys.k.iter().cloned(), point.coverage_at);
        if let Some(all) = all {
            self.add_truth(&mut measures, prompt, all);
        }
        measures
    }

    /// What the true verdicts say, where the told ones have noise.
    fn add_truth(&self, measures: &mut Measures, prompt: &PromptReference, policy: Distribution<'_>) {
        if let Some(truth) = &prompt.truth {
            truth.add(measures, policy, &prompt.valid, (&self.k, &self.keys.k));
        }
    }

    /// The most probable outputs, at the first prompts.
    fn likely(&self, prompt: usize, policy: Distribution<'_>, world: &World) -> Option<PromptOutputs> {
        (prompt < MOST_PROMPTS).then(|| {
            let valid = &self.reference.prompts()[prompt].valid;
            let classes = likeliest(policy, valid, self.reference.space(), COUNT);
            likely_outputs(world, &classes, [Some(0.0); 2], true)
        })
    }

    fn all(&self, prompt: usize, policy: Distribution<'_>) -> Measures {
        let base = self.reference.base(prompt).view();
        let prompt = &self.reference.prompts()[prompt];
        let against = pstar_exact::Targets {
            base,
            valid: &prompt.valid,
            split: &prompt.split,
            filtered: prompt.filtered.as_ref(),
            tilted: &prompt.tilted,
        };
        let orders = Orders { alphas: &self.alphas, powers: &self.powers };
        let (split, divergences) = Divergences::with_split(policy, &against, &orders);
        let summary = Summary::with_split(policy, &prompt.valid, &split, &self.k);
        let mut measures = of_summary(&summary, &self.keys.k);
        add_token_entropy(&mut measures, summary.entropy, expected_length(policy, self.reference.space()));
        add_divergences(&mut measures, &divergences, &self.keys);
        let of_filtered = divergences.kl_to_filtered.zip(divergences.kl_from_filtered);
        let kls = (0..self.keys.powers.len()).map(|power| {
            let (to, from) = of_filtered?;
            Some(prompt.powers[power].divergences(policy, &prompt.valid, [to, from]))
        });
        add_power_divergences(&mut measures, &kls.collect::<Vec<_>>(), &self.keys);
        let indices = prompt.valid.indices();
        let [own, of_base] =
            [policy.probs, base.probs].map(|probs| move |j: usize| probs[indices[j] as usize]);
        let support = Support::at(indices.len(), own, of_base, &self.k);
        add_support(&mut measures, &support.into_iter().map(Some).collect::<Vec<_>>(), &self.keys.k);
        self.add_truth(&mut measures, prompt, policy);
        measures
    }
}
