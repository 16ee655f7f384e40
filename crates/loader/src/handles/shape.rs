//! What an answer of a component must look like.

use pstar_core::PluginError;
use pstar_core::Task;
use pstar_core::author::Samples;
use pstar_core::data::Ending;

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

    /// Checks samples of the component `name`: one output of the task a row, with log-probabilities.
    pub(super) fn check_samples(self, name: &str, samples: &Samples, rows: usize) -> Result<(), PluginError> {
        let found = samples.tokens.view().len();
        if found != rows {
            let message = format!("`{name}` was asked for {rows} sequences and gave {found}");
            return Err(PluginError::contract(message));
        }
        for (i, row) in samples.tokens.view().rows().enumerate() {
            self.check_output(row).map_err(|fault| {
                PluginError::contract(format!(
                    "`{name}` gave as sequence {i} what is no output of the task: {fault}"
                ))
            })?;
        }
        check_log_probs(name, &samples.log_probs)
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
    match log_probs.iter().find(|&&x| x.is_nan() || x > 1e-9) {
        None => Ok(()),
        Some(found) => Err(PluginError::contract(format!(
            "`{name}` gave a token log-probability of {found}, expected a number of at most 0"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn log_probabilities_are_numbers_of_at_most_0() {
        assert!(check_log_probs("m", &[0.0, -1.0, f64::NEG_INFINITY]).is_ok());
        assert!(check_log_probs("m", &[f64::NAN]).is_err() && check_log_probs("m", &[0.1]).is_err());
    }
}
