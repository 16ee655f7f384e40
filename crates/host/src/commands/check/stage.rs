//! The process that checks one component, and says so line by line.
#![allow(unsafe_code, reason = "asks the system for limits")]

use super::chosen::{configuration, experiment, load, of_experiment};
use crate::cli::{CheckArgs, CheckStage};
use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::print;
use pstar_check::{Audited, KINDS, Target, answers, audit, conformance, default_task};
use pstar_core::Task;
use pstar_core::testing::{Failure as Fault, Finding, Observer, VerifierView};
use pstar_lab::experiment::Experiment;
use pstar_loader::{Handle, UnknownComponent, VerifierHandle};
use serde::{Deserialize, Serialize};

/// What it says, one a line, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Line {
    /// The configuration that it is made from.
    Configuration(String),
    /// A check begins.
    Begins { check: String, proves: String },
    /// What it asks, where the answer may be its end.
    Asks(String),
    /// What it found.
    Found(Finding),
    /// Answers, as questions and answers.
    Answers(Vec<(String, String)>),
    /// No answers could be had.
    NoAnswers(Fault),
    /// All is said.
    Done,
}

/// Does a stage.
pub(super) fn run(args: &CheckArgs, stage: CheckStage) -> Result<ExitCode, Failure> {
    end_with_the_parent();
    limit_memory(args.memory_limit << 20);
    let registry = load(args)?;
    let experiment = experiment(args, &registry)?;
    let name = args.component.as_deref().unwrap_or(&args.plugin);
    let told = args.component_kind.as_deref().unwrap_or_default();
    let kind = KINDS.into_iter().find(|kind| *kind == told).unwrap_or(KINDS[0]);
    let given = configuration(args, experiment.as_ref(), kind, name);
    let task =
        experiment.as_ref().map_or_else(|| default_task(kind), |experiment| experiment.world.task.clone());
    let text = given.unwrap_or_else(|| "()".into());
    say(&Line::Configuration(text.clone()))?;
    let target = Target { registry: &registry, kind, name, configuration: &text, task: &task };
    let unknown = |error: UnknownComponent| Failure::usage(error.to_string());
    match stage {
        CheckStage::Answers => say(&match answers(target).map_err(unknown)? {
            Ok(answers) => Line::Answers(answers),
            Err(fault) => Line::NoAnswers(fault),
        })?,
        CheckStage::Checks => {
            let mut teller = Teller { without: &args.without };
            let _ = conformance(target, &mut teller).map_err(unknown)?;
            if let (VerifierHandle::KIND, Some(experiment)) = (kind, &experiment) {
                audit_verifier(args, target, experiment, &mut teller)?;
            }
        }
    }
    say(&Line::Done)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what a verifier lets through on the task of an experiment.
fn audit_verifier(
    args: &CheckArgs,
    target: Target<'_>,
    experiment: &Experiment,
    teller: &mut Teller<'_>,
) -> Result<(), Failure> {
    let (registry, world) = (target.registry, &experiment.world);
    let unknown = |error: UnknownComponent| Failure::usage(error.to_string());
    let component = registry.verifier(target.name).map_err(unknown)?;
    let make = |task: &Task| {
        component.create(target.configuration, task).map(|made| Box::new(made) as Box<dyn VerifierView>)
    };
    let reference = args.reference.as_ref().map(|name| {
        let own = of_experiment(experiment, VerifierHandle::KIND, name);
        let text = args.reference_config.clone().or(own).unwrap_or_else(|| "()".into());
        let made = registry.verifier(name).map_err(unknown)?.create(&text, &world.task);
        made.map_err(|error| Failure::Usage {
            message: format!("the reference `{name}`: {error}"),
            hint: Some("name its configuration with `--reference-config`".into()),
        })
    });
    let reference = reference.transpose()?;
    let audited = Audited {
        make: &make,
        base: &world.base,
        reference: reference.as_ref().map(|reference| reference as &dyn VerifierView),
        task: &world.task,
        prompts: world.prompts.view(),
        weights: &world.weights,
        truncated_is_invalid: world.truncated_is_invalid,
    };
    let _ = audit(&audited, teller);
    Ok(())
}

struct Teller<'a> {
    without: &'a [String],
}

impl Observer for Teller<'_> {
    fn begins(&mut self, check: &str, proves: &str) -> bool {
        let wanted = !self.without.iter().any(|known| known == check);
        // Where nobody listens any more there is nobody left to tell.
        wanted && say(&Line::Begins { check: check.into(), proves: proves.into() }).is_ok()
    }

    fn found(&mut self, finding: &Finding) {
        let _ = say(&Line::Found(finding.clone()));
    }

    fn asks(&self) -> fn(&str) {
        |asked| {
            let _ = say(&Line::Asks(asked.into()));
        }
    }
}

fn say(line: &Line) -> Result<(), Failure> {
    let text = serde_json::to_string(line).map_err(|error| Failure::usage(error.to_string()))?;
    print(&(text + "\n"))
}

/// Has the system end this process with the one that hears it; elsewhere it goes on to its end.
fn end_with_the_parent() {
    #[cfg(target_os = "linux")]
    // SAFETY: takes numbers alone.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// Refuses this process more memory; where the system does not offer that, it has none to spare either.
fn limit_memory(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: a plain struct that lives until after the call.
    let _ = unsafe { libc::setrlimit(libc::RLIMIT_DATA, &raw const limit) };
}
