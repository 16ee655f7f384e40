//! Paths in few bytes: coordinates in tenths, each relative to the one before, which is rounded first so that nothing adds
//! up. What has no place is a gap.

use crate::palette::Shape;
use std::fmt::Write;

/// A place in a drawing.
pub(crate) type Point = (f64, f64);

/// The `d` of a path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    d: String,
    /// Places are rounded to whole units: thin lines of which there are many.
    is_coarse: bool,
    at: (i64, i64),
    command: char,
    /// A line that is not written yet: what goes on in its direction makes it longer.
    open: Option<(i64, i64)>,
}

impl Path {
    /// One whose places are rounded to whole units, which takes two thirds of the bytes.
    pub(crate) fn coarse() -> Self {
        Self { is_coarse: true, ..Self::default() }
    }

    /// Begins at a place.
    pub(crate) fn move_to(&mut self, to: Point) -> &mut Self {
        self.flush();
        let to = self.rounded(to);
        self.push('M', to);
        self.at = to;
        self
    }

    /// A line to a place.
    pub(crate) fn line_to(&mut self, to: Point) -> &mut Self {
        let to = self.rounded(to);
        let step = (to.0 - self.at.0, to.1 - self.at.1);
        self.at = to;
        self.open = Some(match self.open {
            Some(open) if goes_on(open, step) => (open.0 + step.0, open.1 + step.1),
            _ => {
                self.flush();
                step
            }
        });
        self
    }

    /// Back to the beginning.
    pub(crate) fn close(&mut self) -> &mut Self {
        self.flush();
        self.d.push('z');
        self.command = 'z';
        self
    }

    /// Lines through all points in turn, with gaps where there is none. A point between gaps is a dot, by round ends.
    pub(crate) fn through(mut self, points: impl IntoIterator<Item = Option<Point>>) -> Self {
        let mut begun = None;
        for point in points {
            match (point.filter(is_place), begun) {
                (Some(point), None) => {
                    self.move_to(point);
                    begun = Some((point, true));
                }
                (Some(point), Some(_)) => {
                    self.line_to(point);
                    begun = Some((point, false));
                }
                (None, last) => {
                    self.dot(last);
                    begun = None;
                }
            }
        }
        self.dot(begun);
        self.flush();
        self
    }

    /// A line of no length, if a point stands alone.
    fn dot(&mut self, last: Option<(Point, bool)>) {
        if let Some((point, true)) = last {
            self.line_to(point);
        }
    }

    /// The area between two lines, in parts where one has gaps.
    pub(crate) fn between(mut self, ends: &[Option<(Point, Point)>]) -> Self {
        let sound =
            |ends: &Option<(Point, Point)>| ends.is_some_and(|(low, high)| is_place(&low) && is_place(&high));
        for part in ends.split(|ends| !sound(ends)).filter(|part| part.len() > 1) {
            let lows = part.iter().flatten().map(|(low, _)| *low);
            let mut around = lows.chain(part.iter().flatten().rev().map(|(_, high)| *high));
            if let Some(first) = around.next() {
                self.move_to(first);
                around.for_each(|point| {
                    self.line_to(point);
                });
                self.close();
            }
        }
        self
    }

    /// Another path behind this.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.flush();
        self.d.push_str(&other.d());
        self.command = other.command;
        self
    }

    /// A mark of half the size `size` around a place.
    pub(crate) fn mark(mut self, shape: Shape, (x, y): Point, size: f64) -> Self {
        if !is_place(&(x, y)) {
            return self;
        }
        if shape == Shape::Circle {
            self.move_to((x - size, y));
            let (radius, width) = (Tenths(tenth(size)), Tenths(2 * tenth(size)));
            let _ = write!(self.d, "a{radius} {radius} 0 1 0 {width} 0a{radius} {radius} 0 1 0-{width} 0z");
            self.command = 'z';
            return self;
        }
        let mut points = shape.outline().iter().map(|(dx, dy)| (x + size * dx, y + size * dy));
        if let Some(first) = points.next() {
            self.move_to(first);
        }
        points.for_each(|point| {
            self.line_to(point);
        });
        self.close();
        self
    }

    /// An × around a place.
    pub(crate) fn times(mut self, (x, y): Point, size: f64) -> Self {
        if is_place(&(x, y)) {
            self.move_to((x - size, y - size)).line_to((x + size, y + size));
            self.move_to((x - size, y + size)).line_to((x + size, y - size));
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.d.is_empty()
    }

    /// The attribute's value.
    pub(crate) fn d(&self) -> String {
        let mut whole = self.clone();
        whole.flush();
        whole.d
    }

    fn flush(&mut self) {
        match self.open.take() {
            Some((across, 0)) => {
                let _ = write!(self.d, "h{}", Tenths(across));
                self.command = 'h';
            }
            Some(step) => self.push('l', step),
            None => {}
        }
    }

    fn rounded(&self, (x, y): Point) -> (i64, i64) {
        if self.is_coarse { (10 * tenth(x / 10.0), 10 * tenth(y / 10.0)) } else { (tenth(x), tenth(y)) }
    }

    fn push(&mut self, command: char, (x, y): (i64, i64)) {
        // Lines behind lines need no letter.
        if self.command == command && command == 'l' {
            if x >= 0 {
                self.d.push(' ');
            }
        } else {
            self.d.push(command);
            self.command = command;
        }
        let between = if y >= 0 { " " } else { "" };
        let _ = write!(self.d, "{}{between}{}", Tenths(x), Tenths(y));
    }
}

