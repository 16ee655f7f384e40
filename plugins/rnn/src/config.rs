//! What experiments configure.

use crate::shape::Shape;
use pstar_core::{ErrorKind, Field, PluginError, Task};
use serde::Deserialize;

/// A base model: `(hidden: 64, corpus: "…")` or `(load: "model.safetensors")`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelConfig {
    /// Units of a layer.
    #[serde(default)]
    pub(crate) hidden: Option<usize>,
    /// Number of layers.
    #[serde(default)]
    pub(crate) layers: Option<usize>,
    /// Numbers that stand for a token.
    #[serde(default)]
    pub(crate) embedding: Option<usize>,
    /// A file with the parameters.
    #[serde(default)]
    pub(crate) load: Option<String>,
    /// The file to fit to.
    #[serde(default)]
    pub(crate) corpus: Option<String>,
    /// Greatest number of passes over the corpus.
    #[serde(default)]
    pub(crate) epochs: Option<u32>,
    /// Strings in a mini-batch.
    #[serde(default)]
    pub(crate) batch: Option<usize>,
    /// Adam's.
    #[serde(default)]
    pub(crate) learning_rate: Option<f64>,
    /// The share of the corpus that perplexity is measured on.
    #[serde(default)]
    pub(crate) held_out: Option<f64>,
    /// Passes without a better perplexity before fitting ends.
    #[serde(default)]
    pub(crate) patience: Option<u32>,
    /// Of initial parameters, held-out part and order.
    #[serde(default)]
    pub(crate) seed: Option<u64>,
}

/// A policy: `(hidden: 64, layers: 1)` or `(load: "model.safetensors")`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyConfig {
    /// Units of a layer.
    #[serde(default)]
    pub(crate) hidden: Option<usize>,
    /// Number of layers.
    #[serde(default)]
    pub(crate) layers: Option<usize>,
    /// Numbers that stand for a token.
    #[serde(default)]
    pub(crate) embedding: Option<usize>,
    /// A file with the initial parameters.
    #[serde(default)]
    pub(crate) load: Option<String>,
    /// Whether samples are remembered for the gradient.
    #[serde(default)]
    pub(crate) keep_activations: Option<bool>,
}

/// `hidden`, of models and policies.
pub(crate) const HIDDEN: Field =
    Field::optional("hidden", "integer", ">= 1", "None", "units of a layer; needed without `load`");

/// `layers`, of models and policies.
pub(crate) const LAYERS: Field = Field::optional("layers", "integer", ">= 1", "1", "number of layers");

/// `embedding`, of models and policies.
pub(crate) const EMBEDDING: Field = Field::optional(
    "embedding",
    "integer",
    ">= 1",
    "None",
    "numbers that stand for a token; None: as many as `hidden`",
);

/// `load`, of models and policies.
pub(crate) const LOAD: Field = Field::optional(
    "load",
    "text",
    "a safetensors file",
    "None",
    "parameters under the names of PyTorch: embedding.weight, gru.weight_ih_l0, ..., output.weight, output.bias",
);

/// Greatest number of parameters: 1 GiB of `f64`.
const MOST_PARAMETERS: usize = 1 << 27;

/// The shape that is configured, where no file gives it.
pub(crate) fn shape(
    hidden: Option<usize>,
    layers: Option<usize>,
    embedding: Option<usize>,
    task: &Task,
) -> Result<Shape, PluginError> {
    let Some(hidden) = hidden else {
        let message = "expected `hidden` or `load`, found neither";
        return Err(PluginError::new(ErrorKind::Config, message));
    };
    let (layers, embedding) = (layers.unwrap_or(1), embedding.unwrap_or(hidden));
    for (name, value) in [("hidden", hidden), ("layers", layers), ("embedding", embedding)] {
        if value == 0 {
            return Err(PluginError::config(name, format!("`{name}` must be at least 1, found `0`")));
        }
    }
    let (tokens, choices) = (task.alphabet.tokens() as f64, task.choices() as f64);
    let (h, e, l) = (hidden as f64, embedding as f64, layers as f64);
    let count =
        tokens * e + 3.0 * h * (e + h + 2.0) + (l - 1.0) * 3.0 * h * (2.0 * h + 2.0) + choices * (h + 1.0);
    if count > MOST_PARAMETERS as f64 {
        let message = format!("expected at most {MOST_PARAMETERS} parameters, found {count}");
        return Err(PluginError::config("hidden", message).with_hint("use a smaller `hidden`"));
    }
    Ok(Shape::new(task, embedding, hidden, layers))
}

/// Refuses sizes that are given beside a file and differ from it.
pub(crate) fn agree(
    shape: &Shape,
    hidden: Option<usize>,
    layers: Option<usize>,
    embedding: Option<usize>,
) -> Result<(), PluginError> {
    let sizes = [
        ("hidden", hidden, shape.hidden),
        ("layers", layers, shape.layers),
        ("embedding", embedding, shape.embedding),
    ];
    for (name, given, found) in sizes {
        if let Some(given) = given.filter(|&given| given != found) {
            let message = format!("`{name}` is `{given}`, but the file of `load` has `{found}`");
            return Err(PluginError::config(name, message).with_hint(format!("leave `{name}` out")));
        }
    }
    Ok(())
}
