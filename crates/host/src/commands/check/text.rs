//! Findings as people read them.

use super::verdict::Verdict;
use pstar_core::testing::{Failure, Finding, Outcome};

/// What is said of a component: a line a check, and of a failure what was asked, expected and found.
pub(super) fn of(verdict: &Verdict) -> String {
    let Verdict { kind, name, file, configuration, unchecked, findings } = verdict;
    let mut lines = vec![format!("{kind} `{name}` ({file}), configuration `{configuration}`")];
    if let Some(why) = unchecked {
        lines.push(format!("  NOT CHECKED: it cannot be made from this configuration: {why}"));
        lines.push(format!(
            "  what to do: name one with `--config '{name}=(…)'`; `host plugins {name}` shows its fields"
        ));
    }
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    for finding in findings {
        line(finding, width, &mut lines);
    }
    lines.join("\n") + "\n\n"
}

fn line(finding: &Finding, width: usize, lines: &mut Vec<String>) {
    let Finding { check, proves, outcome } = finding;
    let (word, text) = match outcome {
        Outcome::Passed { of } => ("passed", format!("{proves} ({of})")),
        Outcome::Failed(_) => ("FAILED", proves.clone()),
        Outcome::Skipped { why } => ("skipped", why.clone()),
        Outcome::Told { what } => ("told", what.clone()),
    };
    lines.push(format!("  {word:<8} {check:<width$}  {text}"));
    if let Outcome::Failed(Failure { input, expected, found, advice }) = outcome {
        for (what, text) in
            [("asked", input), ("expected", expected), ("found", found), ("what to do", advice)]
        {
            lines.push(format!("           {what}: {text}"));
        }
    }
}

/// What is said of all components.
pub(super) fn summary(verdicts: &[Verdict]) -> String {
    let sum = |count: fn(&Verdict) -> usize| verdicts.iter().map(count).sum::<usize>();
    let unchecked = verdicts.iter().filter(|verdict| verdict.unchecked.is_some()).count();
    let (passed, failed) = (sum(Verdict::passed), sum(Verdict::failed));
    let unchecked = match unchecked {
        0 => String::new(),
        1 => "; 1 component was not checked".into(),
        count => format!("; {count} components were not checked"),
    };
    format!("{passed} checks passed, {failed} failed{unchecked}\n")
}
