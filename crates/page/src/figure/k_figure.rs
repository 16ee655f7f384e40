//! What more samples bring: coverage@k, its ratio to the base's, and pass@k, on axes of ratios.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::crossing::{at, fall, median};
use crate::figure::labels::LETTER;
use crate::figure::marks::{SMALL, described, mark, name, open, path};
use crate::figure::path::{Path, Point};
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::Unit;
use crate::palette::shape;
use crate::text::SHORT;
use crate::view::{Class, Group, View};
use pstar_record::{Crossings, Spread};

const SIZE: (f64, f64) = (360.0, 290.0);

/// A function of the number of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Expected number of distinct valid outputs.
    Coverage,
    /// The same in units of the base's: the column to read.
    Ratio,
    /// Probability that one of them is valid.
    Pass,
}

impl Quantity {
    pub(crate) const ALL: [Self; 3] = [Self::Coverage, Self::Ratio, Self::Pass];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Ratio => "coverage-ratio",
            Self::Pass => "pass",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Coverage => "coverage@k",
            Self::Ratio => "coverage@k ÷ base",
            Self::Pass => "pass@k",
        }
    }

    pub(crate) fn unit(self) -> Unit {
        if self == Self::Pass { Unit::Share } else { Unit::Plain }
    }

    fn metric(self, k: &str) -> String {
        format!("{}@{k}", if self == Self::Pass { "pass" } else { "coverage" })
    }

    /// A figure of a row that policies are compared with, at every k.
    pub(crate) fn of_reference(self, view: &View<'_>, row: &str) -> Vec<Option<f64>> {
        let figure = |row: &str, k: &str| view.reference_figure(row, &self.metric(k));
        let at = |(k, _): &(String, f64)| {
            let own = figure(row, k)?;
            Some(if self == Self::Ratio { own / figure("base", k)? } else { own }).filter(|x| !x.is_nan())
        };
        view.ks.iter().map(at).collect()
    }

    /// Final figures at every k.
    pub(crate) fn of_group(self, view: &View<'_>, group: &Group<'_>) -> Vec<Option<Spread>> {
        let at = |(k, _): &(String, f64)| {
            let spread = group.last(&self.metric(k))?;
            if self != Self::Ratio {
                return Some(spread);
            }
            let base = view.reference_figure("base", &self.metric(k)).filter(|base| *base > 0.0)?;
            let [low, high] = [spread.low, spread.high].map(|end| end.map(|end| end / base));
            Some(Spread { mean: spread.mean / base, low, high })
        };
        view.ks.iter().map(at).collect()
    }

    /// The best policy of a class at every k.
    fn of_optimum(self, view: &View<'_>, group: &Group<'_>) -> Vec<Option<f64>> {
        let at = |(k, _): &(String, f64)| {
            let own = group.best(&self.metric(k))?;
            let base = || view.reference_figure("base", &self.metric(k)).filter(|base| *base > 0.0);
            if self == Self::Ratio { Some(own / base()?) } else { Some(own) }
        };
        view.ks.iter().map(at).collect()
    }

    /// Where a group falls below the base: k, and the figure there. The median of its arms, which know it from exact values;
    /// of estimates and of older records where the means do, straight between the k's that are known.
    pub(crate) fn crossing(self, view: &View<'_>, group: &Group<'_>) -> Option<(f64, f64)> {
        let ks: Vec<f64> = view.ks.iter().map(|(_, k)| *k).collect();
        let base = self.of_reference(view, "base");
        let known: Option<Vec<Crossings>> = group.complete().map(|arm| arm.crossings).collect();
        if let Some(known) = known.filter(|known| !known.is_empty()) {
            let own = |arm: &Crossings| if self == Self::Pass { arm.pass } else { arm.coverage };
            let k = median(known.len(), known.iter().filter_map(own).collect())?;
            return Some((k, at(k, &ks, &base)?));
        }
        let means: Vec<Option<f64>> =
            self.of_group(view, group).iter().map(|spread| spread.map(|spread| spread.mean)).collect();
        fall(&ks, &means, &base)
    }
}

/// Figures below this share of the greatest do not stretch the axis: one that is nearly 0 must not press the others together.
const LEAST: f64 = 1e-6;

