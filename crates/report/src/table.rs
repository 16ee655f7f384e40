//! Aligned columns.

use unicode_width::UnicodeWidthStr;

/// Rows under a header: the first column to the left, the others to the right, two spaces between them.
pub(crate) fn aligned(header: &[String], rows: &[Vec<String>]) -> String {
    let lines = || std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    let width = |i: usize| lines().filter_map(|line| line.get(i)).map(|cell| cell.width()).max();
    let widths: Vec<usize> = (0..header.len()).map(|i| width(i).unwrap_or(0)).collect();
    let text = lines().map(|line| {
        let cells = line.iter().zip(&widths).enumerate().map(|(i, (cell, width))| {
            let padding = " ".repeat(width - cell.width());
            if i == 0 { format!("{cell}{padding}") } else { format!("{padding}{cell}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    });
    text.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_symbols() {
        let row = |cells: [&str; 2]| cells.map(String::from).to_vec();
        let text = aligned(&row(["β", "x"]), &[row(["p*‖q", "10.5"]), row(["", "–"])]);
        assert_eq!(text, "β        x\np*‖q  10.5\n         –");
    }
}
