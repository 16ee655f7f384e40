//! The curves of all arms in long form: `curves.csv`.

use pstar_lab::training::told_apart;
use pstar_record::number::number;
use pstar_record::{CurvePoint, Measure};
use std::io::{self, Write};

/// The columns.
const HEADER: [&str; 6] = ["policy", "objective", "seed", "step", "metric", "value"];

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
pub(crate) struct Curves<W: Write>(csv::Writer<W>);

impl<W: Write> Curves<W> {
    pub(crate) fn begin(to: W) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(HEADER)?;
        Ok(Self(writer))
    }

    pub(crate) fn arm(
        &mut self,
        (policy, objective, seed): (&str, &str, u64),
        curve: &[CurvePoint],
    ) -> io::Result<()> {
        let seed = seed.to_string();
        for point in curve {
            let step = point.step.to_string();
            for (metric, value) in values(point) {
                self.0.write_record([policy, objective, &seed, &step, &metric, &value])?;
            }
        }
        Ok(())
    }

    pub(crate) fn end(mut self) -> io::Result<()> {
        self.0.flush()
    }
}
