//! Verdicts that are known before anybody is asked: those on all outputs of an enumerated space, and those that the states of
//! verifiers give.
//!
//! Equal texts have equal verdicts, so that it changes no result where a verdict comes from; budgets count it as a call. Some
//! samples of every arm are asked about all the same, to find verifiers that change their mind.

use super::{DynamicReference, EnumeratedReference, GroundTruth};
use crate::world::World;

/// Where verdicts are had from without asking the verifier.
#[derive(Clone, Copy, Debug, Default)]
pub enum KnownVerdicts<'a> {
    /// Nowhere.
    #[default]
    None,
    /// A mark for each output.
    Outputs(&'a EnumeratedReference),
    /// A walk along the verifier's states.
    States(&'a DynamicReference),
}

impl<'a> KnownVerdicts<'a> {
    /// Those of a task. None of a verifier that may say more than valid and invalid.
    pub(crate) fn of(world: &World, truth: &'a GroundTruth) -> Self {
        match truth {
            _ if world.verifier.memo().is_some() => Self::None,
            GroundTruth::Enumerated(reference) => Self::Outputs(reference),
            GroundTruth::Dynamic(reference) => Self::States(reference),
            GroundTruth::Sampled(..) => Self::None,
        }
    }

    /// Whether an output to a prompt is valid; `None` where that is not known.
    pub(crate) fn of_output(self, prompt: u32, tokens: &[u32]) -> Option<bool> {
        match self {
            Self::None => None,
            Self::Outputs(reference) => reference.is_valid(prompt as usize, tokens),
            Self::States(reference) => Some(reference.acceptor(prompt as usize).accepts_output(tokens)),
        }
    }
}