/// The figures that an axis must show: those of all classes. p* and the uniform distribution leave it at the top, where they
/// would press all else into a third of the height.
pub(crate) fn domain(view: &View<'_>, quantity: Quantity) -> Domain {
    let mut domain = Domain::log();
    domain.include_all(quantity.of_reference(view, "base").into_iter().flatten());
    for group in view.classes.iter().flat_map(|class| &class.groups) {
        for spread in quantity.of_group(view, group).into_iter().flatten() {
            domain.include_all([Some(spread.mean), spread.low, spread.high].into_iter().flatten());
        }
        domain.include_all(quantity.of_optimum(view, group).into_iter().flatten());
    }
    let highest = domain.high();
    let padded = domain.within(highest * LEAST, f64::INFINITY).padded(0.05);
    if quantity == Quantity::Pass { padded.within(0.0, 1.08) } else { padded }
}

/// One of them, of a policy class.
pub(crate) fn k_figure(view: &View<'_>, class: &Class<'_>, quantity: Quantity, y: Domain) -> Figure {
    let mut x = Domain::log();
    x.include_all(view.ks.iter().map(|(_, k)| *k));
    let x_labels = Labels(view.ks.iter().map(|(k, number)| (*number, k.clone())).collect());
    let y_labels = Labels::round(y, 5, quantity.unit());
    let axes = Axes::new(SIZE, (x.padded(0.02), y), &y_labels, true);
    let mut body = Markup::default();
    axes.draw(&mut body, &x_labels, &y_labels, "k, samples of a prompt", false);
    let ground = Ground { view, quantity, axes };
    let (mut lines, mut names, mut marks) = (Markup::default(), Markup::default(), Markup::default());
    ground.targets(&mut lines, &mut names);
    let base = quantity.of_reference(view, "base");
    for (series, group) in class.groups.iter().enumerate() {
        ground.band(&mut lines, series, &quantity.of_group(view, group));
    }
    path(&mut lines, "base", &ground.line(&base));
    let mut said = Vec::new();
    for (series, group) in class.groups.iter().enumerate() {
        let spreads = quantity.of_group(view, group);
        ground.lines(&mut lines, series, group, &spreads);
        ground.marks(&mut marks, series, group, &spreads);
        if let (Some(spread), Some(k)) = (spreads.last().copied().flatten(), view.greatest_k()) {
            let label = view.series[series].isolated(SHORT);
            said.push(format!("{label} {} at k = {k}", quantity.unit().spread(&spread, 1)));
        }
    }
    ground.base_name(&mut names, &base);
    axes.clipped(&mut body, &lines);
    body.append(&names).append(&marks);
    Figure {
        kind: "k",
        name: quantity.name().into(),
        title: quantity.title().into(),
        policy: class.name.into(),
        label: described(quantity.title(), class.name, &said),
        width: SIZE.0,
        height: SIZE.1,
        body,
    }
}

/// What the lines of all objectives are drawn on.
struct Ground<'v, 'a> {
    view: &'v View<'a>,
    quantity: Quantity,
    axes: Axes,
}

impl Ground<'_, '_> {
    fn places(&self, figures: &[Option<f64>]) -> Vec<Option<Point>> {
        let place =
            |((_, k), figure): (&(String, f64), &Option<f64>)| self.axes.place_at_step(*k, (*figure)?);
        self.view.ks.iter().zip(figures).map(place).collect()
    }

    fn line(&self, figures: &[Option<f64>]) -> Path {
        Path::default().through(self.places(figures))
    }

    /// p* and the uniform distribution, which pass@k has at its top.
    fn targets(&self, lines: &mut Markup, names: &mut Markup) {
        for (row, class, title) in
            [("uniform-valid", "uniform", "uniform on valid"), ("filtered", "pstar", "p*")]
        {
            let figures = self.quantity.of_reference(self.view, row);
            path(lines, class, &self.line(&figures));
            if self.quantity != Quantity::Pass {
                self.target_name(names, &figures, title);
            }
        }
    }

