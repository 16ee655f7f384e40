//! `trajectory-balance`: log q is regressed on the log of the tilted distribution.

use crate::learned::{LearnedPartitions, default_step_size};
use crate::refusals::{impossible, positive};
use pstar_core::config::with_unnamed;
use pstar_core::objective::{
    Baseline, Declaration, Divergence, ObjectiveBatch, ObjectiveStep, PopulationForm, PromptFacts,
};
use pstar_core::{ErrorKind, Field, Objective, PluginError, math};
use serde::{Deserialize, Deserializer};

/// Minimises a multiple of E δ² with δ = log Z + log(q(y)/a(y)) − v/β: c_i = −factor δ_i, without importance weights.
///
/// Where it is 0 everywhere q is the tilted distribution p_\[β\]. On the policy's own samples the expected gradient is
/// −factor ∇KL(q‖p_\[β\]), log Z a baseline; on others the loss has the same zero, if the policy can reach it, and otherwise
/// another minimum.
///
/// log Z is learned, one a prompt (Malkin et al. 2022, arXiv 2201.13259); or the mean over the group that makes the mean of δ
/// 0, with the sample itself (VarGrad: Richter et al. 2020, arXiv 2010.10436, as torchgfn has it, (G−1)/G of the other's
/// expected gradient) or without it; or V*/β with V* = β₁ log mean e^{v/β₁} over the group (A*-PO, arXiv 2505.20686), which is
/// what the base is worth where the base samples: of other samples, and where β₁ is not β, zero loss is out of reach.
/// factor 2 is the gradient of δ², torchgfn's prior-relative loss has 1, A*-PO's 2β².
pub(crate) struct TrajectoryBalance {
    config: Config,
    learned: LearnedPartitions,
}

/// `(beta: 0.1)` or `(beta: 0.1, partition: GroupMean, factor: 1.0)`
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// β > 0 of the tilted distribution.
    pub(crate) beta: f64,
    /// Where log Z comes from.
    #[serde(default)]
    pub(crate) partition: Balance,
    /// What δ is multiplied by.
    #[serde(default = "two")]
    pub(crate) factor: f64,
    /// The step of a learned log Z.
    #[serde(default = "default_step_size")]
    pub(crate) step_size: f64,
}

/// Where log Z comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Balance {
    /// It is learned, one a prompt.
    #[default]
    Learned,
    /// Of the whole group.
    GroupMean,
    /// Of the others of the group.
    LeaveOneOut,
    /// β₁/β log mean e^{v/β₁} of the group.
    LogMeanExp { beta: f64 },
}

impl<'de> Deserialize<'de> for Balance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        enum Written {
            Learned,
            GroupMean,
            LeaveOneOut,
            LogMeanExp { beta: f64 },
        }
        Ok(match with_unnamed("beta", deserializer)? {
            Written::Learned => Self::Learned,
            Written::GroupMean => Self::GroupMean,
            Written::LeaveOneOut => Self::LeaveOneOut,
            Written::LogMeanExp { beta } => Self::LogMeanExp { beta },
        })
    }
}

fn two() -> f64 {
    2.0
}

impl Balance {
    pub(crate) fn minimum_group(self) -> usize {
        if self == Self::Learned { 1 } else { 2 }
    }

    /// # Errors
    /// For a β₁ out of range.
    pub(crate) fn check(self) -> Result<(), PluginError> {
        match self {
            Self::LogMeanExp { beta } if !(beta > 0.0 && beta.is_finite()) => {
                let message = format!(
                    "`beta` of `partition: LogMeanExp(beta)` must be a positive number, found `{beta}`"
                );
                Err(PluginError::config("partition", message))
            }
            _ => Ok(()),
        }
    }

    fn check_groups(self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        let (expected, found) = (self.minimum_group(), batch.smallest_group());
        if batch.is_population() || found >= expected {
            return Ok(());
        }
        let message =
            format!("log Z of a group needs at least {expected} samples in it, found a group of {found}");
        Err(PluginError::new(ErrorKind::Config, message).with_hint("sample larger groups"))
    }
}

