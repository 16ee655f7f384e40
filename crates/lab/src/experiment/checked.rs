//! From the file as written to an experiment that can be run: every problem is found before anything starts.

use super::file::{
    EvaluationFile, GradientFile, OptimizerFile, PolicyFile, PromptsFile, Start, TrainingFile,
};
use super::{ComponentFile, ExperimentError, ExperimentFile, Problem, ProblemKind, Written};
use crate::plugins::{Registry, UnknownComponent};
use pstar_core::Task;
use pstar_core::config::suggest;
use pstar_core::data::{Alphabet, RaggedBuffer};
use pstar_core::host::{BaseModelHandle, VerifierHandle};
use pstar_core::rng::{Purpose, StreamKey};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The seed of prompts that a verifier makes: they belong to the task, not to a seed of the comparison.
const PROMPT_SEED: u64 = 0;

/// Greatest number of samples that are drawn at once.
const MOST_SAMPLES: usize = 1 << 24;

/// Greatest number of prompts.
const MOST_PROMPTS: usize = 1 << 16;

/// Greatest number of outputs that can be enumerated at all: their table takes 2 GiB.
const MOST_OUTPUTS: u64 = 1 << 27;

/// An experiment whose task is built and whose parts are checked.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub struct Experiment {
    /// The file as written.
    pub file: ExperimentFile,
    /// Where the file stands.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What every component was told.
    pub task: Task,
    /// The prompts as texts.
    pub prompt_texts: Vec<String>,
    /// The prompts as tokens.
    pub prompts: RaggedBuffer<u32>,
    /// One weight a prompt; they sum to 1.
    pub weights: Vec<f64>,
    /// The base model.
    pub base: BaseModelHandle,
    /// The verifier.
    pub verifier: VerifierHandle,
    /// The policies.
    pub policies: Vec<PolicySpec>,
    /// The objectives.
    pub objectives: Vec<ObjectiveSpec>,
    /// How policies train; absent if the file does not say.
    pub training: Option<Training>,
    /// How policies are measured.
    pub evaluation: Evaluation,
    /// The seeds.
    pub seeds: Vec<u64>,
}

/// A policy of an experiment.
#[derive(Clone, Debug)]
pub struct PolicySpec {
    /// Its name in the experiment.
    pub name: String,
    /// The component.
    pub plugin: String,
    /// The configuration as RON text.
    pub configuration: String,
    /// Where its initial parameters come from.
    pub start: Start,
    /// Where `start` stands in the file.
    pub start_place: Range<usize>,
    /// Where the configuration stands in the file.
    pub place: Range<usize>,
}

/// An objective of an experiment.
#[derive(Clone, Debug)]
pub struct ObjectiveSpec {
    /// Its name in the experiment.
    pub name: String,
    /// The component.
    pub plugin: String,
    /// The configuration as RON text.
    pub configuration: String,
    /// Where the configuration stands in the file.
    pub place: Range<usize>,
}

/// Where gradients come from, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gradient {
    /// Estimated from samples.
    Sampled {
        /// Groups a step, at least 1.
        prompts: usize,
        /// Samples a group, at least 1.
        group: usize,
    },
    /// Exact, over all outputs.
    Population,
}

/// The optimizer, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Plain gradient ascent.
    Sgd {
        /// Step size, positive.
        learning_rate: f64,
    },
    /// Kingma and Ba (2015), *Adam: A Method for Stochastic Optimization*.
    Adam {
        /// Step size, positive.
        learning_rate: f64,
        /// Decay of the first moment, in [0, 1).
        beta1: f64,
        /// Decay of the second moment, in [0, 1).
        beta2: f64,
        /// Added to the root of the second moment, positive.
        epsilon: f64,
    },
}

impl Optimizer {
    /// The step size.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Self::Sgd { learning_rate } | Self::Adam { learning_rate, .. } => learning_rate,
        }
    }
}

/// How policies train, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// Where gradients come from.
    pub gradient: Gradient,
    /// Number of optimizer steps.
    pub steps: u32,
    /// The optimizer.
    pub optimizer: Optimizer,
}

