//! What experiments configure of every network, beside its sizes.

use pstar_core::{ErrorKind, Field, PluginError};

/// What is configured of a base model.
#[derive(Clone, Debug)]
pub struct BaseSettings<S> {
    /// Its sizes.
    pub sizes: S,
    /// A file with the parameters.
    pub load: Option<String>,
    /// The file to fit to.
    pub corpus: Option<String>,
    /// How to fit.
    pub fit: FitSettings,
}

/// What is configured of a policy.
#[derive(Clone, Debug)]
pub struct PolicySettings<S> {
    /// Its sizes.
    pub sizes: S,
    /// A file with the initial parameters.
    pub load: Option<String>,
    /// Whether samples are remembered for the gradient.
    pub keep_activations: Option<bool>,
}

/// How a fit is configured; unchecked. See [`FitPlan`](crate::fit::FitPlan).
#[derive(Clone, Debug, Default)]
pub struct FitSettings {
    /// Greatest number of passes over the corpus.
    pub epochs: Option<u32>,
    /// Strings in a mini-batch.
    pub batch: Option<usize>,
    /// Adam's.
    pub learning_rate: Option<f64>,
    /// The share of the corpus that perplexity is measured on.
    pub held_out: Option<f64>,
    /// Passes without a better perplexity before fitting ends.
    pub patience: Option<u32>,
    /// Of initial parameters, held-out part and order.
    pub seed: Option<u64>,
}

impl FitSettings {
    /// Refuses settings of a fit where parameters are loaded.
    pub(crate) fn refuse(&self) -> Result<(), PluginError> {
        let given = [
            ("epochs", self.epochs.is_some()),
            ("batch", self.batch.is_some()),
            ("learning_rate", self.learning_rate.is_some()),
            ("held_out", self.held_out.is_some()),
            ("patience", self.patience.is_some()),
            ("seed", self.seed.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => {
                let message = format!("`{name}` is for a fit to a corpus, but the parameters are loaded");
                Err(PluginError::config(name, message))
            }
            None => Ok(()),
        }
    }
}

/// `corpus`, of base models.
pub const CORPUS: Field = Field::optional(
    "corpus",
    "text",
    "a file",
    "None",
    "what to fit to by maximum likelihood: JSON Lines, or one response a line",
);

/// `epochs`, of base models.
pub const EPOCHS: Field =
    Field::optional("epochs", "integer", ">= 1", "100", "greatest number of passes over the corpus");

/// `batch`, of base models.
pub const BATCH: Field = Field::optional("batch", "integer", ">= 1", "32", "strings in a mini-batch");

/// `learning_rate`, of base models.
pub const LEARNING_RATE: Field = Field::optional("learning_rate", "number", "> 0", "0.003", "Adam's");

/// `held_out`, of base models.
pub const HELD_OUT: Field = Field::optional(
    "held_out",
    "number",
    "[0, 1)",
    "0.1",
    "share of the corpus that perplexity is measured on",
);

/// `patience`, of base models.
pub const PATIENCE: Field = Field::optional(
    "patience",
    "integer",
    ">= 1",
    "5",
    "passes without a better perplexity before fitting ends",
);

/// `seed`, of base models.
pub const SEED: Field =
    Field::optional("seed", "integer", ">= 0", "1", "of initial parameters, held-out part and order");

/// `keep_activations`, of policies.
pub const KEEP_ACTIVATIONS: Field = Field::optional(
    "keep_activations",
    "true | false",
    "",
    "true",
    "whether samples are remembered for the gradient: faster, same bits, more memory",
);

/// Greatest number of parameters: 1 GiB of `f64`.
const MOST_PARAMETERS: usize = 1 << 27;

/// Refuses more parameters than there may be; `count` in `f64`, so that no product overflows. `field` is the one to make
/// smaller.
///
/// # Errors
/// Of kind [`Config`](ErrorKind::Config), at `field`.
pub fn check_count(count: f64, field: &str) -> Result<(), PluginError> {
    if count > MOST_PARAMETERS as f64 {
        let message = format!("expected at most {MOST_PARAMETERS} parameters, found {count}");
        return Err(PluginError::config(field, message).with_hint(format!("use a smaller `{field}`")));
    }
    Ok(())
}

/// Refuses sizes of 0.
///
/// # Errors
/// Of kind [`Config`](ErrorKind::Config), at the field at fault.
pub fn check_sizes(sizes: &[(&str, usize)]) -> Result<(), PluginError> {
    match sizes.iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(PluginError::config(name, format!("`{name}` must be at least 1, found `0`"))),
        None => Ok(()),
    }
}

/// Refuses sizes that are given beside a file and differ from it: the name of each, what is given, and what the file has.
///
/// # Errors
/// Of kind [`Config`](ErrorKind::Config), at the field at fault.
pub fn agree(sizes: &[(&str, Option<usize>, usize)]) -> Result<(), PluginError> {
    for &(name, given, found) in sizes {
        if let Some(given) = given.filter(|&given| given != found) {
            let message = format!("`{name}` is `{given}`, but the file of `load` has `{found}`");
            return Err(PluginError::config(name, message).with_hint(format!("leave `{name}` out")));
        }
    }
    Ok(())
}

/// A size without which there is no network, unless a file gives it.
///
/// # Errors
/// Of kind [`Config`](ErrorKind::Config).
pub fn needed(name: &str, size: Option<usize>) -> Result<usize, PluginError> {
    size.ok_or_else(|| {
        PluginError::new(ErrorKind::Config, format!("expected `{name}` or `load`, found neither"))
    })
}
