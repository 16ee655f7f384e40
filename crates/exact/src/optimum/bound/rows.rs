//! The greatest value of a concave function of one row within a box.
//!
//! For any multiplier ν, Σ_k max_π (f_k(π) − νπ) + ν, with π between its ends, is no less than the greatest Σ_k f_k(π_k)
//! of the rows in the box: the multipliers here need not be exact for the bounds to hold.

use pstar_core::math;

/// Ends of a row's probabilities with their logarithms or powers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'a> {
    pub(super) low: &'a [f64],
    pub(super) high: &'a [f64],
    /// f of the ends: logarithms, or powers.
    pub(super) of_low: &'a [f64],
    pub(super) of_high: &'a [f64],
}

/// Which end a probability is held at.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    Free,
    Low,
    High,
}

/// Divides 1 in proportion to `shares`, within the box: the factor of those that are at no end. `shares` are not all 0.
fn divide(shares: &[f64], ends: &Ends<'_>) -> f64 {
    let mut held = [Held::Free; 64];
    let mut more = Vec::new();
    let held: &mut [Held] = if shares.len() <= held.len() {
        &mut held[..shares.len()]
    } else {
        more.resize(shares.len(), Held::Free);
        &mut more
    };
    let mut factor = 1.0;
    for _ in 0..=shares.len() {
        let (mut total, mut left) = (0.0, 1.0);
        for (k, held) in held.iter().enumerate() {
            match held {
                Held::Free => total += shares[k],
                Held::Low => left -= ends.low[k],
                Held::High => left -= ends.high[k],
            }
        }
        if total <= 0.0 || left <= 0.0 {
            break;
        }
        factor = left / total;
        // Whatever lies outside on the side that weighs more stays at its end.
        let (mut below, mut above) = (0.0, 0.0);
        for (k, _) in held.iter().enumerate().filter(|(_, held)| **held == Held::Free) {
            let prob = factor * shares[k];
            below += (ends.low[k] - prob).max(0.0);
            above += (prob - ends.high[k]).max(0.0);
        }
        if below == 0.0 && above == 0.0 {
            break;
        }
        for (k, held) in held.iter_mut().enumerate().filter(|(_, held)| **held == Held::Free) {
            let prob = factor * shares[k];
            if below > above && prob < ends.low[k] {
                *held = Held::Low;
            } else if below <= above && prob > ends.high[k] {
                *held = Held::High;
            }
        }
    }
    factor
}

/// An upper bound of Σ_k π_k (w_k − log π_k), and the row where it is nearly so. `shares` is room for e^(w − max w).
pub(super) fn entropic(worth: &[f64], ends: &Ends<'_>, shares: &mut [f64], row: &mut [f64]) -> f64 {
    let greatest = worth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for (share, worth) in shares.iter_mut().zip(worth) {
        *share = math::exp(worth - greatest);
    }
    let factor = divide(shares, ends);
    // log π = w − ν where π is at no end.
    let nu = greatest - math::ln(factor);
    let mut sum = nu - 1.0;
    for k in 0..worth.len() {
        let prob = factor * shares[k];
        let (prob, log) = if prob < ends.low[k] {
            (ends.low[k], ends.of_low[k])
        } else if prob > ends.high[k] {
            (ends.high[k], ends.of_high[k])
        } else {
            row[k] = prob;
            sum += prob;
            continue;
        };
        row[k] = prob;
        sum += if prob > 0.0 { prob * (worth[k] - log - (nu - 1.0)) } else { 0.0 };
    }
    sum
}

