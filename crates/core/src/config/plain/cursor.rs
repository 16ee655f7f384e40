//! A place in a text, and what stands there.

use super::not_plain::NotPlain;
use std::borrow::Cow;

/// How deep brackets may stand in each other: the library counts up to five steps for each of at most 128.
const DEEPEST: usize = 24;

/// A place in a text.
pub(super) struct Cursor<'de> {
    text: &'de str,
    at: usize,
    depth: usize,
}

impl<'de> Cursor<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.byte(self.at)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The text from `start` to here.
    fn since(&self, start: usize) -> &'de str {
        &self.text[start..self.at]
    }

    /// Whether `byte` stands here; if so the cursor is behind it.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), NotPlain> {
        self.take(byte).then_some(()).ok_or(NotPlain)
    }

    fn take_while(&mut self, fits: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
    }

    /// Skips white space and comments.
    pub(super) fn skip_space(&mut self) -> Result<(), NotPlain> {
        loop {
            self.take_while(is_space);
            if !self.take(b'/') {
                return Ok(());
            }
            if self.take(b'/') {
                self.take_while(|byte| byte != b'\n');
                self.expect(b'\n')?;
            } else {
                self.expect(b'*')?;
                self.skip_block_comment()?;
            }
        }
    }

    /// Skips the rest of a comment that may hold others.
    fn skip_block_comment(&mut self) -> Result<(), NotPlain> {
        let mut level = 1;
        while level > 0 {
            self.take_while(|byte| byte != b'/' && byte != b'*');
            match (self.peek().ok_or(NotPlain)?, self.byte(self.at + 1)) {
                (b'/', Some(b'*')) => level += 1,
                (b'*', Some(b'/')) => level -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
        }
        Ok(())
    }

    /// A name.
    pub(super) fn word(&mut self) -> Result<&'de str, NotPlain> {
        let start = self.at;
        if self.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_') {
            self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if self.peek().is_none_or(|byte| ends_token(byte) || byte == b'(') {
                return Ok(self.since(start));
            }
        }
        self.at = start;
        Err(NotPlain)
    }

    /// The name that stands here, if one does.
    pub(super) fn peek_word(&mut self) -> Option<&'de str> {
        let start = self.at;
        let word = self.word().ok();
        self.at = start;
        word
    }

    /// A decimal number without a type, whole or not.
    pub(super) fn number(&mut self) -> Result<&'de str, NotPlain> {
        let start = self.at;
        let _ = self.take(b'+') || self.take(b'-');
        self.digits()?;
        if self.take(b'.') {
            self.take_while(|byte| byte.is_ascii_digit());
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        if self.peek().is_none_or(ends_token) { Ok(self.since(start)) } else { Err(NotPlain) }
    }

    fn digits(&mut self) -> Result<(), NotPlain> {
        let start = self.at;
        self.take_while(|byte| byte.is_ascii_digit());
        if self.at > start { Ok(()) } else { Err(NotPlain) }
    }

    /// A quoted text.
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, NotPlain> {
        if self.take(b'r') {
            return self.raw_string().map(Cow::Borrowed);
        }
        self.expect(b'"')?;
        let start = self.at;
        let mut unescaped = String::new();
        let mut copied = start;
        loop {
            self.take_while(|byte| byte != b'"' && byte != b'\\');
            if self.take(b'\\') {
                unescaped.push_str(&self.text[copied..self.at - 1]);
                unescaped.push(self.escaped()?);
                copied = self.at;
                continue;
            }
            let rest = self.since(copied);
            self.expect(b'"')?;
            return Ok(if copied == start { rest.into() } else { (unescaped + rest).into() });
        }
    }

    /// The character that stands for what follows a backslash.
    fn escaped(&mut self) -> Result<char, NotPlain> {
        let byte = self.peek().ok_or(NotPlain)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'\'' => byte.into(),
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'0' => '\0',
            b'u' => {
                self.expect(b'{')?;
                let start = self.at;
                self.take_while(|byte| byte.is_ascii_hexdigit());
                let code = u32::from_str_radix(self.since(start), 16).map_err(|_| NotPlain)?;
                if self.at - start > 6 {
                    return Err(NotPlain);
                }
                self.expect(b'}')?;
                char::from_u32(code).ok_or(NotPlain)?
            }
            _ => return Err(NotPlain),
        })
    }

    /// The rest of a text without escapes, behind its `r`.
    fn raw_string(&mut self) -> Result<&'de str, NotPlain> {
        let start = self.at;
        self.take_while(|byte| byte == b'#');
        let hashes = self.since(start);
        self.expect(b'"')?;
        let rest = &self.text[self.at..];
        let end = if hashes.is_empty() { rest.find('"') } else { rest.find(&format!("\"{hashes}")) };
        let end = end.ok_or(NotPlain)?;
        self.at += end + 1 + hashes.len();
        Ok(&rest[..end])
    }

    /// Whether a quoted text stands here.
    fn is_at_string(&self) -> bool {
        match self.peek() {
            Some(b'"') => true,
            Some(b'r') => matches!(self.byte(self.at + 1), Some(b'"' | b'#')),
            _ => false,
        }
    }

    /// What stands in a pair of brackets, of which `open` is here.
    pub(super) fn enclosed<T>(
        &mut self,
        [open, close]: [u8; 2],
        inner: impl FnOnce(&mut Self) -> Result<T, NotPlain>,
    ) -> Result<T, NotPlain> {
        self.expect(open)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(NotPlain);
        }
        self.skip_space()?;
        let found = inner(self)?;
        self.skip_space()?;
        self.expect(close)?;
        self.depth -= 1;
        Ok(found)
    }

    /// Whether another item of a list follows, whose end `close` marks; `first` where there was none before.
    pub(super) fn has_item(&mut self, close: u8, first: bool) -> Result<bool, NotPlain> {
        self.skip_space()?;
        let comma = !first && self.take(b',');
        if comma {
            self.skip_space()?;
        }
        match self.peek() {
            Some(byte) if byte == close => Ok(false),
            Some(_) if first || comma => Ok(true),
            _ => Err(NotPlain),
        }
    }

    /// What stands alone in brackets, with or without a comma behind it.
    pub(super) fn only<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, NotPlain>,
    ) -> Result<T, NotPlain> {
        self.enclosed(*b"()", |cursor| {
            let found = inner(cursor)?;
            cursor.skip_space()?;
            cursor.take(b',');
            Ok(found)
        })
    }

    /// The colon between a key and its value.
    pub(super) fn colon(&mut self) -> Result<(), NotPlain> {
        self.skip_space()?;
        self.expect(b':')?;
        self.skip_space()
    }

    /// The text of the next value.
    pub(super) fn value_text(&mut self) -> Result<&'de str, NotPlain> {
        let start = self.at;
        self.skip_value()?;
        Ok(self.since(start))
    }

    /// Skips a value of any kind.
    pub(super) fn skip_value(&mut self) -> Result<(), NotPlain> {
        match self.peek().ok_or(NotPlain)? {
            b'(' => self.skip_struct(),
            b'[' => self.skip_items(*b"[]", Self::skip_value),
            b'{' => self.skip_items(*b"{}", |cursor| {
                cursor.skip_value()?;
                cursor.colon()?;
                cursor.skip_value()
            }),
            b'0'..=b'9' | b'+' | b'-' => self.number().map(drop),
            _ if self.is_at_string() => self.string().map(drop),
            _ => self.skip_choice(),
        }
    }

    fn skip_items(
        &mut self,
        brackets: [u8; 2],
        item: impl Fn(&mut Self) -> Result<(), NotPlain>,
    ) -> Result<(), NotPlain> {
        self.enclosed(brackets, |cursor| {
            let mut first = true;
            while cursor.has_item(brackets[1], first)? {
                item(cursor)?;
                first = false;
            }
            Ok(())
        })
    }

    /// Skips fields or values in round brackets.
    fn skip_struct(&mut self) -> Result<(), NotPlain> {
        let start = self.at;
        self.at += 1;
        self.skip_space()?;
        let named = self.word().is_ok() && self.colon().is_ok();
        self.at = start;
        self.skip_items(*b"()", |cursor| {
            if named {
                cursor.word()?;
                cursor.colon()?;
            }
            cursor.skip_value()
        })
    }

    /// Skips a name and what stands in brackets behind it.
    fn skip_choice(&mut self) -> Result<(), NotPlain> {
        let word = self.word()?;
        let end = self.at;
        self.skip_space()?;
        let has_brackets = self.peek() == Some(b'(');
        match word {
            "Some" if has_brackets => return self.only(Self::skip_value),
            "true" | "false" | "None" if !has_brackets => {}
            // What the library takes for numbers and for choices that are none.
            "Some" | "true" | "false" | "None" => return Err(NotPlain),
            _ if word.starts_with("inf") || word.starts_with("NaN") => return Err(NotPlain),
            _ if has_brackets => return self.skip_struct(),
            _ => {}
        }
        self.at = end;
        Ok(())
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a name or a number is over where this stands.
fn ends_token(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b',' | b':' | b')' | b']' | b'}' | b'/')
}
