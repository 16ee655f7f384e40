//! Validity against diversity: up and right is better.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::labels::{Block, placed};
use crate::figure::marks::{LARGE, described, mark, name, open, path};
use crate::figure::path::{Path, Point, coordinate};
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::Unit;
use crate::text::SHORT;
use crate::view::{Class, Group, Metric, View};
use pstar_record::{Measures, Spread};

const SIZE: (f64, f64) = (480.0, 310.0);

/// Divergences beyond this many nats are no places: they are in the table.
pub(crate) const FAR: f64 = 30.0;

/// What validity is set against.
#[derive(Clone, Debug)]
pub(crate) struct Against {
    pub(crate) metric: Metric,
    pub(crate) name: &'static str,
    pub(crate) title: String,
    /// What it is called in a sentence.
    pub(crate) short: String,
    /// Whether small is better, so that it is at the top.
    is_divergence: bool,
}

impl Against {
    /// All that a run has.
    pub(crate) fn all(view: &View<'_>) -> Vec<Self> {
        let coverage = view.greatest_k().map(|k| Self {
            metric: Metric { is_log: true, ..Metric::coverage(k) },
            name: "plane-coverage",
            title: format!("coverage@{k}"),
            short: format!("coverage@{k}"),
            is_divergence: false,
        });
        let kl = Self {
            metric: Metric::kl(),
            name: "plane-kl",
            title: "KL(p*‖q), nats, upward is closer".into(),
            short: "KL(p*‖q)".into(),
            is_divergence: true,
        };
        coverage.into_iter().chain([kl]).collect()
    }

    fn is_place(&self, x: f64, y: f64) -> bool {
        let (is_rate, is_figure) = (x > 0.0 && x <= 1.0 + 1e-9, y.is_finite());
        is_rate && is_figure && if self.is_divergence { y <= FAR } else { y > 0.0 }
    }

    fn of_measures(&self, measures: &Measures) -> Option<(f64, f64)> {
        let pair = measures.named("validity_rate").zip(measures.named(&self.metric.name));
        pair.filter(|(x, y)| self.is_place(*x, *y))
    }

    fn of_group(&self, group: &Group<'_>) -> Option<(Spread, Spread)> {
        let pair = group.last("validity_rate").zip(group.last(&self.metric.name));
        pair.filter(|(x, y)| self.is_place(x.mean, y.mean))
    }

    fn of_optimum(&self, group: &Group<'_>) -> Option<(f64, f64)> {
        self.of_measures(&group.optimum?.measures)
    }

    /// Means on the way to the end.
    fn way(&self, group: &Group<'_>) -> Vec<(f64, f64)> {
        let (xs, ys) = (group.curve("validity_rate"), group.curve(&self.metric.name));
        let pair = |(x, y): (Option<Spread>, Option<Spread>)| Some((x?.mean, y?.mean));
        xs.means()
            .into_iter()
            .zip(ys.means())
            .filter_map(pair)
            .filter(|(x, y)| self.is_place(*x, *y))
            .collect()
    }

    /// Ends and optima of a class that have figures but no place.
    pub(crate) fn beyond(&self, class: &Class<'_>) -> (usize, usize) {
        let ends =
            class.groups.iter().filter(|group| !group.ends().is_empty() && self.of_group(group).is_none());
        let optima =
            class.groups.iter().filter(|group| group.optimum.is_some() && self.of_optimum(group).is_none());
        (ends.count(), optima.count())
    }
}