/// Whether a step has the direction of the one before, to the bit: nothing is lost if both are one.
fn goes_on((x, y): (i64, i64), (next_x, next_y): (i64, i64)) -> bool {
    x * next_y == y * next_x && x * next_x >= 0 && y * next_y >= 0
}

fn is_place((x, y): &Point) -> bool {
    x.is_finite() && y.is_finite()
}

/// A coordinate in tenths; drawings end far below the bound.
fn tenth(x: f64) -> i64 {
    const FAR: f64 = 1e6;
    #[expect(clippy::cast_possible_truncation, reason = "within the bound it is exact")]
    let tenths = (10.0 * x.clamp(-FAR, FAR)).round() as i64;
    tenths
}

/// A number of tenths as a decimal.
struct Tenths(i64);

impl std::fmt::Display for Tenths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, size) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        match (size / 10, size % 10) {
            (whole, 0) => write!(f, "{sign}{whole}"),
            (0, part) => write!(f, "{sign}.{part}"),
            (whole, part) => write!(f, "{sign}{whole}.{part}"),
        }
    }
}

/// A coordinate as an attribute.
pub(crate) fn coordinate(x: f64) -> impl std::fmt::Display {
    Tenths(if x.is_finite() { tenth(x) } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short_and_do_not_drift() {
        let points = (0..4).map(|i| Some((f64::from(i) * 0.34, -0.26 * f64::from(i))));
        // Rounded places 0, .3, .7, 1 and 0, −.3, −.5, −.8.
        assert_eq!(Path::default().through(points).d(), "M0 0l.3-.3 .4-.2 .3-.3");
    }

    #[test]
    fn what_has_no_place_is_a_gap() {
        let points = [Some((0.0, 0.0)), Some((1.0, f64::NAN)), Some((2.0, 2.0)), Some((3.0, 2.0)), None];
        assert_eq!(Path::default().through(points).d(), "M0 0h0M2 2h1");
        let nothing = Path::default().through([None, Some((f64::INFINITY, 0.0))]);
        assert!(nothing.is_empty());
        let ends = [
            Some(((0.0, 0.0), (0.0, 1.0))),
            Some(((1.0, 0.0), (1.0, 1.0))),
            None,
            Some(((3.0, 0.0), (3.0, 1.0))),
        ];
        assert_eq!(Path::default().between(&ends).d(), "M0 0h1l0 1h-1z");
    }

    #[test]
    fn straight_lines_are_one() {
        let points = [(0.0, 0.0), (1.0, 1.0), (3.0, 3.0), (4.0, 3.0), (9.0, 3.0), (8.0, 3.0), (8.0, 3.0)];
        assert_eq!(Path::default().through(points.map(Some)).d(), "M0 0l3 3h6h-1");
        let still = [Some((2.0, 1.0)), Some((2.0, 1.0)), Some((2.0, 1.0))];
        assert_eq!(Path::default().through(still).d(), "M2 1h0");
        let two = Path::coarse().through([Some((0.4, 0.0)), Some((5.0, 1.6))]);
        assert_eq!(two.clone().and(&two).d(), "M0 0l5 2M0 0l5 2");
    }

    #[test]
    fn marks_are_closed() {
        assert_eq!(
            Path::default().mark(Shape::Circle, (10.0, 5.0), 4.0).d(),
            "M6 5a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"
        );
        assert_eq!(Path::default().mark(Shape::Square, (10.0, 5.0), 2.0).d(), "M8.2 3.2h3.6l0 3.6h-3.6z");
        assert_eq!(Path::default().times((1.0, 1.0), 1.0).d(), "M0 0l2 2M0 2l2-2");
        assert!(Path::default().mark(Shape::Up, (f64::NAN, 0.0), 4.0).is_empty());
    }
}
