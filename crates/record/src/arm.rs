//! What one arm found: one policy under one objective with one seed.

use crate::number::Number;
use crate::warning::objects;
use crate::{LikelyOutput, Measures, Warnings, number, pairs};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::AddAssign;

/// What one arm found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmRecord {
    /// What determines it, by content: the name of its folder; empty where nothing is kept of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The policy's name in the experiment; empty in an arm's own folder, which several experiments may share.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// The objective's name in the experiment; empty in an arm's own folder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub objective: String,
    /// The seed.
    pub seed: u64,
    /// The optimizer's step size; NaN where none could be selected.
    #[serde(with = "number")]
    pub learning_rate: f64,
    /// How it ended.
    pub status: ArmStatus,
    /// Where and why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Fingerprint of the rollouts of step 0, which all objectives of a policy and seed share; absent without any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_batch: Option<String>,
    /// What it spent.
    pub budget: Budget,
    /// How many groups used log Z from each source: exact (an oracle), group, running.
    #[serde(default)]
    pub log_partition: PartitionRecord,
    /// Figures before the first step, means over prompts.
    pub initial: Option<Measures>,
    /// Figures after the last step, means over prompts.
    #[serde(rename = "final")]
    pub last: Option<Measures>,
    /// Where it falls below the base after the last step; absent where that is not known exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossings: Option<Crossings>,
    /// Signals of the host's and diagnostics of the objective's, means over all steps.
    #[serde(default)]
    pub diagnostics: Means,
    /// What the user should know.
    #[serde(default, with = "objects")]
    pub warnings: Warnings,
    /// SHA-256 of the final parameters, 64 bits each, little-endian; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters_sha256: Option<String>,
    /// The curve; written to `curves.csv`.
    #[serde(skip)]
    pub curve: Vec<CurvePoint>,
    /// The final parameters; written to `parameters.safetensors` in the arm's folder.
    #[serde(skip)]
    pub parameters: Vec<f64>,
    /// What it found at single prompts; written to `prompts.json` in the arm's folder.
    #[serde(skip)]
    pub prompts: ArmPrompts,
}

impl ArmRecord {
    /// An arm of which nothing is known but how it failed; whoever reads it knows its names, seed and learning rate.
    pub fn of_failure(id: String, failure: Failure) -> Self {
        Self {
            id,
            policy: String::new(),
            objective: String::new(),
            seed: 0,
            learning_rate: 0.0,
            status: ArmStatus::Failed,
            failure: Some(failure),
            first_batch: None,
            budget: Budget::default(),
            log_partition: PartitionRecord::default(),
            initial: None,
            last: None,
            crossings: None,
            diagnostics: Means::default(),
            warnings: Warnings::default(),
            parameters_sha256: None,
            curve: Vec::new(),
            parameters: Vec::new(),
            prompts: ArmPrompts::default(),
        }
    }
}

/// Where a policy falls from above to below the base: the first real numbers of samples at which it does, up to the greatest
/// k of the evaluation; absent where it does not. The means over prompts may cross more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Crossings {
    /// Of coverage@k; absent as well where it is out of reach.
    #[serde(default, with = "number::optional")]
    pub coverage: Option<f64>,
    /// Of pass@k.
    #[serde(default, with = "number::optional")]
    pub pass: Option<f64>,
}

/// What an arm found at single prompts, each in the file's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmPrompts {
    /// Figures before the first step; empty where they are not known.
    #[serde(default)]
    pub start: Vec<Measures>,
    /// Figures after the last step.
    #[serde(default)]
    pub end: Vec<Measures>,
    /// The most probable outputs after the last step, at the first prompts.
    #[serde(default)]
    pub outputs: Vec<PromptOutputs>,
}

impl ArmPrompts {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.start.is_empty() && self.end.is_empty() && self.outputs.is_empty()
    }
}

/// The most probable outputs at one prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptOutputs {
    /// Whether they are proved to be the most probable; else they are the most probable of those that were met.
    pub exact: bool,
    /// By falling probability; of equal ones the shorter first, then in the order of their symbols.
    pub outputs: Vec<LikelyOutput>,
}

/// How an arm ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArmStatus {
    /// All steps were taken.
    #[default]
    Complete,
    /// A component failed; what came before is kept.
    Failed,
    /// It was told to stop; what came before is kept.
    Interrupted,
}

/// Where and why an arm failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step at which it failed.
    pub step: u32,
    /// Why.
    pub message: String,
}

/// What training spent, its evaluation left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Sequences sampled.
    pub sequences: u64,
    /// Tokens sampled, end symbols included.
    pub tokens: u64,
    /// Verdicts asked for.
    pub verifier_calls: u64,
    /// Updates of the parameters.
    pub optimizer_steps: u64,
    /// Verdicts that were asked for and not had: such responses are left out of their groups.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub no_verdicts: u64,
    /// Verdicts that a threshold made of scores other than 0 and 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub between: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl AddAssign for Budget {
    fn add_assign(&mut self, other: Self) {
        self.sequences += other.sequences;
        self.tokens += other.tokens;
        self.verifier_calls += other.verifier_calls;
        self.optimizer_steps += other.optimizer_steps;
        self.no_verdicts += other.no_verdicts;
        self.between += other.between;
    }
}

/// How many groups used log Z from each source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRecord {
    /// The exact value: an oracle.
    pub exact: u64,
    /// The group's estimate.
    pub group: u64,
    /// The mean over all samples so far.
    pub running: u64,
}

/// One point of an arm's curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Optimizer steps taken.
    pub step: u32,
    /// The figures, means over prompts.
    pub measures: Measures,
    /// Signals of the host's and diagnostics of the objective's, means over the steps since the last point.
    pub signals: Means,
}

/// Means of named numbers over steps, in the order in which the names came up; absent where it is no number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Means(Vec<(String, Option<f64>)>);

impl Means {
    /// Names and means.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.0.iter().map(|(name, mean)| (name.as_str(), *mean))
    }
}

impl FromIterator<(String, f64)> for Means {
    fn from_iter<I: IntoIterator<Item = (String, f64)>>(means: I) -> Self {
        let exists = |(name, mean): (String, f64)| (name, Some(mean).filter(|mean| !mean.is_nan()));
        Self(means.into_iter().map(exists).collect())
    }
}

impl Serialize for Means {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, mean)| (name, Number(*mean))))
    }
}

impl<'de> Deserialize<'de> for Means {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let means: Vec<(String, Number)> = pairs::deserialize(deserializer)?;
        Ok(Self(means.into_iter().map(|(name, Number(mean))| (name, mean)).collect()))
    }
}
