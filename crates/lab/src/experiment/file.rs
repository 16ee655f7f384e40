//! The experiment file as it is written, by people and as the record of a run.

use super::located::Configuration;
use super::seeds::Seeds;
use super::{ExperimentError, Located, Verbatim, reading};
use crate::plan::{Match, SampleSource, Sampling, Start};
use pstar_core::config::UniqueMap;
use pstar_core::data::Ending;
use pstar_record::Best;
use serde::{Deserialize, Serialize, Serializer};
use std::path::Path;

/// An experiment file, read but not checked.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentFile {
    /// Names the run's directory.
    pub name: Located<String>,
    /// Where relative paths start; default: the folder of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// What is to be solved.
    pub task: TaskFile,
    /// The policies that are trained.
    #[serde(default)]
    pub policies: UniqueMap<PolicyFile>,
    /// The objectives that train them.
    #[serde(default)]
    pub objectives: UniqueMap<ObjectiveFile>,
    /// How they train.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingFile>,
    /// How policies are measured.
    #[serde(default)]
    pub evaluation: EvaluationFile,
    /// Bounds on exact values.
    #[serde(default)]
    pub exact: ExactFile,
    /// One arm of every policy and objective a seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Seeds>,
    /// Plugin files that must be these: by the name of a component or of the file, `sha256:` and 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "UniqueMap::is_empty")]
    pub plugins: UniqueMap<Located<String>>,
}

/// What is to be solved.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// The symbols of outputs.
    pub alphabet: Located<AlphabetFile>,
    /// Symbols that only prompts use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_alphabet: Option<Located<AlphabetFile>>,
    /// Greatest number of symbols in an output.
    pub horizon: Located<usize>,
    /// How an output ends.
    pub ending: Ending,
    /// Whether every output of `horizon` symbols is invalid, whatever the verifier says.
    #[serde(default)]
    pub truncated_is_invalid: bool,
    /// The greatest share of an arm's responses, and of the samples that it is measured by, that may go without a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_verdict_limit: Option<Located<f64>>,
    /// The prompts; default: the empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Located<PromptsFile>>,
    /// One weight a prompt; default: equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Located<Vec<f64>>>,
    /// The base model.
    pub base: ComponentFile,
    /// The verifier.
    pub verifier: ComponentFile,
}

/// A set of symbols.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum AlphabetFile {
    /// One symbol a character.
    Chars(String),
    /// The symbols themselves.
    Symbols(Vec<String>),
}

impl AlphabetFile {
    /// The symbols in order.
    pub fn symbols(&self) -> Vec<String> {
        match self {
            Self::Chars(text) => text.chars().map(String::from).collect(),
            Self::Symbols(symbols) => symbols.clone(),
        }
    }
}

/// Where prompts come from.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub enum PromptsFile {
    /// The prompts themselves.
    List(Vec<String>),
    /// A text file of one prompt a line.
    File(String),
    /// The verifier's own.
    FromVerifier {
        /// How many.
        count: usize,
    },
}

/// A component of a plugin.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentFile {
    /// The component's name.
    pub plugin: Located<String>,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "bare")]
    pub config: Option<Configuration>,
}

impl ComponentFile {
    /// The configuration as text; `()` where there is none.
    pub fn configuration(&self) -> &str {
        self.config.as_ref().map_or("()", Configuration::text)
    }
}

/// Writes a configuration without the `Some(…)` that raw text is put into otherwise.
#[expect(clippy::ref_option, reason = "the form that serde calls")]
fn bare<S: Serializer>(config: &Option<Configuration>, serializer: S) -> Result<S::Ok, S::Error> {
    match config {
        Some(config) => config.serialize(serializer),
        None => serializer.serialize_none(),
    }
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The component's name.
    pub plugin: Located<String>,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "bare")]
    pub config: Option<Configuration>,
    /// Its initial parameters.
    pub start: Located<Start>,
}

impl PolicyFile {
    /// The component.
    pub fn component(&self) -> ComponentFile {
        ComponentFile { plugin: self.plugin.clone(), config: self.config.clone() }
    }
}

/// An objective.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveFile {
    /// The component's name.
    pub plugin: Located<String>,
    /// Its configuration.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "bare")]
    pub config: Option<Configuration>,
    /// The step size of its arms, where it is not that of the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<Located<f64>>,
}

impl ObjectiveFile {
    /// What it is made from.
    pub fn component(&self) -> ComponentFile {
        ComponentFile { plugin: self.plugin.clone(), config: self.config.clone() }
    }
}

/// How policies train.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingFile {
    /// Sampled, or exact.
    pub gradient: Located<GradientFile>,
    /// Number of batches; with exact gradients of optimizer steps.
    pub steps: Located<u32>,
    /// The optimizer, the same for all arms.
    pub optimizer: Located<OptimizerFile>,
    /// The step sizes, instead of the optimizer's own: each arm is trained at each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rates: Option<Located<Vec<Verbatim<f64>>>>,
    /// How one of them is selected; default: arms at all of them are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select_on: Option<Located<SelectOnFile>>,
    /// The prompts that are trained on; default: all of the task's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Located<Vec<String>>>,
    /// Greatest Euclidean norm of a gradient; longer ones are scaled down to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<Located<f64>>,
    /// What is made equal between arms; default: what is written here and nothing else.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Located<Match>>,
}

