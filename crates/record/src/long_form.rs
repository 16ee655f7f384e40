//! Tables in long form, a figure a row, read as they come: rows that cannot be used are counted and left out.

use std::fmt::Display;
use std::io::{self, Read, Seek, SeekFrom, Take};

/// How much is looked at in one go where the last line's end is looked for.
const PIECE: u64 = 1 << 16;

/// A table whose columns are known by name.
pub(crate) struct LongForm<R> {
    reader: csv::Reader<Take<R>>,
    /// Where the columns that were asked for are.
    places: Vec<Option<usize>>,
    width: usize,
    row: csv::ByteRecord,
    faults: Faults,
}

/// The first thing that is wrong, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    first: Option<String>,
    more: usize,
}

impl Faults {
    pub(crate) fn add(&mut self, problem: impl Display) {
        match self.first {
            None => self.first = Some(problem.to_string()),
            Some(_) => self.more += 1,
        }
    }

    /// Nothing where nothing is wrong.
    pub(crate) fn into_result(self) -> Result<(), String> {
        match (self.first, self.more) {
            (None, _) => Ok(()),
            (Some(first), 0) => Err(first),
            (Some(first), more) => Err(format!("{first}; and {more} more rows cannot be used")),
        }
    }
}

impl<R: Read + Seek> LongForm<R> {
    /// A table with these columns, of which the last `optional` may be missing; others are passed over.
    pub(crate) fn begin(from: R, columns: &[&str], optional: usize) -> Result<Self, String> {
        let mut faults = Faults::default();
        let (from, is_whole) = whole_lines(from).map_err(|error| error.to_string())?;
        if !is_whole {
            faults.add("its last line is cut short");
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(from);
        let mut row = csv::ByteRecord::new();
        if !reader.read_byte_record(&mut row).map_err(|error| error.to_string())? {
            return Err("it is empty".into());
        }
        let header: Vec<&[u8]> = row
            .iter()
            .enumerate()
            .map(|(i, name)| if i == 0 { name.strip_prefix(b"\xef\xbb\xbf").unwrap_or(name) } else { name })
            .collect();
        let find = |name: &str| header.iter().position(|found| *found == name.as_bytes());
        let places: Vec<Option<usize>> = columns.iter().map(|name| find(name)).collect();
        let needed = columns.iter().zip(&places).take(columns.len() - optional);
        if let Some((name, _)) = needed.into_iter().find(|(_, place)| place.is_none()) {
            return Err(format!("it has no column `{name}`"));
        }
        let width = row.len();
        Ok(Self { reader, places, width, row, faults })
    }

    /// Goes on to the next row that has all its cells.
    pub(crate) fn next(&mut self) -> bool {
        loop {
            match self.reader.read_byte_record(&mut self.row) {
                Ok(false) => return false,
                Ok(true) if self.row.len() == self.width => return true,
                Ok(true) => {
                    let (found, expected) = (self.row.len(), self.width);
                    self.fault(format_args!("expected {expected} cells, found {found}"));
                }
                Err(error) => {
                    self.faults.add(error);
                    return false;
                }
            }
        }
    }

    /// A cell of the row; empty where there is no such column.
    pub(crate) fn cell(&self, column: usize) -> &[u8] {
        self.places[column].map_or(&[][..], |place| &self.row[place])
    }

    /// A cell as text.
    pub(crate) fn text(&self, column: usize) -> String {
        String::from_utf8_lossy(self.cell(column)).into_owned()
    }

    /// Whether there is such a column.
    pub(crate) fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }

    /// Notes that the row cannot be used.
    pub(crate) fn fault(&mut self, problem: impl Display) {
        let line = self.row.position().map_or(0, csv::Position::line);
        self.faults.add(format_args!("line {line}: {problem}"));
    }

    pub(crate) fn end(self) -> Result<(), String> {
        self.faults.into_result()
    }
}

/// What there is up to the end of the last whole line, and whether that is all.
fn whole_lines<R: Read + Seek>(mut from: R) -> io::Result<(Take<R>, bool)> {
    let length = from.seek(SeekFrom::End(0))?;
    let (mut end, mut piece) = (length, Vec::new());
    let whole = loop {
        let start = end.saturating_sub(PIECE);
        from.seek(SeekFrom::Start(start))?;
        piece.clear();
        from.by_ref().take(end - start).read_to_end(&mut piece)?;
        // A lone carriage return ends lines, too.
        if let Some(last) = piece.iter().rposition(|&byte| byte == b'\n' || byte == b'\r') {
            break start + last as u64 + 1;
        }
        if start == 0 {
            break 0;
        }
        end = start;
    };
    from.seek(SeekFrom::Start(0))?;
    Ok((from.take(whole), whole == length))
}

/// A number as it stands in a cell.
pub(crate) fn number(cell: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(cell).ok()?.parse().ok()?;
    Some(value).filter(|value| !value.is_nan())
}

/// A whole number as it stands in a cell.
pub(crate) fn whole<T: std::str::FromStr>(cell: &[u8]) -> Option<T> {
    std::str::from_utf8(cell).ok()?.parse().ok()
}
