//! The ground of a figure: hairlines, labels and the two axes.

use crate::figure::path::{Point, coordinate};
use crate::figure::scale::{Domain, Scale};
use crate::markup::Markup;
use crate::number::{Unit, tick};

/// Width of a digit of a label.
pub(crate) const DIGIT: f64 = 6.4;

/// Lines are drawn so far beyond their area, that half of their width is not cut.
const BLEED: f64 = 2.0;

/// The axes of a figure and the area between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

/// What stands along an axis.
#[derive(Clone, Debug)]
pub(crate) struct Labels(pub(crate) Vec<(f64, String)>);

impl Labels {
    /// At round figures.
    pub(crate) fn round(domain: Domain, most: usize, unit: Unit) -> Self {
        let ticks = domain.scale(0.0, 1.0).ticks(most);
        Self(ticks.into_iter().map(|(x, step)| (x, tick(x, step, unit))).collect())
    }

    fn width(&self) -> f64 {
        self.0.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0) as f64 * DIGIT
    }
}

impl Axes {
    /// Within a figure of that size, with room for the labels.
    pub(crate) fn new(
        (width, height): (f64, f64),
        (x, y): (Domain, Domain),
        labels: &Labels,
        titled: bool,
    ) -> Self {
        let (left, right, top) = ((labels.width() + 10.0).max(24.0), width - 12.0, 10.0);
        let bottom = height - if titled { 40.0 } else { 24.0 };
        Self { left, right, top, bottom, x: x.scale(left + 4.0, right), y: y.scale(bottom, top) }
    }

    /// Where a pair of figures is.
    pub(crate) fn place(&self, x: f64, y: f64) -> Option<Point> {
        self.x.at(x).zip(self.y.at(y))
    }

    /// The same for figures at steps: to whole units across, which takes fewer bytes and is half a pixel at most.
    pub(crate) fn place_at_step(&self, x: f64, y: f64) -> Option<Point> {
        self.place(x, y).map(|(x, y)| (x.round(), y))
    }

    /// Where it is, if that is within the area.
    pub(crate) fn place_within(&self, x: f64, y: f64) -> Option<Point> {
        self.place(x, y).filter(|at| self.is_within(*at))
    }

    /// Whether a place is within the area.
    pub(crate) fn is_within(&self, (x, y): Point) -> bool {
        (self.left - 1.0..=self.right + 1.0).contains(&x) && (self.top - 1.0..=self.bottom + 1.0).contains(&y)
    }

    /// Hairlines at the labels of y, in a plane of x as well, the line beneath, and the labels.
    pub(crate) fn draw(&self, to: &mut Markup, x: &Labels, y: &Labels, title: &str, is_plane: bool) {
        let mut grid = crate::figure::path::Path::default();
        for (figure, _) in &y.0 {
            if let Some(at) = self.y.at(*figure) {
                grid.move_to((self.left, at)).line_to((self.right, at));
            }
        }
        if is_plane {
            for at in x.0.iter().filter_map(|(figure, _)| self.x.at(*figure)) {
                grid.move_to((at, self.top)).line_to((at, self.bottom));
            }
        }
        to.empty("path", &[("class", &"grid"), ("d", &grid.d())]);
        let mut ground = crate::figure::path::Path::default();
        ground.move_to((self.left, self.bottom)).line_to((self.right, self.bottom));
        to.empty("path", &[("class", &"axis"), ("d", &ground.d())]);
        to.raw("<g class=\"tick y\">");
        for (figure, text) in &y.0 {
            if let Some(at) = self.y.at(*figure) {
                to.leaf(
                    "text",
                    &[("x", &coordinate((self.left - 6.0).round())), ("y", &coordinate((at + 4.0).round()))],
                    text,
                );
            }
        }
        let beneath = format!("translate(0 {})", coordinate(self.bottom + 16.0));
        to.raw("</g>").open("g", &[("class", &"tick x"), ("transform", &beneath)]);
        let room = (self.right - self.left) / DIGIT;
        let total: usize = x.0.iter().map(|(_, text)| text.chars().count() + 2).sum();
        // All or every second, third …: labels must not touch.
        let stride =
            (1..=x.0.len()).find(|stride| total as f64 <= room * *stride as f64).unwrap_or(x.0.len()).max(1);
        let last = x.0.len().saturating_sub(1);
        let mut free = f64::INFINITY;
        for (i, (figure, text)) in x.0.iter().enumerate().rev() {
            let half = text.chars().count() as f64 * DIGIT / 2.0;
            // A label at the end must not be cut.
            let at = self.x.at(*figure).map(|at| at.min(self.right + 10.0 - half));
            // Where figures are not evenly apart, one may still be too close to the next.
            if let Some(at) = at.filter(|at| (last - i).is_multiple_of(stride) && at + half <= free) {
                to.leaf("text", &[("x", &coordinate(at.round()))], text);
                free = at - half - DIGIT / 2.0;
            }
        }
        if !title.is_empty() {
            let middle = f64::midpoint(self.left, self.right);
            let at: &[(&'static str, &dyn std::fmt::Display)] =
                &[("class", &"title"), ("x", &coordinate(middle)), ("y", &18)];
            to.leaf("text", at, title);
        }
        to.raw("</g>");
    }

    /// What is drawn into the area and cut at its edges.
    pub(crate) fn clipped(&self, to: &mut Markup, inside: &Markup) {
        let (x, y) = (self.left - BLEED, self.top - BLEED);
        let (width, height) = (self.right - self.left + 2.0 * BLEED, self.bottom - self.top + 2.0 * BLEED);
        let [x, y, width, height] = [x, y, width, height].map(|side| coordinate(side).to_string());
        let view_box = format!("{x} {y} {width} {height}");
        let frame: &[(&'static str, &dyn std::fmt::Display)] =
            &[("x", &x), ("y", &y), ("width", &width), ("height", &height), ("viewBox", &view_box)];
        to.open("svg", frame).append(inside).close("svg");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_uneven_figures_do_not_meet() {
        let mut x = Domain::log();
        let figures = [0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99];
        x.include_all(figures);
        let y = Labels(vec![(1.0, "1".into())]);
        let axes = Axes::new((480.0, 200.0), (x.padded(0.02), x.padded(0.0)), &y, false);
        let labels = Labels(figures.iter().map(|figure| (*figure, figure.to_string())).collect());
        let mut drawn = Markup::default();
        axes.draw(&mut drawn, &labels, &y, "", false);
        let text = drawn.into_string();
        assert!(text.contains(">0.99<") && text.contains(">0.001<") && text.contains(">0.5<"));
        assert!(!text.contains(">0.9<"), "{text}");
    }
}
