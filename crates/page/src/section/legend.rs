//! The key to all figures, with a switch for each objective.

use crate::figure::marks::symbol;
use crate::markup::Markup;
use crate::text::{SHORT, full_name};
use crate::view::View;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    to.raw("<nav id=\"legend\" aria-label=\"Objectives: switch them on and off in all figures\"><div>");
    for series in view.trained() {
        to.open("button", &[("type", &"button"), ("data-o", &series.index), ("aria-pressed", &"true")]);
        symbol(to, series.index);
        full_name(to, series.objective, SHORT);
        to.text(series.suffix()).raw("</button>");
    }
    to.raw("</div><div class=\"switches\">");
    if view.has_optima() {
        to.raw("<button type=\"button\" id=\"t-opt\" aria-pressed=\"true\">class optima</button>");
    }
    if view.with_seeds && view.seeds() > 1 {
        to.raw("<button type=\"button\" id=\"t-seeds\" aria-pressed=\"false\">single seeds</button>");
    }
    to.raw("<button type=\"button\" id=\"t-all\">all</button></div></nav>\n");
    to.raw("<noscript><style>#legend button{display:inline-flex;cursor:default}</style>\
            <p class=\"missing\">Everything is here without JavaScript, but for the switches of the legend, tooltips and copy buttons.</p></noscript>\n");
}
