//! How the right answers of a group share what they get.

use crate::Block;
use crate::value::{Arguments, Value, unknown};
use pstar_core::{Field, PluginError, math};

/// How the right answers of a group share what they get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sharing {
    /// Alike.
    None,
    /// A share τ of it by the inverse of what the policy gave them, per token (UCPO, arXiv 2605.00365).
    InverseProbability {
        /// The share τ.
        tau: f64,
    },
    /// Rewards divided by the frequency of their answer to the α (IPS-GRPO, arXiv 2601.21669).
    InverseFrequency {
        /// The exponent α.
        alpha: f64,
    },
    /// By the size of their cluster to the −α, the sum kept (Cue-GRPO, arXiv 2608.03467).
    Cluster {
        /// The exponent α.
        alpha: f64,
    },
    /// Divided by the size of their cluster to the α (uniqueness-aware, arXiv 2601.08763).
    InverseSize {
        /// The exponent α.
        alpha: f64,
    },
    /// −correct ℓ on right and +wrong ℓ on wrong answers, ℓ the mean token log-prob of what sampled (DS-GRPO).
    LogProbability {
        /// Of right answers.
        correct: f64,
        /// Of wrong ones.
        wrong: f64,
    },
}

impl Block for Sharing {
    const FIELD: Field = Field::optional(
        "sharing",
        "None | InverseProbability(tau) | InverseFrequency(alpha) | Cluster(alpha) | InverseSize(alpha: 1) | \
         LogProbability(correct, wrong)",
        "tau in [0, 1], alpha >= 0",
        "None",
        "how the right answers of a group share what they get",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let arguments = |names| Arguments::of("sharing", value, names);
        let exponent = |default: Option<f64>| {
            arguments(&["alpha"])?
                .number("alpha", default, "a number of at least 0", |n| n >= 0.0 && n.is_finite())
        };
        match value.name() {
            Some("None") => arguments(&[]).map(|_| Self::None),
            Some("InverseProbability") => {
                let tau =
                    arguments(&["tau"])?.number("tau", None, "in [0, 1]", |n| (0.0..=1.0).contains(&n))?;
                Ok(Self::InverseProbability { tau })
            }
            Some("InverseFrequency") => Ok(Self::InverseFrequency { alpha: exponent(None)? }),
            Some("Cluster") => Ok(Self::Cluster { alpha: exponent(None)? }),
            Some("InverseSize") => Ok(Self::InverseSize { alpha: exponent(Some(1.0))? }),
            Some("LogProbability") => {
                let found = arguments(&["correct", "wrong"])?;
                let finite = |name| found.number(name, None, "a number", f64::is_finite);
                Ok(Self::LogProbability { correct: finite("correct")?, wrong: finite("wrong")? })
            }
            _ => Err(unknown(
                "sharing",
                value,
                &[
                    "None",
                    "InverseProbability",
                    "InverseFrequency",
                    "Cluster",
                    "InverseSize",
                    "LogProbability",
                ],
            )),
        }
    }
}

/// A sequence as sharing sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// Whether it is right.
    pub right: bool,
    /// Number of sequences of the group with its answer.
    pub cluster: f64,
    /// Mean token log-prob under what sampled.
    pub mean_log_prob: f64,
}

/// Least probability of a right answer among the right ones of its group.
const LEAST: f64 = 1e-6;

impl Sharing {
    /// Whether it reads which answers are equal.
    pub(crate) fn needs_clusters(self) -> bool {
        matches!(self, Self::InverseFrequency { .. } | Self::Cluster { .. } | Self::InverseSize { .. })
    }

    /// The factor of a signal before anything is subtracted from it.
    pub(crate) fn of_signal(self, member: Member, group: usize) -> f64 {
        match self {
            Self::InverseFrequency { alpha } => math::pow(member.cluster / group as f64, -alpha),
            _ => 1.0,
        }
    }

    /// Shares the advantages of a group.
    pub(crate) fn share(self, advantages: &mut [f64], members: &[Member]) {
        let right = || members.iter().filter(|member| member.right);
        let count = right().count() as f64;
        match self {
            Self::None | Self::InverseFrequency { .. } => {}
            Self::InverseProbability { tau } => {
                if count < 2.0 {
                    return;
                }
                let most = right().map(|member| member.mean_log_prob).fold(f64::NEG_INFINITY, f64::max);
                let weight = |member: &Member| math::exp(member.mean_log_prob - most);
                let total: f64 = right().map(weight).sum();
                let inverse = |member: &Member| 1.0 / (weight(member) / total).max(LEAST);
                let inverses: f64 = right().map(inverse).sum();
                for (advantage, member) in
                    advantages.iter_mut().zip(members).filter(|(_, member)| member.right)
                {
                    *advantage *= (1.0 - tau) + count * tau * inverse(member) / inverses;
                }
            }
            Self::Cluster { alpha } => {
                let weight = |member: &Member| math::pow(member.cluster, -alpha);
                let total: f64 = right().map(weight).sum();
                for (advantage, member) in
                    advantages.iter_mut().zip(members).filter(|(_, member)| member.right)
                {
                    *advantage *= count * weight(member) / total;
                }
            }
            Self::InverseSize { alpha } => {
                for (advantage, member) in
                    advantages.iter_mut().zip(members).filter(|(_, member)| member.right)
                {
                    *advantage *= math::pow(member.cluster, -alpha);
                }
            }
            Self::LogProbability { correct, wrong } => {
                for (advantage, member) in advantages.iter_mut().zip(members) {
                    *advantage += if member.right { -correct } else { wrong } * member.mean_log_prob;
                }
            }
        }
    }
}
