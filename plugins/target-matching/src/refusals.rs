//! What several objectives refuse, in the same words.

use pstar_core::PluginError;

/// # Errors
/// Naming the field of a number that is not positive.
pub(crate) fn positive(field: &str, value: f64) -> Result<(), PluginError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(PluginError::config(field, format!("`{field}` must be a positive number, found `{value}`")))
}

/// A sequence that one side cannot produce, whose log-probability a formula needs.
pub(crate) fn impossible(who: &str, sequence: usize, step: u64) -> PluginError {
    let message =
        format!("the {who} cannot produce sequence {sequence} of step {step}: its log-probability is `-inf`");
    let hint = if who == "base" {
        "start with a policy that stays where the base is, or give the base no zeros"
    } else {
        "sample from the policy, or give it no zeros"
    };
    PluginError::data(message).with_hint(hint)
}
