//! What an object declares of itself.

use super::instance::Instance;
use pstar_core::objective::{
    Caution, Claim, Declaration, Divergence, PartitionNeed, PopulationForm, Source, When,
};
use pstar_core::{PluginError, config};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::de::DeserializeOwned;

/// The names of a declaration, as messages list them.
const NAMES: &str = "`base_log_probs`, `outcomes`, `partition`, `power`, `minimum_group`, `sources`, `population`, \
                     `equal_lengths`, `beyond_counts`, `claim`, `divergence`, `cautions`";

/// The declaration of an object: its attribute `declaration`, or what its method of that name answers.
///
/// # Errors
/// If it is no dict of names and values that a declaration has.
pub(crate) fn declaration(py: Python<'_>, instance: &Instance) -> Result<Declaration, PluginError> {
    let failed = |error: PyErr| instance.failure(py, "declaration", &error);
    let Some(found) = instance.object(py).getattr_opt("declaration").map_err(failed)? else {
        return Ok(Declaration::default());
    };
    let found = if found.is_callable() { found.call0().map_err(failed)? } else { found };
    let wrong = |message: String| {
        PluginError::config("import", format!("{}: {message}", instance.named("declaration")))
            .with_hint(format!("it is a dict with some of {NAMES}"))
    };
    let Ok(dict) = found.cast::<PyDict>() else {
        return Err(wrong(format!("expected a dict, found `{}`", type_of(&found))));
    };
    let mut declaration = Declaration::default();
    for (name, value) in dict {
        let name: String = name.extract().map_err(|_| wrong("expected names that are texts".into()))?;
        declaration =
            with(declaration, &name, &value).map_err(|message| wrong(format!("`{name}`: {message}")))?;
    }
    Ok(declaration)
}

/// The name of an object's type.
pub(crate) fn type_of(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "something".into(), |name| name.to_string())
}

fn with(declared: Declaration, name: &str, value: &Bound<'_, PyAny>) -> Result<Declaration, String> {
    Ok(match name {
        "base_log_probs" if truth(value)? => declared.base_log_probs(),
        "outcomes" if truth(value)? => declared.outcomes(),
        "base_log_probs" | "outcomes" => declared,
        "partition" => declared.partition(written::<PartitionNeed>(value)?),
        "power" => declared.power(number::<f64>(value, "a number")?),
        "minimum_group" => declared.minimum_group(number(value, "a whole number")?),
        "sources" => {
            let sources: Result<Vec<Source>, String> = listed(value)?.iter().map(written).collect();
            declared.sources(&sources?)
        }
        "population" => declared.population(written::<PopulationForm>(value)?),
        "equal_lengths" => declared.equal_lengths(written::<PopulationForm>(value)?),
        "beyond_counts" => {
            let parts: Result<Vec<String>, String> = listed(value)?.iter().map(text).collect();
            declared.beyond_counts(parts?)
        }
        "claim" => declared.claim(written::<Claim>(value)?),
        "divergence" => declared.divergence(written::<Divergence>(value)?),
        "cautions" => {
            let mut declared = declared;
            for caution in listed(value)? {
                let (when, message): (Bound<'_, PyAny>, String) = caution
                    .extract()
                    .map_err(|_| format!("expected pairs of when and what, found `{}`", type_of(&caution)))?;
                let Caution { when, message } = Caution { when: written::<When>(&when)?, message };
                declared = declared.caution(when, message);
            }
            declared
        }
        _ => return Err("no declaration has that name".into()),
    })
}

fn truth(value: &Bound<'_, PyAny>) -> Result<bool, String> {
    value.extract().map_err(|_| format!("expected `True` or `False`, found `{}`", type_of(value)))
}

fn number<'py, T: for<'a> FromPyObject<'a, 'py>>(value: &Bound<'py, PyAny>, what: &str) -> Result<T, String> {
    value.extract().map_err(|_| format!("expected {what}, found `{}`", type_of(value)))
}

fn text(value: &Bound<'_, PyAny>) -> Result<String, String> {
    value.extract().map_err(|_| format!("expected a text, found `{}`", type_of(value)))
}

fn listed<'py>(value: &Bound<'py, PyAny>) -> Result<Vec<Bound<'py, PyAny>>, String> {
    value.extract().map_err(|_| format!("expected a list, found `{}`", type_of(value)))
}

/// A choice, in the words of experiments: `"BinaryGroup(group: 4)"`.
fn written<T: DeserializeOwned>(value: &Bound<'_, PyAny>) -> Result<T, String> {
    let text = text(value)?;
    config::parse(&text).map_err(|error| {
        let hint = error.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{}, found `{text}`{hint}", error.message)
    })
}
