//! The whole page.

use crate::figure::marks::shapes;
use crate::markup::Markup;
use crate::section::{
    climb, differences, entropies, header, how, kept, legend, outputs, planes, samples, training, verdict,
    words,
};
use crate::style;
use crate::text::cut;
use crate::view::View;

/// Nothing is loaded from anywhere; style and script are the page's own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

pub(crate) fn page(view: &View<'_>) -> String {
    let title = format!("{} · pstar report", cut(&view.record.name, crate::text::LONG));
    let mut page = begin_page(&title, view.series.len());
    let sections = [
        header::write,
        verdict::write,
        legend::write,
        samples::write,
        planes::write,
        training::write,
        differences::write,
        climb::write,
        kept::write,
        entropies::write,
        outputs::write,
        how::write,
        words::write,
    ];
    for section in sections {
        section(view, &mut page);
    }
    end_page(page)
}

/// The head of a page, and the beginning of its body; `series` is the number of objectives that its style tells apart.
pub(crate) fn begin_page(title: &str, series: usize) -> Markup {
    let mut page = Markup::default();
    page.raw("<!DOCTYPE html>\n<html lang=\"en\" class=\"no-js\"><head><meta charset=\"utf-8\"/>");
    page.empty("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &POLICY)]);
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>");
    page.raw("<meta name=\"generator\" content=\"pstar\"/>");
    page.leaf("title", &[], title);
    page.raw("<style>").append(&style::of_page(series)).raw("</style></head>\n<body>\n");
    shapes(&mut page);
    page
}

/// The end of a page.
pub(crate) fn end_page(mut page: Markup) -> String {
    page.raw("<div id=\"tip\" aria-hidden=\"true\"></div>\n<script>")
        .raw(include_str!("script.js"))
        .raw("</script>\n</body></html>\n");
    page.into_string()
}
