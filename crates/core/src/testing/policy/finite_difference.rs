//! Directional derivatives by differences.

use super::drawn::{noise, set};
use super::{Of, Policy};
use crate::testing::Failure;
use crate::testing::numbers::within;

/// Directions that derivatives are taken along.
const DIRECTIONS: u32 = 6;

/// Lengths of a step, over all parameters together: the second one where the first one finds a difference, since a policy
/// may bend within it. Differences of the fourth order leave 1e-8 and 5e-11 of a fifth derivative; scores in single
/// precision of some hundred tokens leave 1e-5 over this.
const STEPS: [f64; 2] = [0.02, 0.005];

/// Of the scale of the derivative: ten times what the first step leaves in single precision, and more than twice what the
/// second one does.
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
        let found = gradient.iter().zip(&direction).map(|(g, d)| g * d / norm).sum::<f64>();
        let mut expected = 0.0;
        let mut agrees = false;
        for step in STEPS {
            expected = slope(policy, at, &direction, step / norm, value)? / step;
            let size = scale.max(expected.abs()).max(found.abs()).max(1e-2);
            agrees = within(found - expected, TOLERANCE * size);
            if agrees {
                break;
            }
        }
        if !agrees {
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

/// What a value grows by along `step` times a direction, from differences of the fourth order.
fn slope(
    policy: &mut Policy,
    at: &[f64],
    direction: &[f64],
    step: f64,
    value: &dyn Fn(&Policy) -> Result<f64, Failure>,
) -> Result<f64, Failure> {
    let mut moved_by = |steps: f64| {
        let moved: Vec<f64> = at.iter().zip(direction).map(|(x, d)| x + steps * step * d).collect();
        set(policy, &moved)?;
        value(policy)
    };
    let near = moved_by(1.0)? - moved_by(-1.0)?;
    let far = moved_by(2.0)? - moved_by(-2.0)?;
    Ok((8.0 * near - far) / 12.0)
}
