//! What experiments configure.

use pstar_core::Field;
use pstar_neural::config::{BaseSettings, FitSettings, PolicySettings};
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

/// The sizes that are configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) hidden: Option<usize>,
    pub(crate) layers: Option<usize>,
    pub(crate) embedding: Option<usize>,
}

impl From<ModelConfig> for BaseSettings<Sizes> {
    fn from(config: ModelConfig) -> Self {
        let ModelConfig { hidden, layers, embedding, load, corpus, .. } = config;
        let ModelConfig { epochs, batch, learning_rate, held_out, patience, seed, .. } = config;
        let fit = FitSettings { epochs, batch, learning_rate, held_out, patience, seed };
        Self { sizes: Sizes { hidden, layers, embedding }, load, corpus, fit }
    }
}

impl From<PolicyConfig> for PolicySettings<Sizes> {
    fn from(config: PolicyConfig) -> Self {
        let PolicyConfig { hidden, layers, embedding, load, keep_activations } = config;
        Self { sizes: Sizes { hidden, layers, embedding }, load, keep_activations }
    }
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
