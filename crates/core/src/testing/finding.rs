//! What a check found.

use crate::error::PluginError;
use crate::shown::shown;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one check found of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check.
    pub check: String,
    /// What it proves where it passes.
    pub proves: String,
    /// How it came out.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How a check came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It found nothing wrong.
    Passed {
        /// Of what, in words: "of 4096 outputs".
        of: String,
    },
    /// It found a fault.
    Failed(Failure),
    /// It could not be made.
    Skipped {
        /// Why.
        why: String,
    },
    /// It tells something that is neither right nor wrong.
    Told {
        /// What.
        what: String,
    },
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What the component was asked.
    pub input: String,
    /// What it should have answered.
    pub expected: String,
    /// What it answered.
    pub found: String,
    /// What to do.
    pub advice: String,
}

/// What a check concludes; a failure can be returned early.
pub type Conclusion = Result<Outcome, Failure>;

impl Outcome {
    /// Passed, of so many of something.
    ///
    /// # Errors
    /// None: it is what a check concludes that found nothing wrong.
    pub fn passed(of: impl Into<String>) -> Conclusion {
        Ok(Self::Passed { of: of.into() })
    }

    /// Not made.
    ///
    /// # Errors
    /// None: it is what a check concludes that could not be made.
    pub fn skipped(why: impl Into<String>) -> Conclusion {
        Ok(Self::Skipped { why: why.into() })
    }
}

impl Failure {
    /// A fault in the answer to a question.
    pub fn new(
        input: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { input: input.into(), expected: expected.into(), found: found.into(), advice: advice.into() }
    }

    /// An error where there should be an answer.
    pub fn of_error(input: impl Into<String>, error: &PluginError) -> Self {
        let advice = error.hint.clone().unwrap_or_else(|| "mend the component so that it answers".into());
        Self::new(input, "an answer", shown(&error.message), advice)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, expected, found, advice } = self;
        write!(f, "asked: {input}\n  expected: {expected}\n  found: {found}\n  what to do: {advice}")
    }
}

/// The findings on a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "findings are there to be looked at, as by `assert`"]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// The checks that failed, with their failures.
    pub fn failures(&self) -> impl Iterator<Item = (&str, &Failure)> {
        self.0.iter().filter_map(|finding| match &finding.outcome {
            Outcome::Failed(failure) => Some((finding.check.as_str(), failure)),
            _ => None,
        })
    }

    /// Ends a test whose component has a fault.
    ///
    /// # Panics
    /// If a check failed, with what it was asked, what was expected and what was found.
    pub fn assert(&self) {
        let failures: Vec<String> =
            self.failures().map(|(check, failure)| format!("check `{check}` failed\n  {failure}")).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
