//! Where an answer's values stand in the arrays that callers gave.

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pstar_lab::objective_rows::PackedRows;
use pstar_lab::probe::BatchQuestion;
use pyo3::prelude::*;

/// A batch that was asked about, and the shape in which it was given.
pub(crate) struct Placing<'a> {
    pub(crate) question: &'a BatchQuestion<'a>,
    pub(crate) packed: &'a PackedRows<'a>,
    /// Rows and their width; absent where tokens stand one behind the other.
    pub(crate) shape: Option<[usize; 2]>,
}

impl Placing<'_> {
    /// Values of all tokens in that shape and order: 0 behind the sequences of padded rows, and for sequences whose
    /// coefficients are not applied now.
    pub(crate) fn place<'py>(&self, py: Python<'py>, values: &[f64]) -> PyResult<Bound<'py, PyAny>> {
        if let Some([rows, width]) = self.shape {
            let array = PyArray2::zeros(py, [rows, width], false);
            let mut filled = array.try_readwrite()?;
            let places = filled.as_slice_mut()?;
            py.detach(|| self.fill(values, places, |sequence| sequence * width));
            drop(filled);
            return Ok(array.into_any());
        }
        let array = PyArray1::zeros(py, values.len(), false);
        let mut filled = array.try_readwrite()?;
        let places = filled.as_slice_mut()?;
        py.detach(|| {
            if self.packed.is_in_order() && self.question.updated.is_none() {
                places.copy_from_slice(values);
                return;
            }
            let starts: Vec<usize> = self.starts().collect();
            self.fill(values, places, |sequence| starts[sequence]);
        });
        drop(filled);
        Ok(array.into_any())
    }

    fn fill(&self, values: &[f64], places: &mut [f64], start: impl Fn(usize) -> usize) {
        let updated = self.question.updated.as_ref();
        for (sequence, tokens) in self.packed.rows() {
            let group = self.question.columns.groups[sequence];
            if updated.is_none_or(|updated| updated.contains(&group)) {
                let start = start(sequence);
                places[start..start + tokens.len()].copy_from_slice(&values[tokens]);
            }
        }
    }

    /// Where the tokens of each sequence begin, as they were given.
    #[allow(clippy::cast_possible_truncation, reason = "lengths of what is in memory")]
    fn starts(&self) -> impl Iterator<Item = usize> {
        self.question.columns.lengths.iter().scan(0, |end, &length| {
            let start = *end;
            *end += length as usize;
            Some(start)
        })
    }
}
