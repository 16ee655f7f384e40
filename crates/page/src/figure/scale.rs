//! From figures to places.

use crate::figure::decimal::{log10, power};
use crate::figure::ticks;
use pstar_core::math;

/// The figures that an axis must show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain {
    is_log: bool,
    low: f64,
    high: f64,
}

impl Domain {
    /// Of an axis whose steps are equal.
    pub(crate) fn linear() -> Self {
        Self { is_log: false, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }

    /// Of an axis whose ratios are equal.
    pub(crate) fn log() -> Self {
        Self { is_log: true, ..Self::linear() }
    }

    /// Widens it to a figure, if that can be shown.
    pub(crate) fn include(&mut self, figure: f64) {
        if figure.is_finite() && !(self.is_log && figure < f64::MIN_POSITIVE) {
            self.low = self.low.min(figure);
            self.high = self.high.max(figure);
        }
    }

    /// The same for several.
    pub(crate) fn include_all(&mut self, figures: impl IntoIterator<Item = f64>) {
        figures.into_iter().for_each(|figure| self.include(figure));
    }

    /// Whether there is something to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.low > self.high
    }

    /// With room at both ends, in shares of its length; of one figure as wide as that figure is large.
    pub(crate) fn padded(self, share: f64) -> Self {
        if self.is_empty() {
            return Self { low: if self.is_log { 0.1 } else { 0.0 }, high: 1.0, ..self };
        }
        if self.is_log {
            let (low, high) = (log10(self.low), log10(self.high));
            let length = (high - low).max(0.3);
            let middle = f64::midpoint(low, high);
            let half = length * (0.5 + share);
            return Self { low: power(middle - half), high: power(middle + half), ..self };
        }
        if self.low == 0.0 && self.high == 0.0 {
            // Nothing says how small a figure that is always 0 could be.
            return Self { low: -share, high: 1.0, ..self };
        }
        let length = self.high / 2.0 - self.low / 2.0;
        let least = (self.high.abs().max(self.low.abs()) * 1e-3).max(f64::MIN_POSITIVE / f64::EPSILON);
        let half = length.max(least) * (1.0 + 2.0 * share);
        let middle = f64::midpoint(self.low, self.high);
        Self { low: (middle - half).max(f64::MIN), high: (middle + half).min(f64::MAX), ..self }
    }

    /// Not beyond these.
    pub(crate) fn within(self, low: f64, high: f64) -> Self {
        Self { low: self.low.max(low), high: self.high.min(high), ..self }
    }

    pub(crate) fn low(&self) -> f64 {
        self.low
    }

    pub(crate) fn high(&self) -> f64 {
        self.high
    }

    /// Laid out from one place to another.
    pub(crate) fn scale(self, from: f64, to: f64) -> Scale {
        Scale { domain: self, from, to }
    }
}

/// An axis: where figures are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    domain: Domain,
    from: f64,
    to: f64,
}

impl Scale {
    /// Where a figure is; beyond the ends, too, and nowhere if it is infinite, or not positive on an axis of ratios.
    pub(crate) fn at(&self, figure: f64) -> Option<f64> {
        if !figure.is_finite() || (self.domain.is_log && figure <= 0.0) {
            return None;
        }
        let ratio = if self.domain.is_log {
            let (low, high) = (math::ln(self.domain.low), math::ln(self.domain.high));
            (math::ln(figure) - low) / (high - low)
        } else {
            // Halved, so that the length of an axis of all numbers is one.
            (figure / 2.0 - self.domain.low / 2.0) / (self.domain.high / 2.0 - self.domain.low / 2.0)
        };
        Some(self.from + ratio * (self.to - self.from)).filter(|place| place.is_finite())
    }

    /// Where a figure is, at the nearer end if it is beyond the ends.
    pub(crate) fn held(&self, figure: f64) -> Option<f64> {
        let (least, most) = (self.from.min(self.to), self.from.max(self.to));
        self.at(figure).map(|place| place.clamp(least, most))
    }

    /// Whether a figure is between the ends.
    pub(crate) fn holds(&self, figure: f64) -> bool {
        self.domain.low <= figure && figure <= self.domain.high
    }

    /// Figures that labels stand at, and how far the next is.
    pub(crate) fn ticks(&self, most: usize) -> Vec<(f64, f64)> {
        let Domain { is_log, low, high } = self.domain;
        let ticks = if is_log { ticks::ratios(low, high) } else { Vec::new() };
        if ticks.len() >= 2 {
            return ticks;
        }
        ticks::steps(low, high, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_between_the_ends() {
        let mut domain = Domain::log();
        domain.include_all([1.0, 100.0, -1.0, 0.0, f64::INFINITY, f64::NAN]);
        let scale = domain.scale(0.0, 100.0);
        assert!((scale.at(10.0).unwrap() - 50.0).abs() < 1e-12);
        assert_eq!([0.0, -1.0, f64::NAN, f64::INFINITY].map(|x| scale.at(x)), [None; 4]);
        assert_eq!(scale.held(1e9), Some(100.0));
    }

    #[test]
    fn what_is_always_0_has_an_axis_to_1() {
        let mut domain = Domain::linear();
        domain.include_all([0.0, -0.0]);
        let ticks: Vec<f64> =
            domain.padded(0.04).scale(0.0, 1.0).ticks(5).iter().map(|(tick, _)| *tick).collect();
        assert_eq!((ticks[0], ticks[ticks.len() - 1]), (0.0, 1.0));
    }

    #[test]
    fn hostile_domains_have_a_length() {
        let cases: [&[f64]; 7] = [
            &[],
            &[0.0],
            &[5e-324, 1e-320],
            &[f64::MAX, f64::MIN],
            &[f64::MAX],
            &[-3.0, -3.0],
            &[1e-300, 1e300],
        ];
        for figures in cases {
            for mut domain in [Domain::linear(), Domain::log()] {
                domain.include_all(figures.iter().copied());
                let scale = domain.padded(0.05).scale(0.0, 1.0);
                assert!(scale.domain.low() < scale.domain.high(), "{figures:?} {domain:?}");
                for (tick, _) in scale.ticks(5) {
                    assert!(
                        scale.at(tick).is_none_or(|place| (-0.01..=1.01).contains(&place)),
                        "{figures:?} {tick}"
                    );
                }
                assert!(scale.ticks(5).len() < 40, "{figures:?}: {:?}", scale.ticks(5).len());
            }
        }
    }
}
