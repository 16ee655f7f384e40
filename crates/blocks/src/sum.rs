//! Sums of many numbers.

use pstar_core::math;

/// Partial sums that are added to in turn, so that no addition waits for the one before it.
const LANES: usize = 8;

/// The sum of what becomes of values, in an order that their number alone decides.
pub(crate) fn sum_of(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    math::widest(move || {
        let mut lanes = [0.0; LANES];
        let (whole, rest) = values.as_chunks::<LANES>();
        for values in whole {
            for (lane, value) in lanes.iter_mut().zip(values) {
                *lane += of(*value);
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            *lane += of(*value);
        }
        let [a, b, c, d, e, f, g, h] = lanes;
        ((a + b) + (c + d)) + ((e + f) + (g + h))
    })
}

/// The sum of values, in an order that their number alone decides.
pub fn sum(values: &[f64]) -> f64 {
    sum_of(values, |value| value)
}

/// Makes every value the sum of itself and all behind it, block by block from the end, which do not wait for each other.
pub(crate) fn to_go(values: &mut [f64]) {
    let mut behind = 0.0;
    let (rest, blocks) = values.as_rchunks_mut::<LANES>();
    for block in blocks.iter_mut().rev() {
        behind += block_to_go(block, behind);
    }
    block_to_go(rest, behind);
}

/// The sums within a block, more those behind it; says what the block adds up to.
fn block_to_go(block: &mut [f64], behind: f64) -> f64 {
    let mut sum = 0.0;
    for value in block.iter_mut().rev() {
        sum += *value;
        *value = sum + behind;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{sum, to_go};

    /// Whole numbers have exact sums in any order.
    #[test]
    fn nothing_is_left_out() {
        for n in 0..100u32 {
            let values: Vec<f64> = (0..n).map(f64::from).collect();
            assert_eq!(sum(&values), f64::from(n) * (f64::from(n) - 1.0) / 2.0);
        }
    }

    #[test]
    fn what_comes_from_a_value_on_is_added_up() {
        for n in 0..100u32 {
            let mut values: Vec<f64> = (0..n).map(f64::from).collect();
            to_go(&mut values);
            let whole = f64::from(n) * (f64::from(n) - 1.0) / 2.0;
            for (i, sum) in (0..n).map(f64::from).zip(values) {
                assert_eq!(sum, whole - i * (i - 1.0) / 2.0);
            }
        }
    }
}
