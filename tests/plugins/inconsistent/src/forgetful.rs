//! A verifier whose verdicts depend on more than the question.

use pstar_core::{PluginError, Verifier};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Accepts everything but what its way of forgetting refuses.
pub(crate) struct Forgetful {
    how: How,
    calls: AtomicU64,
    seen: Mutex<HashSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    how: How,
}

#[derive(Deserialize)]
enum How {
    /// Every so many calls it refuses.
    Counts(u64),
    /// From a call on it refuses.
    Tires(u64),
    /// What it has met before it refuses.
    Remembers,
}

impl Verifier for Forgetful {
    const NAME: &'static str = "forgetful";
    const DOC: &'static str = "answers the same question differently";
    type Config = Config;

    fn new(Config { how }: Config) -> Result<Self, PluginError> {
        Ok(Self { how, calls: AtomicU64::new(0), seen: Mutex::default() })
    }

    fn accepts(&self, prompt: &str, response: &str) -> bool {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.how {
            How::Counts(every) => !call.is_multiple_of(every),
            How::Tires(limit) => call < limit,
            How::Remembers => {
                self.seen.lock().is_ok_and(|mut seen| seen.insert(format!("{prompt}\n{response}")))
            }
        }
    }
}
