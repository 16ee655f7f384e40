//! A figure over the steps of training, and its paired difference to the first objective.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::marks::{SMALL, described, mark, open, path};
use crate::figure::path::{Path, Point};
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::{Unit, difference};
use crate::text::SHORT;
use crate::view::{Class, Curve, Metric, View, thinned};
use pstar_record::Spread;
use std::collections::BTreeSet;

const SIZE: (f64, f64) = (290.0, 190.0);

/// Points of a single seed's line at most.
const MOST_SEED_POINTS: usize = 8;

/// What is drawn of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// The figure itself.
    Itself,
    /// How far it is from the same seed's under the first objective.
    Difference,
}

/// The curves of a class, one an objective.
#[derive(Debug)]
pub(crate) struct Curves {
    pub(crate) of: Of,
    pub(crate) metric: Metric,
    /// Whether single seeds are drawn on demand.
    pub(crate) with_seeds: bool,
    /// One an objective; without points where there is none.
    pub(crate) lines: Vec<Curve>,
    /// Their means.
    pub(crate) means: Vec<Vec<Option<Spread>>>,
}

impl Curves {
    pub(crate) fn new(class: &Class<'_>, metric: &Metric, of: Of) -> Self {
        let plain = class.groups.iter().map(|group| group.curve(&metric.name));
        let lines: Vec<Curve> = match (of, class.groups.first()) {
            (Of::Difference, Some(first)) => {
                let first = first.curve(&metric.name);
                plain
                    .enumerate()
                    .map(|(i, curve)| if i == 0 { Curve::default() } else { curve.minus(&first) })
                    .collect()
            }
            _ => plain.collect(),
        };
        let means = lines.iter().map(Curve::means).collect();
        let metric =
            if of == Of::Difference { Metric { is_log: false, ..metric.clone() } } else { metric.clone() };
        Self { of, metric, with_seeds: true, lines, means }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.iter().all(Curve::is_empty)
    }

    /// What the axis must show of them.
    pub(crate) fn include(&self, domain: &mut Domain) {
        for spread in self.means.iter().flatten().flatten() {
            domain.include_all([Some(spread.mean), spread.low, spread.high].into_iter().flatten());
        }
    }

    /// Axes that show them alone.
    pub(crate) fn domain(&self) -> Domain {
        let mut domain = if self.metric.is_log { Domain::log() } else { Domain::linear() };
        self.include(&mut domain);
        if self.of == Of::Difference {
            domain.include(0.0);
        }
        domain
    }

    fn title(&self) -> String {
        match (self.of, self.metric.unit) {
            (Of::Itself, _) => self.metric.title.clone(),
            (Of::Difference, Unit::Share) => format!("Δ {}, points", self.metric.title),
            (Of::Difference, Unit::Plain) => format!("Δ {}", self.metric.title),
        }
    }

    fn said(&self, spread: &Spread) -> String {
        match self.of {
            Of::Itself => self.metric.unit.spread(spread, 1),
            Of::Difference => difference(spread, self.metric.unit, 1),
        }
    }

    /// The unit of the labels: points are percent without the sign.
    fn scaled(&self) -> (f64, Unit) {
        match (self.of, self.metric.unit) {
            (Of::Difference, Unit::Share) => (100.0, Unit::Plain),
            (_, unit) => (1.0, unit),
        }
    }
}

/// The axis that all classes share: their curves, and the start and the base where these are near.
pub(crate) fn shared_domain(view: &View<'_>, all: &[Curves]) -> Domain {
    let Some(first) = all.first() else { return Domain::linear() };
    let mut domain = first.domain();
    for curves in all {
        curves.include(&mut domain);
    }
    for row in ["base", "filtered"] {
        domain.include_all(near(&domain, view.reference_figure(row, &first.metric.name)));
    }
    if first.metric.unit == Unit::Share {
        domain.include(0.0);
    }
    domain
}

/// A figure that does not stretch an axis to more than twice its length.
fn near(domain: &Domain, figure: Option<f64>) -> Option<f64> {
    let figure = figure.filter(|figure| figure.is_finite())?;
    if domain.is_empty() {
        return Some(figure);
    }
    let place = domain.padded(0.0).scale(0.0, 1.0).at(figure)?;
    (-1.0..=2.0).contains(&place).then_some(figure)
}