/// An upper bound of Σ_k c_k π_k^α for c ≥ 0, and the row where it is nearly so; at α = 1 the bound is attained.
pub(super) fn power(alpha: f64, worth: &[f64], ends: &Ends<'_>, shares: &mut [f64], row: &mut [f64]) -> f64 {
    let greatest = worth.iter().copied().fold(0.0, f64::max);
    if greatest <= 0.0 {
        let (low, high): (f64, f64) = (ends.low.iter().sum(), ends.high.iter().sum());
        let part = if high > low { ((1.0 - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        for k in 0..row.len() {
            row[k] = ends.low[k] + part * (ends.high[k] - ends.low[k]);
        }
        return 0.0;
    }
    if alpha == 1.0 {
        return linear(worth, ends, row);
    }
    for (share, worth) in shares.iter_mut().zip(worth) {
        *share = if *worth > 0.0 { math::exp(math::ln(worth / greatest) / (1.0 - alpha)) } else { 0.0 };
    }
    let factor = divide(shares, ends);
    let scaled = greatest * math::pow(factor, alpha);
    let nu = alpha * scaled / factor;
    let mut sum = nu;
    for k in 0..worth.len() {
        let prob = factor * shares[k];
        let (prob, power) = if prob < ends.low[k] {
            (ends.low[k], ends.of_low[k])
        } else if prob > ends.high[k] {
            (ends.high[k], ends.of_high[k])
        } else {
            row[k] = prob;
            sum += scaled * shares[k] * (1.0 - alpha);
            continue;
        };
        row[k] = prob;
        sum += worth[k] * power - nu * prob;
    }
    sum
}

/// The greatest Σ_k c_k π_k: the best choices first.
fn linear(worth: &[f64], ends: &Ends<'_>, row: &mut [f64]) -> f64 {
    row.copy_from_slice(ends.low);
    let mut left = 1.0 - ends.low.iter().sum::<f64>();
    while left > 0.0 {
        let open = (0..worth.len()).filter(|&k| row[k] < ends.high[k]);
        let Some(best) = open.max_by(|&a, &b| worth[a].total_cmp(&worth[b]).then(b.cmp(&a))) else { break };
        let more = left.min(ends.high[best] - row[best]);
        row[best] = if more < left { ends.high[best] } else { row[best] + more };
        left -= more;
    }
    worth.iter().zip(&*row).map(|(worth, prob)| worth * prob).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_core::rng::{Purpose, StreamKey};

    /// Random boxes and random rows in them: none is above the bound, and the row that is named is close to it.
    #[test]
    fn no_row_of_a_box_is_above_the_bound() {
        let mut draws = StreamKey::new(7, Purpose::Objective, 0).row(0, 0);
        let mut drawn = 0;
        let mut uniform = || {
            drawn += 1;
            draws.at(drawn)
        };
        for round in 0..3000 {
            let choices = 2 + round % 4;
            let mut inside: Vec<f64> = (0..choices).map(|_| -uniform().max(1e-9).ln()).collect();
            let total: f64 = inside.iter().sum();
            inside.iter_mut().for_each(|prob| *prob /= total);
            let width = uniform();
            let low: Vec<f64> = inside.iter().map(|prob| (prob - width * uniform()).max(0.0)).collect();
            let high: Vec<f64> = inside.iter().map(|prob| (prob + width * uniform()).min(1.0)).collect();
            let worth: Vec<f64> = (0..choices).map(|_| 6.0 * uniform()).collect();
            for alpha in [0.0, 0.25, 0.9, 1.0] {
                let f = |prob: f64| if alpha == 0.0 { prob.ln() } else { prob.powf(alpha) };
                let of = |ends: &[f64]| ends.iter().map(|&prob| f(prob)).collect::<Vec<_>>();
                let (of_low, of_high) = (of(&low), of(&high));
                let ends = Ends { low: &low, high: &high, of_low: &of_low, of_high: &of_high };
                let (mut shares, mut row) = (vec![0.0; choices], vec![0.0; choices]);
                let value = |row: &[f64]| -> f64 {
                    let term = |(&prob, &worth): (&f64, &f64)| match alpha {
                        0.0 if prob > 0.0 => prob * (worth - prob.ln()),
                        0.0 => 0.0,
                        _ => worth * prob.powf(alpha),
                    };
                    row.iter().zip(&worth).map(term).sum()
                };
                let bound = if alpha == 0.0 {
                    entropic(&worth, &ends, &mut shares, &mut row)
                } else {
                    power(alpha, &worth, &ends, &mut shares, &mut row)
                };
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{row:?} {low:?} {high:?}");
                assert!((value(&row) - bound).abs() < 1e-9, "alpha {alpha}: {} and {bound}", value(&row));
                assert!(value(&inside) <= bound + 1e-12);
                for _ in 0..20 {
                    // Between the row inside and a corner.
                    let (i, j) = ((uniform() * choices as f64) as usize, (uniform() * choices as f64) as usize);
                    let mut other = inside.clone();
                    let step = uniform() * (other[i] - low[i]).min(high[j] - other[j]);
                    if i != j {
                        other[i] -= step;
                        other[j] += step;
                    }
                    assert!(value(&other) <= bound + 1e-12, "alpha {alpha}");
                }
            }
        }
    }
}
