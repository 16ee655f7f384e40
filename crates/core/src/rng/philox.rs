//! Philox4x32-10.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// The block cipher Philox4x32 with 10 rounds.
///
/// # Source
/// Salmon, Moraes, Dror, Shaw (2011), *Parallel Random Numbers: As Easy as 1, 2, 3*.
#[inline]
pub fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let (high0, low0) = multiply(MULTIPLIERS[0], counter[0]);
        let (high1, low1) = multiply(MULTIPLIERS[1], counter[2]);
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0];
    }
    counter
}

/// [`philox4x32_10`] with each word in the low half of 64 bits; the high halves of the block are without
/// meaning. A loop over this function becomes vector instructions.
#[allow(clippy::inline_always, reason = "takes on the instruction set of its caller")]
#[inline(always)]
pub(super) fn philox4x32_10_wide(mut counter: [u64; 4], mut key: [u32; 2]) -> [u64; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let product = |k: usize| u64::from(MULTIPLIERS[k]) * (counter[2 * k] & u64::from(u32::MAX));
        let (product0, product1) = (product(0), product(1));
        counter = [
            (product1 >> 32) ^ counter[1] ^ u64::from(key[0]),
            product1,
            (product0 >> 32) ^ counter[3] ^ u64::from(key[1]),
            product0,
        ];
    }
    counter
}

#[allow(clippy::cast_possible_truncation, reason = "the two halves of the product")]
#[inline]
fn multiply(a: u32, b: u32) -> (u32, u32) {
    let product = u64::from(a) * u64::from(b);
    ((product >> 32) as u32, product as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known-answer vectors that the authors publish with their library Random123.
    #[test]
    fn known_answers() {
        assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }
}
