//! Numbers in tables.

/// What is smaller is rounding, in sums of terms of size 1.
const NOISE: f64 = 1e-14;

/// A number to four significant digits, 0 where it is but rounding; `–` where there is none.
pub fn significant(value: Option<f64>) -> String {
    match value {
        None => "–".into(),
        Some(x) if x.is_infinite() => if x > 0.0 { "inf" } else { "-inf" }.into(),
        Some(x) => rounded(x),
    }
}

fn rounded(x: f64) -> String {
    let scientific = format!("{x:.3e}");
    let (_, exponent) = scientific.split_once('e').unwrap_or(("", "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match exponent {
        _ if x.abs() < NOISE => "0".into(),
        -4..=3 => format!("{x:.*}", usize::try_from(3 - exponent).unwrap_or(0)),
        4..=6 => format!("{x:.0}"),
        _ => scientific,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits() {
        let cases = [
            (1.0, "1.000"),
            (0.123_456, "0.1235"),
            (99.999, "100.0"),
            (-12.3456, "-12.35"),
            (0.000_123_46, "0.0001235"),
            (1.234e-7, "1.234e-7"),
            (1234.5, "1234"),
            (402_234.0, "402234"),
            (0.0, "0"),
            (4.4e-16, "0"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(significant(Some(value)), text);
        }
        assert_eq!(significant(None), "–");
    }
}
