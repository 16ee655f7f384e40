//! The fields of a JSON object, each read as what it must be.

use super::fault::Fault;
use pstar_core::shown;
use serde_json::{Map, Value};

/// Greatest size that a field may give, so that no product of three overflows.
const MOST: usize = 1 << 20;

const HINT: &str = "take the file that was published with the model";

/// An object of a JSON file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

/// Reads a text as JSON.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        Fault::new(format!("expected JSON, found a fault: {}", shown(&error.to_string())), HINT)
    })
}

impl<'a> Fields<'a> {
    /// The fields of a whole file.
    pub(super) fn of_file(value: &'a Value) -> Result<Self, Fault> {
        let wrong = || Fault::new(format!("expected an object, found `{}`", shown(&value.to_string())), HINT);
        value.as_object().map(Self).ok_or_else(wrong)
    }

    /// The fields of an object within a file.
    pub(super) fn of(value: &'a Value, what: &str) -> Result<Self, Fault> {
        value.as_object().map(Self).ok_or_else(|| wrong(what, "an object", value))
    }

    /// A field that is there and is not `null`.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether a field is there, `null` or not.
    pub(super) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// An object.
    pub(super) fn object(self, name: &str) -> Result<Option<Self>, Fault> {
        self.get(name).map(|value| Self::of(value, name)).transpose()
    }

    /// A whole number of at least 1.
    pub(super) fn size(self, name: &str) -> Result<Option<usize>, Fault> {
        let size =
            |value: &Value| usize::try_from(value.as_u64()?).ok().filter(|size| (1..=MOST).contains(size));
        self.read(name, &format!("a whole number in [1, {MOST}]"), size)
    }

    /// A number above 0.
    pub(super) fn positive(self, name: &str) -> Result<Option<f64>, Fault> {
        self.read(name, "a finite number above 0", |value| {
            value.as_f64().filter(|x| *x > 0.0 && x.is_finite())
        })
    }

    /// A truth value.
    pub(super) fn flag(self, name: &str) -> Result<Option<bool>, Fault> {
        self.read(name, "`true` or `false`", Value::as_bool)
    }

    /// A text.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.read(name, "a text", Value::as_str)
    }

    /// A list; empty where there is none.
    pub(super) fn list(self, name: &str) -> Result<&'a [Value], Fault> {
        Ok(self.read(name, "a list", Value::as_array)?.map(Vec::as_slice).unwrap_or_default())
    }

    /// All fields.
    pub(super) fn entries(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.iter()
    }

    /// The name of the first field that is an object.
    pub(super) fn first_object(self) -> Option<&'a str> {
        self.0.iter().find(|(_, value)| value.is_object()).map(|(name, _)| name.as_str())
    }

    fn read<T>(
        self,
        name: &str,
        expected: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        self.get(name).map(|value| read(value).ok_or_else(|| wrong(name, expected, value))).transpose()
    }
}

/// A field that is not what it must be.
pub(super) fn wrong(name: &str, expected: &str, found: &Value) -> Fault {
    Fault::new(format!("expected `{name}` as {expected}, found `{}`", shown(&found.to_string())), HINT)
}
