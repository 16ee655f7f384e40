//! Markdown, as GitHub reads it.

use super::{Grid, grids};
use crate::tables::RunTables;
use pstar_core::shown;
use std::fmt::Write;

/// The tables of a run as Markdown. Names are text, whatever markup they hold.
pub(super) fn markdown(tables: &RunTables) -> String {
    let mut text = format!("**{}**\n", escaped(&tables.title));
    for policy in &tables.policies {
        if let Some(sentence) = &policy.sentence {
            let _ = write!(text, "\n* {}: {}", escaped(&shown(&policy.policy)), escaped(sentence));
        }
    }
    if tables.policies.iter().any(|policy| policy.sentence.is_some()) {
        text.push('\n');
    }
    for grid in grids(tables) {
        let _ = write!(text, "\n{}\n\n{}", escaped(&shown(&grid.caption)), table(&grid));
    }
    for note in &tables.notes {
        let _ = write!(text, "\n* {}", escaped(note.trim_start()));
    }
    if !tables.notes.is_empty() {
        text.push('\n');
    }
    text
}

fn table(grid: &Grid) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(&shown(cell))).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let ruler: Vec<&str> = (0..grid.header.len()).map(|i| if i == 0 { ":---" } else { "---:" }).collect();
    let mut text = format!("{}| {} |\n", line(&grid.header), ruler.join(" | "));
    grid.rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}

/// Text that Markdown and the HTML within it leave as it is.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in pstar_core::escaped(text).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '!' | '$' => escaped.extend(['\\', c]),
            // Would mention somebody.
            '@' => escaped.push_str("&#64;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(escaped("a|b <i>*x*</i> @you"), "a\\|b &lt;i&gt;\\*x\\*&lt;/i&gt; &#64;you");
        assert_eq!(escaped("p*_[β]"), "p\\*\\_\\[β\\]");
        let grid = Grid {
            caption: String::new(),
            header: vec!["objective".into(), "x".into()],
            rows: vec![vec!["a|b\nc".into(), "1".into()]],
        };
        assert_eq!(table(&grid), "| objective | x |\n| :--- | ---: |\n| a\\|b\\\\nc | 1 |\n");
    }
}
