//! Aligned columns.

use unicode_width::UnicodeWidthStr;

/// Rows under a header: the first column to the left, the others to the right, two spaces between them.
///
/// Where that is wider than `room`, columns from the third on are left out, the middle ones first, and `…` stands
/// for them.
pub(crate) fn aligned(header: &[String], rows: &[Vec<String>], room: Option<usize>) -> String {
    let mut shown: Vec<usize> = (0..header.len()).collect();
    let lines = || std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    let width = |i: usize| lines().filter_map(|line| line.get(i)).map(|cell| cell.width()).max().unwrap_or(0);
    // Two spaces behind every column but the last, and `…` with its two where columns are missing.
    let total = |shown: &[usize]| {
        let gap = if shown.len() < header.len() { 3 } else { 0 };
        shown.iter().map(|&i| width(i) + 2).sum::<usize>() - 2 + gap
    };
    while shown.len() > 3 && room.is_some_and(|room| total(&shown) > room) {
        shown.remove(shown.len() / 2 + 1);
    }
    if shown.len() == header.len() {
        return join(header, rows);
    }
    let keep = |line: &[String], gap: &str| -> Vec<String> {
        let cell = |(at, &i): (usize, &usize)| {
            let jumped = at > 0 && shown[at - 1] + 1 != i;
            let cell = line.get(i).cloned().unwrap_or_default();
            if jumped { vec![gap.to_string(), cell] } else { vec![cell] }
        };
        shown.iter().enumerate().flat_map(cell).collect()
    };
    let rows: Vec<Vec<String>> = rows.iter().map(|row| keep(row, "")).collect();
    join(&keep(header, "…"), &rows)
}

fn join(header: &[String], rows: &[Vec<String>]) -> String {
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
        let text = aligned(&row(["β", "x"]), &[row(["p*‖q", "10.5"]), row(["", "–"])], None);
        assert_eq!(text, "β        x\np*‖q  10.5\n         –");
    }

    #[test]
    fn a_narrow_table_leaves_out_columns_of_the_middle() {
        let row = |cells: [&str; 6]| cells.map(String::from).to_vec();
        let header = row(["name", "aaaa", "bbbb", "cccc", "dddd", "eeee"]);
        let rows = [row(["x", "1", "2", "3", "4", "5"])];
        assert_eq!(aligned(&header, &rows, Some(100)), aligned(&header, &rows, None));
        let narrow = aligned(&header, &rows, Some(25));
        assert_eq!(narrow, "name  aaaa  bbbb  …  eeee\nx        1     2        5");
        assert_eq!(narrow.lines().map(UnicodeWidthStr::width).max(), Some(25));
        assert!(aligned(&header, &rows, Some(24)).lines().all(|line| line.width() <= 24));
    }
}
