//! The base model.

use crate::config::{ModelConfig, ORDER, Smoothing, TABLE, TABLES, Table};
use crate::contexts::Contexts;
use crate::distribution::Distribution;
use crate::estimate::Counts;
use crate::model::Ngram;
use crate::{corpus, estimate, table};
use pstar_core::{BaseModel, Field, PluginError, Task, math};

impl BaseModel for Ngram {
    const NAME: &'static str = "ngram";
    const DOC: &'static str = "n-gram model from a corpus or an explicit table";
    type Config = ModelConfig;
    const FIELDS: &'static [Field] = &[
        ORDER,
        Field::optional(
            "corpus",
            "text",
            "a file",
            "None",
            "what to estimate from: JSON Lines, or one response a line",
        ),
        Field::optional(
            "smoothing",
            "AddK(k: number) | KneserNey(discount: number)",
            "k >= 0, discount in [0, 1]",
            "AddK(k: 0.0)",
            "how to estimate",
        ),
        Field::optional("add_k", "number", ">= 0", "None", "short for smoothing: AddK(k: ...)"),
        TABLE,
        TABLES,
    ];

    fn new(config: ModelConfig, task: &Task) -> Result<Self, PluginError> {
        let tables = configured_tables(config.table.as_ref(), config.tables.as_deref(), task)?;
        let positions = tables.map_or(1, |(_, tables)| tables.len());
        let contexts = Contexts::new(config.order, task, positions)?;
        if tables.is_some() && (config.smoothing.is_some() || config.add_k.is_some()) {
            let field = if config.add_k.is_some() { "add_k" } else { "smoothing" };
            let message = format!("`{field}` is for a corpus, but the probabilities are given by a table");
            return Err(PluginError::config(field, message));
        }
        let logits = match (tables, &config.corpus) {
            (Some((field, tables)), None) => table::logits(field, tables, &contexts, task)?,
            (None, Some(path)) => {
                let smoothing = smoothing(&config)?;
                let mut counts = Counts::new(contexts.length(), task);
                corpus::read(path, task, |entry| counts.add(entry))?;
                let probs = estimate::estimate(counts, &contexts, smoothing, task)?;
                probs.into_iter().map(math::ln).collect()
            }
            (Some(_), Some(_)) => {
                let message = "`corpus` and an explicit table exclude each other, found both";
                return Err(PluginError::config("corpus", message));
            }
            (None, None) => {
                let message = "expected `corpus`, `table` or `tables`, found none of them";
                return Err(PluginError::new(pstar_core::ErrorKind::Config, message));
            }
        };
        let shape = shape(config.order, positions, task);
        let mut distribution = Distribution::uniform(contexts, positions, task);
        distribution.set_logits(&logits);
        Ok(Self { distribution, alphabet: task.alphabet.clone(), shape })
    }
}

fn smoothing(config: &ModelConfig) -> Result<Smoothing, PluginError> {
    match (config.smoothing, config.add_k) {
        (Some(_), Some(_)) => {
            Err(PluginError::config("add_k", "`smoothing` and `add_k` exclude each other, found both"))
        }
        (Some(smoothing), None) => Ok(smoothing),
        (None, k) => Ok(Smoothing::AddK { k: k.unwrap_or(0.0) }),
    }
}

/// The explicit tables, under the name of the field that gives them.
pub(crate) fn configured_tables<'a>(
    table: Option<&'a Table>,
    tables: Option<&'a [Table]>,
    task: &Task,
) -> Result<Option<(&'static str, &'a [Table])>, PluginError> {
    match (table, tables) {
        (Some(_), Some(_)) => {
            Err(PluginError::config("tables", "`table` and `tables` exclude each other, found both"))
        }
        (Some(table), None) => Ok(Some(("table", std::slice::from_ref(table)))),
        (None, Some(tables)) if tables.len() != task.horizon => {
            let (expected, found) = (task.horizon, tables.len());
            let message =
                format!("`tables` must have one table for each of {expected} positions, found {found}");
            Err(PluginError::config("tables", message))
        }
        (None, Some(tables)) => Ok(Some(("tables", tables))),
        (None, None) => Ok(None),
    }
}

/// What two n-grams must share for one to take the other's parameters.
pub(crate) fn shape(order: usize, positions: usize, task: &Task) -> String {
    let dependence = if positions == 1 { "position-independent" } else { "position-dependent" };
    let (tokens, choices) = (task.alphabet.tokens(), task.choices());
    format!("n-gram of order {order}, {dependence}, {tokens} tokens, {choices} choices")
}