/// How policies are measured, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Steps between two points of a curve.
    pub every: u32,
    /// Numbers of samples k, at least 1.
    pub k: Vec<Written<u64>>,
    /// β, positive.
    pub betas: Vec<Written<f64>>,
    /// α.
    pub alphas: Vec<Written<f64>>,
    /// s of the power sums.
    pub power_sums: Vec<Written<f64>>,
    /// Greatest number of outputs that are enumerated.
    pub enumerate_up_to: u64,
    /// Samples a prompt where outputs are too many to enumerate.
    pub samples: usize,
}

/// Collects problems while the parts of an experiment are checked.
struct Checker<'a> {
    text: &'a str,
    directory: PathBuf,
    registry: &'a Registry,
    problems: Vec<Problem>,
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
    let mut checker = Checker { text, directory, registry, problems: Vec::new() };
    checker.name(&file);
    let seeds = checker.seeds(&file);
    let training = file.training.as_ref().and_then(|training| checker.training(training));
    let evaluation = checker.evaluation(&file.evaluation, training.as_ref());
    let built = checker.task(&file);
    let task = built.as_ref().map(|built| &built.task);
    let policies = checker.policies(&file, task);
    let objectives = checker.objectives(&file);
    let whole = built.and_then(|built| {
        let BuiltTask { task, prompt_texts, weights, base, verifier } = built;
        Some((task, prompt_texts, weights, base?, verifier?))
    });
    match (whole, evaluation) {
        (Some((task, prompt_texts, weights, base, verifier)), Some(evaluation))
            if checker.problems.is_empty() =>
        {
            Ok(Experiment {
                path: path.to_path_buf(),
                text: text.to_string(),
                prompts: task.prompts.iter().map(Vec::as_slice).collect(),
                task,
                prompt_texts,
                weights,
                base,
                verifier,
                policies,
                objectives,
                training,
                evaluation,
                seeds,
                file,
            })
        }
        _ => Err(ExperimentError {
            path: path.to_path_buf(),
            text: text.to_string(),
            problems: checker.problems,
        }),
    }
}

/// The task and its components.
struct BuiltTask {
    task: Task,
    prompt_texts: Vec<String>,
    weights: Vec<f64>,
    base: Option<BaseModelHandle>,
    verifier: Option<VerifierHandle>,
}

