//! Where labels of axes stand.

use crate::figure::decimal::{decade, exponent, log10};

/// Labels of an axis of ratios at most.
const MOST_RATIOS: i32 = 8;

/// Decades up to which 2 and 5 have labels beside 1.
const FEW_DECADES: f64 = 2.2;

/// 1, 2 or 5 times a power of ten, at about `most` places, each with the distance to the next.
pub(crate) fn steps(low: f64, high: f64, most: usize) -> Vec<(f64, f64)> {
    let rough = (high / 2.0 - low / 2.0) / most.max(1) as f64 * 2.0;
    if !(rough > 0.0 && rough.is_finite()) {
        return Vec::new();
    }
    let unit = decade(exponent(rough));
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * unit)
        .into_iter()
        .find(|&step| step >= 0.7 * rough)
        .unwrap_or(rough);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    if !(step > 0.0 && first.is_finite() && last.is_finite() && last - first <= 3.0 * most as f64) {
        return Vec::new();
    }
    let mut ticks = Vec::new();
    let mut count = first;
    while count <= last {
        // Where numbers are so large that 1 is no step, the loop must end nonetheless.
        if count + 1.0 == count {
            break;
        }
        ticks.push((count * step, step));
        count += 1.0;
    }
    ticks
}

/// Powers of ten, with their double and fivefold where there are few, each with the distance that its digits are of.
pub(crate) fn ratios(low: f64, high: f64) -> Vec<(f64, f64)> {
    if !(low > 0.0 && high > low && high.is_finite()) {
        return Vec::new();
    }
    let decades = log10(high) - log10(low);
    let factors: &[f64] = if decades < FEW_DECADES { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let (first, last) = (exponent(low), exponent(high));
    let stride = (1..1000).find(|stride| (last - first) / stride < MOST_RATIOS).unwrap_or(1);
    // The same decades whatever the ends.
    let powers = (first..=last).filter(|power| power % stride == 0).map(decade);
    powers
        .flat_map(|unit| factors.iter().map(move |factor| (factor * unit, unit)))
        .filter(|(tick, _)| low <= *tick && *tick <= high)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ticks: Vec<(f64, f64)>) -> Vec<f64> {
        ticks.into_iter().map(|(tick, _)| tick).collect()
    }

    #[test]
    fn round_numbers_within() {
        assert_eq!(at(steps(0.0, 400.0, 4)), [0.0, 100.0, 200.0, 300.0, 400.0]);
        assert_eq!(at(steps(-80.0, 3.0, 4)), [-80.0, -60.0, -40.0, -20.0, 0.0]);
        assert_eq!(at(ratios(0.02, 1.0)), [0.02, 0.05, 0.1, 0.2, 0.5, 1.0]);
        assert_eq!(at(ratios(0.5, 2000.0)), [1.0, 10.0, 100.0, 1000.0]);
        assert!(ratios(1e-300, 1e300).len() <= 20);
        assert!(steps(1e300, f64::INFINITY, 4).is_empty());
    }
}
