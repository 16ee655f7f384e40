//! Directional derivatives by differences.

use super::drawn::{noise, set};
use super::{Of, Policy};
use crate::testing::Failure;
use crate::testing::numbers::within;

/// Directions that derivatives are taken along.
const DIRECTIONS: u32 = 6;

/// The length of a step, over all parameters together. Differences of the fourth order leave 1e-8 of a fifth derivative;
/// scores in single precision of some hundred tokens leave 1e-5 over this.
const STEP: f64 = 0.02;

/// Of the scale of the derivative: ten times what the step leaves in single precision.
const TOLERANCE: f64 = 5e-3;

/// Compares a gradient at some parameters with differences of a value along random directions.
pub(super) fn compare(
    subject: Of<'_, '_>,
    policy: &mut Policy,
    at: &[f64],
    gradient: &[f64],
    value: &dyn Fn(&Policy) -> Result<f64, Failure>,
) -> Result<u32, Failure> {
    let length = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
    // A random direction sees this much of a gradient, about.
    let scale = length(gradient) / (gradient.len().max(1) as f64).sqrt();
    for series in 0..DIRECTIONS {
        // The last one is the gradient's own: all of it is seen.
        let last = series == DIRECTIONS - 1 && scale > 0.0;
        let direction: Vec<f64> =
            if last { gradient.to_vec() } else { (0..at.len()).map(|i| noise(series, i)).collect() };
        let norm = length(&direction).max(f64::MIN_POSITIVE);
        let mut at_step = |steps: f64| {
            let moved: Vec<f64> =
                at.iter().zip(&direction).map(|(x, d)| x + steps * STEP * d / norm).collect();
            set(policy, &moved)?;
            value(policy)
        };
        let near = at_step(1.0)? - at_step(-1.0)?;
        let far = at_step(2.0)? - at_step(-2.0)?;
        let expected = (8.0 * near - far) / (12.0 * STEP);
        let found = gradient.iter().zip(&direction).map(|(g, d)| g * d / norm).sum::<f64>();
        let size = scale.max(expected.abs()).max(found.abs()).max(1e-2);
        if !within(found - expected, TOLERANCE * size) {
            set(policy, at)?;
            return Err(Failure::new(
                format!("the slope along random direction {series} of policy `{}`", subject.name),
                format!("{expected:.6}, by differences of the scores"),
                format!("{found:.6} by `gradient`"),
                "the gradient is that of Σ w_i Σ c_it log q, in the order of `parameters`, not of its negative and not a mean",
            ));
        }
    }
    set(policy, at)?;
    Ok(DIRECTIONS)
}
