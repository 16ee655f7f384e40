//! The part of a file that a message shows.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use pstar_core::config::line_and_column;
use pstar_core::is_obeyed;
use std::ops::Range;

/// Longest line that is shown whole, in characters; of longer ones a window of this width.
const WIDTH: usize = 160;
/// Characters of a longer line that are shown before the place.
const LEAD: usize = 40;
/// Most lines that a place is underlined in.
const LINES: usize = 4;

/// A place in a file with the lines around it: short, and with nothing in it that a terminal would obey.
#[derive(Debug)]
pub(crate) struct Excerpt {
    name: String,
    text: String,
    /// The place in `text`, in bytes.
    place: Range<usize>,
    /// The number of the first line of `text`, from 0.
    first_line: usize,
    /// The column of the place in the file, from 0, in characters.
    column: usize,
}

impl Excerpt {
    /// The excerpt of `source`, the text of the file `name`, around `place`, in bytes.
    pub(crate) fn new(name: String, source: &str, place: Range<usize>) -> Self {
        let (line, column) = line_and_column(source, place.start);
        let line_start = |at: usize| source[..at].rfind('\n').map_or(0, |end| end + 1);
        let line_end = |at: usize| source[at..].find('\n').map_or(source.len(), |end| at + end);
        let start = line_start(place.start);
        // A place of many lines is underlined in the first.
        let is_long = source[place.clone()].matches('\n').count() >= LINES;
        let place_end = if is_long { line_end(place.start) } else { place.end };
        let end = line_end(place_end.max(place.start));
        let before = (start > 0).then(|| line_start(start - 1)..start - 1);
        let behind = (end < source.len()).then(|| end + 1..line_end(end + 1));

        let mut cut = Cut { text: String::new(), source, place: place.start..place_end, moved: 0..0 };
        if let Some(before) = &before {
            cut.line(before.clone(), 0);
        }
        let mut at = start;
        loop {
            let here = at..line_end(at);
            let skipped = if at == start { column.saturating_sub(1 + LEAD) } else { 0 };
            cut.line(here.clone(), skipped);
            if here.end >= end {
                break;
            }
            at = here.end + 1;
        }
        if let Some(behind) = behind.filter(|behind| !behind.is_empty() || behind.end < source.len()) {
            cut.line(behind, 0);
        }
        let Cut { text, moved, .. } = cut;
        let first_line = line - 1 - usize::from(before.is_some());
        Self { name, text, place: moved, first_line, column: column - 1 }
    }

    /// The place in the excerpt.
    pub(crate) fn place(&self) -> Range<usize> {
        self.place.clone()
    }
}

/// What was taken of a source so far.
struct Cut<'a> {
    text: String,
    source: &'a str,
    /// The place in the source, and in `text`.
    place: Range<usize>,
    moved: Range<usize>,
}

impl Cut<'_> {
    /// Takes a line, or if it is long a window of it behind `skipped` characters.
    fn line(&mut self, line: Range<usize>, skipped: usize) {
        let text = &self.source[line.clone()];
        let is_long = text.char_indices().nth(WIDTH).is_some();
        let skipped = if is_long { skipped } else { 0 };
        if skipped > 0 {
            self.text.push('…');
        }
        for (taken, (at, c)) in text.char_indices().skip(skipped).enumerate() {
            let at = line.start + at;
            if at == self.place.start {
                self.moved = self.text.len()..self.text.len();
            }
            if is_long && taken == WIDTH {
                self.text.push('…');
                break;
            }
            match c {
                '\r' if at + 1 == line.end => {}
                '\t' => self.text.push(c),
                c if is_obeyed(c) => self.text.extend(c.escape_default()),
                c => self.text.push(c),
            }
            if self.place.contains(&at) {
                self.moved.end = self.text.len();
            }
        }
        self.text.push('\n');
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        behind: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.as_str().read_span(span, before, behind)?;
        // Without lines around it the place alone is asked for.
        let column = if before == 0 { self.column } else { inner.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            inner.data(),
            *inner.span(),
            self.first_line + inner.line(),
            column,
            inner.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn underlined(source: &str, place: Range<usize>) -> (String, String) {
        let excerpt = Excerpt::new("file".into(), source, place);
        (excerpt.text[excerpt.place()].to_string(), excerpt.text)
    }

    #[test]
    fn a_short_place_stands_between_its_neighbours() {
        let (place, text) = underlined("one\ntwo\nthree x\nfour\n", 14..15);
        assert_eq!((place.as_str(), text.as_str()), ("x", "two\nthree x\nfour\n"));
        assert_eq!(underlined("x", 0..1), ("x".into(), "x\n".into()));
        let excerpt = Excerpt::new("file".into(), "one\ntwo\nthree x\nfour\n", 14..15);
        assert_eq!((excerpt.first_line, excerpt.column), (1, 6));
    }

    #[test]
    fn long_lines_and_long_places_are_cut() {
        let source = format!("{0}\n{0}X{0}\n{0}", "a".repeat(1_000_000));
        let (place, text) = underlined(&source, 2_000_001..2_000_002);
        assert_eq!(place, "X");
        assert!(text.len() < 600, "{}", text.len());
        let (place, text) = underlined(&source, 1_000_001..3_000_002);
        assert!(place.starts_with('a') && text.len() < 600);
        let (place, text) = underlined(&"line\n".repeat(100_000), 0..400_000);
        assert_eq!((place.as_str(), text.as_str()), ("line", "line\nline\n"));
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let (place, text) = underlined("a\u{1b}[2Jb \"\u{7}\"\r\nnext", 7..10);
        assert_eq!(place, r#""\u{7}""#);
        assert!(text.starts_with(r#"a\u{1b}[2Jb "\u{7}""#) && !text.contains(['\r', '\u{1b}']), "{text:?}");
    }
}
