//! Bad sequences that have gone stale do not count.

use pstar_blocks::Block;
use pstar_blocks::{Arguments, Value};
use pstar_core::{Field, PluginError};

/// A sequence of negative advantage does not count once the mean of log b − log q over its tokens is above this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SequenceMask(pub(crate) Option<f64>);

impl Block for SequenceMask {
    const FIELD: Field = Field::optional(
        "sequence_mask",
        "None | (delta)",
        "delta a number",
        "None",
        "above which mean log b/q a sequence of negative advantage does not count",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        if value.is_none() {
            return Ok(Self(None));
        }
        let found = Arguments::of("sequence_mask", value, &["delta"])?;
        found.number("delta", None, "a number", |n| !n.is_nan()).map(|delta| Self(Some(delta)))
    }
}
