//! Prompts by how hard they are for the base: what became of the hard ones.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::marks::{SMALL, described, open, path, told_path};
use crate::figure::path::Path;
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::Unit;
use crate::palette::shape;
use crate::text::{SHORT, isolated};
use crate::view::{Class, Metric, Series, View};
use pstar_record::Whose;
use std::collections::{BTreeMap, HashMap};

const SIZE: (f64, f64) = (480.0, 260.0);

/// Prompts up to which each is a column of its own.
const MOST_COLUMNS: usize = 16;

/// Columns of equally many prompts, beyond that.
const BINS: usize = 10;

/// Prompts that are about equally hard for the base.
#[derive(Clone, Debug)]
pub(crate) struct Column<'a> {
    /// What stands beneath.
    pub(crate) title: String,
    pub(crate) prompts: Vec<&'a str>,
}

/// The prompts of a run from hard to easy; empty where their figures were not kept.
pub(crate) fn columns<'a>(view: &View<'a>) -> Vec<Column<'a>> {
    let mut prompts: Vec<(&str, f64)> = view
        .data
        .prompts
        .iter()
        .filter(|row| matches!(&row.whose, Whose::Reference(name) if name == "base"))
        .filter_map(|row| {
            Some((&*row.prompt, row.measures.get("validity_rate").filter(|rate| rate.is_finite())?))
        })
        .collect();
    prompts.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let column = |prompts: &[(&'a str, f64)]| {
        let rates: Vec<f64> = prompts.iter().map(|(_, rate)| *rate).collect();
        let title = match prompts {
            [(prompt, _)] => isolated(prompt, 9),
            _ => Unit::Share.number(pstar_stats::mean(&rates)),
        };
        let prompts = prompts.iter().map(|(prompt, _)| *prompt).collect();
        Column { title, prompts }
    };
    if prompts.len() <= MOST_COLUMNS {
        return prompts.chunks(1).map(column).collect();
    }
    let bounds: Vec<usize> = (0..=BINS).map(|i| i * prompts.len() / BINS).collect();
    bounds.windows(2).map(|ends| column(&prompts[ends[0]..ends[1]])).collect()
}

/// A figure of the trained policies of a class at every prompt: means over the seeds that were kept.
pub(crate) type PromptMeans<'a> = Vec<HashMap<&'a str, f64>>;

pub(crate) fn prompt_means<'a>(view: &View<'a>, class: &Class<'_>, metric: &Metric) -> PromptMeans<'a> {
    let of_series = |series: &Series<'_>| {
        let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for row in view.data.prompts.iter().filter(|row| View::is_of(&row.whose, class, series)) {
            if let Some(figure) = row.measures.named(&metric.name) {
                let (sum, count) = sums.entry(&row.prompt).or_default();
                *sum += figure;
                *count += 1.0;
            }
        }
        sums.into_iter().map(|(prompt, (sum, count))| (prompt, sum / count)).collect()
    };
    view.series.iter().map(of_series).collect()
}

/// The mean of a column under an objective.
pub(crate) fn of_column(means: &HashMap<&str, f64>, column: &Column<'_>) -> Option<f64> {
    let figures: Option<Vec<f64>> = column.prompts.iter().map(|prompt| means.get(prompt).copied()).collect();
    figures.filter(|figures| !figures.is_empty()).map(|figures| pstar_stats::mean(&figures))
}

/// The figures of the base at every prompt.
pub(crate) fn base_means<'a>(view: &View<'a>, metric: &Metric) -> HashMap<&'a str, f64> {
    let base =
        view.data.prompts.iter().filter(|row| matches!(&row.whose, Whose::Reference(name) if name == "base"));
    base.filter_map(|row| Some((&*row.prompt, row.measures.named(&metric.name)?))).collect()
}

/// A figure by difficulty.
pub(crate) fn difficulty(
    view: &View<'_>,
    class: &Class<'_>,
    metric: &Metric,
    name: &'static str,
) -> Option<Figure> {
    let columns = columns(view);
    let means = prompt_means(view, class, metric);
    if columns.is_empty() || means.iter().all(HashMap::is_empty) {
        return None;
    }
    let base = base_means(view, metric);
    let mut y = Domain::log();
    let all = || {
        columns
            .iter()
            .flat_map(|column| means.iter().chain([&base]).filter_map(|means| of_column(means, column)))
    };
    y.include_all(all());
    let highest = y.high();
    // What all but vanished is at the foot.
    let y = y.within(highest * 1e-4, f64::INFINITY).padded(0.05);
    let y = if metric.unit == Unit::Share { y.within(0.0, 1.1) } else { y };
    let mut x = Domain::linear();
    x.include_all([-0.3, columns.len() as f64 - 0.7]);
    let x_labels =
        Labels(columns.iter().enumerate().map(|(i, column)| (i as f64, column.title.clone())).collect());
    let y_labels = Labels::round(y, 5, metric.unit);
    let axes = Axes::new(SIZE, (x, y), &y_labels, true);
    let mut body = Markup::default();
    let single = columns.iter().all(|column| column.prompts.len() == 1);
    let title = if single {
        "prompts, the base's hardest first"
    } else {
        "prompts in tenths, by the base's validity there"
    };
    axes.draw(&mut body, &x_labels, &y_labels, title, false);
    let place = |i: usize, figure: f64| axes.x.at(i as f64).zip(axes.y.held(figure.max(f64::MIN_POSITIVE)));
    let line = |means: &HashMap<&str, f64>| {
        let points = columns.iter().enumerate().map(|(i, column)| place(i, of_column(means, column)?));
        Path::default().through(points)
    };
    path(&mut body, "base", &line(&base));
    let mut said = Vec::new();
    for (series, means) in means.iter().enumerate() {
        let label = view.series[series].isolated(SHORT);
        let figures: Vec<Option<f64>> = columns.iter().map(|column| of_column(means, column)).collect();
        let told = |i: usize| Some(format!("{} at {}", metric.unit.number(figures[i]?), columns[i].title));
        let ends: Vec<String> = [0, columns.len() - 1].into_iter().filter_map(told).collect();
        let places = figures.iter().enumerate().filter_map(|(i, figure)| place(i, (*figure)?));
        let marks = places.fold(Path::default(), |path, at| path.mark(shape(series), at, SMALL));
        open(&mut body, series);
        path(&mut body, "line faint", &line(means));
        told_path(&mut body, "m", &marks, format!("from hard to easy {}", ends.join(" … ")));
        body.raw("</g>");
        said.extend(ends.first().map(|hardest| format!("{label} {hardest}, the hardest")));
    }
    Some(Figure {
        kind: "difficulty",
        name: name.into(),
        title: format!("{} by difficulty", metric.title),
        policy: class.name.into(),
        label: described(&format!("{} by difficulty", metric.title), class.name, &said),
        width: SIZE.0,
        height: SIZE.1,
        body,
    })
}
