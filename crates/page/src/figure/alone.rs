//! A figure as a file of its own: with its style, its title and its key.

use crate::figure::Figure;
use crate::figure::marks::name;
use crate::figure::path::coordinate;
use crate::markup::Markup;
use crate::palette::{class, shape};
use crate::style;
use crate::text::{LONG, SHORT, cut};
use crate::view::View;

/// Space around it.
pub(crate) const MARGIN: f64 = 12.0;

/// Height of the title, and of a line of the key.
pub(crate) const LINE: f64 = 22.0;

/// Width of a letter of the key.
const LETTER: f64 = 6.3;

/// A whole SVG document.
pub(crate) fn alone(view: &View<'_>, figure: &Figure) -> String {
    let (key, lines) =
        if figure.kind == "forest" { (Markup::default(), 0.0) } else { key(view, figure.width) };
    let (width, height) = (figure.width + 2.0 * MARGIN, figure.height + 2.0 * MARGIN + LINE + lines * LINE);
    let mut svg = begin((width, height), &figure.label);
    name(&mut svg, "name strong", (MARGIN, MARGIN + 10.0), &title(figure));
    svg.open("g", &[("transform", &format!("translate({MARGIN} {})", MARGIN + LINE))]);
    svg.append(&figure.body).raw("</g>");
    svg.open(
        "g",
        &[("transform", &format!("translate({MARGIN} {})", coordinate(MARGIN + LINE + figure.height)))],
    );
    svg.append(&key).raw("</g></svg>\n");
    svg.into_string()
}

/// Begins a document of this size, on paper.
pub(crate) fn begin((width, height): (f64, f64), title: &str) -> Markup {
    let view_box = format!("0 0 {} {}", coordinate(width), coordinate(height));
    let mut svg = Markup::default();
    let root: &[(&'static str, &dyn std::fmt::Display)] = &[
        ("xmlns", &"http://www.w3.org/2000/svg"),
        ("viewBox", &view_box),
        ("width", &coordinate(width)),
        ("height", &coordinate(height)),
        ("role", &"img"),
        ("class", &"chart"),
    ];
    svg.open("svg", root).leaf("title", &[], title);
    svg.raw("<style>").append(&style::of_figures()).raw("</style>");
    svg.empty("rect", &[("class", &"paper"), ("width", &"100%"), ("height", &"100%")]);
    svg
}

fn title(figure: &Figure) -> String {
    match &*figure.policy {
        "" => figure.title.clone(),
        policy => format!("{} · {}", figure.title, cut(policy, LONG)),
    }
}

/// The objectives with their symbols, in as many lines as it takes.
pub(crate) fn key(view: &View<'_>, width: f64) -> (Markup, f64) {
    let mut key = Markup::default();
    let (mut x, mut line) = (0.0, 0.0);
    for series in view.trained() {
        let label = series.label(SHORT);
        let room = 28.0 + LETTER * label.chars().count() as f64;
        if x > 0.0 && x + room > width {
            (x, line) = (0.0, line + 1.0);
        }
        let middle = LINE * (line + 0.5);
        let mark = crate::figure::path::Path::default().mark(shape(series.index), (x + 6.0, middle), 4.6);
        key.open("g", &[("class", &class(series.index))]);
        key.empty("path", &[("class", &"m"), ("d", &mark.d())]).raw("</g>");
        name(&mut key, "name", (x + 16.0, middle + 4.0), &label);
        x += room;
    }
    (key, if view.trained().next().is_none() { 0.0 } else { line + 1.0 })
}
