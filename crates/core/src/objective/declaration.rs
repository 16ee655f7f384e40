//! What an objective needs and where it heads.

use serde::{Deserialize, Serialize};

/// What an objective needs and where it heads, so that the host can provide, check and say it.
///
/// It crosses the plugin boundary as text: fields can be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Declaration {
    /// Whether it reads log-probabilities under the base.
    pub base_log_probs: bool,
    /// What it needs to know of log Z.
    pub partition: PartitionNeed,
    /// Least number of samples in a group.
    pub minimum_group: usize,
    /// How its expected gradient can be had without sampling, if at all.
    pub population: Option<PopulationForm>,
    /// The divergence whose gradient it estimates, if there is one, at whatever positive scale: where there are too many
    /// outputs to list, the host asks for the scale and takes the exact gradient of the divergence instead.
    pub divergence: Option<Divergence>,
}

impl Default for Declaration {
    fn default() -> Self {
        Self {
            base_log_probs: false,
            partition: PartitionNeed::Unused,
            minimum_group: 1,
            population: None,
            divergence: None,
        }
    }
}

/// What an objective needs to know of log Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartitionNeed {
    /// Nothing.
    Unused,
    /// The exact value where the host knows it; it estimates otherwise.
    Welcome,
    /// The exact value.
    Exact,
}

/// How an objective's expected gradient can be had without sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PopulationForm {
    /// The coefficient of a sequence depends on that sequence alone, but for a baseline that vanishes in
    /// expectation: the objective is called once over all outputs with w_i = q(y_i).
    PerSequence,
    /// The coefficient of a sequence depends on its reward and on the number of right answers in its group, alone: the
    /// objective is called on the `group` + 1 groups there are, as one batch of sequences of one token, and the
    /// expectation over groups is binomial. Exact for any size of the group.
    BinaryGroup {
        /// Number of samples of a group, at least 1.
        group: u32,
    },
}

/// A divergence (or negative reward) that an objective minimises over the policy q.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Divergence {
    /// −E_q\[v\]: no divergence, any distribution on valid outputs is an optimum.
    InvalidityRate,
    /// KL(q‖p_\[β\]).
    KlToTilted {
        /// β.
        beta: f64,
    },
    /// KL(q‖p_\[β\]) with one β a prompt, such that the tilted distribution's validity rate is μ.
    KlToTiltedAtRate {
        /// μ.
        mu: f64,
    },
    /// KL(p*‖q).
    KlFromFiltered,
    /// D_α(q‖p*).
    Alpha {
        /// α in (0, 1).
        alpha: f64,
    },
    /// The potential whose gradient the clipped pseudo-reward min((p*/q)^(1−α) − 1, M) is.
    ClippedAlpha {
        /// α in [0, 1).
        alpha: f64,
        /// M.
        clip: f64,
    },
}
