//! Masses by listing all outputs.

use super::Asked;
use super::joint::Joint;
use pstar_core::data::SequenceBuffer;
use pstar_core::testing::Outputs;
use pstar_core::{PluginError, math};

/// Outputs that are listed.
const MOST: usize = 1 << 16;

impl Asked<'_> {
    /// The masses, if the outputs are few.
    pub(super) fn listed(&self) -> Result<Option<Joint>, PluginError> {
        let Outputs { rows, complete } = Outputs::of(self.audited.task, MOST);
        if !complete {
            return Ok(None);
        }
        let mut batch = SequenceBuffer::new([self.tokens()].into_iter().collect());
        for row in &rows {
            batch.push(0, row.iter().copied());
        }
        let mut log_probs = vec![0.0; batch.view().tokens().values().len()];
        self.audited.base.score(&batch.view(), &mut log_probs)?;
        let (mut joint, mut rest) = (Joint::default(), log_probs.as_slice());
        for (row, verdicts) in rows.iter().zip(self.judge(&rows)?) {
            let (of_row, behind) = rest.split_at(row.len());
            rest = behind;
            let mass = math::exp(of_row.iter().sum());
            joint.put(verdicts, mass);
            if mass > 0.0 {
                joint.example(verdicts, || self.quoted(row));
            }
        }
        Ok(Some(joint))
    }
}
