//! Several figures in one image, under one key.

use crate::figure::Figure;
use crate::figure::alone::{LINE, MARGIN, begin, key};
use crate::figure::marks::name;
use crate::figure::path::coordinate;
use crate::markup::Markup;
use crate::text::{LONG, cut};
use crate::view::View;

/// Space between figures.
const GAP: f64 = 18.0;

/// Rows of figures as one SVG document.
pub(crate) fn sheet(view: &View<'_>, title: &str, rows: &[Vec<&Figure>]) -> String {
    let row_width = |row: &Vec<&Figure>| {
        row.iter().map(|figure| figure.width).sum::<f64>() + GAP * row.len().saturating_sub(1) as f64
    };
    let row_height =
        |row: &Vec<&Figure>| LINE + row.iter().map(|figure| figure.height).fold(0.0, f64::max) + GAP;
    let width = rows.iter().map(row_width).fold(360.0, f64::max);
    let (key, lines) = key(view, width);
    let body: f64 = rows.iter().map(row_height).sum();
    let height = LINE + body + lines * LINE;
    let mut svg = begin((width + 2.0 * MARGIN, height + 2.0 * MARGIN), title);
    name(&mut svg, "name strong", (MARGIN, MARGIN + 10.0), &cut(title, LONG));
    let mut top = MARGIN + LINE;
    for row in rows {
        let mut left = MARGIN;
        for figure in row {
            let heading = format!("{} · {}", figure.title, cut(&figure.policy, LONG));
            name(&mut svg, "name", (left, top + 10.0), &heading);
            place(&mut svg, (left, top + LINE), &figure.body);
            left += figure.width + GAP;
        }
        top += row_height(row);
    }
    place(&mut svg, (MARGIN, top), &key);
    svg.raw("</svg>\n");
    svg.into_string()
}

fn place(svg: &mut Markup, (x, y): (f64, f64), body: &Markup) {
    let at = format!("translate({} {})", coordinate(x), coordinate(y));
    svg.open("g", &[("transform", &at)]).append(body).raw("</g>");
}
