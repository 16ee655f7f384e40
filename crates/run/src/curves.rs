//! The curves of all arms in long form: `curves.csv`.

use pstar_lab::training::told_apart;
use pstar_record::number::number;
use pstar_record::{ArmRecord, CurvePoint, Measure};
use std::io::{self, Write};

/// The columns that say which arm.
const ARM: [&str; 3] = ["policy", "objective", "seed"];

/// The column behind them where arms differ in it.
const RATE: &str = "learning_rate";

/// The other columns.
const POINT: [&str; 3] = ["step", "metric", "value"];

/// Names and values of a point, as text.
pub(crate) fn values(point: &CurvePoint) -> impl Iterator<Item = (String, String)> {
    let figures: Vec<(String, Measure)> = point.measures.flat().collect();
    let taken = |name: &str| figures.iter().any(|(metric, _)| metric == name);
    let signals = point.signals.iter().filter_map(|(name, mean)| {
        let name = if taken(name) { told_apart(name) } else { name.into() };
        Some((name, text(mean?)))
    });
    let signals: Vec<(String, String)> = signals.collect();
    figures.into_iter().filter_map(|(name, measure)| Some((name, text(measure.value?)))).chain(signals)
}

fn text(value: f64) -> String {
    match number(Some(value)) {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Writes the header, and then arm by arm.
pub(crate) struct Curves<W: Write> {
    writer: csv::Writer<W>,
    with_rate: bool,
}

impl<W: Write> Curves<W> {
    /// With a column for learning rates or without.
    pub(crate) fn begin(to: W, with_rate: bool) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(ARM.into_iter().chain(with_rate.then_some(RATE)).chain(POINT))?;
        Ok(Self { writer, with_rate })
    }

    /// The curve of an arm.
    pub(crate) fn arm(&mut self, arm: &ArmRecord, curve: &[CurvePoint]) -> io::Result<()> {
        let (seed, rate) = (arm.seed.to_string(), text(arm.learning_rate));
        let mut of_arm = vec![&*arm.policy, &*arm.objective, &*seed];
        of_arm.extend(self.with_rate.then_some(&*rate));
        for point in curve {
            let step = point.step.to_string();
            for (metric, value) in values(point) {
                self.writer.write_record(of_arm.iter().copied().chain([&*step, &*metric, &*value]))?;
            }
        }
        Ok(())
    }

    pub(crate) fn end(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
