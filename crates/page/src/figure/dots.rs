//! One figure of every objective, each on a line of its own.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::marks::{SMALL, described, mark, name, open, path};
use crate::figure::path::Path;
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::text::SHORT;
use crate::view::{Class, Metric, View};
use pstar_record::Spread;

const WIDTH: f64 = 360.0;
const ROW: f64 = 19.0;

/// A final figure of every objective of a class, with the base as a dashed line and p* as a dotted one; absent where no arm has it.
pub(crate) fn dots(
    view: &View<'_>,
    class: &Class<'_>,
    metric: &Metric,
    figure: &'static str,
) -> Option<Figure> {
    let rows: Vec<(usize, Spread)> = (class.groups.iter().enumerate())
        .filter_map(|(series, group)| Some((series, group.last(&metric.name)?)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut x = Domain::linear();
    x.include(0.0);
    for (_, spread) in &rows {
        x.include_all([Some(spread.mean), spread.low, spread.high].into_iter().flatten());
    }
    x.include_all(
        ["base", "filtered"].into_iter().filter_map(|row| view.reference_figure(row, &metric.name)),
    );
    let x = x.padded(0.03);
    let longest =
        rows.iter().map(|(series, _)| view.series[*series].label(SHORT).chars().count()).max().unwrap_or(0);
    let height = ROW * rows.len() as f64 + 42.0;
    let left = Labels(vec![(0.0, "m".repeat(longest))]);
    let axes = Axes::new((WIDTH, height), (x, x), &left, false);
    let mut body = Markup::default();
    axes.draw(&mut body, &Labels::round(x, 5, metric.unit), &Labels(Vec::new()), "", true);
    for (row, class) in [("base", "dashed"), ("filtered", "pstar")] {
        let x = view.reference_figure(row, &metric.name).and_then(|figure| axes.x.at(figure));
        let ends = x.map(|x| [(x, axes.top), (x, axes.bottom)]);
        path(&mut body, class, &Path::default().through(ends.into_iter().flatten().map(Some)));
    }
    let mut said = Vec::new();
    for (i, (series, spread)) in rows.iter().enumerate() {
        let y = axes.top + ROW * (i as f64 + 0.5);
        let text = metric.unit.spread(spread, 1);
        open(&mut body, *series);
        let ends =
            spread.low.zip(spread.high).map(|(low, high)| [low, high].map(|end| Some((axes.x.at(end)?, y))));
        path(&mut body, "whisker", &Path::default().through(ends.into_iter().flatten()));
        if let Some(x) = axes.x.at(spread.mean) {
            mark(&mut body, "m", *series, (x, y), SMALL + 0.6, &text);
        } else {
            name(&mut body, "name end", (axes.right, y + 4.0), &metric.unit.number(spread.mean));
        }
        name(&mut body, "name end", (axes.left - 8.0, y + 4.0), &view.series[*series].label(SHORT));
        body.raw("</g>");
        said.push(format!("{} {text}", view.series[*series].isolated(SHORT)));
    }
    Some(Figure {
        kind: "dots",
        name: figure.into(),
        title: metric.title.clone(),
        policy: class.name.into(),
        label: described(&metric.title, class.name, &said),
        width: WIDTH,
        height,
        body,
    })
}
