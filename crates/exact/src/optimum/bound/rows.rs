//! The greatest value of a concave function of one row within a box.
//!
//! For any multiplier ν, Σ_k max_π (f_k(π) − νπ) + ν, with π between its ends, is no less than the greatest Σ_k f_k(π_k)
//! of the rows in the box: the multipliers here need not be exact for the bounds to hold.

use std::ops::Range;

use pstar_core::math;

use super::boxes::PolicyBox;

/// Ends of a row's probabilities with their logarithms or powers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'a> {
    pub(super) low: &'a [f64],
    pub(super) high: &'a [f64],
    /// f of the ends: logarithms, or powers.
    pub(super) of_low: &'a [f64],
    pub(super) of_high: &'a [f64],
}

/// The ends of a box with a function of them.
#[derive(Debug)]
pub(super) struct Faces<'a> {
    pub(super) policies: &'a PolicyBox,
    pub(super) of_low: Vec<f64>,
    pub(super) of_high: Vec<f64>,
}

impl<'a> Faces<'a> {
    /// For rows in these ranges of parameters.
    pub(super) fn new(
        policies: &'a PolicyBox,
        rows: impl Iterator<Item = Range<usize>>,
        of: impl Fn(f64) -> f64,
    ) -> Self {
        let mut faces =
            Self { policies, of_low: vec![0.0; policies.low.len()], of_high: vec![0.0; policies.high.len()] };
        for k in rows.flatten() {
            faces.of_low[k] = of(policies.low[k]);
            faces.of_high[k] = of(policies.high[k]);
        }
        faces
    }

    /// Those of one row.
    pub(super) fn row(&self, row: Range<usize>) -> Ends<'_> {
        Ends {
            low: &self.policies.low[row.clone()],
            high: &self.policies.high[row.clone()],
            of_low: &self.of_low[row.clone()],
            of_high: &self.of_high[row],
        }
    }
}

/// Which end a probability is held at.
#[derive(Clone, Copy, PartialEq)]
enum Held {
    Free,
    Low,
    High,
}

/// Ends of a row that go together sum to 1 as nearly as this.
const CLOSE_TO_ONE: f64 = 1e-13;

/// Shares below this are worked out again, relative to the greatest of them.
const SMALL: f64 = 1e-100;

/// e^(logs − greatest), of which those of the row's other choices may be large.
fn shares(logs: &[f64], greatest: f64, row: &mut [f64]) {
    for (share, &log) in row.iter_mut().zip(logs) {
        *share = if log == greatest { 1.0 } else { math::exp((log - greatest).min(700.0)) };
    }
}

/// Divides 1 in proportion to e^logs, within the box: writes e^(logs − ν) to `row`, ends not yet minded, and returns ν;
/// −∞ where all that is not at an end has no share.
fn divide(logs: &[f64], ends: &Ends<'_>, row: &mut [f64]) -> f64 {
    let mut few = [Held::Free; 32];
    let mut many = Vec::new();
    let held: &mut [Held] = if logs.len() <= few.len() {
        &mut few[..logs.len()]
    } else {
        many.resize(logs.len(), Held::Free);
        &mut many
    };
    let mut greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if greatest == f64::NEG_INFINITY {
        row.fill(0.0);
        return greatest;
    }
    shares(logs, greatest, row);
    let mut factor = 1.0;
    for _ in 0..=logs.len() {
        let (mut total, mut left) = sum_free(held, ends, row);
        if total < SMALL {
            let free = logs.iter().zip(&*held).filter(|(_, held)| **held == Held::Free);
            let most = free.map(|(log, _)| *log).fold(f64::NEG_INFINITY, f64::max);
            if most == f64::NEG_INFINITY {
                break;
            }
            factor = (factor * math::exp((most - greatest).max(-700.0))).max(f64::MIN_POSITIVE);
            greatest = most;
            shares(logs, greatest, row);
            (total, left) = sum_free(held, ends, row);
        }
        if left <= 0.0 {
            break;
        }
        factor = left / total;
        // Whatever lies outside on the side that weighs more stays at its end.
        let (mut below, mut above) = (0.0, 0.0);
        for (k, _) in held.iter().enumerate().filter(|(_, held)| **held == Held::Free) {
            below += (ends.low[k] - row[k] * factor).max(0.0);
            above += (row[k] * factor - ends.high[k]).max(0.0);
        }
        if below == 0.0 && above == 0.0 {
            break;
        }
        for (k, held) in held.iter_mut().enumerate().filter(|(_, held)| **held == Held::Free) {
            if below > above && row[k] * factor < ends.low[k] {
                *held = Held::Low;
            } else if below <= above && row[k] * factor > ends.high[k] {
                *held = Held::High;
            }
        }
    }
    for share in row {
        *share *= factor;
    }
    greatest - math::ln(factor)
}

