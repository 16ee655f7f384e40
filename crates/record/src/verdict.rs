//! What a run says of its objectives, in words that rules make from numbers.

use crate::{Spread, number};
use serde::{Deserialize, Serialize};

/// The share of the start's coverage below which an objective is said to collapse: a convention.
pub const COLLAPSE: f64 = 0.5;

/// What the objectives did to one policy class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The policy.
    pub policy: String,
    /// One sentence over all its objectives.
    pub sentence: String,
    /// The coverage that is judged, as in `curves.csv`: at the greatest k that it is known at.
    pub metric: String,
    /// Whether the class starts as the base.
    pub starts_as_base: bool,
    /// What it is read against: the class's own start where it starts as the base or its best fit, else the base.
    pub start: Standing,
    /// The base.
    pub base: Standing,
    /// One an objective and learning rate, in the file's order.
    pub rows: Vec<VerdictRow>,
}

/// What a verdict is read against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Expected number of distinct valid outputs among k samples.
    #[serde(with = "number")]
    pub coverage: f64,
    /// Probability that an output is valid.
    #[serde(with = "number")]
    pub validity_rate: f64,
}

/// What one objective did to one policy class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// The objective.
    pub objective: String,
    /// The learning rate of its arms; absent where all arms of the run have the same.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub learning_rate: Option<f64>,
    /// The word; absent where no arm ended, and where the figures do not exist.
    pub word: Option<Word>,
    /// The word and its numbers as a sentence.
    pub sentence: String,
    /// Final coverage; absent without a word.
    pub coverage: Option<Spread>,
    /// Final validity rate; absent without a word.
    pub validity_rate: Option<Spread>,
    /// Number of seeds that ended.
    pub seeds: usize,
}

/// The word of a verdict: the first whose condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// The interval of the coverage lies below half of the start's.
    Collapses,
    /// The interval holds the half.
    Undecided,
    /// The interval lies below the start's, and that of the validity above.
    Trades,
    /// The interval lies below the start's otherwise.
    Loses,
    /// The interval reaches the start's.
    Keeps,
}

impl Word {
    /// As it is written, in records too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Collapses => "collapses",
            Self::Undecided => "undecided",
            Self::Trades => "trades",
            Self::Loses => "loses",
            Self::Keeps => "keeps",
        }
    }
}
