//! Steps of equal expected length.
//!
//! The expected gradient of an objective whose coefficients depend on rewards and counts alone is Σ_x w_x κ(V_x) ∇V_x. What
//! its arm steps along is multiplied by |Σ_x w_x ∇V_x| / |Σ_x w_x κ(V_x) ∇V_x|, at the policy as it is, so that every arm
//! expects a step as long as plain REINFORCE's would be from where it stands. The direction, its sign included, stays.

use super::validity_gradient::ValidityGradient;
use pstar_core::{PluginError, math};

/// What makes a step along the expected gradient `own` as long as plain REINFORCE's. `reference` is room to work in.
///
/// # Errors
/// If the policy fails.
pub(super) fn factor(
    at: &ValidityGradient<'_>,
    own: &[f64],
    reference: &mut Vec<f64>,
) -> Result<f64, PluginError> {
    reference.resize(own.len(), 0.0);
    at.sum(|_| 1.0, reference)?;
    Ok(ratio(reference, own))
}

/// The ratio of two lengths; 1 where one of them is 0, as both are where no prompt has V in (0, 1), or it is beyond the
/// range of numbers: there is nothing to match.
fn ratio(reference: &[f64], own: &[f64]) -> f64 {
    let ratio = math::norm(reference) / math::norm(own);
    if ratio.is_finite() && ratio > 0.0 { ratio } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_factor() {
        assert_eq!(ratio(&[3.0, 4.0], &[0.0, 2.0]), 2.5);
        assert_eq!(ratio(&[1e-200, 0.0], &[0.0, -1e-201]), 1e-200 / 1e-201);
        for (reference, own) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1e10, 1e-320)] {
            assert_eq!(ratio(&[reference], &[own]), 1.0);
        }
    }
}
