//! How states of objectives are written and read.

use crate::error::PluginError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A state as text, to the bit.
///
/// # Errors
/// If it holds what has no text.
pub fn saved(state: &impl Serialize) -> Result<String, PluginError> {
    ron::to_string(state)
        .map_err(|error| PluginError::contract(format!("the state cannot be saved: {error}")))
}

/// The state of a text that [`saved`] wrote.
///
/// # Errors
/// If it is none of this type.
pub fn restored<S: DeserializeOwned>(text: &str) -> Result<S, PluginError> {
    ron::from_str(text).map_err(|error| PluginError::data(format!("the saved state cannot be read: {error}")))
}
