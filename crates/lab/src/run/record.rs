//! What a run found.

use super::Comparison;
use crate::evaluation::{Measures, Method};
use crate::optimum::ClassOptimum;
use crate::training::{ArmStatus, Budget, CurvePoint, Failure, Means};
use serde::Serialize;

/// What one arm found.
#[derive(Clone, Debug, Serialize)]
pub struct ArmRecord {
    /// The policy's name in the experiment.
    pub policy: String,
    /// The objective's name in the experiment.
    pub objective: String,
    /// The seed.
    pub seed: u64,
    /// The optimizer's step size.
    pub learning_rate: f64,
    /// How it ended.
    pub status: ArmStatus,
    /// Where and why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Fingerprint of the rollouts of step 0, which all objectives of a policy and seed share; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_batch: Option<String>,
    /// What it spent.
    pub budget: Budget,
    /// How many groups used log Z from each source: exact (an oracle), group, running.
    pub log_partition: PartitionRecord,
    /// Figures before the first step, means over prompts.
    pub initial: Option<Measures>,
    /// Figures after the last step, means over prompts.
    #[serde(rename = "final")]
    pub last: Option<Measures>,
    /// Signals of the host's and diagnostics of the objective's, means over all steps.
    pub diagnostics: Means,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// The curve; written to `curves.csv`.
    #[serde(skip)]
    pub curve: Vec<CurvePoint>,
    /// The final parameters.
    #[serde(skip)]
    pub parameters: Vec<f64>,
}

/// How many groups used log Z from each source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PartitionRecord {
    /// The exact value: an oracle.
    pub exact: u64,
    /// The group's estimate.
    pub group: u64,
    /// The mean over all samples so far.
    pub running: u64,
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    /// The experiment's name.
    pub name: String,
    /// How figures were had.
    pub method: Method,
    /// The arms, by policy, objective and seed in the file's order.
    pub arms: Vec<ArmRecord>,
    /// The rows that policies are compared with.
    #[serde(serialize_with = "as_map")]
    pub references: Vec<(String, Measures)>,
    /// The best policy of each class under each objective that declares its divergence, where that can be had.
    pub optima: Vec<ClassOptimum>,
    /// Paired differences to the first objective.
    pub comparisons: Vec<Comparison>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

fn as_map<S: serde::Serializer>(rows: &[(String, Measures)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rows.iter().map(|(name, measures)| (name, measures)))
}

impl RunRecord {
    /// The arms of a policy and objective, by seed.
    pub fn arms_of<'a>(&'a self, policy: &'a str, objective: &'a str) -> impl Iterator<Item = &'a ArmRecord> {
        self.arms.iter().filter(move |arm| arm.policy == policy && arm.objective == objective)
    }

    /// Number of arms that failed.
    pub fn failures(&self) -> usize {
        self.arms.iter().filter(|arm| arm.status != ArmStatus::Complete).count()
    }
}
