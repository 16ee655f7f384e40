//! All checks of one component.

use crate::target::Target;
use crate::{interface, speed};
use pstar_core::testing::{
    Check, Failure, Finding, Findings, MODEL_CHECKS, Make, ModelView, OBJECTIVE_CHECKS, ObjectiveView,
    Observer, Outcome, POLICY_CHECKS, PolicyView, Subject, VERIFIER_CHECKS, VerifierView, model_answers,
    objective_answers, run, verifier_answers,
};
use pstar_core::{Field, PluginError, Task};
use pstar_loader::{
    BaseModelHandle, Component, Handle, ObjectiveHandle, PolicyHandle, UnknownComponent, VerifierHandle,
};

/// Checks a component.
///
/// # Errors
/// If the registry holds no such component.
pub fn conformance(target: Target<'_>, observer: &mut dyn Observer) -> Result<Findings, UnknownComponent> {
    let Target { registry, name, .. } = target;
    let mut findings: Vec<Finding> = interface::check(target, observer).into_iter().collect();
    if findings.iter().any(|finding| !matches!(finding.outcome, Outcome::Passed { .. })) {
        return Ok(Findings(findings));
    }
    let mut speeds = Vec::new();
    let mut add = |more: Findings| findings.extend(more.0);
    match target.kind {
        VerifierHandle::KIND => {
            let component = registry.verifier(name)?;
            let make = |configuration: &str, task: &Task| boxed(component, configuration, task, as_verifier);
            add(all(VERIFIER_CHECKS, target, &component.fields, &make, observer));
            speeds.extend(speed::verifier(target, observer));
        }
        BaseModelHandle::KIND => {
            let component = registry.base_model(name)?;
            let make = |configuration: &str, task: &Task| boxed(component, configuration, task, as_base);
            add(all(MODEL_CHECKS, target, &component.fields, &make, observer));
            speeds.extend(speed::model(target, &make, observer));
        }
        PolicyHandle::KIND => {
            let component = registry.policy(name)?;
            let model = |configuration: &str, task: &Task| boxed(component, configuration, task, as_model);
            add(all(MODEL_CHECKS, target, &component.fields, &model, observer));
            let policy = |configuration: &str, task: &Task| boxed(component, configuration, task, as_policy);
            add(all(POLICY_CHECKS, target, &component.fields, &policy, observer));
            speeds.extend(speed::model(target, &model, observer));
        }
        _ => {
            let component = registry.objective(name)?;
            let make = |configuration: &str, task: &Task| boxed(component, configuration, task, as_objective);
            add(all(OBJECTIVE_CHECKS, target, &component.fields, &make, observer));
            speeds.extend(speed::objective(target, &make, observer));
        }
    }
    findings.extend(speeds);
    Ok(Findings(findings))
}

/// What a component answers to ordinary questions, as questions and answers: equal in every process.
///
/// # Errors
/// If it does not answer; the outer error, if there is no such component.
pub fn answers(target: Target<'_>) -> Result<Result<Vec<(String, String)>, Failure>, UnknownComponent> {
    let Target { registry, name, .. } = target;
    Ok(match target.kind {
        VerifierHandle::KIND => {
            let component = registry.verifier(name)?;
            verifier_answers(&subject(target, &component.fields, &QUIET, &|configuration, task| {
                boxed(component, configuration, task, as_verifier)
            }))
        }
        BaseModelHandle::KIND => {
            let component = registry.base_model(name)?;
            model_answers(&subject(target, &component.fields, &QUIET, &|configuration, task| {
                boxed(component, configuration, task, as_base)
            }))
        }
        PolicyHandle::KIND => {
            let component = registry.policy(name)?;
            model_answers(&subject(target, &component.fields, &QUIET, &|configuration, task| {
                boxed(component, configuration, task, as_model)
            }))
        }
        _ => {
            let component = registry.objective(name)?;
            objective_answers(&subject(target, &component.fields, &QUIET, &|configuration, task| {
                boxed(component, configuration, task, as_objective)
            }))
        }
    })
}

/// Nobody is told what is asked.
const QUIET: fn(&str) = |_| {};

/// Makes a component and shows it as checks see it.
fn boxed<H: Handle, V: ?Sized>(
    component: &Component<H>,
    configuration: &str,
    task: &Task,
    view: fn(H) -> Box<V>,
) -> Result<Box<V>, PluginError> {
    component.create(configuration, task).map(view)
}

fn as_verifier(handle: VerifierHandle) -> Box<dyn VerifierView> {
    Box::new(handle)
}

fn as_base(handle: BaseModelHandle) -> Box<dyn ModelView> {
    Box::new(handle)
}

fn as_model(handle: PolicyHandle) -> Box<dyn ModelView> {
    Box::new(handle)
}

fn as_policy(handle: PolicyHandle) -> Box<dyn PolicyView> {
    Box::new(handle)
}

fn as_objective(handle: ObjectiveHandle) -> Box<dyn ObjectiveView> {
    Box::new(handle)
}

fn subject<'a, V: ?Sized>(
    target: Target<'a>,
    fields: &'a [Field],
    asks: &'a fn(&str),
    make: &'a Make<'a, V>,
) -> Subject<'a, V> {
    let Target { name, configuration, task, .. } = target;
    Subject { name, configuration, fields, task, pairs: &[], asks, make }
}

fn all<V: ?Sized>(
    checks: &[Check<V>],
    target: Target<'_>,
    fields: &[Field],
    make: &Make<'_, V>,
    observer: &mut dyn Observer,
) -> Findings {
    let asks = observer.asks();
    run(checks, &subject(target, fields, &asks, make), observer)
}
