//! What experiments configure.

use pstar_core::Field;
use pstar_core::config::UniqueMap;
use serde::Deserialize;

/// A table: for each context of n−1 symbols the probabilities in alphabet order, the end symbol behind them.
pub(crate) type Table = UniqueMap<Vec<f64>>;

/// A base model: `(order: 3, corpus: "…", smoothing: KneserNey(discount: 0.75))` or `(order: 2, table: {…})`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelConfig {
    /// n: one more than the number of symbols that the next one depends on.
    pub(crate) order: usize,
    /// The file to estimate from.
    #[serde(default)]
    pub(crate) corpus: Option<String>,
    /// How to estimate.
    #[serde(default)]
    pub(crate) smoothing: Option<Smoothing>,
    /// Short for `smoothing: AddK(k: …)`.
    #[serde(default)]
    pub(crate) add_k: Option<f64>,
    /// The probabilities themselves.
    #[serde(default)]
    pub(crate) table: Option<Table>,
    /// One table a position.
    #[serde(default)]
    pub(crate) tables: Option<Vec<Table>>,
}

/// How probabilities are estimated from counts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) enum Smoothing {
    /// (c + k) / (total + kK).
    AddK {
        /// k ≥ 0.
        k: f64,
    },
    /// Interpolated Kneser–Ney with one discount for all orders.
    KneserNey {
        /// D in [0, 1].
        discount: f64,
    },
}

/// A policy: `(order: 2)`; with a table it can start `AsConfigured`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyConfig {
    /// n: one more than the number of symbols that the next one depends on.
    pub(crate) order: usize,
    /// Whether every position has logits of its own.
    #[serde(default)]
    pub(crate) position_dependent: bool,
    /// The initial probabilities.
    #[serde(default)]
    pub(crate) table: Option<Table>,
    /// The initial probabilities, one table a position; makes the policy position-dependent.
    #[serde(default)]
    pub(crate) tables: Option<Vec<Table>>,
}

/// `order`, of models and policies.
pub(crate) const ORDER: Field = Field::required(
    "order",
    "integer",
    ">= 1",
    "one more than the number of symbols that the next one depends on",
);

/// `table`, of models and policies.
pub(crate) const TABLE: Field = Field::optional(
    "table",
    "{context: [number]}",
    "rows that sum to 1",
    "None",
    "the probabilities: alphabet order, then the end symbol",
);

/// `tables`, of models and policies.
pub(crate) const TABLES: Field = Field::optional(
    "tables",
    "[{context: [number]}]",
    "one table a position",
    "None",
    "the probabilities of a position-dependent model",
);
