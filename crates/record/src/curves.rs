//! The curves of all arms in long form, a figure a row: `curves.csv`.

use crate::layout::{Gathered, Known, Row};
use crate::long_form::{LongForm, number, whole};
use crate::number::text;
use crate::{ArmRecord, CurvePoint, Measure};
use std::collections::HashMap;
use std::io::{self, Read, Seek, Write};

/// The columns that say which arm.
const ARM: [&str; 3] = ["policy", "objective", "seed"];

/// The column behind them where arms differ in it.
const RATE: &str = "learning_rate";

/// The other columns.
const POINT: [&str; 3] = ["step", "metric", "value"];

/// The name of an objective's diagnostic whose own name is taken.
pub fn told_apart(name: &str) -> String {
    format!("objective {name}")
}

/// Names and values of a point, as text.
pub fn curve_values(point: &CurvePoint) -> impl Iterator<Item = (String, String)> {
    curve_points(point).map(|(name, value)| (name, text(value)))
}

/// Names and values of a point, of those that exist.
pub fn curve_points(point: &CurvePoint) -> impl Iterator<Item = (String, f64)> {
    let figures: Vec<(String, Measure)> = point.measures.flat().collect();
    let taken = |name: &str| figures.iter().any(|(metric, _)| metric == name);
    let signals = point.signals.iter().filter_map(|(name, mean)| {
        let name = if taken(name) { told_apart(name) } else { name.into() };
        Some((name, mean?))
    });
    let signals: Vec<(String, f64)> = signals.collect();
    figures.into_iter().filter_map(|(name, measure)| Some((name, measure.value?))).chain(signals)
}

/// Writes the header, and then arm by arm.
#[derive(Debug)]
pub struct CurvesWriter<W: Write> {
    writer: csv::Writer<W>,
    with_rate: bool,
}

impl<W: Write> CurvesWriter<W> {
    /// With a column for learning rates or without.
    ///
    /// # Errors
    /// Those of writing, as with every method.
    pub fn begin(to: W, with_rate: bool) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(ARM.into_iter().chain(with_rate.then_some(RATE)).chain(POINT))?;
        Ok(Self { writer, with_rate })
    }

    /// The curve of an arm.
    ///
    /// # Errors
    /// Those of writing.
    pub fn arm(&mut self, arm: &ArmRecord, curve: &[CurvePoint]) -> io::Result<()> {
        let (seed, rate) = (arm.seed.to_string(), text(arm.learning_rate));
        let mut of_arm = vec![&*arm.policy, &*arm.objective, &*seed];
        of_arm.extend(self.with_rate.then_some(&*rate));
        for point in curve {
            let step = point.step.to_string();
            for (metric, value) in curve_values(point) {
                self.writer.write_record(of_arm.iter().copied().chain([&*step, &*metric, &*value]))?;
            }
        }
        Ok(())
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// Those of writing.
    pub fn end(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

const POLICY: usize = 0;
const OBJECTIVE: usize = 1;
const SEED: usize = 2;
const STEP: usize = 3;
const METRIC: usize = 4;
const VALUE: usize = 5;
const LEARNING_RATE: usize = 6;

/// The arms by policy, objective, seed and the bits of the learning rate, which are 0 where no column has it.
type Arms = HashMap<(String, String, u64, u64), usize>;

/// Reads the curves of `arms` into them: figures are what `known` knows, everything else is a signal. What cannot be used
/// is left out and told.
pub(crate) fn read(from: impl Read + Seek, arms: &mut [ArmRecord], known: &Known) -> Result<(), String> {
    let columns = ["policy", "objective", "seed", "step", "metric", "value", RATE];
    let mut table = LongForm::begin(from, &columns, 1)?;
    let with_rate = table.has(LEARNING_RATE);
    let rate_bits = |rate: f64| if with_rate { rate.to_bits() } else { 0 };
    let by_key: Arms = arms
        .iter()
        .enumerate()
        .map(|(i, arm)| {
            let rate = rate_bits(arm.learning_rate);
            ((arm.policy.clone(), arm.objective.clone(), arm.seed, rate), i)
        })
        .collect();
    let mut gathered = Gathered::new(known);
    let mut current = Current::default();
    while table.next() {
        if !current.is_of(&table) {
            current.close(gathered.take(), arms, &mut table);
            current = Current::begin(&table, &by_key, with_rate);
            if current.arm.is_none() {
                table.fault("it is of no arm of the record");
            }
        } else if current.arm.is_none() {
            table.fault("it is of no arm of the record");
        }
        if current.arm.is_none() {
            continue;
        }
        match (std::str::from_utf8(table.cell(METRIC)), number(table.cell(VALUE))) {
            (Ok(metric), Some(value)) => gathered.push(metric.as_bytes(), value),
            (_, None) => {
                let found = table.text(VALUE);
                table.fault(format_args!("expected a number, found `{found}`"));
            }
            (Err(_), _) => table.fault("the metric is no text"),
        }
    }
    current.close(gathered.take(), arms, &mut table);
    for arm in arms.iter_mut() {
        arm.curve.sort_by_key(|point| point.step);
    }
    table.end()
}

/// The point whose rows are read.
#[derive(Default)]
struct Current {
    /// The cells that say which point it is.
    cells: Vec<u8>,
    ends: [usize; 5],
    arm: Option<(usize, u32)>,
}

impl Current {
    const CELLS: [usize; 5] = [POLICY, OBJECTIVE, SEED, LEARNING_RATE, STEP];

    /// Whether the row is of this point.
    fn is_of<R: Read + Seek>(&self, table: &LongForm<R>) -> bool {
        let mut start = 0;
        Self::CELLS.iter().zip(self.ends).all(|(&cell, end)| {
            let same = self.cells.get(start..end) == Some(table.cell(cell));
            start = end;
            same
        }) && self.ends[4] > 0
    }

    fn begin<R: Read + Seek>(table: &LongForm<R>, arms: &Arms, with_rate: bool) -> Self {
        let mut current = Self::default();
        for (&cell, end) in Self::CELLS.iter().zip(&mut current.ends) {
            current.cells.extend_from_slice(table.cell(cell));
            *end = current.cells.len();
        }
        let rate = if with_rate { number(table.cell(LEARNING_RATE)).map(f64::to_bits) } else { Some(0) };
        current.arm = rate.zip(whole(table.cell(SEED))).and_then(|(rate, seed)| {
            let arm = arms.get(&(table.text(POLICY), table.text(OBJECTIVE), seed, rate))?;
            Some((*arm, whole(table.cell(STEP))?))
        });
        current
    }

    /// Adds what was read of the point to its arm.
    fn close<R: Read + Seek>(&self, row: Option<Row>, arms: &mut [ArmRecord], table: &mut LongForm<R>) {
        let Some(((arm, step), row)) = self.arm.zip(row) else { return };
        if row.repeats {
            table.fault("a point above has a metric twice");
        }
        let curve = &mut arms[arm].curve;
        if curve.last().is_some_and(|last| last.step >= step) && curve.iter().any(|point| point.step == step)
        {
            table.fault("a point above is there already");
            return;
        }
        curve.push(CurvePoint { step, measures: row.measures, signals: row.signals });
    }
}
