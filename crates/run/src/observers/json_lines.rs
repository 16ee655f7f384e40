//! The curve of each arm as JSON Lines in the arm's folder, a point a line as it comes: `metrics.jsonl`.

use super::{ArmName, ArmObserver, Observer};
use crate::files::Unwritable;
use crate::store::Metrics;
use pstar_lab::training::ArmEvent;
use pstar_record::CurvePoint;
use std::path::Path;

/// Writes `metrics.jsonl` in every arm's folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonLines;

impl Observer for JsonLines {
    fn begin(
        &self,
        _arm: ArmName<'_>,
        folder: &Path,
        curve: &[CurvePoint],
    ) -> Result<Box<dyn ArmObserver>, Unwritable> {
        Ok(Box::new(Metrics::begin(folder, curve)?))
    }
}

impl ArmObserver for Metrics {
    fn tell(&mut self, event: &ArmEvent<'_>) -> Result<(), Unwritable> {
        if let ArmEvent::Point(point) = event { self.push(point) } else { Ok(()) }
    }
}
