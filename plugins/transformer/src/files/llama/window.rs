//! Attention to the last few tokens alone, which is refused.

use super::super::config::refused;
use super::super::fault::Fault;
use super::super::fields::Fields;
use super::{MISTRAL, QWEN2};
use pstar_core::shown;

/// The window of the model types that have one unless they say otherwise.
const DEFAULT: usize = 4096;

/// Refuses models some of whose layers attend to a window.
pub(super) fn refuse(fields: Fields<'_>, model_type: &str) -> Result<(), Fault> {
    let given = fields.size("sliding_window")?;
    let is_default = !fields.has("sliding_window");
    let window = match model_type {
        name if name == MISTRAL.name && is_default => Some(DEFAULT),
        name if name == QWEN2.name => {
            let is_used = fields.flag("use_sliding_window")?.unwrap_or(false);
            given.or(is_default.then_some(DEFAULT)).filter(|_| is_used)
        }
        _ => given,
    };
    if let Some(window) = window {
        let found = if is_default {
            format!("none, for which `{model_type}` takes `{window}`")
        } else {
            format!("`{window}`")
        };
        return Err(refused("sliding_window", "`null`", &found));
    }
    for layer in fields.list("layer_types")? {
        if layer != "full_attention" {
            let expected = "of `full_attention` alone";
            return Err(refused("layer_types", expected, &format!("`{}`", shown(&layer.to_string()))));
        }
    }
    Ok(())
}
