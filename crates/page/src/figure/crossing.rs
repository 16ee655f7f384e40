//! Where a policy that wins with few samples falls below the base: as its arms found it, from exact values at real k, or else
//! straight between the k's that are known.

use pstar_core::math;

/// The number of samples at which a curve falls from above another to below it, and the figure there, straight between
/// known points on axes of ratios; `None` if it does not, or does not begin above.
pub(crate) fn fall(ks: &[f64], curve: &[Option<f64>], base: &[Option<f64>]) -> Option<(f64, f64)> {
    let pairs = curve.iter().zip(base).map(|(curve, base)| (*curve).zip(*base));
    let known: Vec<(f64, f64, f64)> = ks
        .iter()
        .zip(pairs)
        .filter_map(|(k, pair)| {
            let (curve, base) = pair.filter(|(curve, base)| *curve > 0.0 && *base > 0.0)?;
            (curve.is_finite() && base.is_finite() && *k > 0.0)
                .then(|| (math::ln(*k), math::ln(curve), math::ln(base)))
        })
        .collect();
    known.windows(2).find_map(|ends| {
        let [(k0, curve0, base0), (k1, curve1, base1)] = [ends[0], ends[1]];
        let (before, behind) = (curve0 - base0, curve1 - base1);
        if !(before > NOTHING && behind < -NOTHING) {
            return None;
        }
        let share = before / (before - behind);
        Some((math::exp(k0 + share * (k1 - k0)), math::exp(base0 + share * (base1 - base0))))
    })
}

/// The median of the numbers of samples at which arms fall below the base; `None` if fewer than half do.
pub(crate) fn median(arms: usize, mut falls: Vec<f64>) -> Option<f64> {
    falls.retain(|k| k.is_finite() && *k > 0.0);
    falls.sort_by(f64::total_cmp);
    let middle = falls.len() / 2;
    let median = || {
        if falls.len().is_multiple_of(2) { (falls[middle - 1] * falls[middle]).sqrt() } else { falls[middle] }
    };
    (!falls.is_empty() && 2 * falls.len() >= arms).then(median)
}

/// A curve at a number of samples, straight between known points on axes of ratios.
pub(crate) fn at(k: f64, ks: &[f64], curve: &[Option<f64>]) -> Option<f64> {
    let known: Vec<(f64, f64)> = ks
        .iter()
        .zip(curve)
        .filter_map(|(k, figure)| Some((*k, (*figure)?)))
        .filter(|(k, figure)| *k > 0.0 && *figure > 0.0)
        .collect();
    known.windows(2).find(|ends| ends[0].0 <= k && k <= ends[1].0).map(|ends| {
        let [(k0, figure0), (k1, figure1)] =
            [ends[0], ends[1]].map(|(k, figure)| (math::ln(k), math::ln(figure)));
        math::exp(figure0 + (math::ln(k) - k0) / (k1 - k0) * (figure1 - figure0))
    })
}

/// Ratios nearer to 1 are rounding: a policy that is the base does not fall below it.
const NOTHING: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_that_fall_have_a_median() {
        assert_eq!(median(4, vec![8.0, 2.0, 32.0]), Some(8.0));
        assert_eq!(median(4, vec![2.0, 8.0]), Some(4.0));
        assert_eq!(median(5, vec![2.0, 8.0]), None);
        assert_eq!(median(0, Vec::new()), None);
        let (ks, line) = ([1.0, 4.0, 16.0], [Some(1.0), None, Some(16.0)]);
        assert!((at(8.0, &ks, &line).unwrap() - 8.0).abs() < 1e-12);
        assert_eq!((at(0.5, &ks, &line), at(17.0, &ks, &line)), (None, None));
    }

    /// k^½ against k/8: equal at k = 64.
    #[test]
    fn powers_cross_where_they_are_equal() {
        let ks = [1.0, 4.0, 16.0, 256.0];
        let curve = ks.map(|k: f64| Some(k.sqrt()));
        let base = ks.map(|k| Some(k / 8.0));
        let (k, figure) = fall(&ks, &curve, &base).unwrap();
        assert!((k - 64.0).abs() < 1e-9 && (figure - 8.0).abs() < 1e-9, "{k} {figure}");
        assert_eq!(fall(&ks, &base, &base), None);
        assert_eq!(fall(&ks, &[None; 4], &base), None);
        assert_eq!(fall(&ks, &[Some(0.0), Some(f64::INFINITY), None, Some(1.0)], &base), None);
    }
}
