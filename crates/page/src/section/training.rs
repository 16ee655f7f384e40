//! What training did, step by step.

use crate::figure::curve::{Curves, Of};
use crate::figure::named;
use crate::markup::Markup;
use crate::number::{Unit, difference};
use crate::section::{begin, missing, rows};
use crate::table::{Head, Row, Table, details};
use crate::view::{Class, Metric, View, thinned};

/// Steps that tables show at most.
const MOST_STEPS: usize = 5;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "training", "During training");
    let figures = named::training(view);
    if figures.iter().all(Vec::is_empty) {
        missing(to, "Needs the curves of arms that completed: curves.csv.");
    } else {
        to.raw("<p class=\"said\">Mean over seeds with its 95 % band, by optimizer step. Dashed: base a; dotted: p*. The symbol at the end names \
                the objective. A gap is a step at which a seed's figure is infinite.</p>\n");
        rows(to, &figures);
        let metrics = [Metric::validity(), Metric::entropy(), Metric::effective_number(), Metric::kl()];
        details(to, &tables(view, &metrics, Of::Itself));
        let signals = named::signals(view);
        if !signals.iter().all(Vec::is_empty) {
            to.raw("<h3>Why</h3><p class=\"said\">What the batches said, means over the steps since the last point: a group that is all wrong or all right has no \
                    signal for most objectives.</p>\n");
            rows(to, &signals);
            details(to, &tables(view, &Metric::signals(), Of::Itself));
        }
    }
    to.raw("</section>\n");
}

/// The means of curves at some steps.
pub(crate) fn tables<'a>(view: &'a View<'a>, metrics: &[Metric], of: Of) -> Vec<Table<'a>> {
    let pairs = metrics.iter().flat_map(|metric| view.classes.iter().map(move |class| (metric, class)));
    pairs.map(|(metric, class)| table(view, class, metric, of)).collect()
}

fn table<'a>(view: &'a View<'a>, class: &'a Class<'a>, metric: &Metric, of: Of) -> Table<'a> {
    let curves = Curves::new(class, metric, of);
    let longest = curves.lines.iter().max_by_key(|curve| curve.steps.len());
    let steps = thinned(longest.map_or(&[][..], |curve| &curve.steps), MOST_STEPS);
    let row = |(series, (curve, means)): (usize, (&crate::view::Curve, &Vec<_>))| {
        let at = |step: &u32| {
            let spread = means[curve.steps.binary_search(step).ok()?]?;
            Some(match of {
                Of::Itself => metric.unit.spread(&spread, 2),
                Of::Difference => difference(&spread, metric.unit, 2),
            })
        };
        let cells: Vec<Option<String>> = steps.iter().map(at).collect();
        let cells = cells.into_iter().map(|cell| cell.unwrap_or("–".into())).collect();
        (!curve.is_empty()).then(|| Row { head: Head::Series(&view.series[series]), cells })
    };
    let points = if of == Of::Difference && metric.unit == Unit::Share { ", points" } else { "" };
    let delta = if of == Of::Difference { "Δ " } else { "" };
    Table {
        title: format!("{delta}{}{points}, at steps", metric.title),
        policy: Some(class.name),
        columns: std::iter::once("step".into()).chain(steps.iter().map(u32::to_string)).collect(),
        rows: curves.lines.iter().zip(&curves.means).enumerate().filter_map(row).collect(),
    }
}
