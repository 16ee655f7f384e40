//! Exact evaluation by dynamic programming, where the outputs are too many to enumerate.

use super::crossing::{Reach, crossings, greatest_k};
use super::explored_prompt::ExploredPrompt;
use super::likely::{COUNT, MOST_PROMPTS, by_name, likely_outputs, of_targets};
use super::measures::{
    Keys, add_divergences, add_power, add_power_divergences, add_support, add_tilted, add_token_entropy,
    mean_with_cover, of_summary,
};
use super::reference::verify_all;
use super::sampled::{ExactFacts, FilteredSamples};
use super::stopped::{Stopped, Unavailable, settle};
use super::targets::{PromptTargets, keys, means, rows, sample_numbers, solvable_weights, uniform, values};
use super::{Evaluation, Measures, PromptRows, SampledEvaluation, incremental, known_verdicts};
use crate::consistency;
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::objective::PromptFacts;
use pstar_exact::{
    Acceptor, Orders, OutputSpace, ResponseAutomaton, Role, Split, Summary, TiltedModel, WeightedProduct,
    dynamic,
};
use pstar_loader::{IncrementalHandle, PolicyHandle};
use pstar_record::{PromptOutputs, prompt_figures};
use rayon::prelude::*;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Prefixes that coverage@k visits at most; the figure is absent for those k that would take more.
const MOST_PREFIXES: usize = 1 << 22;

/// A verifier's incremental view, as the exact engine wants it.
struct Reader<'a> {
    view: IncrementalHandle,
    prompt: usize,
    watch: &'a Watch<'a>,
}

/// Looks on while the prompts of a task are explored, several at a time.
struct Watch<'a> {
    /// Told how many states were expanded, again and again.
    tell: &'a (dyn Fn(u64) + Sync),
    /// The first prompt that is known to have too many states: whatever comes behind it is of no use.
    first_stopped: AtomicUsize,
}

impl Watch<'_> {
    fn check(&self, prompt: usize) -> Result<(), PluginError> {
        if prompt <= self.first_stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(PluginError::data("the exploration of an earlier prompt was given up"))
    }

    fn stopped(&self, prompt: usize) {
        self.first_stopped.fetch_min(prompt, Ordering::Relaxed);
    }
}

impl ResponseAutomaton for Reader<'_> {
    type Error = PluginError;
    const DEAD: u64 = IncrementalHandle::DEAD;

    fn start(&mut self, horizon: usize) -> Result<u64, PluginError> {
        self.view.start(horizon)
    }

    fn accepts(&mut self, states: &[u64], accepts: &mut [u8]) -> Result<(), PluginError> {
        self.view.accepts(states, accepts)
    }

    fn expand(&mut self, states: &[u64], remaining: usize, next: &mut [u64]) -> Result<(), PluginError> {
        self.watch.check(self.prompt)?;
        (self.watch.tell)(states.len() as u64);
        self.view.expand(states, remaining, next)
    }
}

/// The exact values of one prompt.
#[derive(Debug)]
struct Prompt {
    acceptor: Acceptor,
    split: Split,
    tilted: Vec<TiltedModel>,
    targets: PromptTargets,
    /// Numbers of outputs: valid, and valid within the base's reach.
    counts: [String; 2],
    /// Number of nodes of the product of base and verifier.
    states: usize,
    /// What samples of the base reach.
    reach: Reach,
}

/// The exact values of a task, by dynamic programming.
#[derive(Debug)]
pub struct DynamicReference {
    prompts: Vec<Prompt>,
    /// Samples of p*, for policies without a finite-state view.
    sampled: OnceLock<SampledEvaluation>,
}

impl DynamicReference {
    /// Explores base and verifier for every prompt.
    ///
    /// # Errors
    /// If the base or the verifier fails. The inner one: a component has no finite-state view, or there are too many
    /// states.
    pub fn new(world: &World) -> Result<Result<Self, Unavailable>, PluginError> {
        Self::watched(world, &|_| ())
    }

    /// As [`new`](Self::new), telling after every so many states of a verifier how many.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn watched(
        world: &World,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Result<Self, Unavailable>, PluginError> {
        let watch = Watch { tell, first_stopped: AtomicUsize::new(usize::MAX) };
        let explore = |prompt| {
            watch.check(prompt)?;
            Prompt::new(world, prompt, &watch).inspect_err(|_| watch.stopped(prompt))
        };
        // The first prompt without an answer in the file's order tells why, whichever came to its end first.
        let prompts: Result<Vec<Prompt>, Stopped> = (0..world.prompts.view().len())
            .into_par_iter()
            .map(explore)
            .collect::<Vec<_>>()
            .into_iter()
            .collect();
        settle(prompts.map(|prompts| Self { prompts, sampled: OnceLock::new() }))
    }

