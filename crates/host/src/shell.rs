//! What is said for people to type.

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one_word() {
        assert_eq!(quoted("a-b_c.d/e=f,g:h@i%j+k"), "a-b_c.d/e=f,g:h@i%j+k");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's $(x)"), "'it'\\''s $(x)'");
    }
}
