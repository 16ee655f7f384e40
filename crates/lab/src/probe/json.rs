//! JSON from outside.

use super::ProbeError;
use pstar_core::corpus::without_place;
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::io::{self, Cursor, Read};

/// The bytes of a byte-order mark in UTF-8.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Longest message of the reader that is told whole, in characters: it may quote a whole text.
const LONGEST_WORDS: usize = 300;

/// A number as the answers write it: infinities are the texts `inf` and `-inf`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrInfinity;

        impl Visitor<'_> for NumberOrInfinity {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"inf\" or \"-inf\"")
            }

            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                match text {
                    "inf" => Ok(Number(f64::INFINITY)),
                    "-inf" => Ok(Number(f64::NEG_INFINITY)),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }

        deserializer.deserialize_any(NumberOrInfinity)
    }
}

/// Reads one value, the whole of `input`, a byte-order mark apart. Stops reading at the first fault.
pub(super) fn read_whole<T: DeserializeOwned>(mut input: impl Read) -> Result<T, ProbeError> {
    let mut first = Vec::new();
    input.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut first).map_err(ProbeError::Input)?;
    let first = first.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec).unwrap_or(first);
    let input = io::BufReader::new(Cursor::new(first).chain(input));
    serde_json::from_reader(input).map_err(|error| malformed(&error, error.line()))
}

/// The fault of a value that starts in `line`.
pub(super) fn malformed(error: &serde_json::Error, line: usize) -> ProbeError {
    ProbeError::Malformed { line, message: format!("{}, at column {}", words(error), error.column()) }
}

/// The words of a JSON error; the middle of long ones is left out.
fn words(error: &serde_json::Error) -> String {
    let words: Vec<char> = without_place(error).chars().collect();
    if words.len() <= LONGEST_WORDS {
        return words.into_iter().collect();
    }
    let (head, tail) = (&words[..LONGEST_WORDS / 2], &words[words.len() - LONGEST_WORDS / 2..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<f64>, String> {
        let numbers: Result<Vec<Number>, ProbeError> = read_whole(text.as_bytes());
        numbers.map(|numbers| numbers.into_iter().map(|n| n.0).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_program_writes_it_can_read() {
        let numbers = [0.0, -1.5, 1e-300, 3.0, f64::INFINITY, f64::NEG_INFINITY];
        let written: Vec<_> = numbers.iter().map(|&x| crate::evaluation::number(Some(x))).collect();
        assert_eq!(read(&serde_json::to_string(&written).unwrap()).unwrap(), numbers);
        assert_eq!(read("\u{feff}[3, -4]").unwrap(), [3.0, -4.0]);
    }

    #[test]
    fn other_texts_are_no_numbers() {
        let fault = read("[\n \"x\"]").unwrap_err();
        assert_eq!(
            fault,
            "line 2: invalid value: string \"x\", expected a number, \"inf\" or \"-inf\", at column 4"
        );
        let fault = read(&format!("[\"{}\"]", "x".repeat(1_000_000))).unwrap_err();
        assert!(fault.len() < 400 && fault.contains("expected a number"), "{fault}");
    }
}
