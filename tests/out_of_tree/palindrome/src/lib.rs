use pstar_core::{PluginError, Verifier};

struct Palindrome;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {}

impl Verifier for Palindrome {
    const NAME: &'static str = "palindrome";
    const DOC: &'static str = "valid is what reads the same backwards";
    type Config = Config;

    fn new(_: Config) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        response.chars().eq(response.chars().rev())
    }
}

pstar_core::export_plugin!(verifiers: [Palindrome]);
