//! What a plugin says of its networks beside what they compute.

use crate::config::{BaseSettings, PolicySettings};
use crate::network::Network;
use pstar_core::{Field, PluginError, Task};
use serde::de::DeserializeOwned;

/// The names and the configuration of a kind of network.
pub trait Family: Network {
    /// What experiments call it, as base model and as policy.
    const NAME: &'static str;
    /// One line on it as a base model.
    const BASE_DOC: &'static str;
    /// One line on it as a policy.
    const POLICY_DOC: &'static str;
    /// Changes with everything that changes what a fit gives.
    const FORMAT: &'static str;

    /// What is configured of its sizes.
    type Sizes;
    /// What is configured of a base model.
    type Base: DeserializeOwned + Into<BaseSettings<Self::Sizes>>;
    /// What is configured of a policy.
    type Policy: DeserializeOwned + Into<PolicySettings<Self::Sizes>>;
    /// The fields of [`Base`](Self::Base).
    const BASE_FIELDS: &'static [Field];
    /// The fields of [`Policy`](Self::Policy).
    const POLICY_FIELDS: &'static [Field];

    /// The shape that is configured, where no file gives it.
    ///
    /// # Errors
    /// Of kind [`Config`](pstar_core::ErrorKind::Config), at the field at fault.
    fn shape_of(sizes: &Self::Sizes, task: &Task) -> Result<Self::Shape, PluginError>;

    /// Called with what a fit gave, from the cache or not.
    ///
    /// # Errors
    /// Of kind [`Config`](pstar_core::ErrorKind::Config), at the field at fault.
    fn fitted(
        shape: &Self::Shape,
        parameters: &[f64],
        sizes: &Self::Sizes,
        task: &Task,
    ) -> Result<(), PluginError> {
        let _ = (shape, parameters, sizes, task);
        Ok(())
    }

    /// Shape and parameters of the file or folder `path`, with which the sizes that are given must agree.
    ///
    /// # Errors
    /// Of kind [`Config`](pstar_core::ErrorKind::Config), at the field at fault.
    fn load(path: &str, sizes: &Self::Sizes, task: &Task) -> Result<(Self::Shape, Vec<f64>), PluginError>;
}
