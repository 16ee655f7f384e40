//! The memory that a run needs, part by part, and which field of the experiment each is due to.

use super::Prepared;
use super::prepare::is_avoided;
use crate::evaluation::{GroundTruth, space_of};
use crate::experiment::{Experiment, Problem};
use crate::memory;
use crate::plan::{Gradient, Sampling, Training};
use crate::training::create;
use pstar_core::PluginError;
use pstar_core::author::SampleRequest;
use pstar_core::data::Ending;
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::ModelHandle;
use std::ops::Range;

/// What a sequence of a batch takes besides its tokens: prompt and number, offsets, reward, weight, verdict, and an
/// objective's own columns. Together with [`PER_TOKEN`] checked against the peak of runs in the tests.
const PER_SEQUENCE: f64 = 64.0;

/// What a token takes: itself, its log-probabilities under policy and base, its coefficient, and what grows while it is
/// sampled.
const PER_TOKEN: f64 = 36.0;

/// What a point of a curve takes: four figures, and behind [`PER_KEY`] what each k adds, in memory and as text.
const PER_POINT: f64 = 512.0;
const PER_KEY: f64 = 384.0;

/// What the record of an arm takes besides its curve.
const PER_ARM: f64 = 8192.0;

/// Samples of the base that tell how long outputs are.
const LENGTH_SAMPLES: u32 = 256;

/// A part of the memory that a run needs.
#[derive(Clone, Debug)]
struct Need {
    /// What takes it.
    what: String,
    bytes: f64,
    /// Where the experiment sets it.
    place: Range<usize>,
    /// What to change.
    hint: &'static str,
}

/// The memory that a run needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs(Vec<Need>);

impl Needs {
    /// What can be told before anything is worked out.
    ///
    /// # Errors
    /// If the base fails.
    pub(super) fn before(experiment: &Experiment, training: Training) -> Result<Self, PluginError> {
        let mut needs = Self::default();
        let prompts = experiment.world.prompts.view().len() as f64;
        let enumerated = space_of(&experiment.world)
            .count()
            .filter(|&count| count <= experiment.world.evaluation.enumerate_up_to)
            .map(|count| count as f64);
        if let Some(outputs) = enumerated {
            let contexts = contexts(experiment)?;
            needs.outputs(experiment, outputs, contexts as f64, prompts);
            if training.gradient == Gradient::Population {
                let trained = experiment.world.trained.numbers.len() as f64;
                let tokens = outputs * trained * experiment.world.task.horizon as f64;
                needs.population(experiment, tokens);
            }
        }
        needs.batch(experiment, training);
        Ok(needs)
    }

    /// What a prepared run needs, its record included.
    ///
    /// # Errors
    /// If a component fails.
    pub(super) fn of(prepared: &Prepared<'_>) -> Result<Self, PluginError> {
        let experiment = prepared.experiment;
        let mut needs = Self::default();
        match &prepared.truth {
            GroundTruth::Enumerated(reference) => {
                let outputs = reference.space().count().unwrap_or(0) as f64;
                let contexts = reference.base_contexts().iter().max().map_or(0, |last| last + 1);
                needs.outputs(experiment, outputs, contexts as f64, reference.prompts().len() as f64);
            }
            // Nodes × choices, for the base once and for every thread's policy: successors, rows and factors.
            GroundTruth::Dynamic(reference) => {
                let cells = reference.states() as f64 * experiment.world.task.choices() as f64;
                let place = experiment.file.exact.max_states.place(&experiment.text);
                let hint = "lower `task.horizon` or `exact.max_states`";
                needs.add(
                    "the states of base, policy and verifier",
                    48.0 * cells * (1.0 + arms_at_once(experiment)),
                    place,
                    hint,
                );
            }
            GroundTruth::Sampled(..) => {
                let each = PER_SEQUENCE + PER_TOKEN * mean_length(experiment);
                let samples = experiment.world.evaluation.samples as f64 * each;
                let sets = experiment.world.prompts.view().len() as f64 + arms_at_once(experiment);
                let place = experiment.file.evaluation.samples.place(&experiment.text);
                needs.add(
                    "the samples of base and policies",
                    samples * sets,
                    place,
                    "lower `evaluation.samples`",
                );
            }
        }
        if let Some(all) = &prepared.outputs {
            needs.population(experiment, all.sequences().tokens().values().len() as f64);
        }
        needs.records(experiment, prepared.training);
        needs.batch(experiment, prepared.training);
        let mut parameters = 0;
        let made = experiment.plan.policies.iter().filter(|spec| !is_avoided(prepared.registry, spec));
        for spec in made {
            parameters =
                create(&experiment.world, prepared.registry, spec)?.parameter_count()?.max(parameters);
        }
        let place = 0..0;
        let records = arms(experiment) / experiment.plan.policies.len().max(1) as f64;
        let bytes = parameters as f64 * 8.0 * (8.0 * arms_at_once(experiment) + records);
        needs.add("the parameters of all arms", bytes, place, "use smaller policies, or fewer `seeds`");
        Ok(needs)
    }

    /// Bytes in all, the program itself left out.
    pub(super) fn total(&self) -> f64 {
        self.0.iter().map(|need| need.bytes).sum()
    }

