//! Whether the figure that selects learning rates is one that arms have.

use super::Prepared;
use crate::experiment::{Experiment, Problem};
use crate::run::initial::Starting;
use pstar_core::config::suggest;
use pstar_core::shown;

/// The problem of a figure that the evaluation of a policy does not have.
pub(super) fn unknown_metric(prepared: &Prepared<'_>) -> Option<Problem> {
    let Experiment { file, plan, text, .. } = prepared.experiment;
    let metric = &plan.select_on.as_ref()?.metric;
    let place = file.training.as_ref()?.select_on.as_ref()?.metric.place(text);
    // A policy that cannot be measured fails with its arms.
    let names = |policy| -> Option<Vec<String>> {
        let Starting { policy, mut evaluator } = Starting::new(prepared, policy, plan.first_seed()).ok()?;
        let evaluation = evaluator.evaluate(&policy, 0).ok()?;
        Some(evaluation.full.flat().map(|(name, _)| name).collect())
    };
    let mut known = (0..plan.policies.len()).filter_map(names);
    let names = known.find(|names| !names.contains(metric))?;
    let message = format!("`metric` must be a figure that is evaluated, found `{}`", shown(metric));
    Some(Problem::at(place, message).with_hint(suggest(metric, names.iter().map(String::as_str))))
}
