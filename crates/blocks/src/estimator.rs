//! Estimates of a KL from one token.

use pstar_core::math;

/// An estimate of a KL from one token, x = log q − log r to the reference r.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// x
    K1,
    /// x²/2
    K2,
    /// e^−x − 1 + x
    K3,
    /// |x|
    Abs,
}

impl Estimator {
    pub(crate) const WORDS: [(&'static str, Self); 4] =
        [("K1", Self::K1), ("K2", Self::K2), ("K3", Self::K3), ("Abs", Self::Abs)];

    /// Its value.
    pub(crate) fn value(self, x: f64) -> f64 {
        match self {
            Self::K1 => x,
            Self::K2 => 0.5 * x * x,
            Self::K3 => math::exp_m1(-x) + x,
            Self::Abs => x.abs(),
        }
    }

    /// Its value at every token in the place of −x, and its slope in log q.
    pub(crate) fn values_and_slopes(self, minus: &mut [f64], slopes: &mut Vec<f64>) {
        slopes.clear();
        slopes.extend_from_slice(minus);
        if self == Self::K3 {
            math::exp_m1_all(slopes);
        }
        // From −x, and e^−x − 1 for `K3`.
        let tokens = minus.iter_mut().zip(slopes);
        match self {
            Self::K1 => tokens.for_each(|(value, slope)| (*value, *slope) = (-*value, 1.0)),
            Self::K2 => {
                tokens.for_each(|(value, slope)| (*value, *slope) = (0.5 * *value * *value, -*slope));
            }
            Self::K3 => {
                math::widest(|| {
                    tokens.for_each(|(value, slope)| (*value, *slope) = (*slope - *value, -*slope));
                });
            }
            Self::Abs => {
                tokens.for_each(|(value, slope)| (*value, *slope) = (value.abs(), slope_of_size(*slope)));
            }
        }
    }

    /// Appends the value at x = log p − log r of every token.
    pub(crate) fn append_values(self, log_p: &[f64], log_r: &[f64], values: &mut Vec<f64>) {
        let differences = log_p.iter().zip(log_r).map(|(p, r)| p - r);
        match self {
            Self::K1 => math::widest(|| values.extend(differences)),
            _ => values.extend(differences.map(|x| self.value(x))),
        }
    }

    /// Adds the factor times the slope to every token that q can produce, from −x of every token, or e^−x − 1 for [`K3`](Self::K3).
    pub(crate) fn add_slopes(self, factor: f64, log_q: &[f64], values: &[f64], c: &mut [f64]) {
        match self {
            Self::K1 => add(c, log_q, values, move |_| factor),
            Self::K2 | Self::K3 => add(c, log_q, values, move |value| factor * -value),
            Self::Abs => add(c, log_q, values, move |minus| factor * slope_of_size(minus)),
        }
    }
}

/// The slope of |x| from −x.
fn slope_of_size(minus: f64) -> f64 {
    if minus == 0.0 { 0.0 } else { (-minus).signum() }
}

fn add(c: &mut [f64], log_q: &[f64], values: &[f64], of: impl Fn(f64) -> f64) {
    math::widest(move || {
        for (c, (&log_q, &value)) in c.iter_mut().zip(log_q.iter().zip(values)) {
            let added = of(value);
            *c += if log_q == f64::NEG_INFINITY { 0.0 } else { added };
        }
    });
}
