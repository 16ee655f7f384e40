//! What a configuration expects on-policy, and what it claims to.

use crate::blocks::{Clip, PolicyGradientBlocks, Subset};
use pstar_blocks::{Baseline, PromptWeight, Scale, Sharing, Signal};
use pstar_core::objective::Claim;

impl PolicyGradientBlocks {
    /// The fields for which a sequence's coefficient on the policy depends on more than its reward and the number of right
    /// answers of its group, so that its expected gradient for a prompt is no κ(V)·∇V.
    pub(crate) fn beyond_counts(&self) -> Vec<String> {
        let mut fields = self.by_length();
        let aggregate = self.aggregate;
        let mut add = |beyond: bool, field: &str| {
            if beyond {
                fields.push(field.into());
            }
        };
        add(
            !aggregate.is_constant() && !aggregate.is_constant_at_one_length(),
            &format!("aggregate: {aggregate}"),
        );
        add(self.advantage.baseline == Baseline::BatchMean, "baseline: BatchMean");
        add(self.advantage.scale.0.iter().any(|scale| scale.is_of_batch()), "scale");
        add(
            matches!(self.advantage.prompt_weight, PromptWeight::PerSuccess | PromptWeight::Curve(_)),
            "prompt_weight",
        );
        add(self.advantage.sharing != Sharing::None, "sharing");
        add(self.advantage.rank_penalty.0.is_some(), "rank_penalty");
        add(self.advantage.reward_kl.is_some(), "reward_kl");
        add(self.advantage.whiten.is_some(), "whiten");
        add(self.sequence_mask.0.is_some(), "sequence_mask");
        add(!self.penalties.0.is_empty(), "penalties");
        add(self.subset != Subset::None, "subset");
        add(self.covariance_penalty.is_some(), "covariance_penalty");
        add(matches!(self.clip, Clip::Covariance { .. }), "clip");
        add(self.importance.is_some(), "importance");
        add(self.entropy.is_some(), "entropy");
        fields
    }

    /// Those of them that make no difference where all sequences are of one length.
    pub(crate) fn by_length(&self) -> Vec<String> {
        let mut fields = Vec::new();
        if !self.aggregate.is_constant() && self.aggregate.is_constant_at_one_length() {
            fields.push(format!("aggregate: {}", self.aggregate));
        }
        if self.advantage.baseline == Baseline::LengthWeighted {
            fields.push("baseline: LengthWeighted".into());
        }
        fields
    }

    /// The function of the validity rate that it is made to follow; `None` where its sources name none.
    pub(crate) fn claim(&self) -> Option<Claim> {
        let else_shaped = self.advantage.sharing != Sharing::None
            || self.advantage.rank_penalty.0.is_some()
            || self.advantage.reward_kl.is_some()
            || self.advantage.whiten.is_some()
            || self.subset != Subset::None
            || self.covariance_penalty.is_some()
            || self.entropy.is_some()
            || !self.penalties.0.is_empty();
        if else_shaped {
            return None;
        }
        let order =
            |order: usize| u32::try_from(order).ok().map(|order| Claim::LogValidity { order: Some(order) });
        match (self.advantage.signal, &self.advantage.scale.0[..], &self.advantage.prompt_weight) {
            (Signal::PassAtK { k, .. }, [], PromptWeight::None) => {
                u32::try_from(k).ok().map(|k| Claim::PassAtK { k })
            }
            (
                Signal::MaxLikelihood { order: terms, .. } | Signal::SubsetMaxLikelihood { order: terms },
                [],
                PromptWeight::None,
            ) => order(terms),
            (Signal::Reward, [Scale::Mean { .. }], PromptWeight::None) => {
                Some(Claim::LogValidity { order: None })
            }
            (Signal::Reward, [], PromptWeight::Power(q)) => Some(Claim::Power { q: *q }),
            (
                Signal::Reward | Signal::Signed { .. } | Signal::NoiseCorrected { .. },
                [],
                PromptWeight::None,
            ) => Some(Claim::ValidityRate),
            _ => None,
        }
    }
}
