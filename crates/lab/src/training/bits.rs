//! Numbers as text to the bit, whatever they are: 16 hexadecimal digits each. For `#[serde(with = "bits")]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt::Write;

pub(crate) fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = String::with_capacity(16 * values.len());
    for value in values {
        let _ = write!(text, "{:016x}", value.to_bits());
    }
    serializer.serialize_str(&text)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let malformed = || D::Error::custom("expected 16 hexadecimal digits a number");
    if !text.len().is_multiple_of(16) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(malformed());
    }
    let value = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).map_err(|_| malformed())?;
        u64::from_str_radix(digits, 16).map(f64::from_bits).map_err(|_| malformed())
    };
    text.as_bytes().chunks(16).map(value).collect()
}

/// The same for one number.
pub(crate) mod one {
    use super::{Deserializer, Error, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize(&[*value], serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match super::deserialize(deserializer)?[..] {
            [value] => Ok(value),
            _ => Err(D::Error::custom("expected one number")),
        }
    }
}