    /// The problem, where it is more than this process can have.
    pub(super) fn problem(&self) -> Option<Problem> {
        let limit = memory::limit()? as f64;
        let total = self.total();
        let largest = self.0.iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes)).filter(|_| total > limit)?;
        let gibibytes = |bytes: f64| format!("{:.1} GiB", bytes / f64::from(1 << 30));
        let message = format!(
            "the run would take about {} of memory, {} of it for {}, and there are {}",
            gibibytes(total),
            gibibytes(largest.bytes),
            largest.what,
            gibibytes(limit)
        );
        Some(Problem::at(largest.place.clone(), message).with_hint(largest.hint))
    }

    fn add(&mut self, what: impl Into<String>, bytes: f64, place: Range<usize>, hint: &'static str) {
        self.0.push(Need { what: what.into(), bytes, place, hint });
    }

    /// Log-probability and probability of every output for each context of the base and one context a thread, and for
    /// each prompt a verdict and, of the valid ones, the same of every power-filtered target.
    fn outputs(&mut self, experiment: &Experiment, outputs: f64, contexts: f64, prompts: f64) {
        let powers = experiment.world.evaluation.powers.len() as f64;
        let per_prompt = 1.0 + 16.0 * powers;
        let bytes = outputs * (16.0 * (contexts + arms_at_once(experiment)) + per_prompt * prompts);
        let place = experiment.file.evaluation.enumerate_up_to.place(&experiment.text);
        let horizon = experiment.file.task.horizon.place(&experiment.text);
        let place = if place.is_empty() { horizon } else { place };
        let hint = "lower `task.horizon` or `evaluation.enumerate_up_to`, or use fewer `task.prompts`";
        self.add("the table of all outputs", bytes, place, hint);
    }

    fn population(&mut self, experiment: &Experiment, tokens: f64) {
        let bytes = tokens * (4.0 + 24.0 * arms_at_once(experiment));
        let matched = experiment.plan.training.is_some_and(|training| training.matched.is_some());
        let (place, hint) = if matched {
            (experiment.match_place(), "leave out `training.match`, or use fewer `task.prompts`")
        } else {
            let hint = "use `Sampled(…)` as `training.gradient`, or fewer `task.prompts`";
            (experiment.gradient_place(), hint)
        };
        self.add("exact gradients over all outputs", bytes, place, hint);
    }

    fn records(&mut self, experiment: &Experiment, training: Training) {
        let arms = arms(experiment);
        let points = f64::from(training.steps / experiment.world.evaluation.every) + 2.0;
        let point = PER_POINT + PER_KEY * experiment.world.evaluation.k.len() as f64;
        let place = experiment.file.evaluation.every.as_ref();
        let place = place.map_or(0..0, |every| every.place(&experiment.text));
        let hint = "raise `evaluation.every`";
        self.add(format!("{points:.0} points a curve"), arms * points * point, place, hint);
        let seeds = experiment.file.seeds.as_ref().map_or(0..0, |seeds| seeds.place(&experiment.text));
        self.add(format!("the records of {arms:.0} arms"), arms * PER_ARM, seeds, "use fewer `seeds`");
    }

    fn batch(&mut self, experiment: &Experiment, training: Training) {
        let Gradient::Sampled(sampling) = training.gradient else { return };
        let Sampling { prompts, group, .. } = sampling;
        let sequence = PER_SEQUENCE + PER_TOKEN * mean_length(experiment);
        let kept = f64::from(sampling.age()) + 1.0;
        let bytes = (prompts * group) as f64 * kept * sequence * arms_at_once(experiment);
        let hint = "lower `prompts` or `group` of `training.gradient`, or `--threads`";
        let what = format!("batches of {prompts} × {group} sequences");
        self.add(what, bytes, experiment.gradient_place(), hint);
    }
}

/// Number of arms.
pub(super) fn arms(experiment: &Experiment) -> f64 {
    experiment.plan.arm_count() as f64
}

/// Number of arms that are trained at the same time.
fn arms_at_once(experiment: &Experiment) -> f64 {
    arms(experiment).min(rayon::current_num_threads() as f64).max(1.0)
}

/// Number of tables of the base: one a state behind a prompt, or a prompt where it has no states.
fn contexts(experiment: &Experiment) -> Result<usize, PluginError> {
    let prompts = experiment.world.prompts.view();
    let mut states = std::collections::BTreeSet::new();
    for prompt in prompts.rows() {
        match experiment.world.base.start(prompt)? {
            Some(state) => states.insert(state),
            None => return Ok(prompts.len()),
        };
    }
    Ok(states.len())
}

/// How many tokens an output of the base has, a mean over prompts; as many as there can be where it does not sample.
fn mean_length(experiment: &Experiment) -> f64 {
    let (prompts, longest) = (experiment.world.prompts.view(), experiment.world.task.horizon as f64);
    if experiment.world.task.ending == Ending::FixedLength || prompts.is_empty() {
        return longest;
    }
    let count = u32::try_from(prompts.len()).unwrap_or(u32::MAX);
    let sample: Vec<u32> = (0..LENGTH_SAMPLES).collect();
    let prompt_of: Vec<u32> = sample.iter().map(|i| i % count).collect();
    let request = SampleRequest::new(prompts, &prompt_of, &sample);
    let key = StreamKey::new(0, Purpose::Evaluation, 0);
    let samples = request.and_then(|request| experiment.world.base.sample(&request, key));
    samples.map_or(longest, |samples| samples.log_probs.len() as f64 / f64::from(LENGTH_SAMPLES))
}
