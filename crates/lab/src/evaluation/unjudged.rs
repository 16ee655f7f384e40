//! Responses that a verifier has no verdict on: they are counted, never taken for invalid, and too many are an error.

use crate::world::World;
use pstar_core::PluginError;
use std::ops::AddAssign;

/// What of a verifier's answers was no plain verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unjudged {
    /// Responses without a verdict.
    pub(crate) count: u64,
    /// Verdicts that a threshold made of scores other than 0 and 1.
    pub(crate) between: u64,
    /// The first response without a verdict, its prompt, and why.
    pub(crate) first: Option<String>,
}

impl Unjudged {
    /// Refuses more responses without a verdict than the task's limit lets go, of `asked`: `what` they are.
    ///
    /// # Errors
    /// If there are more.
    pub(crate) fn check(&self, world: &World, asked: u64, what: &str) -> Result<(), PluginError> {
        let limit = world.no_verdict_limit;
        if self.count as f64 <= limit * asked as f64 {
            return Ok(());
        }
        Err(PluginError::data(format!(
            "verifier `{}` has no verdict on {} of {asked} {what}, expected at most {} %; one is {}",
            world.verifier_plugin,
            self.count,
            100.0 * limit,
            self.first.as_deref().unwrap_or_default(),
        ))
        .with_hint(HINT))
    }
}

/// What helps where verdicts are missing.
pub(crate) const HINT: &str = "mend what keeps the verifier from answering, or give it more time; where some are to be let go, and figures \
     are had from samples, raise `task.no_verdict_limit`";

impl AddAssign for Unjudged {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.between += other.between;
        self.first = self.first.take().or(other.first);
    }
}
