//! Presets of `trajectory-balance` that have names of their own.

use crate::refusals::positive;
use crate::trajectory_balance::{Balance, Config, TrajectoryBalance};
use pstar_core::objective::ObjectivePreset;
use pstar_core::{Field, Objective, PluginError};
use serde::Deserialize;

/// `trajectory-balance` with log Z of the group: `(partition: GroupMean, factor: 2.0)`.
///
/// Richter et al. 2020 (arXiv 2010.10436). The gradient of the variance of δ over the group, the sample itself included:
/// (G−1)/G of −2 ∇KL(q‖p_\[β\]) on-policy; `partition: LeaveOneOut` leaves the factor out.
pub(crate) struct VarGrad;

/// `(beta: 0.1)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VarGradConfig {
    /// β > 0 of the tilted distribution.
    beta: f64,
    /// Where log Z comes from.
    #[serde(default = "group_mean")]
    partition: Balance,
    /// What δ is multiplied by.
    #[serde(default = "two")]
    factor: f64,
}

fn group_mean() -> Balance {
    Balance::GroupMean
}

fn two() -> f64 {
    2.0
}

/// `trajectory-balance` with a value of the base for log Z: `(beta: β₂, partition: LogMeanExp(β₁), factor: 2 β₂²)`, which is
/// c_i = −2 β₂ (β₂ log(q(y_i)/a(y_i)) − v_i + V*) with V* = β₁ log mean e^{v/β₁} over the group.
///
/// Brantley et al. 2025 (arXiv 2505.20686), with the β of its release in TRL. The paper has V* from samples of the base, drawn
/// before; here they are those of the group, so that `source: Base` is nearest to it.
pub(crate) struct AStarPo;

/// `()` or `(beta1: 0.5, beta2: 0.001)`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AStarPoConfig {
    /// β₁ > 0 of the value.
    #[serde(default = "half")]
    beta1: f64,
    /// β₂ > 0 of the tilted distribution.
    #[serde(default = "thousandth")]
    beta2: f64,
}

fn half() -> f64 {
    0.5
}

fn thousandth() -> f64 {
    1e-3
}

impl ObjectivePreset for VarGrad {
    type Objective = TrajectoryBalance;
    type Config = VarGradConfig;
    const NAME: &'static str = "vargrad";
    const DOC: &'static str = "trajectory-balance whose log Z is that of the group: its residuals minus their mean; target tilted; arXiv 2010.10436";

    fn fields() -> Vec<Field> {
        vec![
            TrajectoryBalance::BETA,
            Field::optional(
                "partition",
                "GroupMean | LeaveOneOut",
                "",
                "GroupMean",
                "log Z: of the group, or of the others",
            ),
            TrajectoryBalance::FACTOR,
        ]
    }

    fn new(
        VarGradConfig { beta, partition, factor }: VarGradConfig,
    ) -> Result<TrajectoryBalance, PluginError> {
        if !matches!(partition, Balance::GroupMean | Balance::LeaveOneOut) {
            let message =
                "`vargrad` has `partition: GroupMean` or `partition: LeaveOneOut`, found another choice";
            return Err(PluginError::config("partition", message).with_hint("use `trajectory-balance`"));
        }
        TrajectoryBalance::new(Config { beta, partition, factor, step_size: 0.0 })
    }
}

impl ObjectivePreset for AStarPo {
    type Objective = TrajectoryBalance;
    type Config = AStarPoConfig;
    const NAME: &'static str = "a-star-po";
    const DOC: &'static str = "c = -2 beta2 (beta2 log(q/a) - v + V), V = beta1 log mean e^(v/beta1) over the group: `trajectory-balance` with that log Z; \
         arXiv 2505.20686";

    fn fields() -> Vec<Field> {
        let value = "the temperature of the value beta1 log mean e^(v/beta1)";
        vec![
            Field::optional("beta1", "number", "> 0", "0.5", value),
            Field::optional("beta2", "number", "> 0", "0.001", "the price of one nat of log(q/a)"),
        ]
    }

    fn new(AStarPoConfig { beta1, beta2 }: AStarPoConfig) -> Result<TrajectoryBalance, PluginError> {
        positive("beta1", beta1)?;
        positive("beta2", beta2)?;
        let partition = Balance::LogMeanExp { beta: beta1 };
        let factor = 2.0 * beta2 * beta2;
        TrajectoryBalance::new(Config { beta: beta2, partition, factor, step_size: 0.0 })
    }
}
