//! The verifier that wraps another one: `(plugin: "noisy", config: (verifier: …, false_positives: 0.1))`.

use super::ComponentFile;
use pstar_core::{Field, PluginError, Task, config, shown};
use pstar_loader::{Noise, Registry, VerifierHandle};
use serde::Deserialize;

/// Its name, which no plugin's verifier can have.
pub const NAME: &str = "noisy";

/// What it is.
pub const DOC: &str = "another verifier's verdicts, wrong in a known way: by rate, one by one, or by pattern";

/// The fields of its configuration.
pub const FIELDS: &[Field] = &[
    Field::required("verifier", "component", "a verifier", "whose verdicts are true"),
    Field::optional(
        "false_positives",
        "number",
        "[0, 1]",
        "0",
        "share of invalid responses that are taken for valid",
    ),
    Field::optional(
        "false_negatives",
        "number",
        "[0, 1]",
        "0",
        "share of valid responses that are taken for invalid",
    ),
    Field::optional(
        "seed",
        "integer",
        ">= 0",
        "0",
        "which responses these are: a function of it, prompt and response",
    ),
    Field::optional(
        "accepts_also",
        "component",
        "a verifier",
        "none",
        "what is taken for valid whatever else is said",
    ),
    Field::optional("rejects_also", "component", "a verifier", "None", "what is taken for invalid"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    verifier: ComponentFile,
    #[serde(default)]
    false_positives: f64,
    #[serde(default)]
    false_negatives: f64,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    accepts_also: Option<ComponentFile>,
    #[serde(default)]
    rejects_also: Option<ComponentFile>,
}

impl Config {
    fn read(configuration: &str) -> Result<Self, PluginError> {
        let config: Self = config::parse(configuration)?;
        for (name, rate) in
            [("false_positives", config.false_positives), ("false_negatives", config.false_negatives)]
        {
            if !(0.0..=1.0).contains(&rate) {
                let message = format!("`{name}` must be a share from 0 to 1, found `{rate}`");
                return Err(PluginError::config(name, message));
            }
        }
        for part in config.parts() {
            if part.plugin.value() == NAME {
                let message = "`noisy` wraps another verifier, found `noisy` itself";
                return Err(PluginError::config("verifier", message));
            }
        }
        Ok(config)
    }

    fn parts(&self) -> impl Iterator<Item = &ComponentFile> {
        std::iter::once(&self.verifier).chain(&self.accepts_also).chain(&self.rejects_also)
    }
}

/// A verifier of an experiment on a task, noise and all.
///
/// # Errors
/// If it, or what it wraps, is not offered or refuses its configuration.
pub(crate) fn make(
    registry: &Registry,
    (plugin, configuration): (&str, &str),
    task: &Task,
) -> Result<VerifierHandle, PluginError> {
    let named = |plugin: &str, configuration: &str| {
        let found = registry.verifier(plugin);
        let found = found.map_err(|error| {
            let offered: Vec<String> = error.offered.iter().map(|name| format!("`{name}`")).collect();
            PluginError::config("plugin", error.to_string())
                .with_hint(format!("offered: {}", offered.join(", ")))
        });
        found?.create(configuration, task)
    };
    if plugin != NAME {
        return named(plugin, configuration);
    }
    let config = Config::read(configuration)?;
    // A fault within is told with the name of what found it: its place is another text's.
    let part = |part: &ComponentFile| {
        named(part.plugin.value(), part.configuration()).map_err(|mut error| {
            error.message = format!("verifier `{}`: {}", shown(part.plugin.value()), error.message);
            (error.position, error.field) = (None, None);
            error
        })
    };
    let alphabet = task.alphabet.clone();
    let Config { false_positives, false_negatives, seed, .. } = config;
    let [accepts_also, rejects_also] =
        [&config.accepts_also, &config.rejects_also].map(|other| other.as_ref().map(&part).transpose());
    let (accepts_also, rejects_also) = (accepts_also?, rejects_also?);
    let noise = Noise { false_positives, false_negatives, seed, accepts_also, rejects_also, alphabet };
    Ok(part(&config.verifier)?.with_noise(noise))
}

/// The names of the verifiers that a component's verdicts depend on: its own, or of one with noise those of its parts.
pub fn verifiers_of(component: &ComponentFile) -> Vec<String> {
    let own = component.plugin.value().clone();
    match Config::read(component.configuration()) {
        Ok(config) if own == NAME => config.parts().map(|part| part.plugin.value().clone()).collect(),
        _ => vec![own],
    }
}
