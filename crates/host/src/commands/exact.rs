//! `host exact FILE`.

use super::{open, print, room};
use crate::cli::{ExactArgs, ExactMethod};
use crate::failure::Failure;
use pstar_lab::exact::{self, MethodChoice};
use pstar_lab::experiment::Verbatim;
use pstar_lab::kappa;
use pstar_record::to_json;
use pstar_report::{exact_table, kappa_table};
use std::process::ExitCode;

pub(super) fn exact(args: &ExactArgs) -> Result<ExitCode, Failure> {
    let betas = args.sweep.as_deref().map(betas).transpose()?;
    let (mut experiment, registry) = open(&args.experiment)?;
    if args.kappa {
        let record = kappa::kappa(&experiment, &registry)?;
        print(&if args.json { to_json(&record) } else { kappa_table(&record, room()) })?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(betas) = betas {
        experiment.world.evaluation.betas = betas.into_iter().map(Verbatim::of).collect();
    }
    let method = match args.method {
        ExactMethod::Auto => MethodChoice::Auto,
        ExactMethod::Enumeration => MethodChoice::Enumeration,
        ExactMethod::DynamicProgramming => MethodChoice::DynamicProgramming,
    };
    let record = exact::exact(&experiment, &registry, method)?;
    print(&if args.json { to_json(&record) } else { exact_table(&record, room()) })?;
    Ok(ExitCode::SUCCESS)
}

/// The β that a sweep asks for.
fn betas(sweep: &str) -> Result<Vec<f64>, Failure> {
    let refused = |message: String| Failure::Usage {
        message,
        hint: Some("for example `--sweep lambda=0.5,1,2,5,10`".into()),
    };
    let (name, numbers) = sweep
        .split_once('=')
        .filter(|(name, _)| ["lambda", "beta"].contains(name))
        .ok_or_else(|| refused(format!("--sweep: expected `lambda=…` or `beta=…`, found `{sweep}`")))?;
    let beta = |text: &str| {
        let number = text.trim().parse::<f64>().ok().filter(|x| *x > 0.0 && x.is_finite());
        let number =
            number.ok_or_else(|| refused(format!("--sweep: expected positive numbers, found `{text}`")))?;
        Ok(if name == "lambda" { number.recip() } else { number })
    };
    numbers.split(',').map(beta).collect()
}