impl TrajectoryBalance {
    pub(crate) const BETA: Field =
        Field::required("beta", "number", "> 0", "1/beta multiplies the reward in the tilted distribution");
    pub(crate) const FACTOR: Field = Field::optional(
        "factor",
        "number",
        "> 0",
        "2",
        "multiplies the residual: 2 is the gradient of its square",
    );
}

impl Objective for TrajectoryBalance {
    const NAME: &'static str = "trajectory-balance";
    const DOC: &'static str = "draws log q to the tilted distribution's: c = -factor (log Z + log(q/a) - v/beta); arXiv 2201.13259, 2010.10436, 2505.20686";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Self::BETA,
        Field::optional(
            "partition",
            "Learned | GroupMean | LeaveOneOut | LogMeanExp(beta)",
            "beta > 0",
            "Learned",
            "log Z: learned, that of the group, or what V* = beta log mean e^(v/beta) of the group makes it",
        ),
        Self::FACTOR,
        LearnedPartitions::FIELD,
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        positive("beta", config.beta)?;
        positive("factor", config.factor)?;
        config.partition.check()?;
        Ok(Self { learned: LearnedPartitions::new(config.step_size)?, config })
    }

    fn declaration(&self) -> Declaration {
        let Config { beta, partition, .. } = self.config;
        let declaration = Declaration::default()
            .base_log_probs()
            .minimum_group(partition.minimum_group())
            .divergence(Divergence::KlToTilted { beta });
        match partition {
            // V* depends on the sample itself, and not only by a mean of what the sample is measured by.
            Balance::LogMeanExp { .. } => declaration.divergence(None),
            _ => declaration.population(PopulationForm::PerSequence),
        }
    }

    fn prepare(&mut self, _prompts: &[PromptFacts]) -> Result<(), PluginError> {
        self.learned.begin_run();
        Ok(())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let Config { beta, partition, factor, .. } = self.config;
        partition.check_groups(batch)?;
        let mut residuals = residuals(batch, beta)?;
        for g in 0..batch.groups() {
            let log_partition = match partition {
                Balance::Learned => self.learned.log_partition(batch, g),
                Balance::LogMeanExp { beta: first } => first / beta * log_mean_exp_reward(batch, g, first),
                Balance::GroupMean | Balance::LeaveOneOut => 0.0,
            };
            residuals[batch.group(g)].iter_mut().for_each(|residual| *residual += log_partition);
        }
        match partition {
            Balance::GroupMean => Baseline::GroupMean.subtract(batch, &mut residuals),
            Balance::LeaveOneOut => Baseline::LeaveOneOut.subtract(batch, &mut residuals),
            Balance::Learned => self.learned.learn(batch, &residuals, factor),
            Balance::LogMeanExp { .. } => {}
        }
        let mut c = residuals;
        for c in &mut c {
            *c *= -factor;
        }
        if batch.is_population() {
            // The weights are those of the policy but where that is tiny.
            c.iter_mut().enumerate().for_each(|(i, c)| *c *= batch.importance_weight(i));
        }
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }

    fn save(&self) -> Result<String, PluginError> {
        self.learned.save()
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        self.learned.restore(state)
    }
}

/// log(q(y_i)/a(y_i)) − v_i/β of every sequence; 0 of enumerated outputs that the policy cannot produce.
fn residuals(batch: &ObjectiveBatch<'_>, beta: f64) -> Result<Vec<f64>, PluginError> {
    let of = |i: usize| {
        let (log_q, log_a) = (batch.log_prob(i), batch.base_log_prob(i)?);
        if log_q == f64::NEG_INFINITY && (batch.is_population() || batch.weight(i) == 0.0) {
            return Ok(0.0);
        }
        match (log_q.is_finite(), log_a.is_finite()) {
            (true, true) => Ok(log_q - log_a - batch.reward(i) / beta),
            (false, _) => Err(impossible("policy", i, batch.step())),
            _ => Err(impossible("base", i, batch.step())),
        }
    };
    (0..batch.len()).map(of).collect()
}

/// log mean e^{v/β} over a group.
fn log_mean_exp_reward(batch: &ObjectiveBatch<'_>, g: usize, beta: f64) -> f64 {
    let rewards: Vec<f64> = batch.group(g).map(|i| batch.reward(i) / beta).collect();
    math::log_sum_exp(&rewards) - math::ln(rewards.len() as f64)
}
