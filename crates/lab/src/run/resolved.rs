//! The experiment as it was run: every default written out, prompts listed, so that it can be run again from
//! anywhere.

use super::store::copies;
use crate::experiment::{ComponentFile, Experiment, Gradient, Optimizer, Written};
use crate::inputs::way;
use pstar_core::config;
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The resolved experiment as RON text, for a file in the folder `run`.
///
/// Its `directory` is the copies of the files that its components read, beside it, so that the folder can be run again
/// wherever it is copied. Where a component did not say what it reads it is the way to the experiment's own folder.
pub fn resolved(experiment: &Experiment, run: &Path) -> String {
    let mut text = String::new();
    let file = &experiment.file;
    let task = &file.task;
    let directory = directory(experiment, run);
    let mut line = |indent: usize, content: String| {
        let _ = writeln!(text, "{}{content}", "    ".repeat(indent));
    };
    line(0, "(".into());
    line(1, format!("name: {},", ron(file.name.value())));
    line(1, format!("directory: {},", ron(&directory.to_string_lossy())));
    line(1, "task: (".into());
    line(2, format!("alphabet: {},", ron(task.alphabet.value())));
    if let Some(alphabet) = &task.prompt_alphabet {
        line(2, format!("prompt_alphabet: {},", ron(alphabet.value())));
    }
    line(2, format!("horizon: {},", experiment.task.horizon));
    line(2, format!("ending: {},", ron(&task.ending)));
    line(2, format!("truncated_is_invalid: {},", task.truncated_is_invalid));
    line(2, format!("prompts: List({}),", ron(&experiment.prompt_texts)));
    if let Some(weights) = &task.weights {
        line(2, format!("weights: {},", ron(weights.value())));
    }
    line(2, format!("base: {},", component(&task.base)));
    line(2, format!("verifier: {},", component(&task.verifier)));
    line(1, "),".into());
    line(1, "policies: {".into());
    for spec in &experiment.policies {
        let (name, plugin, start) = (ron(&spec.name), ron(&spec.plugin), ron(&spec.start));
        line(2, format!("{name}: (plugin: {plugin}, config: {}, start: {start}),", spec.configuration));
    }
    line(1, "},".into());
    line(1, "objectives: {".into());
    for spec in &experiment.objectives {
        line(
            2,
            format!("{}: (plugin: {}, config: {}),", ron(&spec.name), ron(&spec.plugin), spec.configuration),
        );
    }
    line(1, "},".into());
    if let Some(training) = &experiment.training {
        let gradient = match training.gradient {
            Gradient::Sampled(sampling) => ron(&crate::experiment::GradientFile::from(sampling)),
            Gradient::Population => "Population".into(),
        };
        let optimizer = match training.optimizer {
            Optimizer::Sgd { learning_rate } => format!("Sgd(learning_rate: {})", ron(&learning_rate)),
            Optimizer::Adam { learning_rate, beta1, beta2, epsilon } => format!(
                "Adam(learning_rate: {}, beta1: {}, beta2: {}, epsilon: {})",
                ron(&learning_rate),
                ron(&beta1),
                ron(&beta2),
                ron(&epsilon)
            ),
        };
        let steps = training.steps;
        let clip = training.clip_norm.map(|norm| format!(", clip_norm: {}", ron(&norm))).unwrap_or_default();
        line(1, format!("training: (gradient: {gradient}, steps: {steps}, optimizer: {optimizer}{clip}),"));
    }
    let evaluation = &experiment.evaluation;
    line(1, "evaluation: (".into());
    line(2, format!("every: {},", evaluation.every));
    line(2, format!("k: [{}],", as_written(&evaluation.k)));
    line(2, format!("betas: [{}],", as_written(&evaluation.betas)));
    line(2, format!("alphas: [{}],", as_written(&evaluation.alphas)));
    line(2, format!("power_sums: [{}],", as_written(&evaluation.power_sums)));
    line(2, format!("enumerate_up_to: {},", evaluation.enumerate_up_to));
    line(2, format!("samples: {},", evaluation.samples));
    line(2, format!("optima: {},", evaluation.optima));
    line(1, "),".into());
    line(1, format!("exact: (max_states: {}),", evaluation.max_states));
    line(1, format!("seeds: {},", ron(&experiment.seeds)));
    line(0, ")".into());
    text
}

/// Where the relative paths of components start, seen from the run's folder.
fn directory(experiment: &Experiment, run: &Path) -> PathBuf {
    if experiment.inputs.untold.is_empty() {
        return copies(&experiment.inputs);
    }
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    // The folder of a file that is named without one is empty.
    way(&whole(run), &whole(&Path::new(".").join(&experiment.task.directory)))
}

fn ron(value: &(impl Serialize + ?Sized)) -> String {
    config::options().to_string(value).unwrap_or_else(|error| unreachable!("plain data serialises: {error}"))
}

fn component(component: &ComponentFile) -> String {
    format!("(plugin: {}, config: {})", ron(component.plugin.value()), component.configuration())
}

fn as_written<T>(numbers: &[Written<T>]) -> String {
    numbers.iter().map(|number| number.text.as_str()).collect::<Vec<_>>().join(", ")
}
