//! The blocks that objectives of this family are made of, in their order of evaluation; those that other families have as
//! well are in `pstar-blocks`.

mod clip;
mod covariance_penalty;
mod entropy;
mod group;
mod importance;
mod sequence_mask;
mod subset;

#[cfg(test)]
pub(crate) use clip::binary_kl;
pub(crate) use clip::{At, Clip, Kind, Taper};
pub(crate) use covariance_penalty::CovariancePenalty;
pub(crate) use entropy::{Entropy, Form as EntropyForm};
pub(crate) use group::Group;
pub(crate) use importance::Importance;
pub(crate) use sequence_mask::SequenceMask;
pub(crate) use subset::Subset;

use pstar_blocks::{Advantage, Aggregate, Penalties, Ratio};
use pstar_core::PluginError;

pstar_blocks::blocks! {
    /// All blocks of an objective.
    pub(crate) struct PolicyGradientBlocks {
        pub(crate) advantage: Advantage,
        pub(crate) ratio: Ratio,
        pub(crate) clip: Clip,
        pub(crate) sequence_mask: SequenceMask,
        pub(crate) aggregate: Aggregate,
        pub(crate) penalties: Penalties,
        pub(crate) subset: Subset,
        pub(crate) covariance_penalty: Option<CovariancePenalty>,
        pub(crate) importance: Option<Importance>,
        pub(crate) entropy: Option<Entropy>,
        pub(crate) group: Group,
    }
}

impl PolicyGradientBlocks {
    /// Refuses blocks that do not fit together.
    ///
    /// # Errors
    /// Naming the field.
    pub(crate) fn check(&self) -> Result<(), PluginError> {
        self.clip.check(self.ratio)?;
        self.advantage.check()?;
        let Some(field) = self.advantage.of_tokens() else { return Ok(()) };
        if !matches!(self.clip, Clip::GeometricOfClipped { .. }) {
            return Ok(());
        }
        let (what, advice) = match field {
            "whiten" => ("`whiten`", "set `whiten: None`, or another `clip`"),
            _ => ("`per: ToGo`", "set `per: Sequence`, or another `clip`"),
        };
        let message =
            format!("{what} gives tokens advantages of their own, `GeometricOfClipped` has one a sequence");
        Err(PluginError::config(field, message).with_hint(advice))
    }

    /// Whether it reads log-probs under the base.
    pub(crate) fn needs_base(&self) -> bool {
        self.advantage.reward_kl.is_some() || self.penalties.needs_base()
    }

    /// Whether what it does to a token depends on all tokens of the batch.
    pub(crate) fn has_covariances(&self) -> bool {
        self.covariance_penalty.is_some() || matches!(self.clip, Clip::Covariance { .. })
    }
}
