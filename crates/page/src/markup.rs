//! Markup, written so that no text from outside can be part of it.
//!
//! What is written without escaping is `&'static str`: text of this program. All else goes through [`escaped`], the one
//! place that knows what must not stand in HTML or XML. Every element is closed, void ones too, so that a page is both.

use crate::text::{FIRST_STRONG, POP};
use pstar_core::is_obeyed;
use std::fmt::{self, Display, Write};

/// Names and values of attributes.
pub(crate) type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

/// A piece of HTML or SVG.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markup(String);

impl Markup {
    /// Markup of this program's own.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// A text, whatever it holds.
    pub(crate) fn text(&mut self, text: impl Display) -> &mut Self {
        escape(&mut self.0, text);
        self
    }

    /// Begins an element.
    pub(crate) fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.start(tag, attributes).raw(">")
    }

    /// Ends an element.
    pub(crate) fn close(&mut self, tag: &'static str) -> &mut Self {
        self.raw("</").raw(tag).raw(">")
    }

    /// An element that holds nothing.
    pub(crate) fn empty(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.start(tag, attributes).raw("/>")
    }

    /// An element that holds a text.
    pub(crate) fn leaf(
        &mut self,
        tag: &'static str,
        attributes: Attributes<'_>,
        text: impl Display,
    ) -> &mut Self {
        self.open(tag, attributes).text(text).close(tag)
    }

    /// Another piece behind this.
    pub(crate) fn append(&mut self, other: &Self) -> &mut Self {
        self.0.push_str(&other.0);
        self
    }

    /// All of it.
    pub(crate) fn into_string(self) -> String {
        self.0
    }

    fn start(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.raw("<").raw(tag);
        for (name, value) in attributes {
            self.raw(" ").raw(name).raw("=\"").text(value).raw("\"");
        }
        self
    }
}

fn escape(to: &mut String, text: impl Display) {
    // Writing to a string does not fail.
    let _ = write!(Escaping(to), "{text}");
}

struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                // Isolates end with their block at the latest, and only `text::isolated` writes them: names have theirs
                // shown by number before.
                '\n' | '\t' | FIRST_STRONG | POP => self.0.push(c),
                // What a reader would obey or XML refuses is shown by its number.
                c if is_obeyed(c) || is_no_character(c) => self.0.extend(c.escape_unicode()),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

fn is_no_character(c: char) -> bool {
    matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let mut markup = Markup::default();
        markup.text(text);
        markup.into_string()
    }

    #[test]
    fn texts_are_texts() {
        assert_eq!(of("</script><b a=\"x\">&"), "&lt;/script&gt;&lt;b a=&quot;x&quot;&gt;&amp;");
        assert_eq!(of("a\u{0}\u{1b}\r\u{202e}\u{ffff}\n"), "a\\u{0}\\u{1b}\\u{d}\\u{202e}\\u{ffff}\n");
        assert_eq!(of("λ=2 שלום"), "λ=2 שלום");
    }

    #[test]
    fn every_character_is_well_formed_in_text_and_in_attributes() {
        let all: String = ('\0'..=char::MAX).collect();
        let mut markup = Markup::default();
        markup.leaf("a", &[("b", &all)], &all);
        assert!(roxmltree::Document::parse(&markup.into_string()).is_ok());
    }

    #[test]
    fn elements_nest() {
        let mut markup = Markup::default();
        markup.open("p", &[("class", &"a"), ("data-o", &3)]).empty("br", &[]).leaf("b", &[], 1.5).close("p");
        assert_eq!(markup.into_string(), "<p class=\"a\" data-o=\"3\"><br/><b>1.5</b></p>");
    }
}
