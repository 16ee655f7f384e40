//! From the file as written to an experiment that can be run: every problem is found before anything starts.

mod components;
mod evaluation;
mod pins;
mod rates;
mod task;
mod trained;
mod training;

use super::seeds::{MOST_SEEDS, Seeds};
use super::{Experiment, ExperimentError, ExperimentFile, Problem, ProblemKind, TaskFile};
use crate::inputs::Inputs;
use crate::plan::Plan;
use crate::world::{EvaluationSettings, TrainedPrompts, World};
use pstar_core::config::suggest;
use pstar_core::shown;
use pstar_loader::{Registry, UnknownComponent};
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use task::BuiltTask;

/// Greatest number of samples that are drawn at once.
const MOST_SAMPLES: usize = 1 << 24;

/// Collects problems while the parts of an experiment are checked.
struct Checker<'a> {
    text: &'a str,
    directory: PathBuf,
    registry: &'a Registry,
    problems: Vec<Problem>,
    inputs: Inputs,
}

/// Checks the file at `path`, whose text is `text`, and builds its task.
///
/// # Errors
/// Every problem that could be found. Parts that depend on a faulty one are not checked.
pub fn check(
    file: ExperimentFile,
    path: &Path,
    text: &str,
    registry: &Registry,
) -> Result<Experiment, ExperimentError> {
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let directory = file.directory.as_ref().map_or(folder.clone(), |directory| folder.join(directory));
    let mut checker = Checker { text, directory, registry, problems: Vec::new(), inputs: Inputs::default() };
    checker.name(&file);
    checker.pins(&file);
    let seeds = file.seeds.as_ref().map_or_else(Vec::new, |seeds| checker.seeds(seeds));
    let training = file.training.as_ref().and_then(|training| checker.training(training));
    let learning_rates = checker.learning_rates(&file);
    let select_on = file.training.as_ref().and_then(|training| training.select_on.as_ref());
    let select_on = checker.select_on(select_on, learning_rates.len(), &seeds);
    let evaluation = checker.evaluation(&file.evaluation, &file.exact, training.as_ref());
    let built = checker.task(&file);
    let task = built.as_ref().map(|built| &built.task);
    let policies = checker.policies(&file, task);
    let objectives = checker.objectives(&file);
    let trained = built.as_ref().and_then(|built| checker.trained(file.training.as_ref(), built));
    let parts = built.zip(evaluation).zip(trained);
    let world =
        parts.and_then(|((built, evaluation), trained)| world(built, evaluation, trained, &file.task));
    let (path, text) = (path.to_path_buf(), text.to_string());
    match world {
        Some(world) if checker.problems.is_empty() => {
            let plan = Plan { policies, objectives, training, learning_rates, select_on, seeds };
            Ok(Experiment { file, path, text, inputs: checker.inputs, world, plan })
        }
        _ => Err(ExperimentError { path, text, problems: checker.problems }),
    }
}

/// The greatest share of responses that may go without a verdict, where the file says nothing.
const NO_VERDICT_LIMIT: f64 = 0.01;

/// The task and how policies are measured on it; `None` where a component is missing.
fn world(
    built: BuiltTask,
    evaluation: EvaluationSettings,
    trained: TrainedPrompts,
    file: &TaskFile,
) -> Option<World> {
    let BuiltTask { task, prompt_texts, weights, base, verifier } = built;
    Some(World {
        truncated_is_invalid: file.truncated_is_invalid,
        prompts: task.prompts.iter().map(Vec::as_slice).collect(),
        task,
        prompt_texts,
        weights,
        trained,
        base_plugin: file.base.plugin.value().clone(),
        base: base?,
        verifier_plugin: file.verifier.plugin.value().clone(),
        verifier: verifier?,
        no_verdict_limit: file.no_verdict_limit.as_ref().map_or(NO_VERDICT_LIMIT, |limit| **limit),
        evaluation,
    })
}

impl Checker<'_> {
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn accept<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problem(problem)).ok()
    }

    fn unknown(&mut self, place: Range<usize>, error: &UnknownComponent) {
        let mut problem =
            Problem { kind: ProblemKind::MissingPlugin, ..Problem::at(place, error.to_string()) };
        problem.hint = Some(if error.offered.is_empty() {
            "build the plugins (`cargo build --release`) or name their folder with `--plugin-dir`".into()
        } else {
            format!(
                "{}; a plugin of your own: name the folder of its built library with `--plugin-dir`",
                suggest(&error.name, error.offered.iter().map(String::as_str))
            )
        });
        self.problem(problem);
    }

    fn name(&mut self, file: &ExperimentFile) {
        let name = file.name.value();
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            let message = format!("`name` must be fit for a folder's name, found `{}`", shown(name));
            self.problem(
                Problem::at(file.name.place(self.text), message).with_hint("use letters, digits and `-`"),
            );
        }
    }

    fn seeds(&mut self, seeds: &Seeds) -> Vec<u64> {
        if let Some(count) = seeds.refused() {
            let message =
                format!("`seeds` must be a list or a number from 1 to {MOST_SEEDS}, found `{count}`");
            self.problem(Problem::at(seeds.place(self.text), message));
        }
        // Sorting is faster than a set of a million, which is for the order in the file, where there is a fault.
        let mut sorted = seeds.values.clone();
        sorted.sort_unstable();
        let repeated = sorted.windows(2).any(|pair| pair[0] == pair[1]);
        let mut known = HashSet::new();
        if repeated && let Some(seed) = seeds.values.iter().find(|&&seed| !known.insert(seed)) {
            self.problem(Problem::at(seeds.place(self.text), format!("seed {seed} is given twice")));
        }
        seeds.values.clone()
    }
}
