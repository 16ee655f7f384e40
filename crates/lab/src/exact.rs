//! The exact values of a task and of its policies at their initial parameters.

use crate::evaluation::{EnumeratedEvaluation, Measures, Method, Ruler};
use crate::experiment::{Experiment, ExperimentError, Problem};
use crate::plugins::Registry;
use crate::training::{create, initial_parameters};
use pstar_core::PluginError;
use pstar_core::host::PolicyHandle;
use pstar_core::rng::{Purpose, StreamKey};
use serde::Serialize;

/// The exact values of a task, prompt by prompt.
#[derive(Clone, Debug, Serialize)]
pub struct ExactRecord {
    /// One record a prompt, in the file's order.
    pub prompts: Vec<PromptRecord>,
}

/// The exact values of one prompt.
#[derive(Clone, Debug, Serialize)]
pub struct PromptRecord {
    /// The prompt.
    pub prompt: String,
    /// How the values were had.
    pub method: Method,
    /// Number of outputs of the space.
    pub outputs: String,
    /// Number of outputs that the verifier accepts.
    pub valid_outputs: String,
    /// Number of those that the base reaches.
    pub valid_support: String,
    /// The base.
    pub base: Measures,
    /// The filtered model, where there is one.
    pub filtered: Option<Measures>,
    /// The tilted distributions, one a β of the evaluation.
    pub tilted: Vec<Measures>,
    /// The policies at their initial parameters, in the file's order.
    #[serde(serialize_with = "as_map")]
    pub policies: Vec<(String, Measures)>,
}

fn as_map<S: serde::Serializer>(rows: &[(String, Measures)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rows.iter().map(|(name, measures)| (name, measures)))
}

/// Works out the exact values of an experiment's task. Policies that start at random are drawn with the first seed,
/// or 0 where there is none.
///
/// # Errors
/// Every problem that could be found: too many outputs to enumerate, a policy's start, a component that fails.
pub fn exact(experiment: &Experiment, registry: &Registry) -> Result<ExactRecord, ExperimentError> {
    let failed =
        |problems| ExperimentError { path: experiment.path.clone(), text: experiment.text.clone(), problems };
    let of_task =
        |error: PluginError| failed(vec![Problem { hint: error.hint, ..Problem::new(error.message) }]);
    let ruler = Ruler::new(experiment).map_err(of_task)?;
    let Ruler::Enumerated(reference) = &ruler else { return Err(failed(vec![too_large(experiment)])) };
    let mut problems = Vec::new();
    let mut policies: Vec<(String, Vec<Measures>)> = Vec::new();
    for spec in &experiment.policies {
        let start = match initial_parameters(experiment, registry, &ruler, spec) {
            Ok(start) => start,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let measured = create(experiment, registry, spec).and_then(|mut policy: PolicyHandle| {
            let seed = experiment.seeds.first().copied().unwrap_or(0);
            match &start {
                Some(parameters) => policy.set_parameters(parameters)?,
                None => policy.randomise(StreamKey::new(seed, Purpose::Initialise, 0))?,
            }
            EnumeratedEvaluation::new(reference, experiment, &policy)?.by_prompt(&policy)
        });
        policies.push((spec.name.clone(), measured.map_err(of_task)?));
    }
    if !problems.is_empty() {
        return Err(failed(problems));
    }
    let records = reference.prompts().iter().enumerate().map(|(i, prompt)| {
        let targets = reference.targets(i, experiment);
        PromptRecord {
            prompt: experiment.prompt_texts[i].clone(),
            method: ruler.method(),
            outputs: prompt.valid.outputs().to_string(),
            valid_outputs: prompt.valid.count().to_string(),
            valid_support: prompt.filtered.as_ref().map_or(0, |filtered| filtered.support).to_string(),
            base: targets.base,
            filtered: targets.filtered,
            tilted: targets.tilted,
            policies: policies.iter().map(|(name, rows)| (name.clone(), rows[i].clone())).collect(),
        }
    });
    Ok(ExactRecord { prompts: records.collect() })
}

fn too_large(experiment: &Experiment) -> Problem {
    let limit = experiment.evaluation.enumerate_up_to;
    let message = format!("the outputs are too many to enumerate: more than {limit}");
    Problem::at(experiment.file.task.horizon.place(&experiment.text), message)
        .with_hint("use a smaller `horizon`, or raise `evaluation.enumerate_up_to`")
}
