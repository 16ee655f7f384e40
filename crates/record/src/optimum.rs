//! What is reported of an optimum.

use crate::number::{Number, of_value};
use crate::{Measures, pairs};
use serde::de::{DeserializeOwned, Error};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The best policies found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimumRecord {
    /// One record a policy and objective that declares its divergence, in the file's order.
    pub optima: Vec<ClassOptimum>,
    /// The objectives that declare none.
    pub undeclared: Vec<String>,
}

/// Relative to its size: a value this near to a lower bound is proved.
const PROVED: f64 = 1e-3;

/// Divergences below this are 0.
const NOTHING: f64 = 1e-12;

/// The best policy of a class under one objective.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassOptimum {
    /// The policy's name in the experiment.
    pub policy: String,
    /// The objective's name in the experiment.
    pub objective: String,
    /// The divergence that is minimised, in words.
    pub divergence: String,
    /// Its value, the weighted mean over the prompts that have p*; absent where none has.
    pub value: Option<f64>,
    /// What no policy of the class is below; absent where it was not sought, or not found.
    pub lower_bound: Option<f64>,
    /// Whether the objective has infinitely many optima: figures that it does not determine are absent.
    pub degenerate: bool,
    /// Why there is no optimum.
    pub why: Option<String>,
    /// How much a log-probability would still change in an iteration. No mark of a global optimum.
    pub residual: Option<f64>,
    /// Whether the search came to rest. No mark of a global optimum either.
    pub settled: bool,
    /// Number of starts.
    pub starts: usize,
    /// Distinct values that the starts which came to rest led to, best first.
    pub local_optima: Vec<f64>,
    /// Everything about the optimum, means over prompts.
    pub measures: Measures,
    /// For each context the probabilities of the choices; empty beside arms.
    pub table: Vec<(String, Vec<f64>)>,
    /// Where gradient ascent from the policy's start ends, if that was asked for and the objective has infinitely many
    /// optima.
    pub flow: Option<Flow>,
}

/// The end of the gradient flow of the expected reward.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Length of its path, in logits.
    pub length: f64,
    /// Whether it came to its limit.
    pub settled: bool,
    /// Everything about the policy there, means over prompts.
    pub measures: Measures,
    /// For each context the probabilities of the choices.
    pub table: Vec<(String, Vec<f64>)>,
}

impl Serialize for Flow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("length", &Number(Some(self.length)))?;
        map.serialize_entry("settled", &self.settled)?;
        self.measures.serialize_entries(&mut map)?;
        serialize_table(&self.table, &mut map)?;
        map.end()
    }
}

fn serialize_table<M: SerializeMap>(table: &[(String, Vec<f64>)], map: &mut M) -> Result<(), M::Error> {
    if table.is_empty() {
        return Ok(());
    }
    let numbers = |row: &[f64]| row.iter().map(|&x| Number(Some(x))).collect::<Vec<_>>();
    let table: Vec<_> = table.iter().map(|(name, row)| (name, numbers(row))).collect();
    map.serialize_entry("table", &Table(table))
}

impl ClassOptimum {
    /// How much better than the value a policy of the class could be at most, relative to its size; absent without a
    /// bound.
    pub fn gap(&self) -> Option<f64> {
        let (value, bound) = self.value.zip(self.lower_bound)?;
        let gap = (value - bound).max(0.0);
        Some(if gap <= NOTHING { 0.0 } else { gap / value.abs() })
    }

    /// Whether no policy of the class is better by more than a thousandth.
    pub fn is_proved(&self) -> bool {
        self.gap().is_some_and(|gap| gap <= PROVED)
    }
}

impl Serialize for ClassOptimum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("policy", &self.policy)?;
        map.serialize_entry("objective", &self.objective)?;
        map.serialize_entry("divergence", &self.divergence)?;
        map.serialize_entry("value", &Number(self.value))?;
        map.serialize_entry("lower_bound", &Number(self.lower_bound))?;
        map.serialize_entry("degenerate", &self.degenerate)?;
        if let Some(why) = &self.why {
            map.serialize_entry("why", why)?;
        }
        map.serialize_entry("residual", &Number(self.residual))?;
        map.serialize_entry("settled", &self.settled)?;
        map.serialize_entry("starts", &self.starts)?;
        let optima: Vec<_> = self.local_optima.iter().map(|&value| Number(Some(value))).collect();
        map.serialize_entry("local_optima", &optima)?;
        self.measures.serialize_entries(&mut map)?;
        serialize_table(&self.table, &mut map)?;
        if let Some(flow) = &self.flow {
            map.serialize_entry("flow", flow)?;
        }
        map.end()
    }
}

/// Named rows as a map.
struct Table<'a>(Vec<(&'a String, Vec<Number>)>);

impl Serialize for Table<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, row)| (name, row)))
    }
}

/// The entries of a map, of which the known ones are taken out; the others are figures.
struct Entries(Vec<(String, Value)>);

impl Entries {
    fn take<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, serde_json::Error> {
        let Some(at) = self.0.iter().position(|(known, _)| known == key) else { return Ok(None) };
        serde_json::from_value(self.0.remove(at).1).map(Some)
    }

    fn required<T: DeserializeOwned>(&mut self, key: &'static str) -> Result<T, serde_json::Error> {
        self.take(key)?.ok_or_else(|| Error::missing_field(key))
    }

    fn number(&mut self, key: &str) -> Result<Option<f64>, serde_json::Error> {
        self.take(key)?.map_or(Ok(None), of_value)
    }

    fn table(&mut self) -> Result<Vec<(String, Vec<f64>)>, serde_json::Error> {
        let Some(table) = self.take::<Value>("table")? else { return Ok(Vec::new()) };
        let rows: Vec<(String, Vec<Number>)> = pairs::deserialize(table)?;
        let row = |row: Vec<Number>| row.into_iter().map(|Number(x)| x.unwrap_or(f64::NAN)).collect();
        Ok(rows.into_iter().map(|(name, numbers)| (name, row(numbers))).collect())
    }
}

impl Flow {
    fn of(mut entries: Entries) -> Result<Self, serde_json::Error> {
        Ok(Self {
            length: entries.number("length")?.unwrap_or(f64::NAN),
            settled: entries.required("settled")?,
            table: entries.table()?,
            measures: Measures::of_entries(entries.0)?,
        })
    }
}

impl<'de> Deserialize<'de> for Flow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Entries(pairs::deserialize(deserializer)?)).map_err(D::Error::custom)
    }
}

impl ClassOptimum {
    fn of(mut entries: Entries) -> Result<Self, serde_json::Error> {
        let local: Vec<Number> = entries.required("local_optima")?;
        Ok(Self {
            policy: entries.required("policy")?,
            objective: entries.required("objective")?,
            divergence: entries.required("divergence")?,
            value: entries.number("value")?,
            lower_bound: entries.number("lower_bound")?,
            degenerate: entries.required("degenerate")?,
            why: entries.take("why")?,
            residual: entries.number("residual")?,
            settled: entries.required("settled")?,
            starts: entries.required("starts")?,
            local_optima: local.into_iter().map(|Number(x)| x.unwrap_or(f64::NAN)).collect(),
            table: entries.table()?,
            flow: entries.take("flow")?,
            measures: Measures::of_entries(entries.0)?,
        })
    }
}

impl<'de> Deserialize<'de> for ClassOptimum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Entries(pairs::deserialize(deserializer)?)).map_err(D::Error::custom)
    }
}
