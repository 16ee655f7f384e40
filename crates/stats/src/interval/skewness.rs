//! Student's t with the skewness taken out.

use super::{Interval, student};
use crate::moments::std_error_around;
use pstar_core::math::pow;

/// The interval of values of the given mean. With the studentised mean T and A = skewness / √n,
///
/// g(T) = T + A/3 · T² + A²/27 · T³ + A/6
///
/// is nearer to Student's t than T is, and grows everywhere: the interval holds the means for which −t ≤ g ≤ t. The skewness
/// is the adjusted one, of which A is between −1 and 1.
///
/// # Source
/// Willink (2005), *A Confidence Interval and Test for the Mean of an Asymmetric Distribution*, with the transformation of
/// Hall (1992), *On the Removal of Skewness by Transformation*.
pub(super) fn interval(values: &[f64], mean: f64) -> Interval {
    let n = values.len() as f64;
    let error = std_error_around(values, mean);
    // The third moment of values in units of their standard deviation.
    let units = values.iter().map(|x| (x - mean) / (error * n.sqrt()));
    let cubes: f64 = units.map(|z| z * z * z).sum();
    let skewness = n / ((n - 1.0) * (n - 2.0)) * cubes;
    let (t, a) = (student::quantile(values.len()), skewness / n.sqrt());
    Interval { low: -inverse(t, a), high: -inverse(-t, a) }.moved(mean, error)
}

/// The T of which g is `y`: 3/A · (∛(1 + A(y − A/6)) − 1), written so that nothing cancels where A is small.
fn inverse(y: f64, a: f64) -> f64 {
    let centred = y - a / 6.0;
    let cube = 1.0 + a * centred;
    let root = pow(cube.abs(), 1.0 / 3.0).copysign(cube);
    3.0 * centred / (root * root + root + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_is_one_and_without_skewness_changes_nothing() {
        for a in [-1.0, -0.3, -1e-9, 0.0, 1e-300, 1e-5, 0.7, 1.0] {
            for y in [-3.0, -1.0, 0.0, 0.2, 2.8] {
                let t = inverse(y, a);
                let back = t + a / 3.0 * t * t + a * a / 27.0 * t * t * t + a / 6.0;
                assert!((back - y).abs() < 1e-13, "A = {a}, y = {y}: {back}");
            }
        }
        assert_eq!(inverse(2.5, 0.0), 2.5);
    }

    /// The most skewed values are one against all others, of which A is 1; the widest interval is where A is less.
    #[test]
    fn no_interval_is_wider_than_two_and_a_half_of_students() {
        for n in [5usize, 6, 10, 50, 1000] {
            let values: Vec<f64> = (0..n).map(|i| if i == 0 { 1.0 } else { 0.0 }).collect();
            let mean = crate::mean(&values);
            let Interval { low, high } = interval(&values, mean);
            let (t, error) = (student::quantile(n), std_error_around(&values, mean));
            assert!((low - mean + error * inverse(t, 1.0)).abs() < 1e-12, "n = {n}: {low}");
            assert!((high - mean + error * inverse(-t, 1.0)).abs() < 1e-12, "n = {n}: {high}");
            for part in 0..=10_000 {
                let a = f64::from(part) / 1e4;
                let width = inverse(t, a) - inverse(-t, a);
                assert!((0.9 * t..5.0 * t).contains(&width), "n = {n}, A = {a}: {width}");
            }
        }
    }
}