/// How a learning rate is selected for each policy and objective.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SelectOnFile {
    /// The seeds of the arms that select, none of those that are shown.
    pub seeds: Seeds,
    /// The figure, as in `curves.csv`, at the end of an arm.
    pub metric: Located<String>,
    /// Which mean of it over the seeds is the best.
    pub best: Best,
}

/// Where gradients come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub enum GradientFile {
    /// Estimated from samples of the policy.
    Sampled {
        /// Number of groups a step, each of one prompt.
        prompts: usize,
        /// Number of samples a group.
        group: usize,
        /// Passes over a batch.
        #[serde(default = "one_pass")]
        epochs: u32,
        /// Optimizer steps a pass, each of whole groups.
        #[serde(default = "one_part")]
        minibatches: usize,
        /// Where samples come from.
        #[serde(default)]
        source: SampleSource,
        /// Whether groups that are all right or all wrong are drawn again.
        #[serde(default)]
        redraw: Option<RedrawFile>,
    },
    /// Exact: over all outputs, or over the components' states where outputs are too many to list.
    Population,
}

impl From<Sampling> for GradientFile {
    fn from(sampling: Sampling) -> Self {
        let Sampling { prompts, group, epochs, minibatches, source, redraw } = sampling;
        let redraw = (redraw > 0).then_some(RedrawFile { limit: redraw });
        Self::Sampled { prompts, group, epochs, minibatches, source, redraw }
    }
}

fn one_pass() -> u32 {
    1
}

fn one_part() -> usize {
    1
}

/// How groups without a signal are drawn again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RedrawFile {
    /// How often at most.
    pub limit: u8,
}

/// The optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub enum OptimizerFile {
    /// Plain gradient ascent.
    Sgd {
        /// Step size; may be left out beside `learning_rates`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        learning_rate: Option<f64>,
    },
    /// Kingma and Ba (2015).
    Adam {
        /// Step size; may be left out beside `learning_rates`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        learning_rate: Option<f64>,
        /// Decay of the first moment.
        #[serde(default = "default_beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "default_beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "default_epsilon")]
        epsilon: f64,
    },
}

impl OptimizerFile {
    /// The step size.
    pub fn learning_rate(&self) -> Option<f64> {
        match *self {
            Self::Sgd { learning_rate } | Self::Adam { learning_rate, .. } => learning_rate,
        }
    }

    /// The same optimizer at another step size.
    #[must_use]
    pub fn at(mut self, rate: f64) -> Self {
        let (Self::Sgd { learning_rate } | Self::Adam { learning_rate, .. }) = &mut self;
        *learning_rate = Some(rate);
        self
    }
}

fn default_beta1() -> f64 {
    0.9
}

fn default_beta2() -> f64 {
    0.999
}

fn default_epsilon() -> f64 {
    1e-8
}

/// How policies are measured.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationFile {
    /// Steps between two points of a curve; default: a twentieth of the steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Located<u32>>,
    /// Numbers of samples k of pass@k and coverage@k; default: the powers of 2 up to 1024.
    pub k: Vec<Verbatim<u64>>,
    /// β of the tilted distributions.
    pub betas: Vec<Verbatim<f64>>,
    /// α of the power-filtered targets a^α v.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub powers: Vec<Verbatim<f64>>,
    /// α of the α-divergences.
    pub alphas: Vec<Verbatim<f64>>,
    /// s of the power sums.
    pub power_sums: Vec<Verbatim<f64>>,
    /// Greatest number of outputs that are enumerated.
    pub enumerate_up_to: Located<u64>,
    /// Samples a prompt where the outputs are too many to enumerate.
    pub samples: Located<usize>,
    /// Whether a run looks for the optimum of each policy class under each objective.
    pub optima: bool,
}

impl Default for EvaluationFile {
    fn default() -> Self {
        Self {
            every: None,
            k: (0..=10).map(|bit| Verbatim::of(1 << bit)).collect(),
            betas: Vec::new(),
            powers: Vec::new(),
            alphas: Vec::new(),
            power_sums: Vec::new(),
            enumerate_up_to: Located::unplaced(2_000_000),
            samples: Located::unplaced(4096),
            optima: true,
        }
    }
}

/// Bounds on exact values.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExactFile {
    /// Greatest number of states of a verifier, and of its product with base and policy.
    pub max_states: Located<usize>,
}

impl Default for ExactFile {
    fn default() -> Self {
        Self { max_states: Located::unplaced(1 << 21) }
    }
}

impl ExperimentFile {
    /// Reads the text of the file at `path`.
    ///
    /// # Errors
    /// The first syntax or type error.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ExperimentError> {
        reading::whole(text).map_err(|fault| ExperimentError {
            path: path.to_path_buf(),
            text: text.to_string(),
            problems: vec![fault.into()],
        })
    }
}
