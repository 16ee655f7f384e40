//! The word of a verdict.

use crate::interval::NORMAL_QUANTILE;
use pstar_record::{COLLAPSE, Spread, Word};

/// What is rounding between figures that are equal.
const ROUNDING: f64 = 1e-12;

/// What coverage and validity are read against, with the standard errors of these where they are estimates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standings {
    /// Coverage, C₀.
    pub coverage: f64,
    /// Its standard error; 0 where it is exact.
    pub coverage_error: f64,
    /// Validity rate, V₀.
    pub validity_rate: f64,
    /// Its standard error; 0 where it is exact.
    pub validity_error: f64,
}

/// The first that holds of a coverage of interval [l, h], where seeds give none l = h is the mean:
///
/// | word | condition |
/// |---|---|
/// | collapses | h < C₀/2 |
/// | undecided | l < C₀/2 |
/// | trades | h < C₀, and the lower end of the validity's interval > V₀ |
/// | loses | h < C₀ |
/// | keeps | h ≥ C₀ |
///
/// Errors of C₀ and V₀ widen the intervals. What differs by rounding alone is equal. `None` where a figure is not finite.
pub fn word(coverage: &Spread, validity: &Spread, against: &Standings) -> Option<Word> {
    let figures = [coverage.mean, validity.mean, against.coverage, against.validity_rate];
    if figures.iter().any(|figure| !figure.is_finite()) {
        return None;
    }
    let (half_low, half_high) =
        ends(coverage, COLLAPSE * against.coverage, COLLAPSE * against.coverage_error);
    let (_, high) = ends(coverage, against.coverage, against.coverage_error);
    let (gain, _) = ends(validity, against.validity_rate, against.validity_error);
    let below = |x: f64| x < -ROUNDING * against.coverage.abs();
    Some(if below(half_high) {
        Word::Collapses
    } else if below(half_low) {
        Word::Undecided
    } else if !below(high) {
        Word::Keeps
    } else if gain > ROUNDING * against.validity_rate {
        Word::Trades
    } else {
        Word::Loses
    })
}

/// The interval of the difference to a figure with an independent error.
fn ends(spread: &Spread, from: f64, std_error: f64) -> (f64, f64) {
    let reach = NORMAL_QUANTILE * std_error;
    let down = spread.low.map_or(0.0, |low| spread.mean - low);
    let up = spread.high.map_or(0.0, |high| high - spread.mean);
    let difference = spread.mean - from;
    (difference - down.hypot(reach), difference + up.hypot(reach))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Standings =
        Standings { coverage: 4.0, coverage_error: 0.0, validity_rate: 0.1, validity_error: 0.0 };

    fn of(low: f64, high: f64, validity_low: f64) -> Word {
        let coverage = Spread { mean: f64::midpoint(low, high), low: Some(low), high: Some(high) };
        let validity = Spread { mean: validity_low + 0.01, low: Some(validity_low), high: None };
        word(&coverage, &validity, &BASE).unwrap()
    }

    #[test]
    fn the_first_condition_that_holds() {
        assert_eq!(of(1.5, 1.9, 0.9), Word::Collapses);
        assert_eq!(of(1.9, 2.1, 0.9), Word::Undecided);
        assert_eq!(of(1.9, 9.0, 0.9), Word::Undecided);
        assert_eq!(of(2.0, 3.9, 0.11), Word::Trades);
        assert_eq!(of(2.1, 3.9, 0.1), Word::Loses);
        assert_eq!(of(2.1, 3.9, 0.05), Word::Loses);
        assert_eq!(of(2.1, 4.0, 0.05), Word::Keeps);
        assert_eq!(of(5.0, 6.0, 0.9), Word::Keeps);
    }

    #[test]
    fn without_an_interval_the_mean_is_read() {
        let sure = |mean| Spread { mean, low: None, high: None };
        let of = |coverage, validity| word(&sure(coverage), &sure(validity), &BASE);
        assert_eq!(of(1.9, 0.5), Some(Word::Collapses));
        assert_eq!(of(2.0, 0.5), Some(Word::Trades));
        assert_eq!(of(3.0, 0.1), Some(Word::Loses));
        // An arm that never moved keeps, whatever the last bit.
        assert_eq!(of(4.0 - 4e-13, 0.1), Some(Word::Keeps));
        assert_eq!(of(f64::NAN, 0.1), None);
        let nothing = Standings { coverage: 0.0, ..BASE };
        assert_eq!(word(&sure(0.0), &sure(0.0), &nothing), Some(Word::Keeps));
    }

    /// Half of a start of 4 ± 0.5 is 2 ± 0.25, whose interval reaches 0.49 far: 1.6 may be the half, 1.5 is below it.
    #[test]
    fn an_estimated_start_widens() {
        let against = Standings { coverage_error: 0.5, ..BASE };
        let sure = |mean| Spread { mean, low: None, high: None };
        assert_eq!(word(&sure(1.6), &sure(0.5), &against), Some(Word::Undecided));
        assert_eq!(word(&sure(1.5), &sure(0.5), &against), Some(Word::Collapses));
        assert_eq!(word(&sure(3.1), &sure(0.5), &against), Some(Word::Keeps));
    }
}
