//! What experiments configure.

use crate::shape::{Mlp, Norm};
use pstar_core::Field;
use pstar_neural::config::{BaseSettings, FitSettings, PolicySettings};
use serde::Deserialize;

/// How a token knows where it stands, as it is configured.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub(crate) enum PositionsConfig {
    /// A row of numbers for each place that the task has.
    Learned,
    /// Turned queries and keys.
    Rotary {
        /// θ.
        theta: f64,
    },
    /// Not at all.
    None,
}

/// A base model: `(width: 64, corpus: "…")` or `(load: "folder")`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelConfig {
    #[serde(default)]
    pub(crate) width: Option<usize>,
    #[serde(default)]
    pub(crate) layers: Option<usize>,
    #[serde(default)]
    pub(crate) heads: Option<usize>,
    #[serde(default)]
    pub(crate) kv_heads: Option<usize>,
    #[serde(default)]
    pub(crate) inner: Option<usize>,
    #[serde(default)]
    pub(crate) norm: Option<Norm>,
    #[serde(default)]
    pub(crate) positions: Option<PositionsConfig>,
    #[serde(default)]
    pub(crate) mlp: Option<Mlp>,
    #[serde(default)]
    pub(crate) biases: Option<bool>,
    #[serde(default)]
    pub(crate) tied: Option<bool>,
    #[serde(default)]
    pub(crate) load: Option<String>,
    #[serde(default)]
    pub(crate) context: Option<String>,
    #[serde(default)]
    pub(crate) end: Option<String>,
    #[serde(default)]
    pub(crate) corpus: Option<String>,
    #[serde(default)]
    pub(crate) save: Option<String>,
    #[serde(default)]
    pub(crate) epochs: Option<u32>,
    #[serde(default)]
    pub(crate) batch: Option<usize>,
    #[serde(default)]
    pub(crate) learning_rate: Option<f64>,
    #[serde(default)]
    pub(crate) held_out: Option<f64>,
    #[serde(default)]
    pub(crate) patience: Option<u32>,
    #[serde(default)]
    pub(crate) seed: Option<u64>,
}

/// A policy: `(width: 64, layers: 2)` or `(load: "folder")`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyConfig {
    #[serde(default)]
    pub(crate) width: Option<usize>,
    #[serde(default)]
    pub(crate) layers: Option<usize>,
    #[serde(default)]
    pub(crate) heads: Option<usize>,
    #[serde(default)]
    pub(crate) kv_heads: Option<usize>,
    #[serde(default)]
    pub(crate) inner: Option<usize>,
    #[serde(default)]
    pub(crate) norm: Option<Norm>,
    #[serde(default)]
    pub(crate) positions: Option<PositionsConfig>,
    #[serde(default)]
    pub(crate) mlp: Option<Mlp>,
    #[serde(default)]
    pub(crate) biases: Option<bool>,
    #[serde(default)]
    pub(crate) tied: Option<bool>,
    #[serde(default)]
    pub(crate) load: Option<String>,
    #[serde(default)]
    pub(crate) context: Option<String>,
    #[serde(default)]
    pub(crate) end: Option<String>,
    #[serde(default)]
    pub(crate) keep_activations: Option<bool>,
}

/// Sizes and switches that are configured, and what of a model that is loaded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) width: Option<usize>,
    pub(crate) layers: Option<usize>,
    pub(crate) heads: Option<usize>,
    pub(crate) kv_heads: Option<usize>,
    pub(crate) inner: Option<usize>,
    pub(crate) norm: Option<Norm>,
    pub(crate) positions: Option<PositionsConfig>,
    pub(crate) mlp: Option<Mlp>,
    pub(crate) biases: Option<bool>,
    pub(crate) tied: Option<bool>,
    pub(crate) context: Option<String>,
    pub(crate) end: Option<String>,
    pub(crate) save: Option<String>,
}

