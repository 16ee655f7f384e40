//! What is done to tokens by the covariance of their advantage and log-prob, among all tokens of a batch.

use crate::blocks::CovariancePenalty;
use pstar_blocks::{Advantages, Rows, sum};
use pstar_core::objective::ObjectiveBatch;

/// The covariance (A − Ā)(log q − mean) of every token that counts.
struct Covariances {
    values: Vec<f64>,
    /// Where these tokens are in the batch.
    places: Vec<usize>,
}

impl Covariances {
    fn of(batch: &ObjectiveBatch<'_>, advantages: &Advantages, rows: &Rows) -> Self {
        let log_q = batch.log_probs().values();
        let tokens = rows.rows.iter().map(|(_, tokens)| tokens.len()).sum();
        let [mut values, mut of_log_q] = [0; 2].map(|_| Vec::with_capacity(tokens));
        let mut places = Vec::with_capacity(tokens);
        for (i, tokens) in &rows.rows {
            match &advantages.tokens {
                Some(all) => values.extend_from_slice(&all[tokens.clone()]),
                None => values.resize(values.len() + tokens.len(), advantages.sequences[*i]),
            }
            of_log_q.extend_from_slice(&log_q[tokens.clone()]);
            places.extend(tokens.clone());
        }
        let [mean_advantage, mean_log_q] = [&values, &of_log_q].map(|all| sum(all) / rows.counts.tokens);
        for (value, log_q) in values.iter_mut().zip(of_log_q) {
            *value = (*value - mean_advantage) * (log_q - mean_log_q);
        }
        Self { values, places }
    }

    /// The places of the largest, of equal ones those of the first.
    fn largest(&self, count: usize) -> Vec<usize> {
        // Candidates, thinned out before they become many.
        let many = 2 * count + 1024;
        let mut kept: Vec<(f64, usize)> = Vec::with_capacity(many);
        let mut least = None;
        let larger_first = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        for (&value, &place) in self.values.iter().zip(&self.places) {
            if least.is_some_and(|least: f64| value.total_cmp(&least).is_le()) {
                continue;
            }
            kept.push((value, place));
            if kept.len() == many {
                kept.select_nth_unstable_by(count - 1, larger_first);
                kept.truncate(count);
                least = Some(kept[count - 1].0);
            }
        }
        kept.sort_unstable_by(larger_first);
        kept.truncate(count);
        kept.into_iter().map(|(_, place)| place).collect()
    }
}

/// ⌊fraction · tokens⌋, at least 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn share_of(fraction: f64, tokens: f64) -> usize {
    ((fraction * tokens) as usize).max(1)
}

/// Sets a share of the coefficients to zero, drawn among those of covariances between two bounds; says how many.
pub(super) fn drop_some(
    batch: &ObjectiveBatch<'_>,
    advantages: &Advantages,
    rows: &Rows,
    [above, below, fraction]: [f64; 3],
    c: &mut [f64],
) -> u64 {
    let Covariances { values, places } = Covariances::of(batch, advantages, rows);
    let tokens = values.into_iter().zip(places);
    let eligible = tokens.filter(|&(value, t)| value > above && value < below && c[t] != 0.0);
    let mut eligible: Vec<usize> = eligible.map(|(_, t)| t).collect();
    let count = share_of(fraction, rows.counts.tokens).min(eligible.len());
    if count < eligible.len() {
        let key = batch.moment().key;
        for place in 0..count {
            let other = place + pick(key.uniform(0, 0, place), eligible.len() - place);
            eligible.swap(place, other);
        }
    }
    for &t in &eligible[..count] {
        c[t] = 0.0;
    }
    count as u64
}

/// Adds the slope of |log q − log b| for the share of the tokens that have the largest covariances.
pub(super) fn penalise(
    batch: &ObjectiveBatch<'_>,
    advantages: &Advantages,
    rows: &Rows,
    penalty: CovariancePenalty,
    c: &mut [f64],
) {
    let (log_q, log_b) = (batch.log_probs().values(), batch.behaviour_log_probs().values());
    let count = share_of(penalty.fraction, rows.counts.tokens);
    for t in Covariances::of(batch, advantages, rows).largest(count) {
        let moved = log_q[t] - log_b[t];
        if moved != 0.0 {
            c[t] -= penalty.coefficient * moved.signum();
        }
    }
}

/// A place among `count` for a uniform number.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
fn pick(uniform: f64, count: usize) -> usize {
    ((uniform * count as f64) as usize).min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a stable sort has them, with many that are equal and more tokens than are kept at a time.
    #[test]
    fn the_largest_are_those_of_a_stable_sort() {
        for n in [1, 7, 1500, 9000] {
            let values: Vec<f64> = (0..n).map(|i| f64::from(i * 7919 % 613) - 300.0).collect();
            let places: Vec<usize> = (0..values.len()).map(|t| 3 * t + 1).collect();
            let mut sorted: Vec<(f64, usize)> = values.iter().copied().zip(places.iter().copied()).collect();
            sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
            let covariances = Covariances { values, places };
            for count in [1, 2, 5, 1000, sorted.len()] {
                let expected: Vec<usize> = sorted.iter().take(count).map(|(_, place)| *place).collect();
                assert_eq!(covariances.largest(count), expected, "{count} of {n}");
            }
        }
    }
}