/// Both axes: of a class's own figures and the base. What is far above leaves the area, and is named at its edge.
fn domains(view: &View<'_>, class: &Class<'_>, against: &Against) -> (Domain, Domain) {
    let (mut x, mut y) =
        (Domain::log(), if against.metric.is_log { Domain::log() } else { Domain::linear() });
    let mut include = |place: Option<(f64, f64)>| {
        if let Some((a, b)) = place {
            x.include(a);
            y.include(b);
        }
    };
    include(view.reference("base").and_then(|base| against.of_measures(base)));
    for group in &class.groups {
        include(against.of_optimum(group));
        against.way(group).into_iter().for_each(|place| include(Some(place)));
        if let Some((a, b)) = against.of_group(group) {
            include(Some((a.mean, b.mean)));
            let ends = a.low.zip(b.low).into_iter().chain(a.high.zip(b.high));
            ends.filter(|(a, b)| against.is_place(*a, *b)).for_each(|place| include(Some(place)));
        }
    }
    x.include(1.0);
    if against.is_divergence {
        y.include(0.0);
    }
    (x.padded(0.04), y.padded(0.06))
}

/// One plane of a policy class.
pub(crate) fn plane(view: &View<'_>, class: &Class<'_>, against: &Against) -> Figure {
    let (x, y) = domains(view, class, against);
    let (x_labels, y_labels) = (Labels::round(x, 6, Unit::Share), Labels::round(y, 6, Unit::Plain));
    let mut axes = Axes::new(SIZE, (x, y), &y_labels, true);
    if against.is_divergence {
        axes.y = y.scale(axes.top, axes.bottom);
    }
    let mut body = Markup::default();
    axes.draw(&mut body, &x_labels, &y_labels, "validity", true);
    let mut lines = Markup::default();
    tilted_way(view, &axes, against, &mut lines);
    for (series, group) in class.groups.iter().enumerate() {
        open(&mut lines, series);
        let way = against.way(group).into_iter().map(|(a, b)| axes.place(a, b));
        path(&mut lines, "way", &Path::default().through(way));
        if let (Some((a, b)), Some(best)) = (against.of_group(group), against.of_optimum(group)) {
            let link = [axes.place(a.mean, b.mean), axes.place(best.0, best.1)];
            lines.raw("<g class=\"opt\">");
            path(&mut lines, "link", &Path::default().through(link));
            lines.raw("</g>");
        }
        if view.with_seeds {
            let seeds = group.ends().into_iter().filter_map(|end| against.of_measures(end));
            let dots = seeds.fold(Path::default(), |path, (a, b)| path.through([axes.place(a, b)]));
            path(&mut lines, "seed dot", &dots);
        }
        lines.raw("</g>");
    }
    axes.clipped(&mut body, &lines);
    let mut taken = references(view, &axes, against, &mut body);
    let (mut marks, mut said) = (Vec::new(), Vec::new());
    let mut over = Markup::default();
    for (series, group) in class.groups.iter().enumerate() {
        let label = view.series[series].isolated(SHORT);
        open(&mut over, series);
        if let Some(((a, b), at)) =
            against.of_optimum(group).and_then(|(a, b)| Some(((a, b), axes.place_within(a, b)?)))
        {
            let said = format!(
                "class optimum: {} valid, {} {}",
                Unit::Share.number(a),
                against.short,
                Unit::Plain.number(b)
            );
            mark(&mut over, "opt hollow", series, at, LARGE, said);
            taken.push(Block::around(at, 6.0));
        }
        if let Some(((a, b), at)) =
            against.of_group(group).and_then(|(a, b)| Some(((a, b), axes.place_within(a.mean, b.mean)?)))
        {
            let text = format!(
                "{} valid, {} {}",
                Unit::Share.spread(&a, 1),
                against.short,
                Unit::Plain.spread(&b, 1)
            );
            path(&mut over, "cross", &cross(&axes, &a, &b));
            mark(&mut over, "m ringed", series, at, LARGE, &text);
            said.push(format!("{label} {text}"));
            marks.push((series, at));
        }
        over.raw("</g>");
    }
    body.append(&over);
    names(view, &axes, &marks, &taken, &mut body);
    Figure {
        kind: "plane",
        name: against.name.into(),
        title: against.title.clone(),
        policy: class.name.into(),
        label: described(&format!("validity against {}", against.short), class.name, &said),
        width: SIZE.0,
        height: SIZE.1,
        body,
    }
}

