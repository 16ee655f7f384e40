//! Why exact values cannot be had, and what else keeps an exploration from its end.

use pstar_core::PluginError;
use pstar_exact::{ExploreError, Explored};
use pstar_loader::{ModelHandle, PolicyHandle};

/// Why exact values cannot be had by dynamic programming, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// Which component lacks a finite-state view, or how far the exploration got.
    pub reason: String,
    /// What would help.
    pub hint: String,
}

impl Unavailable {
    /// A component says itself why it has no view, and what would help.
    pub(super) fn no_view_of(component: &str, refusal: Option<PluginError>) -> Self {
        let unsaid = Self::no_view(component);
        match refusal {
            None => unsaid,
            Some(PluginError { message, hint, .. }) => Self {
                reason: format!("{}: {message}", unsaid.reason),
                hint: hint.map_or(unsaid.hint.clone(), |hint| format!("{}; or {hint}", unsaid.hint)),
            },
        }
    }

    pub(super) fn no_view(component: &str) -> Self {
        Self {
            reason: format!("{component} has no finite-state view"),
            hint: "use a smaller `horizon`, so that all outputs can be enumerated; `host run` with \
                   `gradient: Sampled(…)` estimates"
                .into(),
        }
    }

    pub(crate) fn no_rows(policy: &PolicyHandle) -> Self {
        Self {
            reason: format!("the policy `{}` is no table of softmax rows", policy.name()),
            hint: "use an n-gram policy, or `gradient: Sampled(…)`".into(),
        }
    }
}

/// What keeps an exploration from its end: a failing component, or a limit.
pub(crate) enum Stopped {
    Failed(PluginError),
    Limited(Unavailable),
}

impl From<ExploreError<PluginError>> for Stopped {
    fn from(error: ExploreError<PluginError>) -> Self {
        let text = error.to_string();
        match error {
            ExploreError::Component(error) => Self::Failed(error),
            ExploreError::TooManyStates { explored, .. } => {
                let what = if explored == Explored::Verifier { "a verifier" } else { "components" };
                Self::Limited(Unavailable {
                    reason: format!("{text} (`exact.max_states`)"),
                    hint: format!("use a smaller `horizon` or {what} with fewer states, or raise a limit"),
                })
            }
            _ => Self::Failed(PluginError::contract(text)),
        }
    }
}

impl From<PluginError> for Stopped {
    fn from(error: PluginError) -> Self {
        Self::Failed(error)
    }
}

/// Turns a limit into an answer.
pub(crate) fn settle<T>(result: Result<T, Stopped>) -> Result<Result<T, Unavailable>, PluginError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Stopped::Limited(unavailable)) => Ok(Err(unavailable)),
        Err(Stopped::Failed(error)) => Err(error),
    }
}
