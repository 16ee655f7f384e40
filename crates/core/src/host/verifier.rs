//! Verifiers.

use super::{unwrap, with_sequences};
use crate::abi::VerifierBox;
use crate::data::SequenceBatch;
use crate::error::PluginError;
use crate::rng::StreamKey;

/// A verifier of a plugin.
pub struct VerifierHandle {
    pub(super) name: String,
    pub(super) inner: VerifierBox,
}

impl VerifierHandle {
    /// Writes one verdict, 0 or 1, a sequence.
    ///
    /// # Errors
    /// If the component fails.
    pub fn verify(&self, batch: &SequenceBatch<'_>, verdicts: &mut [u8]) -> Result<(), PluginError> {
        unwrap(with_sequences(batch, |columns| self.inner.verify(columns, (&mut *verdicts).into())))?;
        match verdicts.iter().find(|&&verdict| verdict > 1) {
            None => Ok(()),
            Some(found) => Err(PluginError::contract(format!(
                "verifier `{}` gave the verdict {found}, expected 0 or 1",
                self.name
            ))),
        }
    }

    /// Prompts of the verifier's own making, if it offers any.
    ///
    /// # Errors
    /// If the component fails.
    pub fn prompts(&self, count: usize, key: StreamKey) -> Result<Option<Vec<String>>, PluginError> {
        let prompts = unwrap(self.inner.prompts(count as u64, key.into()))?.into_option();
        match prompts {
            Some(prompts) if prompts.len() != count => Err(PluginError::contract(format!(
                "verifier `{}` was asked for {count} prompts and gave {}",
                self.name,
                prompts.len()
            ))),
            prompts => Ok(prompts.map(|prompts| prompts.into_iter().map(String::from).collect())),
        }
    }
}