    /// The figures of a prompt's base and targets.
    pub fn targets(&self, prompt: usize) -> &PromptTargets {
        &self.prompts[prompt].targets
    }

    /// Numbers of a prompt's outputs: those that the verifier accepts, and of these those that the base reaches.
    pub fn counts(&self, prompt: usize) -> &[String; 2] {
        &self.prompts[prompt].counts
    }

    /// Number of nodes of the products of base and verifier, over all prompts.
    pub fn states(&self) -> usize {
        self.prompts.iter().map(|prompt| prompt.states).sum()
    }

    /// What the verifier of a prompt accepts.
    pub fn acceptor(&self, prompt: usize) -> &Acceptor {
        &self.prompts[prompt].acceptor
    }

    /// What objectives may know.
    pub fn facts(&self) -> Vec<PromptFacts> {
        let facts = |prompt: &Prompt| {
            let valid = prompt.split.valid;
            PromptFacts::new(valid.log_mass, prompt.split.invalid.log_mass)
                .with_log_top_valid(valid.log_greatest())
        };
        self.prompts.iter().map(facts).collect()
    }

    /// log Z_α of every prompt; −∞ where there is no p*.
    ///
    /// # Errors
    /// If the base fails, which it did not when it was explored first.
    pub fn log_power_partitions(&self, world: &World, power: f64) -> Result<Vec<f64>, PluginError> {
        let of_prompt = |prompt: usize| -> Result<f64, Stopped> {
            let explored = ExploredPrompt::new(world, None, prompt, self.acceptor(prompt))?;
            Ok(explored.log_power_partition(power))
        };
        let found: Result<Vec<f64>, Stopped> =
            (0..self.prompts.len()).into_par_iter().map(of_prompt).collect();
        settle(found)?.map_err(|unavailable| PluginError::contract(unavailable.reason))
    }

    /// The rows that policies are compared with, means over prompts.
    pub fn means(&self, world: &World) -> Vec<(String, Measures)> {
        means(&self.all_targets(), &self.weights(world), world)
    }

    /// The same, prompt by prompt.
    pub fn rows(&self, world: &World) -> PromptRows<Measures> {
        rows(&self.all_targets(), world)
    }

    fn all_targets(&self) -> Vec<PromptTargets> {
        self.prompts.iter().map(|prompt| prompt.targets.clone()).collect()
    }

    /// The most probable outputs of base, p* and tilted distributions, at the first prompts.
    ///
    /// # Errors
    /// If the base fails, which it did not when it was explored first.
    pub fn likely(&self, world: &World) -> Result<PromptRows<PromptOutputs>, PluginError> {
        let of_prompt = |number: usize| -> Result<Vec<(String, PromptOutputs)>, Stopped> {
            let prompt = &self.prompts[number];
            let ExploredPrompt { product, base, .. } =
                ExploredPrompt::new(world, None, number, &prompt.acceptor)?;
            let found = dynamic::likeliest(&WeightedProduct::of_base(&product, &base), Role::Base, COUNT);
            Ok(found.map_or_else(Vec::new, |base| of_targets(world, &base, &prompt.split, &prompt.tilted)))
        };
        let prompts = 0..self.prompts.len().min(MOST_PROMPTS);
        let found: Result<Vec<_>, Stopped> = prompts.into_par_iter().map(of_prompt).collect();
        let found = settle(found)?.map_err(|unavailable| PluginError::contract(unavailable.reason))?;
        Ok(by_name(found))
    }

    /// The weight of each prompt in means.
    pub fn weights(&self, world: &World) -> Vec<f64> {
        let solvable: Vec<bool> = self.prompts.iter().map(|prompt| !prompt.split.valid.is_empty()).collect();
        solvable_weights(&solvable, world)
    }

    /// Samples of p*, for policies without a finite-state view; drawn once.
    pub(crate) fn sampled(&self, world: &World) -> Result<&SampledEvaluation, PluginError> {
        if let Some(sampled) = self.sampled.get() {
            return Ok(sampled);
        }
        let filtered: Result<Vec<_>, Stopped> = (0..self.prompts.len())
            .into_par_iter()
            .map(|prompt| self.prompts[prompt].filtered_samples(world, prompt))
            .collect();
        let filtered = settle(filtered)?.map_err(|unavailable| PluginError::contract(unavailable.reason))?;
        let sampled = SampledEvaluation::with_filtered(filtered, self.weights(world));
        Ok(self.sampled.get_or_init(|| sampled))
    }
}

