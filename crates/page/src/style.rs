//! The style sheets, with the colours of the palette.

use crate::markup::Markup;
use crate::palette::{DARK, LETTERS, LIGHT};
use std::fmt::Write;

/// Of the page alone.
const PAGE: &str = include_str!("style.css");

/// Of figures, wherever they are.
const FIGURES: &str = include_str!("figure.css");

/// What figures need.
pub(crate) fn of_figures() -> Markup {
    let mut style = Markup::default();
    style
        .raw(":root{")
        .text(variables(&LIGHT))
        .raw("}\n@media screen and (prefers-color-scheme:dark){:root{");
    style.text(variables(&DARK)).raw("}}\n").text(classes()).raw(FIGURES);
    style
}

/// What a page of so many objectives needs.
pub(crate) fn of_page(objectives: usize) -> Markup {
    let mut style = of_figures();
    style.raw(PAGE);
    for (i, letter) in LETTERS.iter().enumerate() {
        style.text(format!(".y{i}::before{{content:'{letter}'}}"));
    }
    style.text(switches(objectives));
    style
}

fn variables(colours: &[&str; 8]) -> String {
    let pairs = colours.iter().enumerate().map(|(i, colour)| format!("--c{i}:{colour}"));
    pairs.collect::<Vec<_>>().join(";")
}

fn classes() -> String {
    (0..8).fold(String::new(), |mut text, i| {
        let _ = write!(text, ".c{i}{{--c:var(--c{i})}}");
        text
    })
}

/// `h3` on the root hides the fourth objective, `f3` makes it stand out.
fn switches(objectives: usize) -> String {
    (0..objectives).fold(String::new(), |mut text, i| {
        let _ = write!(
            text,
            ".h{i} .chart [data-o='{i}']{{display:none}}.h{i} .vr[data-o='{i}']{{opacity:.35}}\
             .f{i} .chart [data-o]:not([data-o='{i}']){{opacity:.14}}"
        );
        text
    })
}
