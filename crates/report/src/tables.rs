//! The tables of a run as data, whatever they are written as.

pub(crate) mod column;
pub(crate) mod difference;
pub(crate) mod notes;
mod policy;
mod targets;

pub use column::Column;
pub use difference::DifferenceRow;
pub use policy::{PolicyRow, RowKind};
pub use targets::TargetRow;

use pstar_core::shown;
use pstar_record::{Measures, Method, RunRecord};
use std::collections::HashSet;
use std::hash::Hash;
use thiserror::Error;

/// What is shown of a run; what is left empty stands for all, or for the usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The figures, by their names as in `curves.csv` or by their titles.
    pub columns: Vec<String>,
    /// The policies.
    pub policies: Vec<String>,
    /// Whether every figure of an arm has its interval, not only those that the verdict reads.
    pub intervals: bool,
}

/// A name that a run does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the run has no {kind} `{}`", shown(name))]
pub struct UnknownName {
    /// What kind of name it is.
    pub kind: &'static str,
    /// The name.
    pub name: String,
    /// Those that there are.
    pub known: Vec<String>,
}

/// The tables of a run.
#[derive(Clone, Debug)]
pub struct RunTables {
    /// Name, and what figures are.
    pub title: String,
    /// The columns of all tables.
    pub columns: Vec<Column>,
    /// The rows that policies are compared with.
    pub targets: Vec<TargetRow>,
    /// One a policy.
    pub policies: Vec<PolicyTable>,
    /// What stands beneath.
    pub notes: Vec<String>,
}

/// The tables of a policy.
#[derive(Clone, Debug)]
pub struct PolicyTable {
    /// The policy.
    pub policy: String,
    /// Number of seeds, and whether figures are estimates.
    pub title: String,
    /// What its objectives did, without its name; absent where the run says no verdict.
    pub sentence: Option<String>,
    /// Its start, its objectives, and the best of its class.
    pub rows: Vec<PolicyRow>,
    /// The objective that others are compared with.
    pub baseline: String,
    /// The columns that are compared.
    pub compared: Vec<Column>,
    /// The others' differences in these; empty of fewer than two pairs.
    pub differences: Vec<DifferenceRow>,
    /// The same in all columns.
    pub all_differences: Vec<DifferenceRow>,
}

/// A cell: what people read, and the numbers behind it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The text, `–` where there is no figure.
    pub text: String,
    /// The figure.
    pub value: Option<f64>,
    /// Lower end of its interval.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Its standard error, where it is an estimate.
    pub std_error: Option<f64>,
    /// The p-value of a difference, corrected.
    pub p_value: Option<f64>,
}

impl RunTables {
    /// The tables of a run.
    ///
    /// # Errors
    /// [`UnknownName`] of a figure or policy that the run does not have.
    pub fn new(record: &RunRecord, choice: &Choice) -> Result<Self, UnknownName> {
        let columns = column::columns(record, choice)?;
        let all = distinct(record.arms.iter().map(|arm| &arm.policy));
        let unknown = choice.policies.iter().find(|name| !all.contains(name));
        if let Some(name) = unknown {
            let known = all.into_iter().cloned().collect();
            return Err(UnknownName { kind: "policy", name: name.clone(), known });
        }
        let is_shown = |policy: &&String| choice.policies.is_empty() || choice.policies.contains(policy);
        let policies = all.iter().copied().filter(is_shown);
        let policies = policies.map(|policy| PolicyTable {
            policy: policy.clone(),
            title: policy::title(record, policy),
            sentence: policy::sentence(record, policy),
            rows: policy::rows(record, policy, &columns, choice.intervals),
            baseline: difference::baseline(record, policy),
            compared: difference::compared(&columns, choice),
            differences: difference::rows(
                &record.comparisons,
                policy,
                &difference::compared(&columns, choice),
            ),
            all_differences: difference::rows(&record.comparisons, policy, &columns),
        });
        Ok(Self {
            title: title(record, &all),
            targets: targets::rows(record, &columns),
            policies: policies.collect(),
            notes: notes::notes(record),
            columns,
        })
    }
}

fn title(record: &RunRecord, policies: &[&String]) -> String {
    let unit = match record.method {
        Method::Enumeration => "exact, over all outputs",
        Method::DynamicProgramming => "exact, by dynamic programming",
        Method::Sampling => "estimated from samples",
    };
    let but = if policies.iter().any(|policy| is_estimated(record, policy)) {
        ", estimated where said"
    } else {
        ""
    };
    format!("{} · means over prompts, {unit}{but} · KL and entropy in nats", shown(&record.name))
}

/// Whether a policy's figures are estimates, where the targets' are not.
fn is_estimated(record: &RunRecord, policy: &str) -> bool {
    let mut initial =
        record.arms.iter().filter(|arm| arm.policy == policy).filter_map(|arm| arm.initial.as_ref());
    let has_errors = |measures: &Measures| measures.flat().any(|(_, measure)| measure.std_error.is_some());
    record.method != Method::Sampling && initial.next().is_some_and(has_errors)
}

fn distinct<T: Eq + Hash + Copy>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = HashSet::new();
    items.filter(|item| found.insert(*item)).collect()
}
