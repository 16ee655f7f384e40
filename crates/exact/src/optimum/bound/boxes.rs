//! Boxes of policies: every probability of every row between two ends.

use std::ops::Range;

/// What a sum of probabilities may be off by.
const SLACK: f64 = 1e-14;

/// Ends of every parameter's probability; those of parameters in no row mean nothing.
#[derive(Clone, Debug)]
pub(in crate::optimum) struct PolicyBox {
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
}

impl PolicyBox {
    /// All policies.
    pub(super) fn all(parameters: usize) -> Self {
        Self { low: vec![0.0; parameters], high: vec![1.0; parameters] }
    }

    /// The two parts of a row's box on either side of `cut`; those that no row is in are left out.
    pub(super) fn split(&self, row: Range<usize>, index: usize, cut: f64) -> Vec<Self> {
        let (mut below, mut above) = (self.clone(), self.clone());
        below.high[index] = cut;
        above.low[index] = cut;
        [below, above].into_iter().filter_map(|part| part.tightened(row.clone())).collect()
    }

    /// The row that is as far from the lower as from the upper ends.
    pub(super) fn middle(&self, row: Range<usize>) -> impl Iterator<Item = f64> {
        let low: f64 = self.low[row.clone()].iter().sum();
        let high: f64 = self.high[row.clone()].iter().sum();
        let part = if high > low { ((1.0 - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        row.map(move |k| self.low[k] + part * (self.high[k] - self.low[k]))
    }

    /// Makes a row the mean of what was added up in it, by the mass that came through; the middle one where none did.
    pub(super) fn average(&self, row: Range<usize>, mass: f64, sums: &mut [f64]) {
        if mass > f64::MIN_POSITIVE {
            sums[row.clone()].iter_mut().for_each(|sum| *sum /= mass);
        } else {
            sums[row.clone()].iter_mut().zip(self.middle(row.clone())).for_each(|(sum, prob)| *sum = prob);
        }
        for k in row {
            sums[k] = sums[k].clamp(self.low[k], self.high[k]);
        }
    }

    /// Ends of one row that go with a sum of 1; `None` if there is no such row.
    fn tightened(mut self, row: Range<usize>) -> Option<Self> {
        for _ in 0..2 {
            let low: f64 = self.low[row.clone()].iter().sum();
            let high: f64 = self.high[row.clone()].iter().sum();
            if low > 1.0 + SLACK || high < 1.0 - SLACK {
                return None;
            }
            for k in row.clone() {
                let (least, greatest) =
                    (1.0 - (high - self.high[k]) - SLACK, 1.0 - (low - self.low[k]) + SLACK);
                let (low, high) = (self.low[k].max(least), self.high[k].min(greatest));
                if low > high + SLACK {
                    return None;
                }
                (self.low[k], self.high[k]) = (low.min(high), high);
            }
        }
        Some(self)
    }

    /// Where to cut a choice, nearly at `prob`: near 0 a little above it, as probabilities there differ by factors.
    pub(super) fn cut(&self, index: usize, prob: f64) -> f64 {
        let (low, high) = (self.low[index], self.high[index]);
        let width = high - low;
        if low == 0.0 && prob < 0.05 * high {
            return (3.0 * prob).max(1e-4 * high);
        }
        prob.clamp(low + 0.15 * width, high - 0.15 * width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_row_and_are_tight() {
        let all = PolicyBox::all(3);
        let parts = all.split(0..3, 1, 0.4);
        assert_eq!(parts.len(), 2);
        assert!((parts[1].high[0] - 0.6).abs() < 1e-12 && parts[1].low[1] == 0.4);
        let again = parts[1].split(0..3, 0, 0.3);
        // More than 0.3 and more than 0.4 leave less than 0.3.
        assert!((again[1].high[2] - 0.3).abs() < 1e-12);
        assert!(again[1].split(0..3, 2, 0.3 + 1e-9).len() == 1);
    }

    #[test]
    fn rows_that_nothing_came_by_lie_in_the_middle() {
        let part = PolicyBox::all(3).split(0..3, 1, 0.4).swap_remove(1);
        // Ends 0, 0.4, 0 and 0.6, 1, 0.6: a third of the way up.
        let middle: Vec<f64> = part.middle(0..3).collect();
        let mut sums = [1.0, 3.0, 0.0];
        part.average(0..3, 4.0, &mut sums);
        assert_eq!(sums, [0.25, 0.75, 0.0]);
        part.average(0..3, 0.0, &mut sums);
        for (prob, expected) in middle.iter().chain(&sums).zip([0.2, 0.6, 0.2, 0.2, 0.6, 0.2]) {
            assert!((prob - expected).abs() < 1e-13, "{prob} {expected}");
        }
    }

    #[test]
    fn cuts_lie_inside() {
        let all = PolicyBox::all(2);
        for prob in [0.0, 1e-9, 0.04, 0.5, 0.99, 1.0] {
            let cut = all.cut(0, prob);
            assert!(cut > 0.0 && cut <= 0.85, "{prob}: {cut}");
        }
    }
}
