//! What is found of a component.

use pstar_core::testing::{Finding, Outcome};
use serde::Serialize;

/// The findings on a component.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) file: String,
    pub(super) configuration: String,
    /// Why it was not checked, if it was not.
    #[serde(rename = "not_checked", skip_serializing_if = "Option::is_none")]
    pub(super) unchecked: Option<String>,
    pub(super) findings: Vec<Finding>,
}

impl Verdict {
    /// How many checks failed.
    pub(super) fn failed(&self) -> usize {
        self.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Failed(_))).count()
    }

    /// How many passed.
    pub(super) fn passed(&self) -> usize {
        self.findings.iter().filter(|finding| matches!(finding.outcome, Outcome::Passed { .. })).count()
    }

    /// Not checked, where the component refuses its configuration.
    pub(super) fn unless_refused(mut self) -> Self {
        let refused = |finding: &Finding| match &finding.outcome {
            Outcome::Skipped { why } if finding.check == "interface" => Some(why.clone()),
            _ => None,
        };
        if let Some(why) = self.findings.iter().find_map(refused) {
            self.unchecked = Some(why);
            self.findings.clear();
        }
        self
    }
}
