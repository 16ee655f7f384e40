//! A bonus for entropy.

use pstar_blocks::Block;
use pstar_blocks::{Arguments, Value};
use pstar_core::{Field, PluginError};

/// How the gradient of the entropy is had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Of every position's whole distribution, by the policy.
    Exact,
    /// From the token that was sampled: −log q.
    Sampled,
}

/// coefficient times the mean entropy of the positions that were visited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entropy {
    pub(crate) coefficient: f64,
    pub(crate) form: Form,
}

impl Block for Entropy {
    const FIELD: Field = Field::optional(
        "entropy",
        "None | (coefficient, form: Exact | Sampled)",
        "coefficient a number",
        "None",
        "a bonus for the entropy of the positions that were visited",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let found = Arguments::of("entropy", value, &["coefficient", "form"])?;
        Ok(Self {
            coefficient: found.number("coefficient", None, "a number", f64::is_finite)?,
            form: found.word("form", Form::Exact, &[("Exact", Form::Exact), ("Sampled", Form::Sampled)])?,
        })
    }
}
