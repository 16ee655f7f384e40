//! Figures of single prompts in long form, a figure a row: `prompts.csv`.

use crate::layout::{Gathered, Known};
use crate::long_form::{LongForm, number, whole};
use crate::number::text;
use crate::{ArmRecord, Measures};
use std::collections::HashMap;
use std::io::{self, Read, Seek, Write};

/// Whose figures or outputs they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Whose {
    /// A row that policies are compared with: `base`, `filtered`, `tilted 0.1`, …, as among the record's references.
    Reference(String),
    /// A policy before its first step.
    Start {
        /// The policy.
        policy: String,
        /// The seed; the first of those that start alike.
        seed: u64,
    },
    /// A trained policy.
    End {
        /// The policy.
        policy: String,
        /// The objective.
        objective: String,
        /// The learning rate.
        learning_rate: f64,
        /// The seed.
        seed: u64,
    },
}

/// The figures of one policy or reference at one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptFigures {
    /// Whose.
    pub whose: Whose,
    /// The prompt's text.
    pub prompt: String,
    /// `validity_rate`, `entropy`, `kl_from_filtered`, `pass@k` and `coverage@k` of every k.
    pub measures: Measures,
}

/// The figures that are kept of single prompts.
const FIGURES: [&str; 3] = ["validity_rate", "entropy", "kl_from_filtered"];

/// The families that are kept of single prompts.
const FAMILIES: [&str; 2] = ["pass_at", "coverage_at"];

/// What of the figures of a prompt is kept.
pub fn prompt_figures(row: &Measures) -> Measures {
    row.select(&FIGURES, &FAMILIES)
}

/// What [`Whose`] is called in files.
pub(crate) mod point {
    pub(crate) const REFERENCE: &str = "reference";
    pub(crate) const START: &str = "start";
    pub(crate) const END: &str = "end";
}

const POLICY: usize = 0;
const OBJECTIVE: usize = 1;
const SEED: usize = 2;
const POINT: usize = 3;
const PROMPT: usize = 4;
const METRIC: usize = 5;
const VALUE: usize = 6;
const LEARNING_RATE: usize = 7;

/// The columns, by those numbers.
const COLUMNS: [&str; 8] =
    ["policy", "objective", "seed", "point", "prompt", "metric", "value", "learning_rate"];

/// Writes the header, and then row by row.
#[derive(Debug)]
pub struct PromptsWriter<W: Write> {
    writer: csv::Writer<W>,
    with_rate: bool,
}

