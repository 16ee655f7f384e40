//! Coverage in units of the start's: a row an objective, the half that means collapse as a dotted line.

use crate::figure::path::{Path, coordinate};
use crate::figure::scale::{Domain, Scale};
use crate::markup::Markup;
use crate::palette::{class, shape};
use crate::view::View;
use pstar_record::{COLLAPSE, Spread, Verdict};

/// Size of a row.
pub(crate) const WIDTH: f64 = 160.0;
pub(crate) const HEIGHT: f64 = 26.0;

/// Smaller shares are shown at the edge.
const LEAST: f64 = 1.0 / 64.0;

/// The axis that all rows share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forest {
    x: Scale,
    least: f64,
    most: f64,
}

impl Forest {
    /// That shows the coverage of all classes.
    pub(crate) fn of(view: &View<'_>) -> Self {
        let mut domain = Domain::log();
        domain.include_all([COLLAPSE * 0.8, 1.25]);
        for verdict in view.classes.iter().filter_map(|class| class.verdict) {
            let shares = verdict.rows.iter().filter_map(|row| row.coverage).flat_map(|coverage| {
                [Some(coverage.mean), coverage.low, coverage.high].into_iter().flatten()
            });
            domain.include_all(
                shares.chain([verdict.base.coverage]).map(|figure| figure / verdict.start.coverage),
            );
        }
        let domain = domain.within(LEAST, 1.0 / LEAST).padded(0.06);
        Self { x: domain.scale(6.0, WIDTH - 6.0), least: domain.low(), most: domain.high() }
    }

    /// Powers of two within, thinned so that labels do not touch.
    fn powers(&self) -> Vec<(f64, String)> {
        let all = (-6..=6).map(|power: i32| (2f64.powi(power), power));
        let within: Vec<(f64, i32)> =
            all.filter(|(share, _)| self.least <= *share && *share <= self.most).collect();
        let stride = if within.len() > 5 { 2 } else { 1 };
        let label = |(share, power): (f64, i32)| {
            let text = match power {
                0 => "1 ×".into(),
                -1 => "½".into(),
                power if power < 0 => format!("1/{}", 2f64.powi(-power)),
                _ => share.to_string(),
            };
            (share, text)
        };
        within.into_iter().filter(|(_, power)| power % stride == 0 || *power == -1).map(label).collect()
    }

    /// The labels above the rows of a class.
    pub(crate) fn head(&self, to: &mut Markup) {
        open(to, "forest head", &[("aria-hidden", &"true")]);
        self.labels(to, 0.0);
        to.raw("</svg>");
    }

    /// The same, within a drawing.
    pub(crate) fn labels(&self, to: &mut Markup, y: f64) {
        to.raw("<g class=\"tick x\">");
        for (share, text) in self.powers() {
            if let Some(x) = self.x.at(share) {
                to.leaf("text", &[("x", &coordinate(x)), ("y", &coordinate(y + HEIGHT / 2.0 + 4.0))], text);
            }
        }
        to.raw("</g>");
    }

    /// A row as an image of its own.
    pub(crate) fn row(
        &self,
        to: &mut Markup,
        series: usize,
        coverage: Option<&Spread>,
        verdict: &Verdict,
        said: &str,
    ) {
        open(to, "forest", &[("role", &"img"), ("aria-label", &said)]);
        self.marks(to, 0.0, series, coverage, verdict);
        to.raw("</svg>");
    }

    /// The same, within a drawing.
    pub(crate) fn marks(
        &self,
        to: &mut Markup,
        y: f64,
        series: usize,
        coverage: Option<&Spread>,
        verdict: &Verdict,
    ) {
        let start = verdict.start.coverage;
        let upright = |share: f64, inset: f64| {
            let x = self.x.at(share).filter(|_| self.x.holds(share));
            let ends = x.map(|x| [(x, y + inset), (x, y + HEIGHT - inset)]);
            Path::default().through(ends.into_iter().flatten().map(Some))
        };
        let grid = self.powers().iter().fold(Path::default(), |mut path, (share, _)| {
            if let Some(x) = self.x.at(*share).filter(|_| *share != 1.0 && *share != COLLAPSE) {
                path.move_to((x, y)).line_to((x, y + HEIGHT));
            }
            path
        });
        super::marks::path(to, "grid", &grid);
        super::marks::path(to, "half", &upright(COLLAPSE, 0.0));
        super::marks::path(to, "one", &upright(1.0, 0.0));
        if !verdict.starts_as_base && verdict.base != verdict.start {
            super::marks::path(to, "basetick", &upright(verdict.base.coverage / start, 8.0));
        }
        let Some(coverage) = coverage else { return };
        let middle = y + HEIGHT / 2.0;
        let x = |figure: f64| {
            let share = figure / start;
            self.x.held(if share <= 0.0 { self.least } else { share })
        };
        to.open("g", &[("class", &class(series))]);
        if let Some((low, high)) = coverage.low.zip(coverage.high) {
            let ends = [low, high].map(|end| Some((x(end)?, middle)));
            super::marks::path(to, "whisker", &Path::default().through(ends));
        }
        if let Some(x) = x(coverage.mean) {
            let mark = Path::default().mark(shape(series), (x, middle), 4.2);
            super::marks::path(to, "m", &mark);
        }
        to.raw("</g>");
    }
}

fn open(to: &mut Markup, class: &'static str, more: crate::markup::Attributes<'_>) {
    let view_box = format!("0 0 {WIDTH} {HEIGHT}");
    let mut all: Vec<(&'static str, &dyn std::fmt::Display)> =
        vec![("class", &class), ("viewBox", &view_box)];
    all.extend(more);
    to.open("svg", &all);
}