    fn band(&self, to: &mut Markup, series: usize, spreads: &[Option<Spread>]) {
        let ends = |((_, k), spread): (&(String, f64), &Option<Spread>)| {
            let (low, high) = (*spread)?.low.zip((*spread)?.high)?;
            // An interval that reaches 0 reaches the foot.
            let foot = Some((self.axes.x.at(*k)?.round(), self.axes.bottom)).filter(|_| low <= 0.0);
            Some((foot.or_else(|| self.axes.place_at_step(*k, low))?, self.axes.place_at_step(*k, high)?))
        };
        let ends: Vec<Option<(Point, Point)>> = self.view.ks.iter().zip(spreads).map(ends).collect();
        let band = Path::default().between(&ends);
        if !band.is_empty() {
            open(to, series);
            path(to, "band", &band);
            to.raw("</g>");
        }
    }

    fn lines(&self, to: &mut Markup, series: usize, group: &Group<'_>, spreads: &[Option<Spread>]) {
        let means: Vec<Option<f64>> = spreads.iter().map(|spread| spread.map(|spread| spread.mean)).collect();
        open(to, series);
        path(to, "opt link", &self.line(&self.quantity.of_optimum(self.view, group)));
        path(to, "line", &self.line(&means));
        to.raw("</g>");
    }

    /// A hollow mark at each k for the best policy of the class, a filled one for the end, and × at the crossing.
    fn marks(&self, to: &mut Markup, series: usize, group: &Group<'_>, spreads: &[Option<Spread>]) {
        let unit = self.quantity.unit();
        let best = self.places(&self.quantity.of_optimum(self.view, group));
        let hollow = best.into_iter().flatten().filter(|at| self.axes.is_within(*at));
        let hollow = hollow.fold(Path::default(), |path, at| path.mark(shape(series), at, SMALL));
        open(to, series);
        path(to, "opt hollow", &hollow);
        for ((k, number), spread) in self.view.ks.iter().zip(spreads) {
            let Some(spread) = spread else { continue };
            if let Some(at) = self.axes.place_within(*number, spread.mean) {
                mark(to, "m", series, at, SMALL, format!("{} at k = {k}", unit.spread(spread, 1)));
            }
        }
        let crossing = self.quantity.crossing(self.view, group);
        if let Some(at) = crossing.and_then(|(k, figure)| self.axes.place_within(k, figure)) {
            let times = Path::default().times(at, 4.2);
            path(to, "halo", &times);
            path(to, "times", &times);
        }
        to.raw("</g>");
    }

    /// A name where a line ends, or where it leaves the area at the top; none of a line that is above all the way.
    fn target_name(&self, to: &mut Markup, figures: &[Option<f64>], title: &str) {
        let axes = &self.axes;
        let places: Vec<Point> = self.places(figures).into_iter().flatten().collect();
        let is_within = |(_, y): &&Point| *y >= axes.top;
        // Of two lines the upper, or steeper, one has its name above or to the left, the other beneath or to the right.
        let is_lower = title == "p*";
        if let Some((_, y)) = places.last().filter(is_within) {
            name(
                to,
                "name end soft",
                (axes.right, if is_lower { y + 14.0 } else { (y - 6.0).max(axes.top + 8.0) }),
                title,
            );
            return;
        }
        let Some(end) = places.iter().position(|(_, y)| *y < axes.top).filter(|end| *end > 0) else { return };
        let [(x0, y0), (x1, y1)] = [places[end - 1], places[end]];
        let x = x0 + (x1 - x0) * (axes.top - y0) / (y1 - y0);
        // A line that leaves near the axis has no room at its left.
        let has_room = x - 6.0 - LETTER * title.chars().count() as f64 >= axes.left;
        if is_lower || !has_room {
            name(to, "name soft", (x + 6.0, axes.top + 10.0), title);
        } else {
            name(to, "name end soft", (x - 6.0, axes.top + 10.0), title);
        }
    }

    /// The base's name beneath its line, at the left, where lines are far apart.
    fn base_name(&self, to: &mut Markup, base: &[Option<f64>]) {
        let places: Vec<Point> = self.places(base).into_iter().flatten().collect();
        let Some((x, y)) = places.get(usize::from(places.len() > 2)).copied() else { return };
        let lowest = self.axes.bottom - 5.0;
        let at = if self.quantity == Quantity::Ratio {
            (self.axes.left + 8.0, (y + 16.0).min(lowest))
        } else {
            (x + 10.0, (y + 12.0).min(lowest))
        };
        name(to, "name strong", at, "base a");
    }
}
