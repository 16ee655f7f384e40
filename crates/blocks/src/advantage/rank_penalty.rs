//! Less for the right answers that are likely already.

use crate::Block;
use crate::value::{Arguments, Value};
use pstar_core::{Field, PluginError};

/// The signal times 1 − weight · rank/G, rank 0 the least likely of the group by the mean token log-prob under what
/// sampled (Rewarding the Unlikely, He et al. 2025, arXiv 2506.02355).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankPenalty(pub Option<f64>);

impl Block for RankPenalty {
    const FIELD: Field = Field::optional(
        "rank_penalty",
        "None | (weight)",
        "weight in [0, 1]",
        "None",
        "how much less the most likely answer of a group gets than the least likely one",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        if value.is_none() {
            return Ok(Self(None));
        }
        let found = Arguments::of("rank_penalty", value, &["weight"])?;
        found
            .number("weight", None, "in [0, 1]", |n| (0.0..=1.0).contains(&n))
            .map(|weight| Self(Some(weight)))
    }
}

impl RankPenalty {
    /// Multiplies the signals of a group, given the mean token log-probs.
    pub(crate) fn apply(self, signals: &mut [f64], mean_log_probs: impl Fn(usize) -> f64) {
        let Some(weight) = self.0 else { return };
        let mut order: Vec<usize> = (0..signals.len()).collect();
        order.sort_by(|&i, &j| mean_log_probs(i).total_cmp(&mean_log_probs(j)));
        for (rank, &i) in order.iter().enumerate() {
            signals[i] *= 1.0 - weight * rank as f64 / signals.len() as f64;
        }
    }
}