impl<W: Write> PromptsWriter<W> {
    /// With a column for learning rates or without.
    ///
    /// # Errors
    /// Those of writing, as with every method.
    pub fn begin(to: W, with_rate: bool) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(to);
        let mut header = COLUMNS[..LEARNING_RATE].to_vec();
        if with_rate {
            header.insert(SEED, COLUMNS[LEARNING_RATE]);
        }
        writer.write_record(header)?;
        Ok(Self { writer, with_rate })
    }

    /// What there is of the figures of one policy or reference, a row a prompt. A reference's name stands in the
    /// policy's column.
    ///
    /// # Errors
    /// Those of writing.
    pub fn rows<'a>(
        &mut self,
        whose: &Whose,
        rows: impl Iterator<Item = (&'a str, &'a Measures)>,
    ) -> io::Result<()> {
        let (policy, objective, rate, seed, point) = match whose {
            Whose::Reference(name) => (&**name, "", None, None, point::REFERENCE),
            Whose::Start { policy, seed } => (&**policy, "", None, Some(*seed), point::START),
            Whose::End { policy, objective, learning_rate, seed } => {
                (&**policy, &**objective, Some(*learning_rate), Some(*seed), point::END)
            }
        };
        let (rate, seed) =
            (rate.map_or_else(String::new, text), seed.map_or_else(String::new, |seed| seed.to_string()));
        let mut of_whose = vec![policy, objective];
        of_whose.extend(self.with_rate.then_some(&*rate));
        of_whose.extend([&*seed, point]);
        for (prompt, measures) in rows {
            for (metric, measure) in measures.flat() {
                let Some(value) = measure.value else { continue };
                let cells = [prompt, &*metric, &*text(value)];
                self.writer.write_record(of_whose.iter().copied().chain(cells))?;
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

/// Reads figures of prompts, in the order of the file. What cannot be used is left out and told; of figures that come
/// twice the first counts.
pub(crate) fn read(
    from: impl Read + Seek,
    arms: &[ArmRecord],
    known: &Known,
) -> (Vec<PromptFigures>, Result<(), String>) {
    let mut found: Vec<PromptFigures> = Vec::new();
    let mut table = match LongForm::begin(from, &COLUMNS, 1) {
        Ok(table) => table,
        Err(problem) => return (found, Err(problem)),
    };
    let mut rates = Rates::new();
    for arm in arms {
        rates.entry((&arm.policy, &arm.objective, arm.seed)).or_insert(arm.learning_rate);
    }
    let mut gathered = Gathered::new(known);
    let mut cells: Vec<Vec<u8>> = Vec::new();
    let mut whose: Option<Whose> = None;
    let mut close =
        |gathered: &mut Gathered<'_>, whose: Option<Whose>, cells: &[Vec<u8>], table: &mut LongForm<_>| {
            let Some((row, whose)) = gathered.take().zip(whose) else { return };
            if row.repeats {
                table.fault("a prompt above has a metric twice");
            }
            let prompt = cells.last().map_or_else(String::new, |prompt| text_of(prompt));
            found.push(PromptFigures { whose, prompt, measures: row.measures });
        };
    while table.next() {
        let same = cells.len() == KEY.len()
            && KEY.iter().zip(&cells).all(|(&column, cell)| table.cell(column) == cell.as_slice());
        if !same {
            close(&mut gathered, whose.take(), &cells, &mut table);
            cells = KEY.iter().map(|&column| table.cell(column).to_vec()).collect();
            whose = whose_of(&table, &rates);
        }
        if whose.is_none() {
            table.fault("it is of no arm of the record");
            continue;
        }
        match (std::str::from_utf8(table.cell(METRIC)), number(table.cell(VALUE))) {
            (Ok(metric), Some(value)) => gathered.push(metric.as_bytes(), value),
            (_, None) => {
                let cell = table.text(VALUE);
                table.fault(format_args!("expected a number, found `{cell}`"));
            }
            (Err(_), _) => table.fault("the metric is no text"),
        }
    }
    close(&mut gathered, whose.take(), &cells, &mut table);
    (found, table.end())
}

/// The columns that tell rows of one prompt from others.
const KEY: [usize; 6] = [POLICY, OBJECTIVE, LEARNING_RATE, SEED, POINT, PROMPT];

fn text_of(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
}

/// The learning rate of the first arm of a policy, objective and seed.
type Rates<'a> = HashMap<(&'a str, &'a str, u64), f64>;

/// Whose row it is, if it can be anybody's.
fn whose_of<R: Read + Seek>(table: &LongForm<R>, rates: &Rates<'_>) -> Option<Whose> {
    let (policy, objective) = (table.text(POLICY), table.text(OBJECTIVE));
    let seed = || whole(table.cell(SEED));
    match std::str::from_utf8(table.cell(POINT)).ok()? {
        point::REFERENCE => Some(Whose::Reference(policy)),
        point::START => Some(Whose::Start { policy, seed: seed()? }),
        point::END => {
            let seed = seed()?;
            let learning_rate = if table.has(LEARNING_RATE) {
                number(table.cell(LEARNING_RATE))?
            } else {
                *rates.get(&(&*policy, &*objective, seed))?
            };
            Some(Whose::End { policy, objective, learning_rate, seed })
        }
        _ => None,
    }
}