impl From<ModelConfig> for BaseSettings<Sizes> {
    fn from(config: ModelConfig) -> Self {
        let ModelConfig { width, layers, heads, kv_heads, inner, norm, positions, mlp, biases, tied, .. } =
            config;
        let ModelConfig { context, end, load, corpus, save, .. } = config;
        let ModelConfig { epochs, batch, learning_rate, held_out, patience, seed, .. } = config;
        let sizes = Sizes {
            width,
            layers,
            heads,
            kv_heads,
            inner,
            norm,
            positions,
            mlp,
            biases,
            tied,
            context,
            end,
            save,
        };
        let fit = FitSettings { epochs, batch, learning_rate, held_out, patience, seed };
        Self { sizes, load, corpus, fit }
    }
}

impl From<PolicyConfig> for PolicySettings<Sizes> {
    fn from(config: PolicyConfig) -> Self {
        let PolicyConfig {
            width, layers, heads, kv_heads, inner, norm, positions, mlp, biases, tied, ..
        } = config;
        let PolicyConfig { context, end, load, keep_activations, .. } = config;
        let sizes = Sizes {
            width,
            layers,
            heads,
            kv_heads,
            inner,
            norm,
            positions,
            mlp,
            biases,
            tied,
            context,
            end,
            save: None,
        };
        Self { sizes, load, keep_activations }
    }
}

pub(crate) const WIDTH: Field = Field::optional(
    "width",
    "integer",
    ">= 1",
    "None",
    "numbers that stand for a token; needed without `load`",
);
pub(crate) const LAYERS: Field = Field::optional("layers", "integer", ">= 1", "2", "number of layers");
pub(crate) const HEADS: Field = Field::optional(
    "heads",
    "integer",
    "divides `width`",
    "4",
    "heads of attention, each of `width` / `heads` numbers",
);
pub(crate) const KV_HEADS: Field = Field::optional(
    "kv_heads",
    "integer",
    "divides `heads`",
    "None",
    "heads of keys and values, each asked by as many heads; None: as many as `heads`",
);
pub(crate) const INNER: Field = Field::optional(
    "inner",
    "integer",
    ">= 1",
    "None",
    "numbers between the two matrices behind attention; None: 4 `width` with Gelu, 8/3 of it with SwiGlu",
);
pub(crate) const NORM: Field = Field::optional("norm", "Layer | Rms", "", "Rms", "LayerNorm or RMSNorm");
pub(crate) const POSITIONS: Field = Field::optional(
    "positions",
    "Learned | Rotary(theta) | None",
    "theta > 1",
    "None",
    "how a token knows its place: a row of numbers for each, turned queries and keys, or not at all",
);
pub(crate) const MLP: Field =
    Field::optional("mlp", "Gelu | SwiGlu", "", "SwiGlu", "what stands behind attention");
pub(crate) const BIASES: Field =
    Field::optional("biases", "true | false", "", "false", "whether linear maps have biases");
pub(crate) const TIED: Field = Field::optional(
    "tied",
    "true | false",
    "",
    "false",
    "whether a choice is read and made by the same numbers",
);
pub(crate) const LOAD: Field = Field::optional(
    "load",
    "text",
    "a folder, or a safetensors file",
    "None",
    "config.json and model.safetensors in the layout of GPT-2 or Llama; or a file that a fit left in the cache",
);
pub(crate) const CONTEXT: Field = Field::optional(
    "context",
    "text",
    "with `load`",
    "None",
    "what a loaded model reads before every prompt, by its tokenizer.json",
);
pub(crate) const END: Field =
    Field::optional("end", "text", "with `load`", "None", "the token of a loaded model that ends an output");
pub(crate) const SAVE: Field = Field::optional(
    "save",
    "text",
    "with `corpus`, a folder",
    "None",
    "where to write what was fitted, in the layout of GPT-2 or Llama, or in this plugin's own where neither can hold it",
);
