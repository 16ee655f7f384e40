//! `host exact FILE`.

use super::{open, print, room};
use crate::cli::{ExactArgs, ExactMethod};
use crate::exit::ExitCode;
use crate::failure::Failure;
use pstar_core::objective::Target;
use pstar_lab::exact::{self, MethodChoice};
use pstar_lab::experiment::{Experiment, Verbatim};
use pstar_lab::kappa;
use pstar_record::to_json;
use pstar_report::{exact_table, kappa_table};

pub(super) fn exact(args: &ExactArgs) -> Result<ExitCode, Failure> {
    let sweep = args.sweep.as_deref().map(read_sweep).transpose()?;
    let (mut experiment, registry) = open(&args.experiment)?;
    if args.kappa {
        let record = kappa::kappa(&experiment, &registry)?;
        print(&if args.json { to_json(&record) } else { kappa_table(&record, room()) })?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(sweep) = sweep {
        sweep.apply(&mut experiment);
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

/// Has exact values told of the targets of a sweep, as in `lambda=0.5,1,2`, in place of the experiment's own.
///
/// # Errors
/// If the text is no sweep.
pub fn apply_sweep(experiment: &mut Experiment, text: &str) -> Result<(), Failure> {
    read_sweep(text).map(|sweep| sweep.apply(experiment))
}

/// The targets that a sweep asks for.
enum Sweep {
    Betas(Vec<f64>),
    Powers(Vec<f64>),
}

impl Sweep {
    fn apply(self, experiment: &mut Experiment) {
        let evaluation = &mut experiment.world.evaluation;
        match self {
            Self::Betas(betas) => evaluation.betas = betas.into_iter().map(Verbatim::of).collect(),
            Self::Powers(powers) => evaluation.powers = powers.into_iter().map(Verbatim::of).collect(),
        }
    }
}

fn read_sweep(text: &str) -> Result<Sweep, Failure> {
    let refused = |message: String| Failure::Usage {
        message,
        hint: Some("for example `--sweep lambda=0.5,1,2,5,10` or `--sweep power=0,0.5,2`".into()),
    };
    let (name, numbers) =
        text.split_once('=').filter(|(name, _)| ["lambda", "beta", "power"].contains(name)).ok_or_else(
            || refused(format!("--sweep: expected `lambda=…`, `beta=…` or `power=…`, found `{text}`")),
        )?;
    let read = |fits: fn(f64) -> bool, range: &str| -> Result<Vec<f64>, Failure> {
        let number = |text: &str| {
            let number = text.trim().parse::<f64>().ok().filter(|x| fits(*x));
            number.ok_or_else(|| refused(format!("--sweep: expected {range}, found `{text}`")))
        };
        numbers.split(',').map(number).collect()
    };
    let positive = || read(|x| x > 0.0 && x.is_finite(), "positive numbers");
    Ok(match name {
        "lambda" => Sweep::Betas(positive()?.into_iter().map(f64::recip).collect()),
        "beta" => Sweep::Betas(positive()?),
        _ => Sweep::Powers(read(|x| (0.0..=Target::MOST_POWER).contains(&x), "numbers from 0 to 1e9")?),
    })
}
