//! The report of a run as one page of HTML that needs nothing else: no network, no script to be read, nobody's library.
//!
//! [`page`] makes it, [`figure`] makes one of its figures as an SVG file. Both are functions of the record alone, do no
//! input or output, and give the same bytes for the same record.
//!
//! # What draws
//!
//! Figures are drawn here, as SVG in the page, and not by a script in the browser. So they are there without JavaScript, on
//! paper and as files of their own (the README's picture is one), tests look at them without a browser, and a page that is
//! kept for years depends on no library's version. Colours, dark paper, print, and what the legend switches off are classes
//! that a style sheet answers; the script of 4 kB does switches, keys, tooltips and copy buttons, and draws nothing.
//!
#![doc = include_str!("measured.md")]
//!
//! # Where texts go
//!
//! Names, prompts, outputs and messages may hold anything. Markup is written by one type, which takes from outside only text, and
//! escapes it in one place.

mod comparison;
mod figure;
mod markup;
mod number;
mod page;
mod palette;
mod section;
mod style;
mod table;
mod text;
mod view;

use pstar_compare::Between;
use pstar_record::{ExperimentDifference, RunData};

/// The report of a run: a page of HTML, which is well-formed XML as well but for its script.
///
/// Panels whose figures the record lacks say so in a line. Of more than 1000 arms single seeds are left out.
pub fn page(data: &RunData) -> String {
    page::page(&view::View::of(data))
}

/// A figure of a run as an SVG file with its style inside, for light and dark paper; `None` if it has none of that name.
///
/// Names are `KIND:POLICY` as of [`figure_names`]; `KIND` alone stands for that of the page's first policy class.
pub fn figure(data: &RunData, name: &str) -> Option<String> {
    let view = view::View::of(data);
    let is_it = |figure: &figure::Figure| name == figure.name || name == figure.full_name();
    figure::named::all(&view).find(is_it).map(|figure| figure::alone::alone(&view, &figure))
}

/// The names of a run's figures, in the order of the page.
pub fn figure_names(data: &RunData) -> Vec<String> {
    let view = view::View::of(data);
    figure::named::all(&view).map(|figure| figure.full_name()).collect()
}

/// The page of two runs: what changed in their experiments, and the differences second − first of what both trained, paired
/// by seed.
pub fn comparison(
    first: &RunData,
    second: &RunData,
    changed: &[ExperimentDifference],
    between: &Between,
) -> String {
    comparison::comparison(first, second, changed, between)
}

/// An objective beside the first of the run, as one SVG file: validity, coverage ÷ base and training of every policy class
/// (of the first two, where there are more). `None` if there is nothing to draw.
pub fn evidence_figure(data: &RunData, objective: &str) -> Option<String> {
    let first = data.record.arms.first()?.objective.clone();
    let mut own = data.clone();
    let is_shown = |name: &str| name == objective || name == first;
    let record = &mut own.record;
    record.arms.retain(|arm| is_shown(&arm.objective));
    record.comparisons.retain(|comparison| is_shown(&comparison.objective));
    record.intervals.retain(|interval| is_shown(&interval.objective));
    record.optima.retain(|optimum| is_shown(&optimum.objective));
    for verdict in &mut record.verdicts {
        verdict.rows.retain(|row| is_shown(&row.objective));
    }
    let view = view::View::of(&own);
    let all: Vec<figure::Figure> = figure::named::all(&view).collect();
    let rows: Vec<Vec<&figure::Figure>> = view
        .classes
        .iter()
        .take(2)
        .map(|class| {
            let of = |name: &&str| all.iter().find(|f| f.name == *name && f.policy == class.name);
            EVIDENCE.iter().filter_map(of).collect()
        })
        .filter(|row: &Vec<&figure::Figure>| !row.is_empty())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let title = format!("{} beside {}", text::cut(objective, text::LONG), text::cut(&first, text::LONG));
    Some(figure::sheet::sheet(&view, &title, &rows))
}

/// The figures of an objective's evidence, by their names.
const EVIDENCE: [&str; 3] = ["validity", "kl", "coverage-ratio"];
