//! Bytes as visible characters, in which byte-level BPE writes its tokens: GPT-2's table.

/// A text with a character for each of its bytes.
pub(super) fn mapped(text: &str) -> String {
    text.bytes().map(character).collect()
}

/// Bytes that Latin-1 shows are their own characters; the others are those from U+0100 on, in their order.
fn character(byte: u8) -> char {
    let number = u32::from(byte);
    let hidden = match byte {
        0..=0x20 => number,
        0x7f..=0xa0 => 0x21 + number - 0x7f,
        0xad => 0x43,
        _ => return char::from(byte),
    };
    char::from_u32(0x100 + hidden).unwrap_or_else(|| unreachable!("letters of Latin Extended-A"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_space_and_a_new_line_are_the_well_known_letters() {
        assert_eq!(mapped(" a\n"), "Ġa\u{10a}");
        assert_eq!(mapped("é"), "Ã©");
        assert_eq!(mapped("\t\u{ad}"), "ĉÂ\u{143}");
    }

    #[test]
    fn every_byte_has_a_character_of_its_own() {
        let characters: BTreeSet<char> = (0..=255).map(character).collect();
        assert_eq!(characters.len(), 256);
        // 188 are shown as they are, and 68 follow U+00FF without a gap.
        let hidden: Vec<u32> = characters.iter().map(|c| u32::from(*c)).filter(|n| *n > 0xff).collect();
        assert_eq!(hidden, (0x100..0x144).collect::<Vec<_>>());
    }
}