/// The outputs of a world's task.
pub(crate) fn space_of(world: &World) -> OutputSpace {
    let task = &world.task;
    OutputSpace { symbols: task.alphabet.len(), horizon: task.horizon, ending: task.ending }
}

/// What the verifier of a prompt accepts: from its incremental view, or where it has none from all outputs.
fn acceptor(world: &World, prompt: usize, watch: &Watch<'_>) -> Result<Acceptor, Stopped> {
    let space = space_of(world);
    let refuses = world.truncated_is_invalid;
    let limit = world.evaluation.max_states;
    let refusal = match incremental(world, prompt)? {
        Ok(view) => {
            let mut reader = Reader { view, prompt, watch };
            return Ok(Acceptor::explore(&mut reader, space, refuses, limit)?);
        }
        Err(refusal) => refusal,
    };
    if space.count().is_none_or(|count| count > world.evaluation.enumerate_up_to) {
        let verifier = format!("the verifier `{}`", world.verifier_plugin);
        return Err(Stopped::Limited(Unavailable::no_view_of(&verifier, refusal)));
    }
    let valid = verify_all(world, &[prompt], space, (known_verdicts, &|_| ()))?;
    Ok(Acceptor::of_valid_set(&valid[0], space))
}

impl Prompt {
    fn new(world: &World, prompt: usize, watch: &Watch<'_>) -> Result<Self, Stopped> {
        let acceptor = acceptor(world, prompt, watch)?;
        let ExploredPrompt { product, base: rows, .. } = ExploredPrompt::new(world, None, prompt, &acceptor)?;
        let weighted = WeightedProduct::of_base(&product, &rows);
        if consistency::asks_about(world, prompt) {
            let sampler = dynamic::FilteredSampler::new(&weighted);
            sampler.map_or(Ok(()), |sampler| consistency::check_filtered(world, prompt, &sampler))?;
        }
        let split = dynamic::split(&weighted, Role::Base);
        let betas = &world.evaluation.betas;
        let tilted: Vec<TiltedModel> =
            betas.iter().map(|beta| TiltedModel::new(beta.value, &split)).collect();
        let support = dynamic::valid_support(&weighted);
        let counts = [dynamic::valid_outputs(&acceptor).to_string(), support.to_string()];
        let support = [counts[1].parse().unwrap_or(f64::INFINITY), dynamic::ln(&support)];
        let targets = targets(world, &weighted, &split, &tilted, support);
        let reach = Reach {
            validity_rate: split.valid.mass,
            coverage: dynamic::coverage_curve(&weighted, Role::Base, greatest_k(world), MOST_PREFIXES),
        };
        Ok(Self { acceptor, split, tilted, targets, counts, states: product.states(), reach })
    }

    /// Exact samples of p*; `None` if it does not exist.
    fn filtered_samples(&self, world: &World, prompt: usize) -> Result<Option<FilteredSamples>, Stopped> {
        let ExploredPrompt { product, base: rows, .. } =
            ExploredPrompt::new(world, None, prompt, &self.acceptor)?;
        let sampler = dynamic::FilteredSampler::new(&WeightedProduct::of_base(&product, &rows));
        Ok(sampler.map(|sampler| {
            let exact = ExactFacts { log_invalid: self.split.invalid.log_mass, tilted: self.tilted.clone() };
            FilteredSamples::of(world, prompt, &sampler, exact)
        }))
    }
}

