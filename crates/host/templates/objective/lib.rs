//! The objective `{{name}}`: a coefficient c for every token; the update ascends Σ c ∇ log q / N.
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep};
use pstar_core::{Field, Objective, PluginError};

/// The fields are what experiments configure.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct {{Type}} {
    scale: f64,
}

impl Objective for {{Type}} {
    const NAME: &'static str = "{{name}}";
    const DOC: &'static str = "maximises the reward beyond the mean of the group, times a scale";
    type Config = Self;
    const FIELDS: &'static [Field] = &[Field::required("scale", "number", "> 0", "times this")];

    fn new(Self { scale }: Self) -> Result<Self, PluginError> {
        if scale > 0.0 && scale.is_finite() {
            return Ok(Self { scale });
        }
        let message = format!("`scale` must be positive and finite, found `{scale}`");
        Err(PluginError::config("scale", message))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default().minimum_group(2)
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let mut c = vec![0.0; batch.len()];
        for group in (0..batch.groups()).map(|g| batch.group(g)) {
            let mean = group.clone().map(|i| batch.reward(i)).sum::<f64>() / group.len() as f64;
            group.for_each(|i| c[i] = self.scale * (batch.reward(i) - mean));
        }
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }
}
pstar_core::export_plugin!(objectives: [{{Type}}]);

#[cfg(test)]
mod tests;
