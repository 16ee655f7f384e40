//! Verifiers.

use super::{Incremental, Judge};
use crate::data::Task;
use crate::error::PluginError;
use crate::field::Field;
use crate::rng::StreamKey;
use serde::de::DeserializeOwned;

/// The answer that a response to a prompt gives, in a spelling that all responses with this answer share: text of 1 to
/// [`MAX_ANSWER`] bytes, a function of the three alone. `None` where none can be told, as of a response that is no answer at
/// all: such a response has its answer in common with equal responses only.
pub type Answer<V> = fn(verifier: &V, prompt: &str, response: &str) -> Option<String>;

/// The most bytes of an [`Answer`].
pub const MAX_ANSWER: usize = 4096;

/// Decides which responses to a prompt are valid.
pub trait Verifier: Sized + Send + Sync + 'static {
    /// The name that experiments use: lower case, words joined by `-`.
    const NAME: &'static str;
    /// One sentence: what is valid.
    const DOC: &'static str;
    /// What experiments configure. Put `#[serde(deny_unknown_fields)]` on it, so that a misspelt field is an
    /// error.
    type Config: DeserializeOwned;
    /// The fields of the configuration, for `host plugins`.
    const FIELDS: &'static [Field] = &[];
    /// What answer a response gives, where responses of different spellings may give the same: objectives that weigh answers
    /// by how often they come then count answers in place of responses. Asked of every response to such an objective, valid
    /// or not. By default only equal responses give equal answers.
    const ANSWER: Option<Answer<Self>> = None;

    /// Judges many responses in one go, and may have [no verdict](super::Verdict::Unknown) on some: for verifiers that
    /// ask elsewhere. The host then asks it in place of [`accepts`](Self::accepts), which nobody calls.
    const JUDGE: Option<Judge<Self>> = None;

    /// A verifier with this configuration.
    ///
    /// # Errors
    /// [`PluginError::config`] for a value out of range.
    fn new(config: Self::Config) -> Result<Self, PluginError>;

    /// As [`new`](Self::new), for verifiers that also need the task, such as the place of their files.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    fn for_task(config: Self::Config, task: &Task) -> Result<Self, PluginError> {
        let _ = task;
        Self::new(config)
    }

    /// Whether `response` is valid for `prompt`. Depends on nothing else.
    fn accepts(&self, prompt: &str, response: &str) -> bool;

    /// `count` prompts of the verifier's own making, a function of `key`; `None` where it offers none.
    fn prompts(&self, count: usize, key: StreamKey) -> Option<Vec<String>> {
        let _ = (count, key);
        None
    }

    /// The verifier of a prompt, reading symbol by symbol; `None` where it has no such view. With one, exact values
    /// can be had on spaces that nobody can enumerate.
    fn incremental(&self, prompt: &str) -> Option<Incremental> {
        let _ = prompt;
        None
    }

    /// Why [`incremental`](Self::incremental) gives no view of a prompt, where whoever wrote the configuration can
    /// change that: a message, and what to do. Asked only where it gave none.
    fn incremental_refusal(&self, prompt: &str) -> Option<PluginError> {
        let _ = prompt;
        None
    }
}