fn targets(
    world: &World,
    weighted: &WeightedProduct<'_>,
    split: &Split,
    tilted: &[TiltedModel],
    support: [f64; 2],
) -> PromptTargets {
    let (k, keys) = (sample_numbers(world), keys(world).k);
    // Every target is the base on valid outputs, times a constant.
    let summary = |of: &Split, log_scale: f64| {
        let coverage = dynamic::coverage_at_k(weighted, Role::Base, log_scale, &k, MOST_PREFIXES);
        Summary::new(of, coverage, &k)
    };
    let log_valid = split.valid.log_mass;
    let filtered_split = (!split.valid.is_empty())
        .then(|| Split { valid: split.valid.with_mass(1.0, 0.0), invalid: pstar_exact::OutputClass::EMPTY });
    let base = summary(split, 0.0);
    // What samples of the base find beside other samples of the base is what chance alone keeps.
    let found_of_base = |own: &Summary, log_scale: f64| {
        let coverage = [&base.coverage_at[..], &own.coverage_at];
        let models = [(Role::Base, 0.0), (Role::Base, log_scale)];
        dynamic::support_at_k(weighted, models, &k, coverage, MOST_PREFIXES)
    };
    let filtered = filtered_split.map(|filtered| {
        let summary = summary(&filtered, -log_valid);
        let mut measures = of_summary(&summary, &keys);
        add_support(&mut measures, &found_of_base(&summary, -log_valid), &keys);
        measures.push("kl_to_base", 0.0 - log_valid);
        measures
    });
    let powers = values(&world.evaluation.powers).into_iter().filter_map(|power| {
        let chain = dynamic::PowerChain::new(weighted, power)?;
        let (figures, coverage) = (chain.figures(split), chain.coverage_at(&k, MOST_PREFIXES));
        let mut measures = of_summary(&Summary::new(&figures.split(), coverage, &k), &keys);
        add_power(&mut measures, &figures);
        Some(measures)
    });
    let powers = powers.collect();
    let tilted = tilted.iter().map(|tilted| {
        let log_scale = if split.valid.is_empty() { 0.0 } else { tilted.log_mu - log_valid };
        let summary = summary(&tilted.split(split), log_scale);
        let mut measures = of_summary(&summary, &keys);
        add_support(&mut measures, &found_of_base(&summary, log_scale), &keys);
        add_tilted(&mut measures, tilted);
        measures
    });
    PromptTargets {
        base: {
            let mut measures = of_summary(&base, &keys);
            add_token_entropy(&mut measures, base.entropy, dynamic::expected_length(weighted, Role::Base));
            add_support(&mut measures, &found_of_base(&base, 0.0), &keys);
            measures
        },
        tilted: tilted.collect(),
        powers,
        uniform: filtered
            .as_ref()
            .and_then(|filtered| uniform(support, filtered.get("entropy").unwrap_or_default(), &k, &keys)),
        filtered,
    }
}

/// Evaluates the policies of one arm by dynamic programming.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct DynamicEvaluation<'a> {
    reference: &'a DynamicReference,
    world: &'a World,
    weights: Vec<f64>,
    prompts: Vec<ExploredPrompt>,
    k: Vec<u64>,
    keys: Keys,
}

impl<'a> DynamicEvaluation<'a> {
    /// For policies of the class of `policy`.
    ///
    /// # Errors
    /// If a component fails. The inner one: the policy has no finite-state view, or there are too many states.
    pub fn new(
        reference: &'a DynamicReference,
        world: &'a World,
        policy: &PolicyHandle,
    ) -> Result<Result<Self, Unavailable>, PluginError> {
        let explore = |prompt| ExploredPrompt::new(world, Some(policy), prompt, reference.acceptor(prompt));
        let prompts: Result<Vec<_>, Stopped> = (0..reference.prompts.len()).map(explore).collect();
        settle(prompts.map(|prompts| Self {
            reference,
            world,
            weights: reference.weights(world),
            prompts,
            k: sample_numbers(world),
            keys: keys(world),
        }))
    }

