//! Names from outside as people read them.

use crate::markup::Markup;
use pstar_core::escaped;
use std::borrow::Cow;

/// Characters of a name where there is room.
pub(crate) const LONG: usize = 48;

/// Characters of a name beside a mark.
pub(crate) const SHORT: usize = 26;

/// Characters of a text that is shown in full on demand: more is no name that people read.
const MOST: usize = 20_000;

/// A text on one line of at most `most` characters, the last of which is `…` where something was left out.
pub(crate) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    let is_plain = |text: &str| !text.chars().any(pstar_core::is_obeyed);
    match text.char_indices().nth(most) {
        None if is_plain(text) => Cow::Borrowed(text),
        None => {
            // Escapes are longer than what they stand for.
            let escaped = escaped(text);
            if escaped.chars().nth(most).is_some() { beginning(&escaped, most) } else { escaped }.into()
        }
        Some((end, _)) => beginning(&escaped(&text[..end]), most).into(),
    }
}

fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A name, set apart from the direction of the writing around it.
pub(crate) fn name(to: &mut Markup, name: &str, most: usize) {
    to.leaf("bdi", &[], cut(name, most));
}

/// A name whose full text can be had: as `title` where it is cut.
pub(crate) fn full_name(to: &mut Markup, name: &str, most: usize) {
    if name.chars().nth(most).is_some() {
        to.leaf("bdi", &[("title", &cut(name, MOST))], cut(name, most));
    } else {
        self::name(to, name, most);
    }
}

/// A name within a text that has no markup: isolated by the marks that Unicode has for it.
pub(crate) fn isolated(name: &str, most: usize) -> String {
    let name = cut(name, most);
    let is_left_to_right = name.chars().all(|c| u32::from(c) < 0x590);
    if is_left_to_right { name.into_owned() } else { format!("{FIRST_STRONG}{name}{POP}") }
}

/// Begins a text with the direction of its first strong character.
pub(crate) const FIRST_STRONG: char = '\u{2068}';

/// Ends it.
pub(crate) const POP: char = '\u{2069}';

/// A list in words.
pub(crate) fn listed(names: &[String]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// A number of things.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut(&"ä".repeat(10_000), 5), "ääää…");
        assert_eq!(cut("a\u{1b}b\n", 20), r"a\u{1b}b\n");
        assert!(cut(&"\u{1b}".repeat(100), 10).chars().count() <= 10);
        assert_eq!(cut("", 3), "");
    }

    #[test]
    fn the_direction_of_a_name_stays_within() {
        assert_eq!(isolated("abc λ", 9), "abc λ");
        assert_eq!(isolated("שלום", 9), "\u{2068}שלום\u{2069}");
    }
}
