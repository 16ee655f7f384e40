//! Lists of checks, and how they are run.

use super::{Conclusion, Finding, Findings, Outcome, Subject};

/// A check of components of one kind.
#[allow(missing_debug_implementations, reason = "holds a function")]
pub struct Check<V: ?Sized + 'static> {
    /// Its name.
    pub name: &'static str,
    /// What it proves where it passes.
    pub proves: &'static str,
    /// Whether the checks behind it rest on it.
    pub first: bool,
    /// Makes it.
    pub run: fn(&Subject<'_, V>) -> Conclusion,
}

/// Whoever is told how checks go on.
pub trait Observer {
    /// A check begins, unless the answer is no.
    fn begins(&mut self, check: &str, proves: &str) -> bool;
    /// What it found.
    fn found(&mut self, finding: &Finding);
    /// Whoever is told what a check asks, before the answer.
    fn asks(&self) -> fn(&str) {
        |_| {}
    }
}

/// Nobody: all checks are made.
impl Observer for () {
    fn begins(&mut self, _: &str, _: &str) -> bool {
        true
    }

    fn found(&mut self, _: &Finding) {}
}

/// Runs checks one behind another, but for those that the observer does not want.
pub fn run<V: ?Sized>(
    checks: &[Check<V>],
    subject: &Subject<'_, V>,
    observer: &mut dyn Observer,
) -> Findings {
    let (mut findings, mut broken) = (Vec::new(), None);
    for check in checks {
        let outcome = || match broken {
            Some(name) => Outcome::Skipped { why: format!("the check `{name}` failed, which it rests on") },
            None => (check.run)(subject).unwrap_or_else(Outcome::Failed),
        };
        let finding = made(check.name, check.proves, observer, outcome);
        if check.first && finding.as_ref().is_some_and(|f| matches!(f.outcome, Outcome::Failed(_))) {
            broken = Some(check.name);
        }
        findings.extend(finding);
    }
    Findings(findings)
}

/// Makes one check, if the observer wants it.
pub fn made(
    check: &str,
    proves: &str,
    observer: &mut dyn Observer,
    outcome: impl FnOnce() -> Outcome,
) -> Option<Finding> {
    if !observer.begins(check, proves) {
        return None;
    }
    let finding = Finding { check: check.into(), proves: proves.into(), outcome: outcome() };
    observer.found(&finding);
    Some(finding)
}
