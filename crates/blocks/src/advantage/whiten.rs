//! Advantages of mean 0 and variance 1 over all tokens of a batch.

use crate::Block;
use crate::sum::{sum, sum_of};
use crate::value::{Arguments, Value};
use pstar_core::{Field, PluginError, math};

/// Whitening of the advantages of all tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whiten {
    ddof: usize,
    /// Added to the variance.
    epsilon: f64,
    /// Least variance.
    floor: f64,
}

impl Block for Whiten {
    const FIELD: Field = Field::optional(
        "whiten",
        "None | (ddof, epsilon) | (ddof, floor)",
        "ddof 0 or 1, epsilon and floor >= 0",
        "None",
        "whether advantages get mean 0 and variance 1 over all tokens of the batch; both numbers are under the root",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let found = Arguments::of("whiten", value, &["ddof", "epsilon", "floor"])?;
        let ddof = found.count("ddof", 1, 0)?;
        if ddof > 1 {
            return Err(PluginError::config("whiten", format!("`ddof` must be 0 or 1, found `{ddof}`")));
        }
        let at_least_zero =
            |name| found.number(name, 0.0, "a number of at least 0", |n| n >= 0.0 && n.is_finite());
        Ok(Self { ddof, epsilon: at_least_zero("epsilon")?, floor: at_least_zero("floor")? })
    }
}

impl Whiten {
    pub(crate) fn apply(self, advantages: &mut [f64]) {
        let n = advantages.len() as f64;
        let mean = sum(advantages) / n;
        let squares = sum_of(advantages, |a| (a - mean) * (a - mean));
        let freedom = n - self.ddof as f64;
        let variance = if freedom > 0.0 { squares / freedom } else { 0.0 };
        let deviation = (variance.max(self.floor) + self.epsilon).sqrt();
        let scale = if deviation == 0.0 { 0.0 } else { 1.0 / deviation };
        math::widest(|| advantages.iter_mut().for_each(|a| *a = (*a - mean) * scale));
    }
}
