//! What determines an arm.

use super::resolved::{resolved_file, text_of};
use crate::experiment::{Experiment, Located, Seeds};
use pstar_core::INTERFACE_VERSION;
use pstar_core::files::sha256;
use pstar_loader::Registry;

/// The version of the numbers that this program works out: it grows with every change by which an arm of the same spec
/// would have another figure.
const NUMBERS: u32 = 1;

/// Digits of an arm's name: 64 bits, so that among a million arms no two share one but by a chance of 1 in 36 million.
const DIGITS: usize = 16;

/// All that determines an arm's numbers, as text: the task, one policy, one objective, how they train and are measured, the
/// seed, and the hashes of the plugins and files that they are made of. What it is called in its experiment is no part
/// of it, nor are the other arms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmSpec {
    text: String,
}

impl ArmSpec {
    /// Of a policy and an objective of an experiment, by their numbers, and a seed.
    pub fn of(
        experiment: &Experiment,
        registry: &Registry,
        (policy, objective, seed): (usize, usize, u64),
    ) -> Self {
        let mut file = resolved_file(experiment);
        file.name = Located::unplaced("arm".into());
        file.directory = None;
        let one = |_: &str| "it".to_string();
        file.policies =
            file.policies.iter().skip(policy).take(1).map(|(name, of)| (one(name), of.clone())).collect();
        file.objectives = file
            .objectives
            .iter()
            .skip(objective)
            .take(1)
            .map(|(name, of)| (one(name), of.clone()))
            .collect();
        file.evaluation.optima = false;
        file.seeds = Some(Seeds::of(vec![seed]));
        let (own_policy, own_objective) =
            (&experiment.plan.policies[policy], &experiment.plan.objectives[objective]);
        let task = &experiment.file.task;
        let plugins = [
            registry.plugin_of("base model", task.base.plugin.value()),
            registry.plugin_of("verifier", task.verifier.plugin.value()),
            registry.plugin_of("policy", &own_policy.plugin),
            registry.plugin_of("objective", &own_objective.plugin),
        ];
        let mut lines = vec![format!("numbers {NUMBERS}"), format!("interface {INTERFACE_VERSION}")];
        lines.extend(plugins.into_iter().flatten().map(|plugin| format!("plugin {}", plugin.sha256)));
        let own = [format!("policy `{}`", own_policy.name), format!("objective `{}`", own_objective.name)];
        let of_others = |user: &str| {
            (user.starts_with("policy `") || user.starts_with("objective `"))
                && !own.iter().any(|own| own == user)
        };
        let files = experiment.inputs.of_components.iter().filter(|input| !of_others(&input.used_by));
        lines.extend(files.map(|input| format!("file {:?} {}", input.path, input.sha256)));
        lines.push(text_of(&file));
        Self { text: lines.join("\n") }
    }

    /// The whole of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its name, by content: 16 hexadecimal digits.
    pub fn id(&self) -> String {
        sha256(self.text.as_bytes())[..DIGITS].to_string()
    }
}
