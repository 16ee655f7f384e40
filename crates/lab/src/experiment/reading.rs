//! Reading a file in parts, each of which knows its place.
//!
//! A reader hands a part nothing but the part's own text, and lets nothing but words of its faults through. So the file
//! that is being read, and the first fault of a part, are kept beside the reader while it works.

use pstar_core::config::{self, Fault};
use ron::value::RawValue;
use serde::de::{DeserializeOwned, Error};
use serde::{Serialize, Serializer, ser};
use std::cell::RefCell;
use std::ops::Range;

/// The file that this thread is reading.
struct Reading {
    /// Address of its first byte; only ever subtracted from the addresses of its parts.
    address: usize,
    length: usize,
    /// The first fault of a part, placed in the file.
    fault: Option<Fault>,
}

thread_local! {
    static READING: RefCell<Option<Reading>> = const { RefCell::new(None) };
}

/// Reads a whole file.
///
/// # Errors
/// The first fault.
pub(super) fn whole<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    let reading = Reading { address: text.as_ptr() as usize, length: text.len(), fault: None };
    READING.set(Some(reading));
    let read = config::read(text);
    let of_part = READING.take().and_then(|reading| reading.fault);
    read.map_err(|fault| of_part.unwrap_or(fault))
}

/// Reads a part of the file.
pub(super) fn part<T: DeserializeOwned, E: Error>(raw: &str) -> Result<T, E> {
    config::read(raw).map_err(|fault| {
        let start = place_of(raw).start;
        READING.with_borrow_mut(|reading| {
            if let Some(reading) = reading {
                // A part of a part has told its fault already.
                reading.fault.get_or_insert_with(|| Fault {
                    place: start + fault.place.start..start + fault.place.end,
                    ..fault.clone()
                });
            }
        });
        E::custom(fault.message)
    })
}

/// Writes a part as its text, to the byte.
pub(super) fn write<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_ron(text).map_err(ser::Error::custom)?.serialize(serializer)
}

/// Where a part stands in the file, in bytes; empty if it is no part of it.
pub(super) fn place_of(raw: &str) -> Range<usize> {
    READING.with_borrow(|reading| {
        let place = reading.as_ref().and_then(|reading| {
            let start = (raw.as_ptr() as usize).checked_sub(reading.address)?;
            (start + raw.len() <= reading.length).then(|| start..start + raw.len())
        });
        place.unwrap_or(0..0)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Located;
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Outer {
        inner: Located<Inner>,
        last: Located<u8>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        number: Located<u8>,
    }

    #[test]
    fn places_outlive_the_text_that_was_read() {
        let text = "(inner: (number: 7), last: 8)".to_string();
        let outer: Outer = whole(&text).unwrap();
        let copy = text.clone();
        drop(text);
        assert_eq!(&copy[outer.inner.place(&copy)], "(number: 7)");
        assert_eq!(&copy[outer.inner.number.place(&copy)], "7");
        assert_eq!(&copy[outer.last.place(&copy)], "8");
        assert_eq!(outer.last.place("short"), 0..0);
    }

    #[test]
    fn the_innermost_fault_is_told_at_its_place() {
        let text = "(inner: (number: 300), last: -8)";
        let fault = whole::<Outer>(text).unwrap_err();
        assert_eq!(fault.message, "expected a whole number of at most 255, found `300`");
        assert_eq!(&text[fault.place], "300");
        // A fault is of its own file only.
        assert_eq!(whole::<Outer>("(inner: 3)").unwrap_err().place, 8..9);
    }
}
