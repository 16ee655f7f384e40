//! What is minimised, in plain numbers for looking around and in log space for the last steps.

use pstar_core::math;
use pstar_core::objective::Divergence;

use crate::dynamic::gradient::PopulationError;
use crate::dynamic::occupancy::PromptProblem;

use super::bound::{self, Bound, Relaxation, branch};
use super::clipped::Clipped;
use super::control::Control;
use super::counting::Counting;
use super::descend::Potential;
use super::graph::Graph;
use super::plain_control::PlainControl;
use super::plain_counting::PlainCounting;

/// A divergence below this is none.
const NOTHING: f64 = 1e-12;

/// One divergence over the policies of a class.
#[allow(missing_debug_implementations, reason = "potentials hold large tables")]
pub(super) struct Task<'a> {
    pub(super) divergence: Divergence,
    /// For ranking policies.
    pub(super) plain: Box<dyn Potential + 'a>,
    /// For the last steps and for what is reported.
    pub(super) exact: Box<dyn Potential + 'a>,
    value: Value<'a>,
    clipped: Option<Clipped<'a>>,
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
                clipped: None,
                unit: 1.0,
            })
        };
        match divergence {
            Divergence::InvalidityRate => counting(1.0),
            Divergence::Alpha { alpha } => counting(alpha),
            Divergence::ClippedAlpha { alpha, clip } => {
                let exact = Clipped::list(problems, &graph.rows, alpha, clip, outputs)?;
                Ok(Self {
                    divergence,
                    plain: Box::new(exact.plain()),
                    exact: Box::new(exact.clone()),
                    value: Value::Same,
                    clipped: Some(exact),
                    unit: 1.0,
                })
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
                    clipped: None,
                })
            }
            _ => Err(PopulationError::NotDecomposable),
        }
    }

    /// Whether policies must stay within the base's support.
    pub(super) fn within_base(&self) -> bool {
        matches!(self.value, Value::Control(_))
    }

    /// What bounds the potential in boxes; `None` where nothing does.
    pub(super) fn relaxation<'g>(&'g self, graph: &'g Graph) -> Option<Box<dyn Relaxation + 'g>> {
        match (self.divergence, &self.value, &self.clipped) {
            (_, Value::Control(control), _) => Some(Box::new(bound::Sums::new(graph, control))),
            (_, _, Some(clipped)) => Some(Box::new(bound::Listed::new(graph, clipped))),
            (Divergence::Alpha { alpha }, ..) => Some(Box::new(bound::Products::new(graph, alpha)?)),
            (Divergence::InvalidityRate, ..) => Some(Box::new(bound::Products::new(graph, 1.0)?)),
            _ => None,
        }
    }

    /// What a look at all listed outputs costs, in transitions.
    fn listed(&self, graph: &Graph) -> usize {
        let prompts = self.clipped.iter().flat_map(Clipped::prompts);
        let outputs = prompts.flat_map(|prompt| &prompt.outputs);
        2 * graph.choices * outputs.map(|output| output.choices.len()).sum::<usize>().max(1)
    }

    /// What the reported value of no policy is below, and a better policy, in probabilities, if the proof met one.
    /// `potential` is that of the best policy known; at most `boxes` boxes are looked at.
    pub(super) fn bound(
        &self,
        graph: &Graph,
        potential: f64,
        boxes: usize,
    ) -> (Option<f64>, Option<Vec<f64>>) {
        let is_divergence = self.clipped.is_none();
        // The mean is bounded where the potential is a multiple of it.
        let ratio = match &self.value {
            Value::Same => Some(1.0),
            Value::Control(control) => control.over_mean(),
        };
        let Some(ratio) = ratio else { return (None, None) };
        if is_divergence && potential <= NOTHING * ratio {
            return (Some(0.0), None);
        }
        // A look at listed outputs takes its own time.
        let boxes = self
            .clipped
            .as_ref()
            .map_or(boxes, |_| boxes.min(boxes * graph.transitions / self.listed(graph)));
        let Some(mut relaxation) = self.relaxation(graph).filter(|_| boxes > 0) else { return (None, None) };
        let Bound { least, better } = branch(graph, &mut *relaxation, potential, boxes);
        let least = least / ratio;
        (Some(if is_divergence { least.max(0.0) } else { least }), better)
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
