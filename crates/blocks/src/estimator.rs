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

    /// Its slope in log q.
    pub(crate) fn slope(self, x: f64) -> f64 {
        match self {
            Self::K1 => 1.0,
            Self::K2 => x,
            Self::K3 => -math::exp_m1(-x),
            Self::Abs if x == 0.0 => 0.0,
            Self::Abs => x.signum(),
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

    /// Adds the factor times the slope at x = log q − log r to every token that q can produce.
    pub(crate) fn add_slopes(
        self,
        factor: f64,
        log_q: &[f64],
        log_r: &[f64],
        scratch: &mut Vec<f64>,
        c: &mut [f64],
    ) {
        // −x of every token.
        scratch.clear();
        math::widest(|| scratch.extend(log_q.iter().zip(log_r).map(|(q, r)| r - q)));
        if self == Self::K3 {
            math::exp_m1_all(scratch);
        }
        let values = scratch.iter().zip(log_q);
        match self {
            Self::K1 => add(factor, c, values, |_| 1.0),
            Self::K2 | Self::K3 => add(factor, c, values, |value| -value),
            Self::Abs => add(factor, c, values, |minus_x| Self::Abs.slope(-minus_x)),
        }
    }
}

fn add<'v>(
    factor: f64,
    c: &mut [f64],
    values: impl Iterator<Item = (&'v f64, &'v f64)>,
    slope: impl Fn(f64) -> f64,
) {
    math::widest(move || {
        for (c, (&value, &log_q)) in c.iter_mut().zip(values) {
            *c += if log_q == f64::NEG_INFINITY { 0.0 } else { factor * slope(value) };
        }
    });
}
