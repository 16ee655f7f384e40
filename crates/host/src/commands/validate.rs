//! `host validate FILE`.

use super::{json, open, print};
use crate::cli::ValidateArgs;
use crate::failure::Failure;
use crate::progress::Bars;
use pstar_lab::run::prepare_telling;
use serde_json::json as object;
use std::process::ExitCode;

/// An experiment that has something to train is checked as far as a run would before its first arm.
pub(super) fn validate(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let (experiment, registry) = open(&args.experiment)?;
    let trains = experiment.training.is_some() || !experiment.objectives.is_empty();
    let bars = Bars::new();
    let warnings = if trains { prepare_telling(&experiment, &registry, &bars)?.warnings } else { Vec::new() };
    drop(bars);
    let arms = experiment.policies.len() * experiment.objectives.len() * experiment.seeds.len();
    if args.json {
        print(&json(&object!({ "valid": true, "arms": arms, "warnings": warnings })))?;
    } else {
        let file = args.experiment.file.display();
        let what = if trains { format!("{arms} arms") } else { "nothing to train".into() };
        let mut lines = vec![format!("{file} is valid: {what}")];
        lines.extend(warnings.iter().map(|warning| format!("warning: {warning}")));
        print(&(lines.join("\n") + "\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
