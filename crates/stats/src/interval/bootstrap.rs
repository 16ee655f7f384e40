//! Intervals from resampled means.

use super::{Interval, IntervalMethod, normal, student};
use crate::moments::std_error_around;
use crate::quantile::quantile;
use crate::resample::{Draws, RESAMPLES};

/// What a resample has to say.
pub(super) struct Resampled {
    pub(super) mean: f64,
    /// (its mean − the mean) ÷ its standard error; infinite where that is 0.
    pub(super) t: f64,
}

/// All resamples of values with the given mean.
pub(super) fn resampled(values: &[f64], mean: f64) -> Vec<Resampled> {
    let mut chosen = vec![0; values.len()];
    let resample = |resample| {
        Draws::of(0).write(0, resample, &mut chosen);
        of(values, mean, &chosen)
    };
    (0..RESAMPLES).map(resample).collect()
}

/// The resample that holds the chosen values.
pub(super) fn of(values: &[f64], mean: f64, chosen: &[u32]) -> Resampled {
    let n = chosen.len() as f64;
    let drawn = || chosen.iter().map(|&i| values[i as usize]);
    let own = drawn().sum::<f64>() / n;
    let first = values[chosen[0] as usize];
    // A variance of nothing but rounding is none.
    let squares =
        if drawn().all(|x| x == first) { 0.0 } else { drawn().map(|x| (x - own) * (x - own)).sum::<f64>() };
    let difference = own - mean;
    let t = if difference == 0.0 { 0.0 } else { difference / (squares / (n - 1.0) / n).sqrt() };
    Resampled { mean: own, t }
}

/// The interval of a method that resamples.
pub(super) fn interval(
    method: IntervalMethod,
    values: &[f64],
    mean: f64,
    resampled: &[Resampled],
) -> Interval {
    let n = values.len() as f64;
    let sorted = |figure: fn(&Resampled) -> f64| {
        let mut figures: Vec<f64> = resampled.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures
    };
    let between =
        |sorted: &[f64], low, high| Interval { low: quantile(sorted, low), high: quantile(sorted, high) };
    if method == IntervalMethod::Studentised {
        let Interval { low, high } = between(&sorted(|resampled| resampled.t), 0.025, 0.975);
        return Interval { low: -high, high: -low }.moved(mean, std_error_around(values, mean));
    }
    let means = sorted(|resampled| resampled.mean);
    match method {
        IntervalMethod::ExpandedPercentile => {
            let tail = normal::probability(-student::quantile(values.len()) * (n / (n - 1.0)).sqrt());
            between(&means, tail, 1.0 - tail)
        }
        IntervalMethod::Bca => {
            let (bias, acceleration) = (bias(&means, mean, n), acceleration(values, mean));
            let share = |z: f64| {
                let moved = bias + z;
                normal::probability(bias + moved / (1.0 - acceleration * moved))
            };
            between(&means, share(-normal::QUANTILE_975), share(normal::QUANTILE_975))
        }
        _ => between(&means, 0.025, 0.975),
    }
}

/// The normal quantile of the share of resampled means below the mean, those that equal it but for rounding counted half.
fn bias(sorted: &[f64], mean: f64, n: f64) -> f64 {
    let rounding = 4.0 * n * f64::EPSILON;
    let below = sorted.partition_point(|x| *x < mean - rounding);
    let up_to = sorted.partition_point(|x| *x <= mean + rounding);
    let all = 2 * sorted.len();
    normal::quantile((below + up_to).clamp(1, all - 1) as f64 / all as f64)
}

/// Σ d³ / 6 (Σ d²)^(3/2) of what leaving out each value changes the mean by, which is proportional to its deviation.
fn acceleration(values: &[f64], mean: f64) -> f64 {
    let (squares, cubes) = values.iter().fold((0.0, 0.0), |(squares, cubes): (f64, f64), x| {
        let deviation = x - mean;
        (squares + deviation * deviation, cubes + deviation * deviation * deviation)
    });
    cubes / (6.0 * squares * squares.sqrt())
}
