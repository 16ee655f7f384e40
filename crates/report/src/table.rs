//! Aligned columns.

use crate::wrap;
use pstar_core::shown;
use unicode_width::UnicodeWidthStr;

/// Narrowest that names are broken to, in columns.
const NARROWEST_NAMES: usize = 12;

/// Rows under a header: the first column to the left, the others to the right, two spaces between them.
///
/// Where that is wider than `room`, long names are broken at words, then the other cells; then columns from the third
/// on are left out, the middle ones first, and `…` stands for them.
pub(crate) fn aligned(header: &[String], rows: &[Vec<String>], room: Option<usize>) -> String {
    let lines = std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    let cells: Vec<Vec<String>> = lines.map(|line| line.iter().map(|cell| shown(cell)).collect()).collect();
    let mut grid = Grid::new(&cells, header.len());
    let names = grid.widths.first().copied().unwrap_or(0);
    if let Some(room) = room.filter(|&room| grid.total() > room) {
        grid.widths[0] = names.min(NARROWEST_NAMES.max(room / 3));
        if grid.total() > room {
            (1..header.len()).for_each(|i| grid.widths[i] = longest_word(&cells, i));
        }
        grid.widths[0] = names.min(NARROWEST_NAMES);
        while grid.shown.len() > 3 && grid.total() > room {
            let last = grid.shown.len() - 2;
            grid.shown.remove((grid.shown.len() / 2 + 1).min(last));
        }
        // What the others leave is for the names.
        grid.widths[0] = names.min(grid.widths[0] + room.saturating_sub(grid.total()));
    }
    grid.join()
}

fn column(cells: &[Vec<String>], i: usize) -> impl Iterator<Item = &str> {
    cells.iter().filter_map(move |row| row.get(i)).map(String::as_str)
}

fn longest_word(cells: &[Vec<String>], i: usize) -> usize {
    column(cells, i).flat_map(str::split_whitespace).map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// A table and how it is laid out.
struct Grid<'a> {
    cells: &'a [Vec<String>],
    /// The width of every column.
    widths: Vec<usize>,
    /// The columns that are shown, in order.
    shown: Vec<usize>,
}

impl<'a> Grid<'a> {
    /// All columns, as wide as their widest cell.
    fn new(cells: &'a [Vec<String>], columns: usize) -> Self {
        let width = |i| column(cells, i).map(UnicodeWidthStr::width).max().unwrap_or(0);
        Self { cells, widths: (0..columns).map(width).collect(), shown: (0..columns).collect() }
    }

    /// Two spaces behind every column but the last, and `…` with its two where columns are missing.
    fn total(&self) -> usize {
        let gap = if self.shown.len() < self.widths.len() { 3 } else { 0 };
        self.shown.iter().map(|&i| self.widths[i] + 2).sum::<usize>() - 2 + gap
    }

    fn join(&self) -> String {
        let lines: Vec<String> = (0..self.cells.len()).flat_map(|row| self.lines(row)).collect();
        lines.join("\n")
    }

    /// The cell of a column in lines of its width.
    fn pieces(&self, row: usize, i: usize) -> Vec<String> {
        let cell = self.cells[row].get(i).map_or("", String::as_str);
        if i == 0 { wrap::name(cell, self.widths[0]) } else { wrap::words(cell, self.widths[i]) }
    }

    /// The lines of a row; row 0 is the header.
    fn lines(&self, row: usize) -> Vec<String> {
        let cells: Vec<Vec<String>> = self.shown.iter().map(|&i| self.pieces(row, i)).collect();
        let line = |height: usize| {
            let mut line = Vec::new();
            for (at, (&i, pieces)) in self.shown.iter().zip(&cells).enumerate() {
                if at > 0 && self.shown[at - 1] + 1 != i {
                    line.push(if row == 0 && height == 0 { "…" } else { " " }.to_string());
                }
                let piece = pieces.get(height).map_or("", String::as_str);
                let padding = " ".repeat(self.widths[i].saturating_sub(piece.width()));
                line.push(if i == 0 { format!("{piece}{padding}") } else { format!("{padding}{piece}") });
            }
            line.join("  ").trim_end().to_string()
        };
        (0..cells.iter().map(Vec::len).max().unwrap_or(0)).map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
        cells.map(String::from).to_vec()
    }

    fn widest(text: &str) -> usize {
        text.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    #[test]
    fn columns_line_up_whatever_the_symbols() {
        let text = aligned(&row(["β", "x"]), &[row(["p*‖q", "10.5"]), row(["", "–"])], None);
        assert_eq!(text, "β        x\np*‖q  10.5\n         –");
    }

    #[test]
    fn a_narrow_table_leaves_out_columns_of_the_middle() {
        let header = row(["name", "aaaa", "bbbb", "cccc", "dddd", "eeee"]);
        let rows = [row(["x", "1", "2", "3", "4", "5"])];
        assert_eq!(aligned(&header, &rows, Some(100)), aligned(&header, &rows, None));
        let narrow = aligned(&header, &rows, Some(25));
        assert_eq!(narrow, "name  aaaa  bbbb  …  eeee\nx        1     2        5");
        assert_eq!(widest(&narrow), 25);
        assert!(widest(&aligned(&header, &rows, Some(24))) <= 24);
    }

    #[test]
    fn a_long_name_costs_no_column() {
        let header = row(["policy", "aaaaaa", "bbbbbb", "cccccc"]);
        let rows =
            [row(["an objective with a long name", "1.000", "2.000", "3.000"]), row(["x", "4", "5", "6"])];
        let text = aligned(&header, &rows, Some(40));
        let lines = [
            "policy            aaaaaa  bbbbbb  cccccc",
            "an objective       1.000   2.000   3.000",
            "  with a long",
            "  name",
            "x                      4       5       6",
        ];
        assert_eq!(text, lines.join("\n"));
        let rows = [row([&"n".repeat(1000), "1", "2", "3"])];
        let text = aligned(&header, &rows, Some(40));
        assert!(widest(&text) <= 40 && text.contains("cccccc"), "{text}");
    }

    #[test]
    fn intervals_are_broken_at_words() {
        let header = row(["  Δ to a", "validity", "coverage@16"]);
        let rows = [row(["  kl", "-0.780 [-0.819, -0.734]", "+0.1 [-0.1, +0.2]"])];
        let lines = [
            "  Δ to a  validity  coverage@16",
            "  kl        -0.780  +0.1 [-0.1,",
            "          [-0.819,        +0.2]",
            "           -0.734]",
        ];
        assert_eq!(aligned(&header, &rows, Some(31)), lines.join("\n"));
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(aligned(&row(["a\u{1b}[31m"]), &[row(["b\nc"])], None), "a\\u{1b}[31m\nb\\nc");
    }
}
