//! What an answer of a component must look like.

use pstar_core::PluginError;
use pstar_core::Task;
use pstar_core::author::Samples;
use pstar_core::data::{Ending, Ragged};
use pstar_core::math;

/// The shape of a task's outputs.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    horizon: usize,
    symbols: u32,
    ending: Ending,
}

impl Shape {
    /// Of a task.
    pub(crate) fn of(task: &Task) -> Self {
        Self { horizon: task.horizon, symbols: task.alphabet.end(), ending: task.ending }
    }

    /// The greatest number of tokens of an output.
    pub(super) fn horizon(self) -> usize {
        self.horizon
    }

    /// Checks samples of the component `name`: one output of the task a row, with log-probabilities.
    pub(super) fn check_samples(self, name: &str, samples: &Samples, rows: usize) -> Result<(), PluginError> {
        let found = samples.tokens.view().len();
        if found != rows {
            let message = format!("`{name}` was asked for {rows} sequences and gave {found}");
            return Err(PluginError::contract(message));
        }
        if !self.fits(samples.tokens.view()) {
            for (i, row) in samples.tokens.view().rows().enumerate() {
                self.check_output(row).map_err(|fault| {
                    PluginError::contract(format!(
                        "`{name}` gave as sequence {i} what is no output of the task: {fault}"
                    ))
                })?;
            }
        }
        check_log_probs(name, &samples.log_probs)
    }

    /// Whether all rows are outputs, [`check_output`](Self::check_output) of all at once.
    fn fits(self, tokens: Ragged<'_, u32>) -> bool {
        let (values, offsets) = (tokens.values(), tokens.offsets());
        let ends = self.ending == Ending::EndSymbol;
        let mut ended = 0;
        let mut lengths_fit = true;
        for pair in offsets.windows(2) {
            let length = pair[1] - pair[0];
            #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
            let last = if length == 0 { 0 } else { values[pair[1] as usize - 1] };
            let has_end = ends && length > 0 && last == self.symbols;
            ended += usize::from(has_end);
            let horizon = self.horizon as u64;
            lengths_fit &= if has_end { length <= horizon } else { length == horizon };
        }
        // What is no symbol is an end symbol, and stands last.
        let others =
            math::widest(|| values.iter().fold(0, |n, &token| n + usize::from(token >= self.symbols)));
        lengths_fit && others == ended
    }

    fn check_output(self, row: &[u32]) -> Result<(), String> {
        let horizon = self.horizon;
        let (response, ended) = match row.split_last() {
            Some((&last, response)) if last == self.symbols && self.ending == Ending::EndSymbol => {
                (response, true)
            }
            _ => (row, false),
        };
        if let Some(token) = response.iter().find(|&&token| token >= self.symbols) {
            return Err(format!("token {token} is no symbol"));
        }
        let (length, fits) =
            (response.len(), if ended { response.len() < horizon } else { row.len() == horizon });
        let what = if ended { "before its end symbol" } else { "without an end symbol" };
        if fits {
            Ok(())
        } else {
            Err(format!("it has {length} symbols {what}, and the horizon is {horizon}"))
        }
    }
}

/// Checks that log-probabilities are numbers and at most 0, but for rounding.
pub(super) fn check_log_probs(name: &str, log_probs: &[f64]) -> Result<(), PluginError> {
    // A comparison with NaN is false.
    #[allow(clippy::neg_cmp_op_on_partial_ord, reason = "NaN is at fault too")]
    let at_fault = |x: &&f64| !(**x <= 1e-9);
    let faults = math::widest(|| log_probs.iter().fold(0, |n, x| n + usize::from(at_fault(&x))));
    let found = if faults == 0 { None } else { log_probs.iter().find(at_fault) };
    match found {
        None => Ok(()),
        Some(found) => Err(PluginError::contract(format!(
            "`{name}` gave a token log-probability of {found}, expected a number of at most 0"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_core::data::RaggedBuffer;

    const SHAPE: Shape = Shape { horizon: 3, symbols: 2, ending: Ending::EndSymbol };

    #[test]
    fn outputs_end_before_the_horizon_or_reach_it() {
        for row in [&[2][..], &[0, 2], &[0, 1, 2], &[0, 1, 1]] {
            assert_eq!(SHAPE.check_output(row), Ok(()), "{row:?}");
        }
        for row in [&[][..], &[0], &[0, 1], &[0, 1, 1, 2], &[0, 2, 1], &[3, 0, 0], &[0, 0, 0, 0]] {
            assert!(SHAPE.check_output(row).is_err(), "{row:?}");
        }
        let fixed = Shape { ending: Ending::FixedLength, ..SHAPE };
        assert!(fixed.check_output(&[0, 1, 0]).is_ok() && fixed.check_output(&[0, 1, 2]).is_err());
    }

    /// Every row of up to four tokens, alone and beside one that fits.
    #[test]
    fn all_rows_at_once_are_judged_as_one_by_one() {
        for shape in [SHAPE, Shape { ending: Ending::FixedLength, ..SHAPE }] {
            for length in 0..5 {
                for number in 0..4usize.pow(length) {
                    let row: Vec<u32> = (0..length)
                        .map(|place| u32::try_from(number / 4usize.pow(place) % 4).unwrap())
                        .collect();
                    let alone: RaggedBuffer<u32> = [row.as_slice()].into_iter().collect();
                    assert_eq!(shape.fits(alone.view()), shape.check_output(&row).is_ok(), "{row:?}");
                    let beside: RaggedBuffer<u32> =
                        [&[0, 1, 0], row.as_slice(), &[1, 1, 1]].into_iter().collect();
                    assert_eq!(shape.fits(beside.view()), shape.check_output(&row).is_ok(), "{row:?}");
                }
            }
        }
    }

    #[test]
    fn log_probabilities_are_numbers_of_at_most_0() {
        assert!(check_log_probs("m", &[0.0, -1.0, f64::NEG_INFINITY]).is_ok());
        assert!(check_log_probs("m", &[f64::NAN]).is_err() && check_log_probs("m", &[0.1]).is_err());
    }
}