    /// Everything, means over prompts.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn evaluate(&mut self, policy: &PolicyHandle) -> Result<Evaluation, PluginError> {
        let (world, greatest) = (self.world, greatest_k(self.world));
        let rows = self.walk(policy, |number, weighted| {
            let row = self.everything(number, weighted);
            let reach = Reach {
                validity_rate: row.get("validity_rate").unwrap_or_default(),
                coverage: dynamic::coverage_curve(weighted, Role::Policy, greatest, MOST_PREFIXES),
            };
            let likely = || {
                let found = dynamic::likeliest(weighted, Role::Policy, COUNT);
                found.map_or_else(PromptOutputs::default, |classes| {
                    likely_outputs(world, &classes, [Some(0.0); 2], true)
                })
            };
            (row, reach, (number < MOST_PROMPTS).then(likely))
        })?;
        let base: Vec<&Reach> = self.reference.prompts.iter().map(|prompt| &prompt.reach).collect();
        let own: Vec<&Reach> = rows.iter().map(|(_, reach, _)| reach).collect();
        let crossings = crossings(&own, &base, &self.weights, greatest);
        let mut evaluation = Evaluation { crossings: Some(crossings), ..Evaluation::default() };
        let (mut full, mut curve) = (Vec::new(), Vec::new());
        for (row, _, likely) in rows {
            evaluation.prompts.push(prompt_figures(&row));
            evaluation.outputs.extend(likely);
            curve.push(self.shown_in_curves(&row));
            full.push(row);
        }
        evaluation.full = mean_with_cover(&full, &self.weights);
        evaluation.curve = Measures::mean(&curve, &self.weights);
        Ok(evaluation)
    }

    /// What curves show, means over prompts.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn curve(&self, policy: &PolicyHandle) -> Result<Measures, PluginError> {
        let curve =
            self.walk(policy, |number, weighted| self.shown_in_curves(&self.measure(number, weighted)))?;
        Ok(Measures::mean(&curve, &self.weights))
    }

    fn shown_in_curves(&self, row: &Measures) -> Measures {
        let mut measures = Measures::default();
        for name in ["validity_rate", "entropy", "effective_number", "kl_from_filtered", "token_entropy"] {
            measures.push(name, row.get(name));
        }
        for family in ["pass_at", "coverage_at"] {
            let figures = self.keys.k.iter().map(|key| row.get_in(family, key));
            measures.push_family(family, self.keys.k.iter().cloned(), figures);
        }
        measures
    }

    /// Everything, prompt by prompt: record P.
    ///
    /// # Errors
    /// If the policy fails.
    pub fn by_prompt(&self, policy: &PolicyHandle) -> Result<Vec<Measures>, PluginError> {
        self.walk(policy, |number, weighted| self.everything(number, weighted))
    }

    /// Measures every prompt, by its number, along its product.
    fn walk<T>(
        &self,
        policy: &PolicyHandle,
        measure: impl Fn(usize, &WeightedProduct<'_>) -> T,
    ) -> Result<Vec<T>, PluginError> {
        let of_prompt = |(number, explored): (usize, &ExploredPrompt)| -> Result<T, Stopped> {
            let rows = explored.rows_of(policy)?;
            let weighted =
                WeightedProduct { product: &explored.product, base: &explored.base, policy: &rows };
            Ok(measure(number, &weighted))
        };
        let rows: Result<Vec<T>, Stopped> = self.prompts.iter().enumerate().map(of_prompt).collect();
        settle(rows)?.map_err(|unavailable| PluginError::contract(unavailable.reason))
    }

    /// Everything about one prompt.
    fn everything(&self, number: usize, weighted: &WeightedProduct<'_>) -> Measures {
        let mut measures = self.measure(number, weighted);
        let base = &self.reference.prompts[number].targets.base;
        let coverage = [base, &measures].map(|row| {
            self.keys.k.iter().map(|key| row.get_in("coverage_at", key)).collect::<Vec<Option<f64>>>()
        });
        let models = [(Role::Base, 0.0), (Role::Policy, 0.0)];
        let coverage = [&coverage[0][..], &coverage[1]];
        let support = dynamic::support_at_k(weighted, models, &self.k, coverage, MOST_PREFIXES);
        add_support(&mut measures, &support, &self.keys.k);
        measures
    }

    /// The same without what is found of what the base finds, which takes longest.
    fn measure(&self, number: usize, weighted: &WeightedProduct<'_>) -> Measures {
        let prompt = &self.reference.prompts[number];
        let alphas = values(&self.world.evaluation.alphas);
        let powers = values(&self.world.evaluation.power_sums);
        let orders = Orders { alphas: &alphas, powers: &powers };
        let raised = values(&self.world.evaluation.powers);
        let (split, divergences) = dynamic::divergences(weighted, &prompt.split, &prompt.tilted, &orders);
        let coverage = dynamic::coverage_at_k(weighted, Role::Policy, 0.0, &self.k, MOST_PREFIXES);
        let summary = Summary::new(&split, coverage, &self.k);
        let mut measures = of_summary(&summary, &self.keys.k);
        let length = dynamic::expected_length(weighted, Role::Policy);
        add_token_entropy(&mut measures, summary.entropy, length);
        add_divergences(&mut measures, &divergences, &self.keys);
        let of_filtered = divergences.kl_to_filtered.zip(divergences.kl_from_filtered);
        let kls = raised.iter().map(|&power| {
            let (to, from) = of_filtered?;
            Some(dynamic::PowerChain::new(weighted, power)?.divergences([to, from]))
        });
        add_power_divergences(&mut measures, &kls.collect::<Vec<_>>(), &self.keys);
        measures
    }
}
