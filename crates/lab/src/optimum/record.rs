//! What is reported of an optimum.

use crate::evaluation::{Measures, number};
use pstar_core::objective::Divergence;
use serde::Serialize;
use serde::ser::SerializeMap;

/// The best policies found.
#[derive(Clone, Debug, Serialize)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
        map.serialize_entry("length", &self.length)?;
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
    let table: serde_json::Map<_, _> =
        table.iter().map(|(name, row)| (name.clone(), row.clone().into())).collect();
    map.serialize_entry("table", &table)
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
        map.serialize_entry("value", &number(self.value))?;
        map.serialize_entry("lower_bound", &number(self.lower_bound))?;
        map.serialize_entry("degenerate", &self.degenerate)?;
        if let Some(why) = &self.why {
            map.serialize_entry("why", why)?;
        }
        map.serialize_entry("residual", &number(self.residual))?;
        map.serialize_entry("settled", &self.settled)?;
        map.serialize_entry("starts", &self.starts)?;
        let optima: Vec<_> = self.local_optima.iter().map(|&value| number(Some(value))).collect();
        map.serialize_entry("local_optima", &optima)?;
        self.measures.serialize_entries(&mut map)?;
        serialize_table(&self.table, &mut map)?;
        if let Some(flow) = &self.flow {
            map.serialize_entry("flow", flow)?;
        }
        map.end()
    }
}

/// A divergence in words.
pub(super) fn in_words(divergence: Divergence) -> String {
    match divergence {
        Divergence::InvalidityRate => "1 - validity rate".into(),
        Divergence::KlToTilted { beta } => format!("KL(q||p_beta), beta = {beta}"),
        Divergence::KlToTiltedAtRate { mu } => format!("KL(q||p_beta), mu = {mu}"),
        Divergence::KlFromFiltered => "KL(p*||q)".into(),
        Divergence::Alpha { alpha } => format!("D_alpha(q||p*), alpha = {alpha}"),
        Divergence::ClippedAlpha { alpha, clip } => {
            format!("minus the potential of the clipped pseudo-reward, alpha = {alpha}, clip = {clip}")
        }
        other => format!("{other:?}"),
    }
}
