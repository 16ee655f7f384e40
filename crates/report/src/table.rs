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
    let mut grid = Grid::new(header, rows);
    let Some(room) = room.filter(|&room| grid.total() > room) else { return grid.join() };
    grid.break_column(0, NARROWEST_NAMES.max(room / 3));
    if grid.total() > room {
        (1..header.len()).for_each(|i| grid.break_column(i, grid.longest_word(i)));
    }
    while grid.shown.len() > 3 && grid.total() > room {
        grid.shown.remove(grid.shown.len() / 2 + 1);
    }
    let over = grid.total().saturating_sub(room);
    if over > 0 {
        grid.break_column(0, grid.width(0).saturating_sub(over).max(NARROWEST_NAMES));
    }
    grid.join()
}

/// The cells of a table, each in lines of its own.
struct Grid {
    rows: Vec<Vec<Vec<String>>>,
    columns: usize,
    /// The columns that are shown, in order.
    shown: Vec<usize>,
}

impl Grid {
    fn new(header: &[String], rows: &[Vec<String>]) -> Self {
        let lines = std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
        let rows = lines.map(|line| line.iter().map(|cell| vec![shown(cell)]).collect()).collect();
        Self { rows, columns: header.len(), shown: (0..header.len()).collect() }
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).flatten().map(String::as_str)
    }

    fn width(&self, column: usize) -> usize {
        self.cells(column).map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    fn longest_word(&self, column: usize) -> usize {
        self.cells(column).flat_map(str::split_whitespace).map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    /// Two spaces behind every column but the last, and `…` with its two where columns are missing.
    fn total(&self) -> usize {
        let gap = if self.shown.len() < self.columns { 3 } else { 0 };
        self.shown.iter().map(|&i| self.width(i) + 2).sum::<usize>() - 2 + gap
    }

    fn break_column(&mut self, column: usize, width: usize) {
        for cell in self.rows.iter_mut().filter_map(|row| row.get_mut(column)) {
            *cell = wrap::cell(&cell.concat(), width);
        }
    }

    fn join(&self) -> String {
        let lines: Vec<String> =
            self.rows.iter().enumerate().flat_map(|(i, row)| self.lines(i, row)).collect();
        lines.join("\n")
    }

    /// The lines of the row at a position; the first one is the header.
    fn lines(&self, position: usize, row: &[Vec<String>]) -> Vec<String> {
        let height = self.shown.iter().filter_map(|&i| row.get(i)).map(Vec::len).max().unwrap_or(0);
        let line = |height: usize| {
            let mut cells = Vec::new();
            for (at, &i) in self.shown.iter().enumerate().take_while(|(_, i)| **i < row.len()) {
                if at > 0 && self.shown[at - 1] + 1 != i {
                    cells.push(if position == 0 && height == 0 { "…" } else { " " }.to_string());
                }
                let cell = row[i].get(height).map_or("", String::as_str);
                let padding = " ".repeat(self.width(i) - cell.width());
                cells.push(if i == 0 { format!("{cell}{padding}") } else { format!("{padding}{cell}") });
            }
            cells.join("  ").trim_end().to_string()
        };
        (0..height).map(line).collect()
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
            "policy         aaaaaa  bbbbbb  cccccc",
            "an objective    1.000   2.000   3.000",
            "  with a long",
            "  name",
            "x                   4       5       6",
        ];
        assert_eq!(text, lines.join("\n"));
        let rows = [row([&"n".repeat(1000), "1", "2", "3"])];
        assert!(widest(&aligned(&header, &rows, Some(40))) <= 40);
    }

    #[test]
    fn intervals_are_broken_at_words() {
        let header = row(["Δ", "validity", "coverage@16"]);
        let rows = [row(["kl", "-0.780 [-0.819, -0.734]", "+0.1 [-0.1, +0.2]"])];
        let text = aligned(&header, &rows, Some(30));
        assert_eq!(
            text,
            "Δ   validity  coverage@16\nkl    -0.780         +0.1\n    [-0.819,       [-0.1,\n     -0.734]        +0.2]"
        );
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(aligned(&row(["a\u{1b}[31m"]), &[row(["b\nc"])], None), "a\\u{1b}[31m\nb\\nc");
    }
}
