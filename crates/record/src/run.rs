//! What a run found.

use crate::{
    ArmRecord, ArmStatus, ClassOptimum, Comparison, KappaRecord, Measures, Method, MetricInterval,
    ObjectiveRecord, Selection, Verdict, Warnings, pairs,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use thiserror::Error;

/// The version of the format. It grows where a reader of an older one would misunderstand, not with every new key.
pub const VERSION: u64 = 1;

/// What a run found: `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of the format that it was written in; 0 of records that do not say.
    #[serde(default)]
    pub version: u64,
    /// The experiment's name.
    pub name: String,
    /// Whether nothing is missing.
    #[serde(default = "yes")]
    pub complete: bool,
    /// What is.
    #[serde(default)]
    pub missing: Missing,
    /// How figures were had.
    pub method: Method,
    /// The policy classes, in the file's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyRecord>,
    /// The objectives, in the file's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveRecord>,
    /// The arms, by policy, objective, learning rate and seed in the file's order.
    pub arms: Vec<ArmRecord>,
    /// How learning rates were selected; absent where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<Selection>,
    /// The rows that policies are compared with.
    #[serde(with = "pairs")]
    pub references: Vec<(String, Measures)>,
    /// The best policy of each class under each objective that declares its divergence, where that can be had.
    #[serde(default)]
    pub optima: Vec<ClassOptimum>,
    /// What the objectives did, one a policy class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Verdict>,
    /// Final figures: means over seeds with their intervals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intervals: Vec<MetricInterval>,
    /// Paired differences to the first objective.
    #[serde(default)]
    pub comparisons: Vec<Comparison>,
    /// How fast objectives climb, where all arms ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kappa: Option<KappaRecord>,
    /// What the user should know.
    #[serde(flatten)]
    pub warnings: Warnings,
}

fn yes() -> bool {
    true
}

/// A policy class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Its name in the experiment.
    pub name: String,
    /// Whether it is the base at its start: all its arms begin within 10⁻⁹ nats of it. False where that is only estimated,
    /// unless it starts as a copy.
    pub represents_base: bool,
    /// How it starts, as in the experiment: `FitBase`, `CopyBase`, `Random` or `AsConfigured`.
    pub start: String,
}

/// What a run has not found yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The arms that have not ended, by their names.
    #[serde(default)]
    pub arms: Vec<String>,
    /// Whether the optima of the classes are still to be looked for.
    #[serde(default)]
    pub optima: bool,
}

/// Why a text is no record of a run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It ends too early.
    #[error("is cut short: {source}")]
    CutShort {
        /// Where.
        source: serde_json::Error,
    },
    /// It is no JSON.
    #[error("is no JSON: {source}")]
    NoJson {
        /// Where and why.
        source: serde_json::Error,
    },
    /// It is JSON, and something else.
    #[error("is no record of a run: {source}")]
    NoRecord {
        /// Where and why.
        source: serde_json::Error,
    },
    /// It is of a newer format, which cannot be understood.
    #[error("is of version {version}, expected at most {VERSION}: {source}")]
    Newer {
        /// Its version.
        version: u64,
        /// Where understanding ends.
        source: serde_json::Error,
    },
}

impl RunRecord {
    /// Reads what was written as `summary.json`, without curves and parameters, which are not in it. Keys that are not
    /// known are passed over, and those that came with later versions may be missing.
    ///
    /// # Errors
    /// If it is no record of a run, or a newer one that cannot be understood.
    pub fn read(json: &[u8]) -> Result<Self, ReadError> {
        let json = json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json);
        // Most are records, and of many arms each look takes seconds.
        if let Ok(record) = serde_json::from_slice(json) {
            return Ok(record);
        }
        serde_json::from_slice::<IgnoredAny>(json).map_err(|source| match source.classify() {
            Category::Eof => ReadError::CutShort { source },
            _ => ReadError::NoJson { source },
        })?;
        let version = version(json);
        serde_json::from_slice(json).map_err(|source| match version {
            Some(version) if version > VERSION => ReadError::Newer { version, source },
            _ if source.classify() == Category::Syntax => ReadError::NoJson { source },
            _ => ReadError::NoRecord { source },
        })
    }

    /// Whether it was written in a newer format than this, so that something may be missing.
    pub fn is_newer(&self) -> bool {
        self.version > VERSION
    }

    /// The arms of a policy and objective, by seed.
    pub fn arms_of<'a>(&'a self, policy: &'a str, objective: &'a str) -> impl Iterator<Item = &'a ArmRecord> {
        self.arms.iter().filter(move |arm| arm.policy == policy && arm.objective == objective)
    }

    /// Number of arms, those that select learning rates included.
    pub fn arm_count(&self) -> usize {
        self.statuses().count()
    }

    /// Number of arms that failed, those that select learning rates included.
    pub fn failures(&self) -> usize {
        self.statuses().filter(|&status| status == ArmStatus::Failed).count()
    }

    /// Number of arms that were stopped from outside, or not begun, those that select learning rates included.
    pub fn interruptions(&self) -> usize {
        self.statuses().filter(|&status| status == ArmStatus::Interrupted).count()
    }

    fn statuses(&self) -> impl Iterator<Item = ArmStatus> + '_ {
        let selecting = self.selection.iter().flat_map(Selection::arms).map(|arm| arm.status);
        selecting.chain(self.arms.iter().map(|arm| arm.status))
    }
}

/// The version that a record says, whatever else it holds.
fn version(json: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    serde_json::from_slice::<Versioned>(json).ok().map(|versioned| versioned.version)
}