/// The exact targets of KL-control, from the base to p*.
fn tilted_way(view: &View<'_>, axes: &Axes, against: &Against, to: &mut Markup) {
    let ends = ["base", "filtered"].map(|name| view.reference(name).and_then(|row| against.of_measures(row)));
    let mut places: Vec<(f64, f64)> = view.tilted().filter_map(|(_, row)| against.of_measures(row)).collect();
    places.extend(ends.into_iter().flatten());
    places.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let place = |(a, b): &(f64, f64)| axes.place(*a, *b);
    path(to, "tilted", &Path::default().through(places.iter().map(place)));
}

/// The marks of base, p_[β], p* and the uniform distribution; those above the area are named at its edge. The places that
/// they take.
fn references(view: &View<'_>, axes: &Axes, against: &Against, to: &mut Markup) -> Vec<Block> {
    let mut taken = Vec::new();
    for (_, row) in view.tilted() {
        if let Some(at) = against.of_measures(row).and_then(|(a, b)| axes.place_within(a, b)) {
            dot(to, at, "r small");
        }
    }
    let rows = [("base", "base a"), ("filtered", "p*"), ("uniform-valid", "uniform on valid")];
    let mut above = 0.0;
    for (row, title) in rows {
        let Some((a, b)) = view.reference(row).and_then(|row| against.of_measures(row)) else { continue };
        let Some((x, y)) = axes.place(a, b) else { continue };
        let width = title.chars().count() as f64 * 6.6;
        let (text, at) = if y < axes.top - 1.0 {
            above += 1.0;
            let text = format!("{title} {} ↑", Unit::Plain.number(b));
            (text, (axes.right, axes.top - 4.0 + 15.0 * above))
        } else if axes.place_within(a, b).is_some() {
            dot(to, (x, y), "r");
            taken.push(Block::around((x, y), 5.0));
            let is_left = x + width > axes.right;
            (
                title.to_string(),
                (if is_left { x - 9.0 } else { x + width / 2.0 }, if is_left { y + 4.0 } else { y - 9.0 }),
            )
        } else {
            continue;
        };
        let width = text.chars().count() as f64 * 6.6;
        taken.push(Block(at.0 - width, at.1 - 10.0, at.0, at.1 + 3.0));
        name(to, "name end strong", at, &text);
    }
    taken
}

fn dot(to: &mut Markup, (x, y): Point, class: &'static str) {
    let radius = if class == "r" { 3.6 } else { 2.0 };
    let circle: &[(&'static str, &dyn std::fmt::Display)] =
        &[("class", &class), ("cx", &coordinate(x)), ("cy", &coordinate(y)), ("r", &radius)];
    to.empty("circle", circle);
}

/// The intervals of both figures.
fn cross(axes: &Axes, x: &Spread, y: &Spread) -> Path {
    let mut cross = Path::default();
    let ends = |spread: &Spread| spread.low.zip(spread.high);
    if let Some((low, high)) = ends(x) {
        cross = cross.through([low, high].map(|end| Some((axes.x.held(end)?, axes.y.held(y.mean)?))));
    }
    if let Some((low, high)) = ends(y) {
        cross = cross.through([low, high].map(|end| Some((axes.x.held(x.mean)?, axes.y.held(end)?))));
    }
    cross
}

fn names(view: &View<'_>, axes: &Axes, marks: &[(usize, Point)], taken: &[Block], to: &mut Markup) {
    let labelled: Vec<(Point, String)> =
        marks.iter().map(|(series, at)| (*at, view.series[*series].label(SHORT))).collect();
    let area = Block(axes.left, axes.top, axes.right + 10.0, axes.bottom - 2.0);
    to.raw("<g class=\"names\">");
    for label in placed(&labelled, taken, &area) {
        let (series, text) = (marks[label.index].0, &labelled[label.index].1);
        to.open("g", &[("data-o", &series)]);
        if let Some((from, end)) = label.leader {
            path(to, "leader", &Path::default().through([Some(from), Some(end)]));
        }
        name(to, "name", label.at, text);
        to.raw("</g>");
    }
    to.raw("</g>");
}
