//! Whether the figure that selects learning rates is one that arms have.

use super::Prepared;
use crate::experiment::{Experiment, Problem};
use crate::run::initial::Starting;
use pstar_core::config::suggest;
use pstar_core::shown;

/// The families whose keys are numbers of samples.
const BY_SAMPLES: [&str; 2] = ["pass", "coverage"];

/// The problem of a figure that the evaluation of a policy does not have, or cannot have.
pub(super) fn unfit_metric(prepared: &Prepared<'_>) -> Option<Problem> {
    let Experiment { file, plan, text, .. } = prepared.experiment;
    let metric = &plan.select_on.as_ref()?.metric;
    let place = file.training.as_ref()?.select_on.as_ref()?.metric.place(text);
    (0..plan.policies.len()).find_map(|policy| {
        // A policy that cannot be measured fails with its arms.
        let Starting { policy, mut evaluator } = Starting::new(prepared, policy, plan.first_seed()).ok()?;
        let evaluation = evaluator.evaluate(&policy, 0).ok()?;
        let names: Vec<String> = evaluation.full.flat().map(|(name, _)| name).collect();
        if !names.contains(metric) {
            let message = format!("`metric` must be a figure that is evaluated, found `{}`", shown(metric));
            let hint = suggest(metric, names.iter().map(String::as_str));
            return Some(Problem::at(place.clone(), message).with_hint(hint));
        }
        if evaluator.is_seeded() { beyond_the_samples(prepared, metric) } else { None }
            .map(|message| Problem::at(place.clone(), message).with_hint(MORE_SAMPLES))
    })
}

const MORE_SAMPLES: &str = "raise `evaluation.samples`, or select on a smaller k";

/// What is said of a figure of more samples than are drawn.
fn beyond_the_samples(prepared: &Prepared<'_>, metric: &str) -> Option<String> {
    let evaluation = &prepared.experiment.world.evaluation;
    let (family, key) = metric.split_once('@')?;
    let k = evaluation.k.iter().find(|k| BY_SAMPLES.contains(&family) && k.text == key)?;
    let samples = evaluation.samples;
    (k.value > samples as u64).then(|| {
        format!(
            "`{}` cannot be estimated from {samples} samples, and learning rates are selected on it",
            shown(metric)
        )
    })
}
