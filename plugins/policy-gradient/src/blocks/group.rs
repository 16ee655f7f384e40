//! The size of groups where nothing is sampled.

use pstar_blocks::Block;
use pstar_blocks::Value;
use pstar_core::{Field, PluginError};

/// Number of samples of a group over which an exact gradient is an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group(pub(crate) u32);

impl Block for Group {
    const FIELD: Field = Field::optional(
        "group",
        "whole number",
        "1 to 2048",
        "8",
        "the size of groups where gradients are exact (`gradient: Population`); sampled ones have that of training",
    );

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    fn read(value: &Value) -> Result<Self, PluginError> {
        match value {
            Value::Number(n) if n.fract() == 0.0 && (1.0..=2048.0).contains(n) => Ok(Self(*n as u32)),
            _ => Err(PluginError::config("group", "`group` must be a whole number from 1 to 2048")),
        }
    }
}