/// The shares of what is at no end, and how much of 1 the ends leave them.
fn sum_free(held: &[Held], ends: &Ends<'_>, row: &[f64]) -> (f64, f64) {
    let (mut total, mut left) = (0.0, 1.0);
    for (k, held) in held.iter().enumerate() {
        match held {
            Held::Free => total += row[k],
            Held::Low => left -= ends.low[k],
            Held::High => left -= ends.high[k],
        }
    }
    (total, left)
}

/// Writes the row in proportion to `shares`, as far as the box allows.
pub(super) fn divided(shares: &[f64], ends: &Ends<'_>, row: &mut [f64]) {
    let logs: Vec<f64> = shares.iter().map(|&share| math::ln(share)).collect();
    divide(&logs, ends, row);
    for (k, prob) in row.iter_mut().enumerate() {
        *prob = prob.max(ends.low[k]).min(ends.high[k]);
    }
}

/// An upper bound of Σ_k π_k (w_k − log π_k), and the row where it is nearly so. All w are finite.
pub(super) fn entropic(worth: &[f64], ends: &Ends<'_>, row: &mut [f64]) -> f64 {
    if let Some(bound) = entropic_at_ends(worth, ends, row) {
        return bound;
    }
    // log π = w − ν where π is at no end.
    let nu = divide(worth, ends, row);
    let mut sum = nu - 1.0;
    for k in 0..worth.len() {
        let (prob, log) = if row[k] < ends.low[k] {
            (ends.low[k], ends.of_low[k])
        } else if row[k] > ends.high[k] {
            (ends.high[k], ends.of_high[k])
        } else {
            sum += row[k];
            continue;
        };
        row[k] = prob;
        sum += if prob > 0.0 { prob * (worth[k] - log - (nu - 1.0)) } else { 0.0 };
    }
    sum
}

/// [`entropic`] of two choices both of which are best at an end, as in most small boxes: seen without an exponential.
/// The ends must be tight.
fn entropic_at_ends(worth: &[f64], ends: &Ends<'_>, row: &mut [f64]) -> Option<f64> {
    let [first, second] = *worth else { return None };
    let (less, more) = if first - second <= ends.of_low[0] - ends.of_high[1] {
        (0, 1)
    } else if second - first <= ends.of_low[1] - ends.of_high[0] {
        (1, 0)
    } else {
        return None;
    };
    if ends.high[more] == 0.0 || (ends.high[more] + ends.low[less] - 1.0).abs() > CLOSE_TO_ONE {
        return None;
    }
    // The multiplier at which `more` is best at its upper end; `less` is then best at its lower one.
    let nu = worth[more] - ends.of_high[more];
    row[more] = ends.high[more];
    row[less] = ends.low[less];
    let rest = if row[less] > 0.0 { row[less] * (worth[less] - ends.of_low[less] - (nu - 1.0)) } else { 0.0 };
    Some(nu - 1.0 + row[more] + rest)
}

