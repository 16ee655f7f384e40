//! The ratio of the policy to what sampled.

use crate::Block;
use crate::value::{Value, word};
use pstar_core::{Field, PluginError};

/// Which ratio of the policy q to what sampled b a token's advantage is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ratio {
    /// None.
    None,
    /// The token's own.
    Token,
    /// That of its sequence.
    Sequence,
    /// The geometric mean over its sequence (GSPO, Zheng et al. 2025, arXiv 2507.18071).
    Geometric,
}

impl Block for Ratio {
    const FIELD: Field = Field::optional(
        "ratio",
        "None | Token | Sequence | Geometric",
        "",
        "None",
        "the ratio q/b of the policy to what sampled that advantages are multiplied by",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let words = [
            ("None", Self::None),
            ("Token", Self::Token),
            ("Sequence", Self::Sequence),
            ("Geometric", Self::Geometric),
        ];
        word("ratio", "ratio", value, &words)
    }
}

impl Ratio {
    /// log of the ratio of a whole sequence from its tokens' log-ratios.
    pub fn of_sequence(self, log_ratios: &[f64]) -> f64 {
        let sum = crate::sum::sum(log_ratios);
        match self {
            Self::Sequence => sum,
            Self::Geometric if !log_ratios.is_empty() => sum / log_ratios.len() as f64,
            _ => 0.0,
        }
    }
}
