//! The task: symbols, horizon, prompts, base and verifier.

use super::Checker;
use super::components::place_of;
use crate::experiment::file::PromptsFile;
use crate::experiment::{ComponentFile, ExperimentFile, NOISY, Problem, make_verifier};
use crate::inputs::input;
use crate::text_file::{TextFileError, read_bytes, text_of};
use pstar_core::data::{Alphabet, AlphabetError};
use pstar_core::files::{FileRead, sha256};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_core::{Task, shown};
use pstar_loader::{BaseModelHandle, VerifierHandle};
use std::collections::HashSet;

/// The seed of prompts that a verifier makes: they belong to the task, not to a seed of the comparison.
const PROMPT_SEED: u64 = 0;

/// Greatest number of prompts.
const MOST_PROMPTS: usize = 1 << 16;

/// The task and its components.
pub(super) struct BuiltTask {
    pub(super) task: Task,
    pub(super) prompt_texts: Vec<String>,
    pub(super) weights: Vec<f64>,
    pub(super) base: Option<BaseModelHandle>,
    pub(super) verifier: Option<VerifierHandle>,
}

impl Checker<'_> {
    pub(super) fn task(&mut self, file: &ExperimentFile) -> Option<BuiltTask> {
        let before = self.problems.len();
        let horizon = *file.task.horizon;
        let limit = StreamKey::MAX_POSITIONS;
        if horizon == 0 || horizon > limit {
            let message = format!("`horizon` must be from 1 to {limit}, found `{horizon}`");
            self.problem(Problem::at(file.task.horizon.place(self.text), message));
        }
        if let Some(limit) =
            file.task.no_verdict_limit.as_ref().filter(|limit| !(0.0..=1.0).contains(&***limit))
        {
            let message = format!("`no_verdict_limit` must be a share from 0 to 1, found `{}`", **limit);
            self.problem(Problem::at(limit.place(self.text), message));
        }
        let alphabet = self.alphabet(file)?;
        let (ending, directory) = (file.task.ending, self.directory.clone());
        let mut task = Task::new(alphabet, horizon, ending).in_directory(directory);
        let faults_of_task = self.problems.len() - before;
        let verifier = self.verifier(&file.task.verifier, &task);
        let faults_of_verifier = self.problems.len() - before - faults_of_task;
        let prompt_texts = self.prompts(file, verifier.as_ref())?;
        let place = file.task.prompts.as_ref().map_or(0..0, |prompts| prompts.place(self.text));
        for prompt in &prompt_texts {
            let tokens = task.alphabet.encode(prompt).map_err(|error| {
                Problem::at(place.clone(), format!("prompt `{}`: {error}", shown(prompt)))
                    .with_hint("list symbols that only prompts use in `prompt_alphabet`")
            });
            task.prompts.extend(self.accept(tokens));
        }
        let weights = self.weights(file, prompt_texts.len());
        let sound = self.problems.len() - before == faults_of_verifier;
        let base = if sound { self.base(&file.task.base, &task) } else { None };
        for (kind, component, files) in [
            ("base model", &file.task.base, base.as_ref().map(BaseModelHandle::files)),
            ("verifier", &file.task.verifier, verifier.as_ref().map(VerifierHandle::files)),
        ] {
            if let Some(files) = files {
                let name = format!("{kind} `{}`", component.plugin.value());
                self.told(&name, &place_of(component, self.text), files);
            }
        }
        sound.then_some(BuiltTask { task, prompt_texts, weights, base, verifier })
    }

    pub(super) fn alphabet(&mut self, file: &ExperimentFile) -> Option<Alphabet> {
        let prompt_only = file.task.prompt_alphabet.as_ref();
        let symbols = file.task.alphabet.symbols();
        // A prompt alphabet may repeat symbols of the alphabet: only the others are the prompts' own.
        let mut prompt_symbols = prompt_only.map_or(Vec::new(), |alphabet| alphabet.symbols());
        let own: HashSet<&String> = symbols.iter().collect();
        prompt_symbols.retain(|symbol| !own.contains(symbol));
        let alphabet = Alphabet::new(symbols.clone(), prompt_symbols);
        let of_field = |error: AlphabetError| {
            let place = match prompt_only {
                Some(prompt_only) if Alphabet::new(symbols, Vec::new()).is_ok() => {
                    prompt_only.place(self.text)
                }
                _ => file.task.alphabet.place(self.text),
            };
            Problem::at(place, error.to_string())
        };
        let alphabet = alphabet.map_err(of_field);
        self.accept(alphabet)
    }

    pub(super) fn prompts(
        &mut self,
        file: &ExperimentFile,
        verifier: Option<&VerifierHandle>,
    ) -> Option<Vec<String>> {
        let Some(prompts) = &file.task.prompts else { return Some(vec![String::new()]) };
        let place = prompts.place(self.text);
        let texts = match prompts.value() {
            PromptsFile::List(texts) => texts.clone(),
            PromptsFile::File(path) => {
                let full = self.directory.join(path);
                let unreadable = |error: TextFileError| {
                    let hint = match error {
                        TextFileError::Unreadable { .. } => "relative paths start at the experiment file",
                        _ => "expected one prompt a line",
                    };
                    Problem::at(place.clone(), format!("the prompts {error}")).with_hint(hint)
                };
                let bytes = self.accept(read_bytes(&full).map_err(unreadable))?;
                let text = self.accept(text_of(&full, &bytes).map_err(unreadable))?;
                let read = FileRead { path: path.clone(), bytes: bytes.len() as u64, sha256: sha256(&bytes) };
                self.inputs.prompts = Some(input("prompts", read));
                // One more than there may be is enough to refuse them.
                text.lines().take(MOST_PROMPTS + 1).map(String::from).collect()
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
            let found = if texts.is_empty() { "none" } else { "more" };
            let message = format!("expected from 1 to {MOST_PROMPTS} prompts, found {found}");
            self.problem(Problem::at(place, message));
            return None;
        }
        Some(texts)
    }

    pub(super) fn weights(&mut self, file: &ExperimentFile, prompts: usize) -> Vec<f64> {
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

    pub(super) fn verifier(&mut self, component: &ComponentFile, task: &Task) -> Option<VerifierHandle> {
        if component.plugin.value() != NOISY {
            let found = self.registry.verifier(&component.plugin);
            found.map_err(|error| self.unknown(component.plugin.place(self.text), &error)).ok()?;
        }
        let made = make_verifier(self.registry, (component.plugin.value(), component.configuration()), task);
        self.accept(made.map_err(|error| self.of_component("verifier", component, &error)))
    }

    pub(super) fn base(&mut self, component: &ComponentFile, task: &Task) -> Option<BaseModelHandle> {
        let found = self.registry.base_model(&component.plugin);
        let found = found.map_err(|error| self.unknown(component.plugin.place(self.text), &error)).ok()?;
        let made = found.create(component.configuration(), task);
        self.accept(made.map_err(|error| self.of_component("base model", component, &error)))
    }

    pub(super) fn of_component(
        &self,
        kind: &str,
        component: &ComponentFile,
        error: &pstar_core::PluginError,
    ) -> Problem {
        let name = format!("{kind} `{}`", component.plugin.value());
        Problem::of_component(&name, error, place_of(component, self.text), self.text)
    }
}