/// A figure of a class over the steps.
pub(crate) fn curve(view: &View<'_>, class: &Class<'_>, curves: &Curves, y: Domain, name: String) -> Figure {
    let mut x = Domain::linear();
    x.include_all(curves.lines.iter().flat_map(|curve| &curve.steps).map(|step| f64::from(*step)));
    let (scale, unit) = curves.scaled();
    let y = y.padded(0.04);
    let mut y_labels = shown(y, scale, unit);
    if curves.of == Of::Difference {
        y_labels.0.iter_mut().filter(|(figure, _)| *figure > 0.0).for_each(|(_, text)| text.insert(0, '+'));
    }
    let x_labels = Labels::round(if x.is_empty() { x.padded(0.0) } else { x }, 4, Unit::Plain);
    let axes = Axes::new(SIZE, (x.padded(0.0), y), &y_labels, false);
    let mut body = Markup::default();
    axes.draw(&mut body, &x_labels, &y_labels, "", false);
    let mut lines = Markup::default();
    level(view, &axes, curves, &mut lines);
    let mut ends = Markup::default();
    let mut said = Vec::new();
    for (series, (curve, means)) in curves.lines.iter().zip(&curves.means).enumerate() {
        if curve.is_empty() {
            continue;
        }
        let place = |(step, figure): (&u32, Option<f64>)| axes.place_at_step(f64::from(*step), figure?);
        let has_intervals = means.iter().flatten().any(|spread| spread.low.is_some());
        let band = |(step, spread): (&u32, &Option<Spread>)| -> Option<(Point, Point)> {
            let spread = spread.as_ref().filter(|_| has_intervals)?;
            // Where all seeds agree, as at their common start, the band begins.
            let (low, high) = spread.low.zip(spread.high).unwrap_or((spread.mean, spread.mean));
            let held = |end: f64| Some((axes.x.at(f64::from(*step))?.round(), axes.y.held(end)?));
            Some((held(low)?, held(high)?))
        };
        let band: Vec<Option<(Point, Point)>> = curve.steps.iter().zip(means).map(band).collect();
        let line =
            curve.steps.iter().zip(means.iter().map(|spread| spread.map(|spread| spread.mean))).map(place);
        open(&mut lines, series);
        path(&mut lines, "band", &Path::default().between(&band));
        if view.with_seeds && curves.with_seeds && curve.seeds.len() > 1 {
            let steps: Vec<usize> = thinned(&(0..curve.steps.len()).collect::<Vec<_>>(), MOST_SEED_POINTS);
            let line = |figures: &[Option<f64>]| {
                Path::coarse().through(steps.iter().map(|&i| place((&curve.steps[i], figures[i]))))
            };
            // Lines that would cover each other are drawn once.
            let mut known = BTreeSet::new();
            let seeds = curve.seeds.iter().map(|(_, figures)| line(figures));
            let seeds =
                seeds.filter(|line| known.insert(line.d())).fold(Path::default(), |all, line| all.and(&line));
            path(&mut lines, "seed", &seeds);
        }
        path(&mut lines, "line thin", &Path::default().through(line));
        lines.raw("</g>");
        if let Some((step, spread)) = curve.end() {
            let label = view.series[series].isolated(SHORT);
            let text = format!("{} at step {step}", curves.said(&spread));
            if let Some(at) = axes.place_within(f64::from(step), spread.mean) {
                open(&mut ends, series);
                mark(&mut ends, "m", series, at, SMALL, &text);
                ends.raw("</g>");
            }
            said.push(format!("{label} {text}"));
        }
    }
    axes.clipped(&mut body, &lines);
    body.append(&ends);
    let title = curves.title();
    Figure {
        kind: if curves.of == Of::Itself { "curve" } else { "difference" },
        name,
        label: described(&format!("{title} over optimizer steps"), class.name, &said),
        title,
        policy: class.name.into(),
        width: SIZE.0,
        height: SIZE.1,
        body,
    }
}

/// Labels of an axis whose figures are shown times a number.
fn shown(y: Domain, scale: f64, unit: Unit) -> Labels {
    if scale == 1.0 {
        return Labels::round(y, 5, unit);
    }
    let mut scaled = Domain::linear();
    scaled.include_all([scale * y.low(), scale * y.high()]);
    Labels(
        Labels::round(scaled, 5, unit).0.into_iter().map(|(figure, text)| (figure / scale, text)).collect(),
    )
}

/// What curves are read against: the base and p*, of differences 0.
fn level(view: &View<'_>, axes: &Axes, curves: &Curves, to: &mut Markup) {
    let across = |figure: f64| {
        let y = axes.y.at(figure).filter(|_| axes.y.holds(figure));
        Path::default().through(y.map(|y| [(axes.left, y), (axes.right, y)]).into_iter().flatten().map(Some))
    };
    if curves.of == Of::Difference {
        path(to, "zero", &across(0.0));
        return;
    }
    for (row, class) in [("base", "dashed"), ("filtered", "pstar")] {
        if let Some(figure) = view.reference_figure(row, &curves.metric.name) {
            path(to, class, &across(figure));
        }
    }
}
