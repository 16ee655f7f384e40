//! Columns of numpy, lent to what packs batches.

use crate::refusal::{Refused, refused};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pstar_core::math::widest;
use pstar_lab::objective_rows::{SequenceColumns, TokenValues};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// What rounding of logits in single precision may leave of a log-probability of 0.
pub(crate) const ROUNDING: f64 = 1e-4;

/// Values of tokens as numpy holds them.
pub(crate) enum TokenArray<'py> {
    Ragged(PyReadonlyArray1<'py, f64>),
    Padded(PyReadonlyArray2<'py, f64>),
    PaddedSingle(PyReadonlyArray2<'py, f32>),
}

impl TokenArray<'_> {
    /// The rows of a padded array.
    pub(crate) fn shape(&self) -> Option<[usize; 2]> {
        let shape = match self {
            Self::Ragged(_) => return None,
            Self::Padded(values) => values.shape(),
            Self::PaddedSingle(values) => values.shape(),
        };
        Some([shape[0], shape[1]])
    }

    /// The values, row behind row.
    pub(crate) fn values(&self) -> PyResult<TokenValues<'_>> {
        let width = self.shape().map_or(0, |shape| shape[1]);
        Ok(match self {
            Self::Ragged(values) => TokenValues::Ragged(values.as_slice()?),
            Self::Padded(values) => TokenValues::Padded { values: in_rows(values)?, width },
            Self::PaddedSingle(values) => TokenValues::PaddedSingle { values: in_rows(values)?, width },
        })
    }
}

/// The values of rows one behind the other; those of columns are contiguous as well, and another array.
fn in_rows<'a, T: numpy::Element>(array: &'a PyReadonlyArray2<'_, T>) -> PyResult<&'a [T]> {
    if !array.is_c_contiguous() {
        return Err(PyTypeError::new_err("expected an array in C order"));
    }
    Ok(array.as_slice()?)
}

impl<'a, 'py> FromPyObject<'a, 'py> for TokenArray<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(values) = object.cast::<PyArray1<f64>>() {
            return Ok(Self::Ragged(values.try_readonly()?));
        }
        if let Ok(values) = object.cast::<PyArray2<f64>>() {
            return Ok(Self::Padded(values.try_readonly()?));
        }
        let values = object.cast::<PyArray2<f32>>().map_err(|_| {
            PyTypeError::new_err("expected one row of float64, or rows of float64 or float32")
        })?;
        Ok(Self::PaddedSingle(values.try_readonly()?))
    }
}

/// Refuses what is no log-probability, and weights that are none.
pub(crate) fn check_numbers(py: Python<'_>, columns: &SequenceColumns<'_>) -> PyResult<()> {
    let fault = py.detach(|| {
        let of_tokens = columns.token_columns().find_map(|(name, values)| {
            let (sequence, token, found) = first_above(values, columns.lengths)?;
            Some(format!(
                "sequence {sequence}, token {token}: `{name}` must hold natural logarithms of probabilities, at most 0, found {found}"
            ))
        });
        of_tokens.or_else(|| {
            let weights = columns.weights?;
            let sequence = weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0))?;
            let found = weights[sequence];
            Some(format!("sequence {sequence}: `weights` must be finite and at least 0, found {found}"))
        })
    });
    fault.map_or(Ok(()), |message| Err(refused(py, Refused::Batch, &message)))
}

/// Whether a number may be a log-probability; NaN may not.
#[inline(always)]
#[allow(clippy::inline_always, reason = "stands in loops that are compiled for the widest vectors")]
fn is_log_prob(value: f64) -> bool {
    value <= ROUNDING
}

/// The first value that is above 0 or NaN: its sequence, its token, and what it is. Columns must fit the lengths.
#[allow(clippy::cast_possible_truncation, reason = "lengths of what is in memory")]
fn first_above(values: TokenValues<'_>, lengths: &[u64]) -> Option<(usize, usize, f64)> {
    // Sums, which become loops without branches.
    fn wrong(values: &[f64]) -> usize {
        widest(|| values.iter().map(|&value| usize::from(!is_log_prob(value))).sum())
    }
    fn wrong_single(values: &[f32]) -> usize {
        widest(|| values.iter().map(|&value| usize::from(!is_log_prob(value.into()))).sum())
    }
    if let TokenValues::Ragged(values) = values
        && wrong(values) == 0
    {
        return None;
    }
    let mut start = 0;
    for (sequence, &length) in lengths.iter().enumerate() {
        let length = length as usize;
        let row = |width: usize| sequence * width..sequence * width + length;
        let first = |value: &dyn Fn(usize) -> f64| {
            (0..length).map(|token| (token, value(token))).find(|&(_, found)| !is_log_prob(found))
        };
        let found = match values {
            TokenValues::Ragged(values) => {
                let row = &values[start..start + length];
                first(&|token| row[token])
            }
            TokenValues::Padded { values, width } => {
                let row = &values[row(width)];
                if wrong(row) == 0 { None } else { first(&|token| row[token]) }
            }
            TokenValues::PaddedSingle { values, width } => {
                let row = &values[row(width)];
                if wrong_single(row) == 0 { None } else { first(&|token| row[token].into()) }
            }
        };
        if let Some((token, found)) = found {
            return Some((sequence, token, found));
        }
        start += length;
    }
    None
}

/// Lengths of the sequences whose tokens a mask marks, each a prefix of its row; 0 is outside.
#[pyfunction]
pub(crate) fn lengths_of<'py>(
    py: Python<'py>,
    mask: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let (width, values) = (mask.shape()[1], in_rows(&mask)?);
    let lengths = (0..mask.shape()[0]).map(|sequence| {
        let row = &values[sequence * width..(sequence + 1) * width];
        let length = row.iter().position(|&inside| inside == 0).unwrap_or(width);
        match row[length..].iter().position(|&inside| inside != 0) {
            None => Ok(length as u64),
            Some(behind) => {
                let message = format!(
                    "sequence {sequence}: `mask` must be true for the first tokens of a row and false behind them, found it false at \
                     {length} and true at {}",
                    length + behind
                );
                Err(refused(py, Refused::Batch, &message))
            }
        }
    });
    Ok(PyArray1::from_vec(py, lengths.collect::<PyResult<Vec<u64>>>()?))
}
