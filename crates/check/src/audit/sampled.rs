//! Masses from samples.

use super::Asked;
use super::joint::Joint;
use pstar_core::PluginError;
use pstar_core::author::SampleRequest;
use pstar_core::rng::{Purpose, StreamKey};

/// Samples of a prompt.
const SAMPLES: u32 = 4096;

impl Asked<'_> {
    /// Samples of the base, all of them.
    pub(super) fn samples(&self, count: u32) -> Result<Vec<Vec<u32>>, PluginError> {
        let number = u32::try_from(self.prompt).unwrap_or(u32::MAX);
        let (prompt_of, sample): (Vec<u32>, Vec<u32>) = (0..count).map(|i| (number, i)).unzip();
        let request = SampleRequest::new(self.audited.prompts, &prompt_of, &sample)?;
        let samples = self.audited.base.sample(&request, StreamKey::new(0, Purpose::BaseEvaluation, 0))?;
        Ok(samples.tokens.view().rows().map(<[u32]>::to_vec).collect())
    }

    /// The masses, estimated.
    pub(super) fn sampled(&self) -> Result<Joint, PluginError> {
        let rows = self.samples(SAMPLES)?;
        let mut joint = Joint::estimated(SAMPLES.into());
        for (row, verdicts) in rows.iter().zip(self.judge(&rows)?) {
            joint.put(verdicts, 1.0 / f64::from(SAMPLES));
            joint.example(verdicts, || self.quoted(row));
        }
        Ok(joint)
    }
}
