//! The curve of each arm as CSV, as it comes: `metrics.csv` in the arm's folder, for what reads tables while a run goes
//! on. The run's own `curves.csv` holds all arms once it has ended.

use super::{ArmName, ArmObserver, Observer};
use crate::files::Unwritable;
use pstar_lab::training::ArmEvent;
use pstar_record::{CurvePoint, curve_values};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes `metrics.csv` in every arm's folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct CsvFiles;

impl Observer for CsvFiles {
    fn begin(
        &self,
        _arm: ArmName<'_>,
        folder: &Path,
        curve: &[CurvePoint],
    ) -> Result<Box<dyn ArmObserver>, Unwritable> {
        let path = folder.join("metrics.csv");
        let file = File::create(&path).map_err(Unwritable::at(&path))?;
        let mut file = CsvFile { path, file };
        file.write(|lines| lines.write_record(["step", "metric", "value"]))?;
        curve.iter().try_for_each(|point| file.point(point))?;
        Ok(Box::new(file))
    }
}

struct CsvFile {
    path: PathBuf,
    file: File,
}

impl CsvFile {
    fn point(&mut self, point: &CurvePoint) -> Result<(), Unwritable> {
        let step = point.step.to_string();
        self.write(|lines| {
            curve_values(point).try_for_each(|(metric, value)| lines.write_record([&step, &metric, &value]))
        })
    }

    fn write(
        &mut self,
        fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>,
    ) -> Result<(), Unwritable> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        let written = fill(&mut lines).map_err(io::Error::from);
        let lines =
            written.and_then(|()| lines.into_inner().map_err(|error| io::Error::other(error.to_string())));
        lines.and_then(|lines| self.file.write_all(&lines)).map_err(Unwritable::at(&self.path))
    }
}

impl ArmObserver for CsvFile {
    fn tell(&mut self, event: &ArmEvent<'_>) -> Result<(), Unwritable> {
        if let ArmEvent::Point(point) = event { self.point(point) } else { Ok(()) }
    }
}
