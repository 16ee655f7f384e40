//! The verifier `{{name}}`. Its verdict depends on the two texts and the configuration alone.
use pstar_core::{Field, PluginError, Verifier};

/// The fields are what experiments configure.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct {{Type}} {
    most: usize,
}

impl Verifier for {{Type}} {
    const NAME: &'static str = "{{name}}";
    const DOC: &'static str = "valid is what has the symbol `a`, and at most `most` times";
    type Config = Self;
    const FIELDS: &'static [Field] = &[Field::required("most", "integer", "≥ 1", "most `a`s")];
    fn new(config: Self) -> Result<Self, PluginError> {
        let refused = || PluginError::config("most", "`most` must be at least 1, found `0`");
        (config.most > 0).then_some(config).ok_or_else(refused)
    }
    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        (1..=self.most).contains(&response.matches('a').count())
    }
}
pstar_core::export_plugin!(verifiers: [{{Type}}]);

#[cfg(test)]
mod tests;
