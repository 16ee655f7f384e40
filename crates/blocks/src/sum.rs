//! Sums of many numbers.

/// Partial sums that are added to in turn, so that no addition waits for the one before it.
const LANES: usize = 8;

/// The sum of values, in an order that their number alone decides.
pub(crate) fn sum(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let mut lanes = [0.0; LANES];
    let whole = values.len() - values.len() % LANES;
    let mut values = values;
    for _ in 0..whole / LANES {
        for lane in &mut lanes {
            *lane += values.next().unwrap_or_default();
        }
    }
    for (lane, value) in lanes.iter_mut().zip(values) {
        *lane += value;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[cfg(test)]
mod tests {
    use super::sum;

    /// Whole numbers have exact sums in any order.
    #[test]
    fn nothing_is_left_out() {
        for n in 0..100u32 {
            let values: Vec<f64> = (0..n).map(f64::from).collect();
            assert_eq!(sum(values.iter().copied()), f64::from(n) * (f64::from(n) - 1.0) / 2.0);
        }
    }
}
