//! A penalty on the tokens whose rise would cost most entropy.

use pstar_blocks::Block;
use pstar_blocks::{Arguments, Value};
use pstar_core::{Field, PluginError};

/// coefficient · |log q − log b| on a share of the tokens, those of largest covariance (A − Ā)(log q − mean), at least
/// one (KL-Cov, Cui et al. 2025, arXiv 2505.22617).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CovariancePenalty {
    pub(crate) fraction: f64,
    pub(crate) coefficient: f64,
}

impl Block for CovariancePenalty {
    const FIELD: Field = Field::optional(
        "covariance_penalty",
        "None | (fraction, coefficient)",
        "fraction in (0, 1]",
        "None",
        "|log q - log b| on this fraction of the tokens, those of largest covariance of advantage and log q",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let found = Arguments::of("covariance_penalty", value, &["fraction", "coefficient"])?;
        Ok(Self {
            fraction: found.number("fraction", None, "in (0, 1]", |n| n > 0.0 && n <= 1.0)?,
            coefficient: found.number("coefficient", 1.0, "a number", f64::is_finite)?,
        })
    }
}
