//! What stands for an objective: its line, its band, its marks.

use crate::figure::path::{Path, Point, coordinate};
use crate::markup::Markup;
use crate::palette::{class, shape};
use crate::text::cut;
use std::fmt::Display;

/// Half the size of a mark on a line.
pub(crate) const SMALL: f64 = 3.2;

/// Half the size of a mark that stands alone.
pub(crate) const LARGE: f64 = 4.6;

/// Begins the group of an objective: its colour, and what its switch hides.
pub(crate) fn open(to: &mut Markup, series: usize) {
    to.open("g", &[("class", &class(series)), ("data-o", &series)]);
}

/// A path of a class, if there is something to draw.
pub(crate) fn path(to: &mut Markup, class: &'static str, path: &Path) {
    if !path.is_empty() {
        to.empty("path", &[("class", &class), ("d", &path.d())]);
    }
}

/// A mark of an objective, with what it says.
pub(crate) fn mark(
    to: &mut Markup,
    class: &'static str,
    series: usize,
    at: Point,
    size: f64,
    said: impl Display,
) {
    told_path(to, class, &Path::default().mark(shape(series), at, size), said);
}

/// A path with what it says.
pub(crate) fn told_path(to: &mut Markup, class: &'static str, path: &Path, said: impl Display) {
    if !path.is_empty() {
        to.open("path", &[("class", &class), ("d", &path.d())]).leaf("title", &[], said).close("path");
    }
}

/// A text beside a mark.
pub(crate) fn name(to: &mut Markup, class: &'static str, (x, y): Point, text: &str) {
    to.leaf("text", &[("class", &class), ("x", &coordinate(x)), ("y", &coordinate(y))], text);
}

/// The symbol of an objective as an image of its own, within a text.
pub(crate) fn symbol(to: &mut Markup, series: usize) {
    let classes = format!("sym {}", class(series));
    to.open("svg", &[("class", &classes), ("aria-hidden", &"true")]);
    to.empty("use", &[("href", &format!("#{}", SHAPE_IDS[shape(series) as usize]))]).raw("</svg>");
}

/// The names of shapes within a page.
const SHAPE_IDS: [&str; 8] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"];

/// The shapes that symbols are of, once a page.
pub(crate) fn shapes(to: &mut Markup) {
    to.raw("<svg class=\"sr\" aria-hidden=\"true\">");
    for series in 0..SHAPE_IDS.len() {
        let path = Path::default().mark(shape(series), (7.0, 7.0), LARGE);
        to.open("symbol", &[("id", &SHAPE_IDS[shape(series) as usize]), ("viewBox", &"0 0 14 14")]);
        to.empty("path", &[("d", &path.d())]).raw("</symbol>");
    }
    to.raw("</svg>\n");
}

/// What a figure says in words: a few objectives and how many more there are.
pub(crate) fn described(what: &str, policy: &str, parts: &[String]) -> String {
    const MOST: usize = 12;
    let policy = cut(policy, crate::text::LONG);
    let more = parts.len().saturating_sub(MOST);
    let some = parts[..parts.len() - more].join("; ");
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    if parts.is_empty() {
        format!("{what}, {policy}: nothing to draw")
    } else {
        format!("{what}, {policy}: {some}{more}")
    }
}
