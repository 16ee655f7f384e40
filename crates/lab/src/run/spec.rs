//! What determines an arm.

use super::resolved::{resolved_file, text_of};
use crate::experiment::{Experiment, ExperimentFile, Located, ObjectiveFile, Seeds, verifiers_of};
use crate::plan::ArmKey;
use pstar_core::INTERFACE_VERSION;
use pstar_core::config::UniqueMap;
use pstar_core::files::sha256;
use pstar_loader::Registry;

/// The version of the numbers that this program works out: it grows with every change by which an arm of the same spec
/// would have another figure, or one more.
const NUMBERS: u32 = 3;

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
    /// The whole of it: an experiment of this one arm, as RON, below comments with versions and hashes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its name, by content: 16 hexadecimal digits.
    pub fn id(&self) -> String {
        sha256(self.text.as_bytes())[..DIGITS].to_string()
    }
}

/// What determines the arms of an experiment.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct ArmSpecs<'a> {
    experiment: &'a Experiment,
    registry: &'a Registry,
    /// With every default, without what tells arms apart.
    common: ExperimentFile,
}

impl<'a> ArmSpecs<'a> {
    /// Of the arms of an experiment, with the plugins of a registry.
    pub fn new(experiment: &'a Experiment, registry: &'a Registry) -> Self {
        let mut common = resolved_file(experiment);
        common.name = Located::unplaced("arm".into());
        common.directory = None;
        common.evaluation.optima = false;
        if let Some(training) = &mut common.training {
            (training.learning_rates, training.select_on) = (None, None);
        }
        common.policies = UniqueMap::default();
        common.objectives = UniqueMap::default();
        Self { experiment, registry, common }
    }

    /// Of one arm.
    pub fn of(&self, arm: ArmKey) -> ArmSpec {
        let Self { experiment, registry, .. } = self;
        let mut file = self.common.clone();
        let one = |_: &str| "it".to_string();
        let policies = experiment.file.policies.iter().skip(arm.policy).take(1);
        file.policies = policies.map(|(name, of)| (one(name), of.clone())).collect();
        let objectives = experiment.file.objectives.iter().skip(arm.objective).take(1);
        let without_rate = |of: &ObjectiveFile| ObjectiveFile { learning_rate: None, ..of.clone() };
        file.objectives = objectives.map(|(name, of)| (one(name), without_rate(of))).collect();
        // An arm is the same wherever its learning rate is said.
        if let Some(training) = &mut file.training {
            let optimizer = training.optimizer.value().at(experiment.plan.rate_of(arm));
            training.optimizer = Located::unplaced(optimizer);
        }
        file.seeds = Some(Seeds::of(vec![arm.seed]));
        let (policy, objective) =
            (&experiment.plan.policies[arm.policy], &experiment.plan.objectives[arm.objective]);
        let task = &experiment.file.task;
        let verifiers = verifiers_of(&task.verifier);
        let mut plugins = vec![registry.plugin_of("base model", task.base.plugin.value())];
        plugins.extend(verifiers.iter().map(|name| registry.plugin_of("verifier", name)));
        plugins.push(registry.plugin_of("policy", &policy.plugin));
        plugins.push(registry.plugin_of("objective", &objective.plugin));
        let mut lines = vec![format!("// numbers {NUMBERS}"), format!("// interface {INTERFACE_VERSION}")];
        lines.extend(plugins.into_iter().flatten().map(|plugin| format!("// plugin {}", plugin.sha256)));
        let own = [format!("policy `{}`", policy.name), format!("objective `{}`", objective.name)];
        let of_others = |user: &str| {
            (user.starts_with("policy `") || user.starts_with("objective `"))
                && !own.iter().any(|own| own == user)
        };
        let files = experiment.inputs.of_components.iter().filter(|input| !of_others(&input.used_by));
        lines.extend(files.map(|input| format!("// file {:?} {}", input.path, input.sha256)));
        lines.push(text_of(&file));
        ArmSpec { text: lines.join("\n") }
    }
}
