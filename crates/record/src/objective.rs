//! What an objective of a run is.

use crate::number;
use serde::{Deserialize, Serialize};

/// An objective as the experiment has it, so that a reader needs no plugin to know what it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveRecord {
    /// Its name in the experiment.
    pub name: String,
    /// The component.
    pub plugin: String,
    /// The version of its package.
    #[serde(default)]
    pub version: String,
    /// One sentence about the component, as its plugin has it.
    #[serde(default)]
    pub doc: String,
    /// Its configuration, as RON.
    #[serde(default)]
    pub configuration: String,
    /// The divergence that it declares to minimise, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<String>,
    /// Its own learning rate.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    pub learning_rate: Option<f64>,
}
