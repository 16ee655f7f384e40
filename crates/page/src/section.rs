//! The sections of the page, each written from the view of a run.

pub(crate) mod climb;
pub(crate) mod differences;
pub(crate) mod entropies;
pub(crate) mod header;
pub(crate) mod how;
pub(crate) mod kept;
pub(crate) mod legend;
pub(crate) mod outputs;
pub(crate) mod planes;
pub(crate) mod samples;
pub(crate) mod status;
pub(crate) mod training;
pub(crate) mod verdict;
pub(crate) mod words;

use crate::figure::marks::symbol;
use crate::figure::named::Rows;
use crate::markup::Markup;
use crate::text::{SHORT, name};
use crate::view::Series;

/// Begins a section under a heading.
fn begin(to: &mut Markup, class: &'static str, title: &'static str) {
    to.open("section", &[("class", &class)]).leaf("h2", &[], title);
}

/// Rows of figures, one a policy class.
fn rows(to: &mut Markup, rows: &Rows) {
    for row in rows.iter().filter(|row| !row.is_empty()) {
        to.raw("<div class=\"row\">");
        for figure in row {
            figure.write(to);
        }
        to.raw("</div>\n");
    }
}

/// What a panel would need, in a line.
fn missing(to: &mut Markup, what: &str) {
    to.raw("<p class=\"missing\">");
    // Names of fields stand between backticks.
    for (i, part) in what.split('`').enumerate() {
        if i % 2 == 0 {
            to.text(part);
        } else {
            to.leaf("code", &[], part);
        }
    }
    to.raw("</p>\n");
}

/// An objective with its symbol, unbroken.
fn objective(to: &mut Markup, series: &Series<'_>) {
    to.raw("<span class=\"n\">");
    symbol(to, series.index);
    name(to, series.objective, SHORT);
    to.text(series.suffix()).raw("</span>");
}
