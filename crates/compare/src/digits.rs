//! Numbers with as many digits as their intervals bear.

use pstar_record::Spread;

/// Significant digits of a mean at most: more would pretend that intervals of rounding are known.
const MOST_DIGITS: i32 = 4;

/// Significant digits of what has no interval.
const DIGITS: i32 = 3;

/// A mean and its interval, `6.90 [6.86, 6.96]`: so many decimals that half the interval's width has `digits` significant
/// digits, and the mean at most four. Without an interval three digits of the mean.
pub fn with_interval(spread: &Spread, digits: i32) -> String {
    bracketed(spread, digits, "")
}

/// The same of a share, in percent: `81 % [77, 85]`.
pub fn percent(share: &Spread, digits: i32) -> String {
    let percent = |x: f64| 100.0 * x;
    let spread =
        Spread { mean: percent(share.mean), low: share.low.map(percent), high: share.high.map(percent) };
    bracketed(&spread, digits, " %")
}

/// One or two shares in percent, `3.0 to 35 %`, to two digits.
pub fn percents(least: f64, greatest: f64) -> String {
    let shown = |share: f64| short(100.0 * share, decimals_of(100.0 * share, 2));
    let (least, greatest) = (shown(least), shown(greatest));
    if least == greatest { format!("{least} %") } else { format!("{least} to {greatest} %") }
}

fn bracketed(spread: &Spread, digits: i32, unit: &str) -> String {
    let Spread { mean, low, high } = *spread;
    match (low, high) {
        (Some(low), Some(high)) if low < high && (high - low).is_finite() => {
            let own = decimals_of((high - low) / 2.0, digits);
            let decimals = own.min(decimals_of(mean, MOST_DIGITS).max(decimals_of(mean, DIGITS)));
            let [mean, low, high] = [mean, low, high].map(|x| short(x, decimals));
            format!("{mean}{unit} [{low}, {high}]")
        }
        _ => format!("{}{unit}", short(mean, decimals_of(mean, DIGITS))),
    }
}

/// Decimals with which a number has `digits` significant digits: none of numbers that have as many before the point.
fn decimals_of(x: f64, digits: i32) -> i32 {
    if x == 0.0 || !x.is_finite() {
        return 0;
    }
    let scientific = format!("{x:.*e}", usize::try_from(digits - 1).unwrap_or(0));
    let exponent: i32 =
        scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    digits - 1 - exponent
}

/// A number with so many decimals, never −0; numbers that this would make too long or 0 with an exponent.
fn short(x: f64, decimals: i32) -> String {
    if !x.is_finite() {
        return if x.is_nan() { "–".into() } else { format!("{x}") };
    }
    if decimals > 9 || x.abs() >= 1e7 {
        return format!("{x:.1e}");
    }
    let decimals = usize::try_from(decimals).unwrap_or(0);
    let text = format!("{x:.decimals$}");
    let is_zero = text.strip_prefix('-').is_some_and(|digits| digits.chars().all(|c| c == '0' || c == '.'));
    if is_zero { text[1..].into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(mean: f64, low: f64, high: f64) -> Spread {
        Spread { mean, low: Some(low), high: Some(high) }
    }

    #[test]
    fn half_the_width_has_the_digits() {
        assert_eq!(with_interval(&spread(6.9042, 6.8622, 6.9633), 1), "6.90 [6.86, 6.96]");
        assert_eq!(with_interval(&spread(5.742, 5.61, 5.83), 1), "5.7 [5.6, 5.8]");
        assert_eq!(with_interval(&spread(5.742, 5.61, 5.83), 2), "5.74 [5.61, 5.83]");
        assert_eq!(percent(&spread(0.8099, 0.77, 0.852), 1), "81 % [77, 85]");
        assert_eq!(percent(&spread(0.123_01, 0.122_99, 0.123_02), 1), "12.30 % [12.30, 12.30]");
        assert_eq!(with_interval(&spread(-0.4, -30.0, 20.0), 1), "0 [-30, 20]");
        assert_eq!(with_interval(&spread(2595.3, 2100.0, 3000.0), 1), "2595 [2100, 3000]");
    }

    #[test]
    fn without_an_interval_three_digits() {
        let of = |mean| with_interval(&Spread { mean, low: None, high: None }, 1);
        assert_eq!(
            [4.375, 0.0, 1024.0, f64::INFINITY, 0.001_234, 1e-12, 3e9].map(of),
            ["4.38", "0", "1024", "inf", "0.00123", "1.0e-12", "3.0e9"]
        );
        let flat = Spread { mean: 1.0, low: Some(1.0), high: Some(1.0) };
        assert_eq!(with_interval(&flat, 1), "1.00");
        assert_eq!(percents(0.030_03, 0.3504), "3.0 to 35 %");
        assert_eq!(percents(0.8099, 0.8099), "81 %");
        assert_eq!(percents(0.0, 1.0), "0 to 100 %");
    }
}
