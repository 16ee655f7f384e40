//! What an object answers to a batch.

use super::declaration::type_of;
use numpy::{PyArray1, PyArrayMethods};
use pstar_core::PluginError;
use pstar_core::objective::{ObjectiveBatch, ObjectiveStep};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// Reads coefficients, or a pair of them and of named figures. `what` names the method in messages.
///
/// # Errors
/// If it is neither, or there is neither one coefficient a sequence nor one a token.
pub(crate) fn step(
    what: &str,
    answer: &Bound<'_, PyAny>,
    batch: &ObjectiveBatch<'_>,
) -> Result<ObjectiveStep, PluginError> {
    let (coefficients, figures) = match answer.cast::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => match (pair.get_item(0), pair.get_item(1)) {
            (Ok(coefficients), Ok(figures)) => (coefficients, Some(figures)),
            _ => (answer.clone(), None),
        },
        _ => (answer.clone(), None),
    };
    let c = numbers(what, &coefficients)?;
    let (rows, tokens) = (batch.len(), batch.log_probs().values().len());
    let mut step = if c.len() == rows {
        if rows == tokens && batch.log_probs().rows().any(|row| row.len() != 1) {
            let message = format!(
                "{what} answered {rows} coefficients, and the batch has {rows} sequences and {tokens} tokens: they may be of \
                 either"
            );
            return Err(PluginError::contract(message));
        }
        ObjectiveStep::per_sequence(batch, &c)
    } else if c.len() == tokens {
        ObjectiveStep::per_token(c)
    } else {
        let found = c.len();
        return Err(PluginError::contract(format!(
            "{what} answered {found} coefficients, expected one for each of {rows} sequences or of {tokens} tokens"
        )));
    };
    if let Some(figures) = figures {
        let Ok(dict) = figures.cast::<PyDict>() else {
            let found = type_of(&figures);
            return Err(PluginError::contract(format!(
                "{what} answered a pair whose second is `{found}`, expected a dict of named numbers"
            )));
        };
        for (name, value) in dict {
            let figure = name.extract::<String>().and_then(|name| Ok((name, value.extract::<f64>()?)));
            let Ok((name, value)) = figure else {
                return Err(PluginError::contract(format!(
                    "{what} answered the figure `{name}` of type `{}`, expected a text and a number",
                    type_of(&value)
                )));
            };
            step = step.with_diagnostic(&name, value);
        }
    }
    Ok(step)
}

/// The numbers of an array, or of what can be one.
fn numbers(what: &str, found: &Bound<'_, PyAny>) -> Result<Vec<f64>, PluginError> {
    if let Ok(array) = found.cast::<PyArray1<f64>>() {
        return Ok(array.readonly().as_array().iter().copied().collect());
    }
    let py = found.py();
    let wrong = |message: String| {
        PluginError::contract(format!("{what} answered {message}")).with_hint(
            "answer an array of one number a sequence or a token, or a pair of it and a dict of figures",
        )
    };
    if found.is_none() {
        return Err(wrong("nothing (`None`)".into()));
    }
    let array = py
        .import("pstar.components")
        .and_then(|module| module.call_method1("_numbers", (found,)))
        .map_err(|error| wrong(error.value(py).to_string()))?;
    let array = array.cast::<PyArray1<f64>>().map_err(|error| wrong(error.to_string()))?;
    Ok(array.readonly().as_array().iter().copied().collect())
}
