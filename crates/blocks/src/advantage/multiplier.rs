//! A factor of all advantages.

use super::Signal;
use crate::Block;
use crate::value::{Value, unknown};
use pstar_core::{Field, PluginError};

/// A factor of all advantages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Multiplier {
    /// This number.
    Number(f64),
    /// 1/G.
    PerGroup,
    /// k of `signal: PassAtK`.
    K,
}

impl Block for Multiplier {
    const FIELD: Field = Field::optional(
        "multiplier",
        "number | PerGroup | K",
        "a number",
        "1.0",
        "a factor of all advantages",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        match value {
            Value::Number(number) if number.is_finite() => Ok(Self::Number(*number)),
            other if other.name() == Some("PerGroup") => Ok(Self::PerGroup),
            other if other.name() == Some("K") => Ok(Self::K),
            other => Err(unknown("multiplier", other, &["a number", "PerGroup", "K"])),
        }
    }
}

impl Multiplier {
    /// Refuses a signal that it is not of.
    ///
    /// # Errors
    /// Naming the field.
    pub(crate) fn check(self, signal: Signal) -> Result<(), PluginError> {
        if self != Self::K || matches!(signal, Signal::PassAtK { .. }) {
            return Ok(());
        }
        let message = format!("`multiplier: K` is the k of `signal: PassAtK`, found `signal: {signal}`");
        Err(PluginError::config("multiplier", message).with_hint("set a number, or `signal: PassAtK(…)`"))
    }

    pub(crate) fn of(self, group: usize, signal: Signal) -> f64 {
        match (self, signal) {
            (Self::K, Signal::PassAtK { k, .. }) => k as f64,
            (Self::K, _) => 1.0,
            (Self::Number(number), _) => number,
            (Self::PerGroup, _) => 1.0 / group as f64,
        }
    }
}
