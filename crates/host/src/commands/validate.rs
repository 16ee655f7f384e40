//! `host validate FILE`.

use super::{open, print};
use crate::cli::ValidateArgs;
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::print_text;
use crate::progress::Bars;
use pstar_lab::consistency::check_task;
use pstar_lab::run::prepare_telling;
use pstar_record::to_json;
use serde_json::json;

/// An experiment that has something to train is checked as far as a run would before its first arm; of any other the
/// base and the verifier are asked a few questions.
pub(super) fn validate(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    match check(args) {
        Err(failure @ Failure::Output { .. }) => Err(failure),
        Err(failure) if args.json => {
            print(&to_json(&json!({ "valid": false, "problems": failure.records() })))?;
            Ok(failure.code())
        }
        checked => checked,
    }
}

fn check(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let (experiment, registry) = open(&args.experiment)?;
    let trains = experiment.plan.training.is_some() || !experiment.plan.objectives.is_empty();
    let warnings = if trains {
        prepare_telling(&experiment, &registry, &Bars::new())?.warnings
    } else {
        check_task(&experiment.world)
            .map_err(|error| Failure::Usage { message: error.message, hint: error.hint })?;
        Vec::new()
    };
    let arms = experiment.plan.arm_count();
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    if args.json {
        print(&to_json(&json!({ "valid": true, "problems": [], "arms": arms, "warnings": texts })))?;
    } else {
        let file = args.experiment.file.display();
        let what = if trains { format!("{arms} arms") } else { "nothing to train".into() };
        let mut lines = vec![format!("{file} is valid: {what}")];
        lines.extend(texts.iter().map(|warning| format!("warning: {warning}")));
        print_text(&(lines.join("\n") + "\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
