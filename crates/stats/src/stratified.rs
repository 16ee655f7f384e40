//! Bootstrap intervals of figures of runs on tasks.

use crate::quantile::quantile;
use crate::resample::{Draws, RESAMPLES, check_room};
use crate::{Estimate, FEWEST_FOR_INTERVAL, Interval, Scores, StatsError};

/// How often each score is in a resample: in the order of the scores.
pub(crate) type Weights = Vec<u32>;

/// Estimates of figures by `figures`, which writes them from the weights of each of `samples`.
///
/// A resample draws runs with replacement, of every task and sample on its own, so that tasks are strata. The interval is
/// from the 2.5 to the 97.5 % quantile. There is none of fewer than [`FEWEST_FOR_INTERVAL`] runs, and where all resamples
/// have one figure.
///
/// # Source
/// Agarwal et al. (2021), *Deep Reinforcement Learning at the Edge of the Statistical Precipice*, arXiv 2108.13264.
pub(crate) fn estimates<const N: usize>(
    samples: [Scores<'_>; N],
    number: usize,
    figures: impl Fn(&[Weights; N], &mut [f64]),
) -> Result<Vec<Estimate>, StatsError> {
    for sample in samples {
        check_room(sample.runs(), sample.tasks())?;
    }
    let mut values = vec![0.0; number];
    figures(&samples.map(|sample| vec![1; sample.values().len()]), &mut values);
    let resamples =
        if samples.iter().all(|sample| sample.runs() >= FEWEST_FOR_INTERVAL) { RESAMPLES } else { 0 };
    let mut weights = samples.map(|sample| vec![0; sample.values().len()]);
    let mut resampled = vec![0.0; number * resamples as usize];
    for (resample, resampled) in (0..resamples).zip(resampled.chunks_mut(number.max(1))) {
        for ((weights, sample), stream) in weights.iter_mut().zip(samples).zip(0..) {
            draw(Draws::of(stream), resample, sample, weights);
        }
        figures(&weights, resampled);
    }
    let mut own = vec![0.0; resamples as usize];
    let estimate = |(figure, value)| {
        for (own, resampled) in own.iter_mut().zip(resampled.chunks(number)) {
            *own = resampled[figure];
        }
        own.sort_by(f64::total_cmp);
        let varies = own.first() != own.last();
        let interval = varies.then(|| Interval { low: quantile(&own, 0.025), high: quantile(&own, 0.975) });
        Estimate { value, interval }
    };
    Ok(values.into_iter().enumerate().map(estimate).collect())
}

fn draw(draws: Draws, resample: u32, sample: Scores<'_>, weights: &mut [u32]) {
    weights.fill(0);
    let mut chosen = vec![0; sample.runs()];
    for (task, stratum) in (0..sample.tasks()).zip(0..) {
        draws.write(stratum, resample, &mut chosen);
        for &run in &chosen {
            weights[run as usize * sample.tasks() + task] += 1;
        }
    }
}
