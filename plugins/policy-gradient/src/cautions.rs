//! What a configuration does not do, and where.

use crate::blocks::{Clip, PolicyGradientBlocks};
use pstar_blocks::{Baseline, Estimator, Reference, Weighted};
use pstar_core::objective::When;

impl PolicyGradientBlocks {
    /// What it does not do, and why.
    pub(crate) fn cautions(&self) -> Vec<(When, &'static str)> {
        let mut cautions = Vec::new();
        let mut add = |holds: bool, when: When, message: &'static str| {
            if holds {
                cautions.push((when, message));
            }
        };
        add(
            self.clip != Clip::None || self.sequence_mask.0.is_some() || self.importance.is_some(),
            When::OnPolicy,
            "its clip cannot act: on-policy every ratio to what sampled is 1 (more `epochs` or `minibatches` change that)",
        );
        add(
            self.covariance_penalty.is_some(),
            When::OnPolicy,
            "its covariance penalty does nothing: on-policy |log q - log b| is at its corner, where it has no slope",
        );
        for penalty in &self.penalties.0 {
            let plain = penalty.weighted == Weighted::None;
            add(
                plain && penalty.estimator == Estimator::K1,
                When::OnPolicy,
                "its penalty K1 does nothing but noise: on-policy its gradient has mean zero (K2, or `reward_kl`, pulls)",
            );
            add(
                plain && penalty.to == Reference::Behaviour && penalty.estimator != Estimator::K1,
                When::OnPolicy,
                "its penalty to what sampled does nothing: on-policy there is no distance",
            );
        }
        add(
            matches!(self.advantage.baseline, Baseline::AfterScale(_)),
            When::GroupsUpTo(1),
            "right answers give nothing in groups of one: v over the group's mean, less 1, is 0",
        );
        cautions
    }
}
