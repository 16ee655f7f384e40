//! Divergences in words.

use pstar_core::objective::Divergence;

/// A divergence in words.
pub(crate) fn in_words(divergence: Divergence) -> String {
    match divergence {
        Divergence::InvalidityRate => "1 - validity rate".into(),
        Divergence::KlToTilted { beta } => format!("KL(q||p_beta), beta = {beta}"),
        Divergence::KlToTiltedAtRate { mu } => format!("KL(q||p_beta), mu = {mu}"),
        Divergence::KlFromFiltered => "KL(p*||q)".into(),
        Divergence::Alpha { alpha } => format!("D_alpha(q||p*), alpha = {alpha}"),
        Divergence::ClippedAlpha { alpha, clip } => {
            format!("minus the potential of the clipped pseudo-reward, alpha = {alpha}, clip = {clip}")
        }
        Divergence::KlFromPower { power } => format!("KL(p_power||q), power = {power}"),
        Divergence::AlphaToPower { alpha, power } => {
            format!("D_alpha(q||p_power), alpha = {alpha}, power = {power}")
        }
        Divergence::ClippedAlphaToPower { alpha, clip, power } => format!(
            "minus the potential of the clipped pseudo-reward to p_power, alpha = {alpha}, clip = {clip}, power = {power}"
        ),
        other => format!("{other:?}"),
    }
}
