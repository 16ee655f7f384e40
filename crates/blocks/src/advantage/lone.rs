//! What happens to a group of one.

use crate::Block;
use crate::value::{Value, word};
use pstar_core::{Field, PluginError};

/// What happens to a group of one sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lone {
    /// It has no baseline, and its deviation counts as 1.
    Raw,
    /// Its advantage is 0.
    Centred,
    /// An error.
    Refuse,
}

impl Block for Lone {
    const FIELD: Field = Field::optional(
        "lone",
        "Raw | Centred | Refuse",
        "",
        "Raw",
        "what happens to a group of one; runs refuse it where the baseline is the group's",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        word(
            "lone",
            "lone",
            value,
            &[("Raw", Self::Raw), ("Centred", Self::Centred), ("Refuse", Self::Refuse)],
        )
    }
}
