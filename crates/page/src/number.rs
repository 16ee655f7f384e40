//! Numbers as people read them.

use crate::figure::decimal::{decade, exponent};
use pstar_compare::{percent, with_interval};
use pstar_record::Spread;

/// What numbers are of, which decides how they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// As they are.
    Plain,
    /// Shares, shown in percent.
    Share,
}

impl Unit {
    /// A mean and its interval, half of whose width has `digits` significant digits.
    pub(crate) fn spread(self, spread: &Spread, digits: i32) -> String {
        minus(&match self {
            Self::Plain => with_interval(spread, digits),
            Self::Share => percent(spread, digits),
        })
    }

    /// A number to three digits.
    pub(crate) fn number(self, x: f64) -> String {
        self.spread(&Spread { mean: x, low: None, high: None }, 1)
    }
}

/// What rounding leaves of the difference of equal figures.
const ROUNDING: f64 = 1e-12;

/// A difference with its sign; of shares in points.
pub(crate) fn difference(spread: &Spread, unit: Unit, digits: i32) -> String {
    let scale = if unit == Unit::Share { 100.0 } else { 1.0 };
    let scaled = Spread {
        mean: scale * spread.mean,
        low: spread.low.map(|x| scale * x),
        high: spread.high.map(|x| scale * x),
    };
    if scaled.low.is_none() && scaled.mean.abs() < ROUNDING {
        return "0".into();
    }
    let text = with_interval(&scaled, digits);
    let signed = |part: &str| {
        let is_positive = part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().take_while(|c| *c != 'e').any(|c| ('1'..='9').contains(&c));
        if is_positive { format!("+{part}") } else { part.to_string() }
    };
    // Each of the numbers: `mean [low, high]`.
    let parts: Vec<String> = text
        .split(' ')
        .map(|part| match part.strip_prefix('[') {
            Some(low) => format!("[{}", signed(low)),
            None => signed(part),
        })
        .collect();
    minus(&parts.join(" "))
}

/// Where curves cross: a number of samples, to two digits from 10 on.
pub(crate) fn samples(k: f64) -> String {
    if !k.is_finite() {
        return "–".into();
    }
    let unit = if k < 10.0 { 0.1 } else { decade(exponent(k) - 1) };
    let rounded = (k / unit).round() * unit;
    if k < 10.0 { format!("{rounded:.1}") } else { format!("{rounded:.0}") }
}

/// A label of an axis, of a number that stands `step` from the next.
pub(crate) fn tick(x: f64, step: f64, unit: Unit) -> String {
    let (x, step) = if unit == Unit::Share { (100.0 * x, 100.0 * step) } else { (x, step) };
    let percent = if unit == Unit::Share { " %" } else { "" };
    if x != 0.0 && (x.abs() >= 1e5 || x.abs() < 1e-4) {
        return format!("{}{percent}", power(x));
    }
    let decimals = usize::try_from(-exponent(step)).unwrap_or(0).min(6);
    let text = format!("{x:.decimals$}");
    let is_zero = text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.'));
    minus(&format!("{}{percent}", if is_zero { "0".into() } else { text }))
}

/// m·10ⁿ with a true exponent.
fn power(x: f64) -> String {
    let text = format!("{x:.0e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let raised: String = exponent.chars().map(superscript).collect();
    match mantissa {
        "1" => format!("10{raised}"),
        "-1" => format!("−10{raised}"),
        _ => minus(&format!("{mantissa}·10{raised}")),
    }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    }
}

/// One or two shares in percent.
pub(crate) fn percents(least: f64, greatest: f64) -> String {
    minus(&pstar_compare::percents(least, greatest))
}

/// True minus signs; infinities as the sign for them; no line's end between a number and its unit.
pub(crate) fn minus(text: &str) -> String {
    text.replace("inf", "∞").replace('-', "−").replace(" %", "\u{a0}%")
}

/// A whole number with its thousands apart.
pub(crate) fn whole(x: u64) -> String {
    let digits = x.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(mean: f64, low: f64, high: f64) -> Spread {
        Spread { mean, low: Some(low), high: Some(high) }
    }

    #[test]
    fn differences_have_signs() {
        assert_eq!(difference(&spread(3.372, 3.317, 3.461), Unit::Plain, 1), "+3.37 [+3.32, +3.46]");
        assert_eq!(difference(&spread(-0.78, -0.82, -0.73), Unit::Share, 1), "−78 [−82, −73]");
        assert_eq!(difference(&spread(0.001, -0.04, 0.05), Unit::Share, 1), "0 [−4, +5]");
        assert_eq!(difference(&Spread { mean: 0.0, low: None, high: None }, Unit::Plain, 1), "0");
        assert_eq!(difference(&Spread { mean: -2e-14, low: None, high: None }, Unit::Plain, 1), "0");
        assert_eq!(difference(&Spread { mean: f64::INFINITY, low: None, high: None }, Unit::Plain, 1), "∞");
    }

    #[test]
    fn numbers_of_samples_keep_two_digits() {
        assert_eq!([47.3, 230.4, 1.234, 1024.0, f64::NAN].map(samples), ["47", "230", "1.2", "1000", "–"]);
    }

    #[test]
    fn ticks_say_what_they_must() {
        assert_eq!(tick(0.2, 0.2, Unit::Share), "20\u{a0}%");
        assert_eq!(tick(-0.0, 0.5, Unit::Plain), "0");
        assert_eq!(tick(-2.5, 0.5, Unit::Plain), "−2.5");
        assert_eq!(tick(1e6, 9e6, Unit::Plain), "10⁶");
        assert_eq!(tick(2e-5, 2e-5, Unit::Plain), "2·10⁻⁵");
        assert_eq!(tick(0.001, 0.001, Unit::Share), "0.1\u{a0}%");
        assert_eq!(whole(102_400), "102\u{202f}400");
        assert_eq!(whole(1024), "1024");
    }
}
