//! The pseudo-reward (p*/q)^{1−α} − 1: the range of α, and the clip.

use pstar_core::PluginError;
use pstar_core::objective::ObjectiveBatch;

/// # Errors
/// For an α out of range.
pub(crate) fn check_alpha(alpha: f64) -> Result<(), PluginError> {
    if (0.0..1.0).contains(&alpha) {
        return Ok(());
    }
    let error = PluginError::config("alpha", format!("`alpha` must be in [0, 1), found `{alpha}`"));
    Err(error.with_hint("for reverse KL use `kl-control`, which aims at the tilted distribution"))
}

/// # Errors
/// For a clip out of range.
pub(crate) fn check_clip(clip: f64) -> Result<(), PluginError> {
    if clip > 0.0 && clip.is_finite() {
        return Ok(());
    }
    Err(PluginError::config("clip", format!("`clip` must be a positive number, found `{clip}`")))
}

/// Lowers values above `clip` to it, and says what share of the sequences had one: where the rows are all outputs, each as
/// much as its weight.
pub(crate) fn clip_above(batch: &ObjectiveBatch<'_>, values: &mut [f64], clip: f64) -> f64 {
    let weight = |i| if batch.is_population() { batch.weight(i) } else { 1.0 };
    let total: f64 = (0..values.len()).map(weight).sum();
    let above = values.iter_mut().enumerate().filter(|(_, value)| **value > clip);
    let clipped: f64 = above
        .map(|(i, value)| {
            *value = clip;
            weight(i)
        })
        .sum();
    // The sum of nothing is −0, and adding 0 makes it 0.
    if total > 0.0 { (clipped + 0.0) / total } else { 0.0 }
}
