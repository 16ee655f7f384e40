//! LaTeX, with booktabs.

use super::{Grid, grids};
use crate::tables::RunTables;
use pstar_core::shown;
use std::fmt::Write;

/// The tables of a run as LaTeX: one `tabular` each, with the rules of the package `booktabs`. Names are text, whatever
/// commands they hold; what the usual engines have no letter for is left as it is.
pub(super) fn latex(tables: &RunTables) -> String {
    let mut text = format!("% {}\n% needs \\usepackage{{booktabs}}\n", comment(&tables.title));
    for grid in grids(tables) {
        let _ = write!(text, "\n% {}\n{}", comment(&grid.caption), tabular(&grid));
    }
    for note in &tables.notes {
        let _ = write!(text, "\n% {}", comment(note));
    }
    text.push('\n');
    text
}

fn tabular(grid: &Grid) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(&shown(cell))).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    let aligned = "r".repeat(grid.header.len().saturating_sub(1));
    let rows: String = grid.rows.iter().map(|row| line(row)).collect();
    format!(
        "\\begin{{tabular}}{{l{aligned}}}\n\\toprule\n{}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n",
        line(&grid.header)
    )
}

/// One line that ends no comment.
fn comment(text: &str) -> String {
    pstar_core::escaped(text)
}

/// Signs that need a command.
const COMMANDS: [(char, &str); 27] = [
    ('\\', "\\textbackslash{}"),
    ('{', "\\{"),
    ('}', "\\}"),
    ('$', "\\$"),
    ('&', "\\&"),
    ('#', "\\#"),
    ('%', "\\%"),
    ('_', "\\_"),
    ('^', "\\textasciicircum{}"),
    ('~', "\\textasciitilde{}"),
    ('<', "\\textless{}"),
    ('>', "\\textgreater{}"),
    ('"', "\\textquotedbl{}"),
    // Would open the argument of the line's end before it.
    ('[', "{[}"),
    ('α', "$\\alpha$"),
    ('β', "$\\beta$"),
    ('κ', "$\\kappa$"),
    ('λ', "$\\lambda$"),
    ('μ', "$\\mu$"),
    ('Δ', "$\\Delta$"),
    ('‖', "$\\|$"),
    ('≈', "$\\approx$"),
    ('≤', "$\\leq$"),
    ('±', "$\\pm$"),
    ('°', "$^\\circ$"),
    ('–', "--"),
    ('·', "$\\cdot$"),
];

fn escaped(text: &str) -> String {
    let text = pstar_core::escaped(text);
    let mut escaped = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let before_digit = characters.peek().is_some_and(char::is_ascii_digit);
        match COMMANDS.iter().find(|(sign, _)| *sign == c) {
            Some((_, command)) => escaped.push_str(command),
            // A sign, not a hyphen.
            None if c == '-' && before_digit && !ends_in_a_word(&escaped) => escaped.push_str("$-$"),
            None if c == '+' && before_digit => escaped.push_str("$+$"),
            None => escaped.push(c),
        }
    }
    escaped
}

fn ends_in_a_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_text_and_signs_are_signs() {
        assert_eq!(escaped(r"a_b \input{x} 50%"), r"a\_b \textbackslash{}input\{x\} 50\%");
        assert_eq!(escaped("-0.78 [-0.82, +0.1]*"), "$-$0.78 {[}$-$0.82, $+$0.1]*");
        assert_eq!(escaped("top-1, λ=2 °"), "top-1, $\\lambda$=2 $^\\circ$");
        assert_eq!(escaped("1e-5"), "1e-5");
        assert!(!comment("x\n\\end").contains('\n'));
    }
}
