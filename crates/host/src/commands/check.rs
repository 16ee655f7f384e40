//! `host check`.

mod chosen;
mod process;
mod stage;
mod text;
mod verdict;

use crate::cli::CheckArgs;
use crate::exit::ExitCode;
use crate::failure::{BAD_EXPERIMENT, FAILED, Failure};
use crate::output::{print, print_text};
use chosen::chosen;
use pstar_record::to_json;
use rayon::prelude::*;
use serde_json::json;
use verdict::Verdict;

pub(super) fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    if let Some(stage) = args.stage {
        return stage::run(args, stage);
    }
    let registry = chosen::load(args)?;
    let chosen = chosen(args, &registry)?;
    let verdicts: Result<Vec<Verdict>, Failure> =
        chosen.par_iter().map(|component| process::check(args, component)).collect();
    let verdicts = verdicts?;
    let failed: usize = verdicts.iter().map(Verdict::failed).sum();
    let unchecked = verdicts.iter().filter(|verdict| verdict.unchecked.is_some()).count();
    if args.json {
        print(&to_json(&json!({ "components": verdicts, "failed": failed, "not_checked": unchecked })))?;
    } else {
        let texts: String = verdicts.iter().map(text::of).collect();
        print_text(&(texts + &text::summary(&verdicts)))?;
    }
    Ok(match (failed, unchecked) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(BAD_EXPERIMENT),
        _ => ExitCode::from(FAILED),
    })
}