impl Checker<'_> {
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The value, or nothing and a problem.
    fn accept<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problem(problem)).ok()
    }

    fn unknown(&mut self, place: Range<usize>, error: &UnknownComponent) {
        let mut problem =
            Problem { kind: ProblemKind::MissingPlugin, ..Problem::at(place, error.to_string()) };
        problem.hint = Some(if error.offered.is_empty() {
            "build the plugins (`cargo build --release`) or name their folder with `--plugin-dir`".into()
        } else {
            suggest(&error.name, error.offered.iter().map(String::as_str))
        });
        self.problem(problem);
    }

    /// The name becomes the name of a folder.
    fn name(&mut self, file: &ExperimentFile) {
        let name = file.name.value();
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            let message = format!("`name` must be fit for a folder's name, found `{name}`");
            self.problem(
                Problem::at(file.name.place(self.text), message).with_hint("use letters, digits and `-`"),
            );
        }
    }

    fn seeds(&mut self, file: &ExperimentFile) -> Vec<u64> {
        let Some(seeds) = &file.seeds else { return Vec::new() };
        for (i, seed) in seeds.iter().enumerate() {
            if seeds[..i].contains(seed) {
                self.problem(Problem::at(seeds.place(self.text), format!("seed {seed} is given twice")));
            }
        }
        seeds.value().clone()
    }

    /// Builds as much of the task as is sound. Base and policies need sound symbols, horizon and prompts, but not the
    /// verifier or each other.
    fn task(&mut self, file: &ExperimentFile) -> Option<BuiltTask> {
        let before = self.problems.len();
        let horizon = *file.task.horizon;
        let limit = StreamKey::MAX_POSITIONS;
        if horizon == 0 || horizon > limit {
            let message = format!("`horizon` must be from 1 to {limit}, found `{horizon}`");
            self.problem(Problem::at(file.task.horizon.place(self.text), message));
        }
        let alphabet = self.alphabet(file)?;
        let (ending, directory) = (file.task.ending, self.directory.clone());
        let mut task = Task { alphabet, horizon, ending, prompts: Vec::new(), directory };
        let faults_of_task = self.problems.len() - before;
        let verifier = self.verifier(&file.task.verifier, &task);
        let faults_of_verifier = self.problems.len() - before - faults_of_task;
        let prompt_texts = self.prompts(file, verifier.as_ref())?;
        let place = file.task.prompts.as_ref().map_or(0..0, |prompts| prompts.place(self.text));
        for prompt in &prompt_texts {
            let tokens = task.alphabet.encode(prompt).map_err(|error| {
                Problem::at(place.clone(), format!("prompt `{prompt}`: {error}"))
                    .with_hint("list symbols that only prompts use in `prompt_alphabet`")
            });
            task.prompts.extend(self.accept(tokens));
        }
        let weights = self.weights(file, prompt_texts.len());
        let sound = self.problems.len() - before == faults_of_verifier;
        let base = if sound { self.base(&file.task.base, &task) } else { None };
        sound.then_some(BuiltTask { task, prompt_texts, weights, base, verifier })
    }

    fn alphabet(&mut self, file: &ExperimentFile) -> Option<Alphabet> {
        let prompt_only = file.task.prompt_alphabet.as_ref();
        let symbols = file.task.alphabet.symbols();
        // A prompt alphabet may repeat symbols of the alphabet: only the others are the prompts' own.
        let mut prompt_symbols = prompt_only.map_or(Vec::new(), |alphabet| alphabet.symbols());
        prompt_symbols.retain(|symbol| !symbols.contains(symbol));
        let place = file.task.alphabet.place(self.text);
        let alphabet = Alphabet::new(symbols, prompt_symbols);
        self.accept(alphabet.map_err(|error| Problem::at(place, error.to_string())))
    }

    fn prompts(&mut self, file: &ExperimentFile, verifier: Option<&VerifierHandle>) -> Option<Vec<String>> {
        let Some(prompts) = &file.task.prompts else { return Some(vec![String::new()]) };
        let place = prompts.place(self.text);
        let texts = match prompts.value() {
            PromptsFile::List(texts) => texts.clone(),
            PromptsFile::File(path) => {
                let full = self.directory.join(path);
                let text = fs::read_to_string(&full).map_err(|error| {
                    let message = format!("the prompts `{}` cannot be read: {error}", full.display());
                    Problem::at(place.clone(), message)
                        .with_hint("relative paths start at the experiment file")
                });
                self.accept(text)?.lines().map(String::from).collect()
            }
            PromptsFile::FromVerifier { count } if *count > MOST_PROMPTS => {
                let message = format!("expected from 1 to {MOST_PROMPTS} prompts, found {count}");
                self.problem(Problem::at(place, message));
                return None;
            }
            PromptsFile::FromVerifier { count } => {
                let made = verifier?.prompts(*count, StreamKey::new(PROMPT_SEED, Purpose::Prompts, 0));
                let made = made.map_err(|error| Problem::at(place.clone(), error.message)).and_then(|made| {
                    made.ok_or_else(|| {
                        Problem::at(place.clone(), "the verifier makes no prompts of its own")
                            .with_hint("give them with `List` or `File`")
                    })
                });
                self.accept(made)?
            }
        };
        if texts.is_empty() || texts.len() > MOST_PROMPTS {
            let message = format!("expected from 1 to {MOST_PROMPTS} prompts, found {}", texts.len());
            self.problem(Problem::at(place, message));
        }
        Some(texts)
    }

    fn weights(&mut self, file: &ExperimentFile, prompts: usize) -> Vec<f64> {
        let Some(weights) = &file.task.weights else { return vec![1.0 / prompts as f64; prompts] };
        let place = weights.place(self.text);
        let total: f64 = weights.iter().sum();
        if weights.len() != prompts {
            let message =
                format!("expected one weight for each of {prompts} prompts, found {}", weights.len());
            self.problem(Problem::at(place, message));
        } else if weights.iter().any(|&w| w.is_nan() || w < 0.0) || !(total > 0.0 && total.is_finite()) {
            let message = "weights must be numbers of at least 0 with a positive sum";
            self.problem(Problem::at(place, message));
        }
        weights.iter().map(|w| w / total).collect()
    }

    fn verifier(&mut self, component: &ComponentFile, task: &Task) -> Option<VerifierHandle> {
        let found = self.registry.verifier(&component.plugin);
        let found = found.map_err(|error| self.unknown(component.plugin.place(self.text), &error)).ok()?;
        let made = found.create(component.configuration(), task);
        self.accept(made.map_err(|error| self.of_component("verifier", component, &error)))
    }

    fn base(&mut self, component: &ComponentFile, task: &Task) -> Option<BaseModelHandle> {
        let found = self.registry.base_model(&component.plugin);
        let found = found.map_err(|error| self.unknown(component.plugin.place(self.text), &error)).ok()?;
        let made = found.create(component.configuration(), task);
        self.accept(made.map_err(|error| self.of_component("base model", component, &error)))
    }

    fn of_component(
        &self,
        kind: &str,
        component: &ComponentFile,
        error: &pstar_core::PluginError,
    ) -> Problem {
        let name = format!("{kind} `{}`", component.plugin.value());
        Problem::of_component(&name, error, place_of(component, self.text), self.text)
    }

    fn policies(&mut self, file: &ExperimentFile, task: Option<&Task>) -> Vec<PolicySpec> {
        let mut specs = Vec::new();
        for (name, policy) in file.policies.iter() {
            let PolicyFile { plugin, config, start } = policy.clone();
            let (component, start_place) = (ComponentFile { plugin, config }, start.place(self.text));
            let (plugin, configuration) =
                (component.plugin.value().clone(), component.configuration().into());
            let place = place_of(&component, self.text);
            let spec =
                PolicySpec { name: name.into(), plugin, configuration, start: *start, start_place, place };
            match self.registry.policy(&spec.plugin) {
                Err(error) => self.unknown(component.plugin.place(self.text), &error),
                Ok(found) => {
                    let made = task.map(|task| found.create(&spec.configuration, task));
                    if let Some(Err(error)) = made {
                        let name = format!("policy `{name}`");
                        self.problem(Problem::of_component(&name, &error, spec.place.clone(), self.text));
                    }
                }
            }
            specs.push(spec);
        }
        specs
    }

    /// Objectives know nothing of the task when they are made, so any will do.
    fn objectives(&mut self, file: &ExperimentFile) -> Vec<ObjectiveSpec> {
        let task = Task::of_one_symbol();
        let mut specs = Vec::new();
        for (name, component) in file.objectives.iter() {
            let (plugin, configuration) =
                (component.plugin.value().clone(), component.configuration().into());
            let place = place_of(component, self.text);
            let spec = ObjectiveSpec { name: name.into(), plugin, configuration, place };
            match self.registry.objective(&spec.plugin) {
                Err(error) => self.unknown(component.plugin.place(self.text), &error),
                Ok(found) => {
                    if let Err(error) = found.create(&spec.configuration, &task) {
                        let name = format!("objective `{name}`");
                        self.problem(Problem::of_component(&name, &error, spec.place.clone(), self.text));
                    }
                }
            }
            specs.push(spec);
        }
        specs
    }

    fn training(&mut self, file: &TrainingFile) -> Option<Training> {
        let before = self.problems.len();
        let gradient = match *file.gradient.value() {
            GradientFile::Population => Gradient::Population,
            GradientFile::Sampled { prompts, group } => {
                for (name, value) in [("prompts", prompts), ("group", group)] {
                    if value == 0 {
                        let place = file.gradient.place(self.text);
                        let message = format!("`{name}` must be at least 1, found `0`");
                        self.problem(Problem::at(place, message));
                    }
                }
                if prompts.saturating_mul(group) > MOST_SAMPLES {
                    let message =
                        format!("a step must have at most {MOST_SAMPLES} samples, found {prompts} × {group}");
                    self.problem(Problem::at(file.gradient.place(self.text), message));
                }
                Gradient::Sampled { prompts, group }
            }
        };
        let optimizer = self.optimizer(*file.optimizer.value(), &file.optimizer.place(self.text));
        (self.problems.len() == before).then_some(Training { gradient, steps: *file.steps, optimizer })
    }

    fn optimizer(&mut self, file: OptimizerFile, place: &Range<usize>) -> Optimizer {
        let mut require = |name: &str, value: f64, fits: bool, range: &str| {
            if !fits {
                let message = format!("`{name}` must be {range}, found `{value}`");
                self.problem(Problem::at(place.clone(), message));
            }
        };
        let positive = |value: f64| value > 0.0 && value.is_finite();
        match file {
            OptimizerFile::Sgd { learning_rate } => {
                require("learning_rate", learning_rate, positive(learning_rate), "a positive number");
                Optimizer::Sgd { learning_rate }
            }
            OptimizerFile::Adam { learning_rate, beta1, beta2, epsilon } => {
                require("learning_rate", learning_rate, positive(learning_rate), "a positive number");
                require("beta1", beta1, (0.0..1.0).contains(&beta1), "in [0, 1)");
                require("beta2", beta2, (0.0..1.0).contains(&beta2), "in [0, 1)");
                require("epsilon", epsilon, positive(epsilon), "a positive number");
                Optimizer::Adam { learning_rate, beta1, beta2, epsilon }
            }
        }
    }

    fn evaluation(&mut self, file: &EvaluationFile, training: Option<&Training>) -> Option<Evaluation> {
        let before = self.problems.len();
        let steps = training.map_or(0, |training| training.steps);
        let every = match &file.every {
            None => (steps / 20).max(1),
            Some(every) => {
                if **every == 0 {
                    let message = "`every` must be at least 1, found `0`";
                    self.problem(Problem::at(every.place(self.text), message));
                }
                **every
            }
        };
        if let Some(zero) = file.k.iter().find(|k| k.value == 0) {
            self.problem(Problem::new(format!("`k` must be at least 1, found `{}`", zero.text)));
        }
        for beta in file.betas.iter().filter(|b| !(b.value > 0.0 && b.value.is_finite())) {
            self.problem(Problem::new(format!("`betas` must be positive numbers, found `{}`", beta.text)));
        }
        for (name, values) in [("alphas", &file.alphas), ("power_sums", &file.power_sums)] {
            for value in values.iter().filter(|value| !value.value.is_finite()) {
                self.problem(Problem::new(format!("`{name}` must be numbers, found `{}`", value.text)));
            }
        }
        if file.enumerate_up_to > MOST_OUTPUTS {
            let found = file.enumerate_up_to;
            let message = format!("`enumerate_up_to` must be at most {MOST_OUTPUTS}, found `{found}`");
            self.problem(Problem::new(message));
        }
        let lists = [
            ("k", repeated(&file.k)),
            ("betas", repeated(&file.betas)),
            ("alphas", repeated(&file.alphas)),
            ("power_sums", repeated(&file.power_sums)),
        ];
        for (name, repeated) in lists {
            if let Some(text) = repeated {
                self.problem(Problem::new(format!("`{name}` holds `{text}` twice")));
            }
        }
        if !(2..=MOST_SAMPLES).contains(&*file.samples) {
            let message = format!("`samples` must be from 2 to {MOST_SAMPLES}, found `{}`", *file.samples);
            self.problem(Problem::at(file.samples.place(self.text), message));
        }
        (self.problems.len() == before).then(|| Evaluation {
            every,
            k: file.k.clone(),
            betas: file.betas.clone(),
            alphas: file.alphas.clone(),
            power_sums: file.power_sums.clone(),
            enumerate_up_to: file.enumerate_up_to,
            samples: *file.samples,
        })
    }
}

/// The first number that is written twice.
fn repeated<T>(numbers: &[Written<T>]) -> Option<&str> {
    let earlier = |i: usize| numbers[..i].iter().any(|known| known.text == numbers[i].text);
    (1..numbers.len()).find(|&i| earlier(i)).map(|i| numbers[i].text.as_str())
}

/// Where a component's configuration stands, or its name if it has none.
fn place_of(component: &ComponentFile, text: &str) -> Range<usize> {
    component.config.as_ref().map_or_else(|| component.plugin.place(text), |config| config.place(text))
}
