//! A truncated weight of what was sampled by another distribution.

use pstar_blocks::{Arguments, Value};
use pstar_blocks::{Block, Ratio};
use pstar_core::{Field, PluginError};

/// min(x, max) as a weight without a derivative, x the ratio of a token or of its sequence (truncated importance sampling).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Importance {
    /// Token or sequence.
    pub(crate) level: Ratio,
    pub(crate) max: f64,
}

impl Block for Importance {
    const FIELD: Field = Field::optional(
        "importance",
        "None | (level: Token | Sequence, max)",
        "max > 0",
        "None",
        "a weight q/b without a derivative, at most `max`",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let found = Arguments::of("importance", value, &["level", "max"])?;
        let levels = [("Token", Ratio::Token), ("Sequence", Ratio::Sequence)];
        Ok(Self {
            level: found.word("level", Ratio::Token, &levels)?,
            max: found.number("max", None, "a positive number", |n| n > 0.0)?,
        })
    }
}
