//! What base models and policies have in common, seen from the host.

use pstar_core::PluginError;
use pstar_core::author::{SampleRequest, Samples};
use pstar_core::data::SequenceBatch;
use pstar_core::rng::StreamKey;

/// What base models and policies have in common. See
/// [`SequenceModel`](pstar_core::SequenceModel) for the meaning of the methods.
pub trait ModelHandle: Send + Sync {
    /// Samples sequences.
    ///
    /// # Errors
    /// If the component fails, or its answer does not have one sequence a row.
    fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Result<Samples, PluginError> {
        let mut samples = Samples::default();
        self.sample_into(request, key, &mut samples)?;
        Ok(samples)
    }

    /// The same in the place of other samples, whose memory is used again.
    ///
    /// # Errors
    /// As [`sample`](Self::sample); the samples are then without meaning.
    fn sample_into(
        &self,
        request: &SampleRequest<'_>,
        key: StreamKey,
        samples: &mut Samples,
    ) -> Result<(), PluginError>;

    /// Writes the log-probability of every token.
    ///
    /// # Errors
    /// If the component fails or answers NaN or a positive number.
    fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError>;

    /// The state of the finite-state view behind a prompt; `None` where there is no such view.
    ///
    /// # Errors
    /// If the component fails.
    fn start(&self, prompt: &[u32]) -> Result<Option<u64>, PluginError>;

    /// The choices of states; see [`FiniteStateView::expand`](pstar_core::author::FiniteStateView::expand).
    ///
    /// # Errors
    /// If the component fails.
    fn expand(
        &self,
        position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), PluginError>;

    /// Log-probabilities of all outputs to a prompt, and whether they were written; see
    /// [`SequenceModel::score_outputs`](pstar_core::SequenceModel::score_outputs).
    ///
    /// # Errors
    /// If the component fails.
    fn score_outputs(&self, prompt: &[u32], log_probs: &mut [f64]) -> Result<bool, PluginError>;

    /// The component's name.
    fn name(&self) -> &str;
}

/// Implements [`ModelHandle`] for a handle with the fields `name` and `inner`.
macro_rules! model_handle {
    ($handle:ty) => {
        impl $handle {
            /// Samples in memory of the component's own, as those that know of no other do.
            pub(super) fn sample_apart(
                &self,
                request: &pstar_core::author::SampleRequest<'_>,
                key: pstar_core::rng::StreamKey,
            ) -> Result<pstar_core::author::Samples, pstar_core::PluginError> {
                let columns = crate::handles::with_request(request, |columns| {
                    self.inner.call().sample(columns, key.into())
                });
                pstar_core::wire::take_samples(crate::handles::unwrap(columns)?)
            }
        }

        impl crate::ModelHandle for $handle {
            fn sample_into(
                &self,
                request: &pstar_core::author::SampleRequest<'_>,
                key: pstar_core::rng::StreamKey,
                samples: &mut pstar_core::author::Samples,
            ) -> Result<(), pstar_core::PluginError> {
                let rows = request.prompt_of.len();
                let room = crate::handles::room::Room::of(samples, rows, self.shape.horizon());
                let mut written = None;
                if let Some(mut room) = room {
                    let answer = crate::handles::with_request(request, |columns| {
                        let (tokens, log_probs) = (room.tokens.as_mut_slice(), room.log_probs.as_mut_slice());
                        let ends = &mut room.offsets[1..];
                        let inner = self.inner.call();
                        inner.sample_into(columns, key.into(), tokens.into(), log_probs.into(), ends.into())
                    });
                    if crate::handles::unwrap(answer)? {
                        written = Some(room.written(&self.name)?);
                    }
                }
                *samples = match written {
                    Some(written) => written,
                    None => self.sample_apart(request, key)?,
                };
                self.shape.check_samples(&self.name, samples, rows)
            }

            fn score(
                &self,
                batch: &pstar_core::data::SequenceBatch<'_>,
                log_probs: &mut [f64],
            ) -> Result<(), pstar_core::PluginError> {
                let answer = crate::handles::with_sequences(batch, |columns| {
                    self.inner.call().score(columns, (&mut *log_probs).into())
                });
                crate::handles::unwrap(answer)?;
                crate::handles::shape::check_log_probs(&self.name, log_probs)
            }

            fn start(&self, prompt: &[u32]) -> Result<Option<u64>, pstar_core::PluginError> {
                crate::handles::unwrap(self.inner.call().start(prompt.into())).map(Into::into)
            }

            fn expand(
                &self,
                position: usize,
                states: &[u64],
                log_probs: &mut [f64],
                next: &mut [u64],
            ) -> Result<(), pstar_core::PluginError> {
                let log_probs_out = (&mut *log_probs).into();
                let answer =
                    self.inner.call().expand(position as u64, states.into(), log_probs_out, next.into());
                crate::handles::unwrap(answer)?;
                crate::handles::shape::check_log_probs(&self.name, log_probs)
            }

            fn score_outputs(
                &self,
                prompt: &[u32],
                log_probs: &mut [f64],
            ) -> Result<bool, pstar_core::PluginError> {
                let written = crate::handles::unwrap(
                    self.inner.call().score_outputs(prompt.into(), (&mut *log_probs).into()),
                )?;
                if written {
                    crate::handles::shape::check_log_probs(&self.name, log_probs)?;
                }
                Ok(written)
            }

            fn name(&self) -> &str {
                &self.name
            }
        }
    };
}
pub(super) use model_handle;