/// An upper bound of Σ_k c_k π_k^α for c ≥ 0, the row where it is nearly so, and in `terms` its terms; at α = 1 the
/// bound is attained.
pub(super) fn power(alpha: f64, worth: &[f64], ends: &Ends<'_>, terms: &mut [f64], row: &mut [f64]) -> f64 {
    if worth.iter().all(|&worth| worth <= 0.0) {
        let (low, high): (f64, f64) = (ends.low.iter().sum(), ends.high.iter().sum());
        let part = if high > low { ((1.0 - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        for k in 0..row.len() {
            row[k] = ends.low[k] + part * (ends.high[k] - ends.low[k]);
            terms[k] = 0.0;
        }
        return 0.0;
    }
    if alpha == 1.0 {
        return linear(worth, ends, terms, row);
    }
    for (log, worth) in terms.iter_mut().zip(worth) {
        *log = math::ln(*worth) / (1.0 - alpha);
    }
    // c π^α = π e^((1−α) ν) where π is at no end; where all of them are, the best that ends can be.
    let nu = divide(terms, ends, row);
    let unit = if nu == f64::NEG_INFINITY { 0.0 } else { math::exp((1.0 - alpha) * nu) };
    let price = alpha * unit;
    let mut sum = price;
    for k in 0..worth.len() {
        let free = unit > 0.0 && row[k] >= ends.low[k] && row[k] <= ends.high[k];
        if free {
            terms[k] = unit * row[k];
            sum += terms[k] * (1.0 - alpha);
            continue;
        }
        let at_low = if unit > 0.0 { row[k] < ends.low[k] } else { worth[k] <= 0.0 };
        let (prob, power) =
            if at_low { (ends.low[k], ends.of_low[k]) } else { (ends.high[k], ends.of_high[k]) };
        row[k] = prob;
        terms[k] = worth[k] * power;
        sum += terms[k] - price * prob;
    }
    sum
}

/// The greatest Σ_k c_k π_k, its row and its terms: the best choices first.
pub(super) fn linear(worth: &[f64], ends: &Ends<'_>, terms: &mut [f64], row: &mut [f64]) -> f64 {
    row.copy_from_slice(ends.low);
    let mut left = 1.0 - ends.low.iter().sum::<f64>();
    while left > 0.0 {
        let open = (0..worth.len()).filter(|&k| row[k] < ends.high[k]);
        let Some(best) = open.max_by(|&a, &b| worth[a].total_cmp(&worth[b]).then(b.cmp(&a))) else { break };
        let more = left.min(ends.high[best] - row[best]);
        row[best] = if more < left { ends.high[best] } else { row[best] + more };
        left -= more;
    }
    for ((term, worth), prob) in terms.iter_mut().zip(worth).zip(&*row) {
        *term = worth * prob;
    }
    terms.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimum::bound::tests::Draws;

    /// Random boxes and random rows in them: none is above the bound, and the row that is named is close to it.
    #[test]
    fn no_row_of_a_box_is_above_the_bound() {
        let mut draws = Draws::new(7);
        for round in 0..3000 {
            let choices = 2 + round % 4;
            let mut inside: Vec<f64> = (0..choices).map(|_| -draws.uniform().max(1e-9).ln()).collect();
            let total: f64 = inside.iter().sum();
            for prob in &mut inside {
                *prob /= total;
            }
            let width = draws.uniform();
            let mut low: Vec<f64> =
                inside.iter().map(|prob| (prob - width * draws.uniform()).max(0.0)).collect();
            let mut high: Vec<f64> =
                inside.iter().map(|prob| (prob + width * draws.uniform()).min(1.0)).collect();
            if choices == 2 && round % 8 != 0 {
                // Tight ends, as those of the boxes are.
                (low[1], high[1]) = (1.0 - high[0], 1.0 - low[0]);
            }
            // Some worlds apart.
            let spread = if round % 7 == 0 { 2000.0 } else { 6.0 };
            let worth: Vec<f64> = (0..choices).map(|_| spread * draws.uniform()).collect();
            for alpha in [0.0, 0.25, 0.9, 1.0] {
                let f = |prob: f64| if alpha == 0.0 { prob.ln() } else { prob.powf(alpha) };
                let of = |ends: &[f64]| ends.iter().map(|&prob| f(prob)).collect::<Vec<_>>();
                let (of_low, of_high) = (of(&low), of(&high));
                let ends = Ends { low: &low, high: &high, of_low: &of_low, of_high: &of_high };
                let (mut terms, mut row) = (vec![0.0; choices], vec![0.0; choices]);
                let value = |row: &[f64]| -> f64 {
                    let term = |(&prob, &worth): (&f64, &f64)| match alpha {
                        0.0 if prob > 0.0 => prob * (worth - prob.ln()),
                        0.0 => 0.0,
                        _ => worth * prob.powf(alpha),
                    };
                    row.iter().zip(&worth).map(term).sum()
                };
                let bound = if alpha == 0.0 {
                    entropic(&worth, &ends, &mut row)
                } else {
                    power(alpha, &worth, &ends, &mut terms, &mut row)
                };
                let close = 1e-9 * (1.0 + spread);
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{row:?} {low:?} {high:?}");
                assert!((value(&row) - bound).abs() < close, "alpha {alpha}: {} and {bound}", value(&row));
                let rounding = 1e-14 * (1.0 + spread);
                assert!(value(&inside) <= bound + rounding);
                for _ in 0..20 {
                    // Between the row inside and a corner.
                    let (i, j) = (draws.below(choices), draws.below(choices));
                    let mut other = inside.clone();
                    let step = draws.uniform() * (other[i] - low[i]).min(high[j] - other[j]);
                    if i != j {
                        other[i] -= step;
                        other[j] += step;
                    }
                    assert!(value(&other) <= bound + rounding, "alpha {alpha}");
                }
            }
        }
    }
}
