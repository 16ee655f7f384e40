//! The curve of an arm as JSON Lines, a point a line, written as it comes.

use crate::files::Unwritable;
use pstar_record::CurvePoint;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The file's name.
pub(super) const METRICS: &str = "metrics.jsonl";

/// A line.
#[derive(Serialize, Deserialize)]
struct Line {
    step: u32,
    measures: pstar_record::Measures,
    signals: pstar_record::Means,
}

/// A growing file of points.
#[derive(Debug)]
pub(crate) struct Metrics {
    path: PathBuf,
    file: File,
}

impl Metrics {
    /// Begins the file in an arm's folder, with the points that there are already.
    pub(crate) fn begin(folder: &Path, points: &[CurvePoint]) -> Result<Self, Unwritable> {
        let path = folder.join(METRICS);
        let begin = || {
            let mut file = File::create(&path)?;
            file.write_all(&text(points))?;
            Ok(file)
        };
        let file = begin().map_err(Unwritable::at(&path))?;
        Ok(Self { path, file })
    }

    /// Adds a point.
    pub(crate) fn push(&mut self, point: &CurvePoint) -> Result<(), Unwritable> {
        self.file.write_all(&text(std::slice::from_ref(point))).map_err(Unwritable::at(&self.path))
    }
}

/// Points as lines.
pub(super) fn text(points: &[CurvePoint]) -> Vec<u8> {
    let mut lines = Vec::new();
    for CurvePoint { step, measures, signals } in points {
        let line = Line { step: *step, measures: measures.clone(), signals: signals.clone() };
        let written = serde_json::to_writer(&mut lines, &line);
        written.unwrap_or_else(|error| unreachable!("records serialise: {error}"));
        lines.push(b'\n');
    }
    lines
}

/// The points of lines; nothing where one cannot be read.
pub(super) fn read(text: &[u8]) -> Option<Vec<CurvePoint>> {
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let point = |line: &[u8]| {
        let Line { step, measures, signals } = serde_json::from_slice(line).ok()?;
        Some(CurvePoint { step, measures, signals })
    };
    lines.map(point).collect()
}
