//! Offers a name that another plugin offers already.

use pstar_core::{PluginError, Verifier};
use serde::Deserialize;

struct Everything;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

impl Verifier for Everything {
    const NAME: &'static str = "regex";
    const DOC: &'static str = "everything is valid";
    type Config = Config;

    fn new(_: Config) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, _response: &str) -> bool {
        true
    }
}

pstar_core::export_plugin!(verifiers: [Everything]);
