//! A value of a configuration, as Python has it.

use pstar_core::config::{options, value_text};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A value of RON's that Python has too: names (`Centred`) are none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Whole(i64),
    Large(u64),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    /// A struct, or a map whose keys are texts.
    Named(Vec<(String, Value)>),
}

impl Value {
    /// As an object of Python's: lists for lists and tuples, dicts for structs and maps.
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::None => Ok(py.None().into_bound(py)),
            Self::Bool(value) => value.into_bound_py_any(py),
            Self::Whole(value) => value.into_bound_py_any(py),
            Self::Large(value) => value.into_bound_py_any(py),
            Self::Number(value) => value.into_bound_py_any(py),
            Self::Text(value) => value.into_bound_py_any(py),
            Self::List(values) => {
                let values: PyResult<Vec<_>> = values.iter().map(|value| value.object(py)).collect();
                PyList::new(py, values?)?.into_bound_py_any(py)
            }
            Self::Named(values) => named(py, values)?.into_bound_py_any(py),
        }
    }
}

/// A dict of these.
pub(crate) fn named<'py>(py: Python<'py>, values: &[(String, Value)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in values {
        dict.set_item(name, value.object(py)?)?;
    }
    Ok(dict)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = value_text(deserializer)?;
        of_text(text).map_err(D::Error::custom)
    }
}

fn of_text(text: &str) -> Result<Value, String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let word = text.split(|c: char| !is_word(c)).next().unwrap_or_default();
    let begins_text = text[word.len()..].starts_with(['"', '#']);
    let is_name = word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !begins_text;
    if is_name && !["true", "false", "None", "Some", "inf", "NaN"].contains(&word) {
        return Err(format!(
            "`{word}` is a name, which Python does not have; write a value, such as the text `\"{word}\"`"
        ));
    }
    options().from_str::<Any>(text).map(|Any(value)| value).map_err(|error| error.code.to_string())
}

struct Any(Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor).map(Self)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a truth value, a number, a text, a list, a struct or a map of texts")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Large(value), Value::Whole))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if values.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom(format!("`{name}` is given twice")));
            }
            values.push((name, map.next_value()?));
        }
        Ok(Value::Named(values))
    }
}
