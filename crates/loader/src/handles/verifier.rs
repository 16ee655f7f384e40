//! Verifiers.

use super::Judged;
use super::{unwrap, with_sequences};
use crate::watch::Watched;
use pstar_core::PluginError;
use pstar_core::abi::{IncrementalBox, VerifierBox};
use pstar_core::author::{Incremental, MAX_ANSWER};
use pstar_core::data::SequenceBatch;
use pstar_core::rng::StreamKey;

/// A verifier of a plugin.
pub struct VerifierHandle {
    pub(crate) name: String,
    pub(crate) inner: Watched<VerifierBox>,
}

impl VerifierHandle {
    /// What the verifier says of each sequence.
    ///
    /// # Errors
    /// If the component fails, or answers what is no verdict.
    pub fn judge(&self, batch: &SequenceBatch<'_>) -> Result<Judged, PluginError> {
        let mut numbers = vec![0; batch.len()];
        let reasons = with_sequences(batch, |columns| {
            let reasons = unwrap(self.inner.call().judge(columns, numbers.as_mut_slice().into()))?;
            if reasons.is_none() {
                unwrap(self.inner.call().verify(columns, numbers.as_mut_slice().into()))?;
            }
            Ok::<_, PluginError>(reasons.into_option())
        })?;
        match reasons {
            Some(reasons) => Judged::read(numbers, reasons.into_iter().map(String::from), &self.name),
            None => Judged::plain(numbers, &self.name),
        }
    }

    /// Prompts of the verifier's own making, if it offers any.
    ///
    /// # Errors
    /// If the component fails.
    pub fn prompts(&self, count: usize, key: StreamKey) -> Result<Option<Vec<String>>, PluginError> {
        let prompts = unwrap(self.inner.call().prompts(count as u64, key.into()))?.into_option();
        match prompts {
            Some(prompts) if prompts.len() != count => Err(PluginError::contract(format!(
                "verifier `{}` was asked for {count} prompts and gave {}",
                self.name,
                prompts.len()
            ))),
            prompts => Ok(prompts.map(|prompts| prompts.into_iter().map(String::from).collect())),
        }
    }

    /// For each response the answer that it gives, in a spelling that all with this answer share; `None` of what gives none
    /// that could be told, and of all where the component tells none.
    ///
    /// # Errors
    /// If the component fails, or an answer is empty or longer than [`MAX_ANSWER`] bytes.
    pub fn answers(&self, batch: &SequenceBatch<'_>) -> Result<Option<Vec<Option<String>>>, PluginError> {
        let answers = unwrap(with_sequences(batch, |columns| self.inner.call().answers(columns)))?;
        let Some(answers) = answers.into_option() else { return Ok(None) };
        if answers.len() != batch.len() {
            return Err(PluginError::contract(format!(
                "verifier `{}` told {} answers, expected one for each of {} responses",
                self.name,
                answers.len(),
                batch.len()
            )));
        }
        let answers = answers.into_iter().map(|answer| answer.into_option().map(String::from));
        let answers: Vec<Option<String>> = answers.collect();
        match answers.iter().flatten().find(|answer| answer.is_empty() || answer.len() > MAX_ANSWER) {
            None => Ok(Some(answers)),
            Some(found) => Err(PluginError::contract(format!(
                "verifier `{}` told an answer of {} bytes, expected 1 to {MAX_ANSWER}, or none",
                self.name,
                found.len()
            ))),
        }
    }

    /// The verifier of a prompt, reading symbol by symbol, if it offers that.
    ///
    /// # Errors
    /// Of kind [`Unsupported`](pstar_core::ErrorKind::Unsupported) with the reason, where there is no such view and the
    /// component says why; otherwise if the component fails.
    pub fn incremental(&self, prompt: &[u32]) -> Result<Option<IncrementalHandle>, PluginError> {
        let view = unwrap(self.inner.call().incremental(prompt.into()))?.into_option();
        Ok(view.map(|inner| IncrementalHandle { inner: self.inner.part(inner), name: self.name.clone() }))
    }
}

/// A verifier of one prompt that reads symbol by symbol.
#[allow(missing_debug_implementations, reason = "holds a component of a plugin")]
pub struct IncrementalHandle {
    name: String,
    inner: Watched<IncrementalBox>,
}

impl IncrementalHandle {
    /// The number of the state from which no response is valid.
    pub const DEAD: u64 = Incremental::DEAD;

    /// The state before the first of at most `horizon` symbols.
    ///
    /// # Errors
    /// If the component fails.
    pub fn start(&mut self, horizon: usize) -> Result<u64, PluginError> {
        unwrap(self.inner.call_mut().start(horizon as u64))
    }

    /// Writes, for each state, whether a response may end there: 0 or 1.
    ///
    /// # Errors
    /// If the component fails.
    pub fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> Result<(), PluginError> {
        unwrap(self.inner.call().accepts(states.into(), (&mut *accepts).into()))?;
        match accepts.iter().find(|&&flag| flag > 1) {
            None => Ok(()),
            Some(found) => Err(PluginError::contract(format!(
                "verifier `{}` gave the verdict {found}, expected 0 or 1",
                self.name
            ))),
        }
    }

    /// Writes states × symbols: the state behind each symbol, after which at most `remaining` may follow.
    ///
    /// # Errors
    /// If the component fails.
    pub fn expand(&mut self, states: &[u64], remaining: usize, next: &mut [u64]) -> Result<(), PluginError> {
        unwrap(self.inner.call_mut().expand(states.into(), remaining as u64, next.into()))
    }
}
