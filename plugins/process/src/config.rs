//! What experiments configure.

use crate::launch::Launch;
use pstar_core::config::UniqueMap;
use pstar_core::{Field, PluginError, Task, shown};
use serde::Deserialize;
use std::path::{self, Path, PathBuf};

/// `(command: ["python3", "verifier.py"])`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    command: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default, rename = "config")]
    handed: String,
    #[serde(default)]
    environment: UniqueMap<String>,
    #[serde(default = "default_batch")]
    batch: usize,
    #[serde(default = "default_children")]
    children: usize,
    #[serde(default = "default_seconds")]
    seconds: f64,
    #[serde(default = "default_start_seconds")]
    start_seconds: f64,
    #[serde(default = "default_restarts")]
    restarts: usize,
    #[serde(default)]
    threshold: Option<f64>,
}

fn default_batch() -> usize {
    256
}

fn default_children() -> usize {
    1
}

fn default_seconds() -> f64 {
    10.0
}

fn default_start_seconds() -> f64 {
    60.0
}

fn default_restarts() -> usize {
    8
}

/// The fields, as `host plugins` shows them.
pub(crate) const FIELDS: &[Field] = &[
    Field::required(
        "command",
        "[text]",
        "a program and its arguments",
        "what is started, in the folder of the experiment; arguments that name files there are part of what a run is made from",
    ),
    Field::optional("files", "[text]", "paths", "[]", "other files that verdicts depend on"),
    Field::optional("config", "text", "any", "\"\"", "handed to the process with the first line"),
    Field::optional(
        "environment",
        "{name: text}",
        "any",
        "{}",
        "variables of the process's environment besides the host's; PYTHONHASHSEED is 0 unless given",
    ),
    Field::optional("batch", "integer", "1 to 65536", "256", "pairs of prompt and response a line"),
    Field::optional("children", "integer", "1 to 256", "1", "processes at most; no verdict depends on it"),
    Field::optional(
        "seconds",
        "number",
        "> 0",
        "10",
        "time without an answer after which a process is killed",
    ),
    Field::optional("start_seconds", "number", "> 0", "60", "time until a process must be ready"),
    Field::optional(
        "restarts",
        "integer",
        ">= 0",
        "8",
        "how often in a row a process that fails is started again to find out which pairs of a batch it fails on",
    ),
    Field::optional(
        "threshold",
        "number",
        "any",
        "None",
        "scores from here on are valid where they are neither 0 nor 1; without it these are no verdict",
    ),
];

/// What is allowed, and how many.
pub(crate) struct Settings {
    pub(crate) launch: Launch,
    pub(crate) batch: usize,
    pub(crate) children: usize,
    pub(crate) restarts: usize,
    pub(crate) threshold: Option<f64>,
}

impl Config {
    /// The configuration with its values found to be in range and its files in place, which the host is told of.
    pub(crate) fn check(self, task: &Task) -> Result<Settings, PluginError> {
        in_range("batch", self.batch, 1, 1 << 16)?;
        in_range("children", self.children, 1, 256)?;
        for (field, seconds) in [("seconds", self.seconds), ("start_seconds", self.start_seconds)] {
            // A year: beyond lies what no clock holds.
            if !(seconds > 0.0 && seconds <= 3.2e7) {
                return Err(PluginError::config(
                    field,
                    format!("`{field}` must be above 0 and at most a year, found `{seconds}`"),
                ));
            }
        }
        if let Some(threshold) = self.threshold.filter(|threshold| !threshold.is_finite()) {
            return Err(PluginError::config(
                "threshold",
                format!("`threshold` must be finite, found `{threshold}`"),
            ));
        }
        let is_sound = |text: &str| !text.contains('\0');
        for (name, value) in self.environment.iter() {
            if name.is_empty() || name.contains('=') || !is_sound(name) || !is_sound(value) {
                let message = format!("`{}` cannot be a variable of an environment", shown(name));
                return Err(PluginError::config("environment", message));
            }
        }
        let Some((program, arguments)) =
            self.command.split_first().filter(|(program, _)| !program.is_empty())
        else {
            return Err(PluginError::config("command", "`command` must begin with a program, found none"));
        };
        if let Some(word) = self.command.iter().find(|word| !is_sound(word)) {
            return Err(PluginError::config(
                "command",
                format!("`{}` cannot be part of a command", shown(word)),
            ));
        }
        note_files(&self.command, &self.files, task)?;
        let launch = Launch {
            program: program_path(program, task),
            arguments: arguments.to_vec(),
            directory: folder(task),
            environment: self.environment.iter().map(|(name, value)| (name.into(), value.clone())).collect(),
            config: self.handed,
            start_seconds: self.start_seconds,
            seconds: self.seconds,
        };
        let (batch, children, restarts) = (self.batch, self.children, self.restarts);
        Ok(Settings { launch, batch, children, restarts, threshold: self.threshold })
    }
}

fn in_range(field: &str, found: usize, least: usize, most: usize) -> Result<(), PluginError> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(PluginError::config(field, format!("`{field}` must be in {least} to {most}, found `{found}`")))
}

/// The host is told of the files that verdicts depend on: those listed, and those that words of the command name.
fn note_files(command: &[String], files: &[String], task: &Task) -> Result<(), PluginError> {
    for (place, word) in command.iter().enumerate() {
        // A program without a folder is one of the system's.
        let is_named = place > 0 || is_path(word);
        if is_named && task.directory.join(word).is_file() {
            task.resolve(word);
        }
    }
    for path in files {
        let full = task.directory.join(path);
        if !full.is_file() {
            let message = format!("`files` names `{}`, which is no regular file", full.display());
            return Err(PluginError::config("files", message)
                .with_hint("relative paths start at the experiment file"));
        }
        task.resolve(path);
    }
    Ok(())
}

fn is_path(program: &str) -> bool {
    program.contains('/')
}

fn program_path(program: &str, task: &Task) -> PathBuf {
    if !is_path(program) {
        return program.into();
    }
    let full = folder(task).join(program);
    path::absolute(&full).unwrap_or(full)
}

fn folder(task: &Task) -> PathBuf {
    let is_here = task.directory == Path::new("");
    if is_here { ".".into() } else { task.directory.clone() }
}
