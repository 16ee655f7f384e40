//! Sampling by inverse CDF: the same uniform picks the same or a neighbouring symbol under a similar model.

/// Writes the cumulative sums of `probs`, ready for [`pick`].
///
/// From the last symbol of positive probability on they are exactly 1, so that rounding never picks a symbol
/// of probability zero.
pub fn cumulative(probs: &[f64], out: &mut [f64]) {
    let last = probs.iter().rposition(|&p| p > 0.0).unwrap_or(0);
    let mut sum = 0.0;
    for (k, (&p, c)) in probs.iter().zip(out.iter_mut()).enumerate() {
        sum += p;
        *c = if k >= last { 1.0 } else { f64::min(sum, 1.0) };
    }
}

/// The symbol of a uniform number u in [0, 1): the first whose cumulative sum exceeds u.
#[inline]
pub fn pick(cumulative: &[f64], u: f64) -> usize {
    cumulative.iter().map(|&c| usize::from(c <= u)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_without_mass_is_never_picked() {
        let mut c = [0.0; 5];
        cumulative(&[0.0, 0.3, 0.0, 0.7 - 1e-12, 0.0], &mut c);
        assert_eq!(pick(&c, 0.0), 1);
        assert_eq!(pick(&c, 0.3), 3);
        assert_eq!(pick(&c, 1.0 - f64::EPSILON / 2.0), 3);
    }

    #[test]
    fn the_share_of_a_symbol_is_its_probability() {
        let mut c = [0.0; 3];
        cumulative(&[0.25, 0.25, 0.5], &mut c);
        let counts = (0..8).fold([0; 3], |mut counts, i| {
            counts[pick(&c, (f64::from(i) + 0.5) / 8.0)] += 1;
            counts
        });
        assert_eq!(counts, [2, 2, 4]);
    }
}
