//! What is minimised, in plain numbers for looking around and in log space for the last steps.

use pstar_core::math;
use pstar_core::objective::Divergence;

use crate::gradient::PopulationError;
use crate::occupancy::PromptProblem;

use super::clipped::Clipped;
use super::control::Control;
use super::counting::Counting;
use super::descend::Potential;
use super::graph::Graph;
use super::plain_control::PlainControl;
use super::plain_counting::PlainCounting;

/// One divergence over the policies of a class.
#[allow(missing_debug_implementations, reason = "potentials hold large tables")]
pub(super) struct Task<'a> {
    pub(super) divergence: Divergence,
    /// For ranking policies.
    pub(super) plain: Box<dyn Potential + 'a>,
    /// For the last steps and for what is reported.
    pub(super) exact: Box<dyn Potential + 'a>,
    value: Value<'a>,
    /// What log-probabilities are measured in: 1, or 1 + λ.
    pub(super) unit: f64,
}

/// How a potential becomes the value that is reported.
enum Value<'a> {
    /// They are the same.
    Same,
    /// Means over prompts are weighted otherwise.
    Control(Control<'a>),
}

impl<'a> Task<'a> {
    /// # Errors
    /// As [`optima`](super::optima).
    pub(super) fn new(
        problems: &'a [PromptProblem<'a>],
        graph: &'a Graph,
        divergence: Divergence,
        outputs: usize,
    ) -> Result<Self, PopulationError> {
        let counting = |power: f64| -> Result<Self, PopulationError> {
            Ok(Self {
                divergence,
                plain: Box::new(PlainCounting::new(graph, power)),
                exact: Box::new(Counting::new(problems, &graph.rows, power)),
                value: Value::Same,
                unit: 1.0,
            })
        };
        match divergence {
            Divergence::InvalidityRate => counting(1.0),
            Divergence::Alpha { alpha } => counting(alpha),
            Divergence::ClippedAlpha { alpha, clip } => {
                let list = || Clipped::list(problems, &graph.rows, alpha, clip, outputs);
                let exact = list()?;
                let plain = Box::new(exact.plain());
                Ok(Self { divergence, plain, exact: Box::new(exact), value: Value::Same, unit: 1.0 })
            }
            Divergence::KlToTilted { .. } | Divergence::KlToTiltedAtRate { .. } => {
                let control = || Control::new(problems, &graph.rows, divergence);
                let exact = control()?;
                Ok(Self {
                    divergence,
                    plain: Box::new(PlainControl::new(graph, &exact)),
                    unit: 1.0 + exact.greatest_lambda(),
                    exact: Box::new(exact),
                    value: Value::Control(control()?),
                })
            }
            _ => Err(PopulationError::NotDecomposable),
        }
    }

    /// Whether policies must stay within the base's support.
    pub(super) fn within_base(&self) -> bool {
        matches!(self.value, Value::Control(_))
    }

    /// The reported value of a policy whose potential is known.
    pub(super) fn value(&self, log_q: &[f64], potential: f64) -> f64 {
        match &self.value {
            Value::Same => potential,
            Value::Control(control) => control.mean(log_q),
        }
    }
}

/// Differences of potentials below this are rounding.
pub(super) fn rounding(potential: f64) -> f64 {
    1e-12 * (1.0 + potential.abs())
}

/// The value of D_α whose Σ p*^(1−α) q^α is e^log.
pub(super) fn alpha_divergence(alpha: f64, log: f64) -> f64 {
    -math::exp_m1(log.min(0.0)) / (alpha * (1.0 - alpha))
}
