//! Σ_x w_x c(V_x) ∇V_x, exactly: what objectives expect whose coefficients depend on rewards and counts alone, and what
//! they claim to follow.

use super::arm::ExactSource;
use super::population::{OutputBatch, PopulationScores};
use crate::policy_class::PolicyClass;
use pstar_core::PluginError;
use pstar_core::objective::Divergence;
use pstar_exact::population_gradient;
use pstar_loader::PolicyHandle;

/// The gradients of the prompts' validity rates V_x at a policy, to be summed with a factor c a prompt.
#[allow(missing_debug_implementations, reason = "large tables")]
pub(crate) enum ValidityGradient<'a> {
    /// By all outputs.
    Outputs {
        /// The outputs.
        outputs: &'a OutputBatch,
        /// Their scores under the policy.
        scores: &'a PopulationScores,
        /// The policy.
        policy: &'a PolicyHandle,
    },
    /// By the states of the policy's class.
    Class {
        /// The class.
        class: &'a PolicyClass,
        /// Logarithms of the masses of the valid and of the invalid outputs, one pair a problem.
        log_masses: Vec<[f64; 2]>,
        /// The policy's parameters.
        parameters: &'a [f64],
    },
}

impl<'a> ValidityGradient<'a> {
    /// At a policy with these parameters; `scores` is room to work in.
    ///
    /// # Range and cost
    /// One score of every output, or one pass over the class's transitions.
    ///
    /// # Errors
    /// If the policy fails.
    pub(crate) fn at(
        source: ExactSource<'a>,
        policy: &'a PolicyHandle,
        parameters: &'a [f64],
        scores: &'a mut PopulationScores,
    ) -> Result<Self, PluginError> {
        Ok(match source {
            ExactSource::Outputs(outputs) => {
                outputs.score(policy, scores)?;
                Self::Outputs { outputs, scores, policy }
            }
            ExactSource::Class { class, .. } => {
                Self::Class { class, log_masses: class.log_masses(policy)?, parameters }
            }
        })
    }

    /// Writes Σ_x w_x c(V_x) ∇V_x, with w the weights of the prompts and c a function of log V and log(1 − V).
    ///
    /// # Shapes
    /// `gradient`: one number a parameter.
    ///
    /// # Errors
    /// If the policy fails.
    pub(crate) fn sum(
        &self,
        factor: impl Fn([f64; 2]) -> f64,
        gradient: &mut [f64],
    ) -> Result<(), PluginError> {
        match self {
            Self::Outputs { outputs, scores, policy } => {
                let credit = outputs.credit(scores, factor);
                policy.gradient(&outputs.weighted_credit(scores, &credit)?, gradient)
            }
            Self::Class { class, log_masses, parameters } => {
                let mut problems = class.problems();
                for (problem, masses) in problems.iter_mut().zip(log_masses) {
                    problem.weight *= factor(*masses);
                }
                population_gradient(&problems, Divergence::InvalidityRate, parameters, gradient)
                    .map_err(super::arm::no_gradient)
            }
        }
    }
}
