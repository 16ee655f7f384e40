//! coverage@k of output spaces that nobody can enumerate: the expected number of distinct valid outputs among k samples.
//!
//! With K the greatest k, outputs of probability q ≥ 1/K are few. They are found by walking down only those prefixes
//! whose best valid completion is as probable, and their terms 1 − (1 − q)^k are summed as they stand. For the others
//! 1 − (1 − q)^k = Σ_j (−1)^{j+1} C(k, j) q^j converges like e^{−Kq}, and each power sum Σ q^j decomposes over
//! the product: what hangs off the walked prefixes is carried forward together. Checked against enumeration and closed
//! forms.

use super::choices::{Behind, ModelChoices};
use super::completions::Completions;
use super::wide::Wide;
use crate::measures::coverage::coverage_at;
use crate::measures::reach::{LEAST_GREATEST, POWERS};
use crate::{Accumulator, CoverageCurve, Role, WeightedProduct};

/// Σ over nodes or outputs of (Kq)^j, j = 2..=POWERS. The first power sum comes from the masses of completions.
type Lanes = [f64; POWERS - 1];

/// coverage@k = Σ_{y valid} 1 − (1 − c·m(y))^k for each of `k`, c = e^`log_scale` and m the base or the policy.
///
/// The filtered model has c = 1/A1, the valid part of a tilted distribution c = μ/A1. `None` for those k that would take
/// more than `most_prefixes` prefixes: at most horizon × k, and where the outputs of probability 1/k share their
/// prefixes, far fewer.
///
/// # Range and cost
/// c·m(y) is at most 1 up to rounding. Right to about (horizon + 20) roundings, and to those of c; nothing underflows
/// unless the result does. Time O(visited prefixes × choices × log K) and 18 multiplications a transition, memory 32
/// bytes a position and node that can become valid, and 24 a visited prefix. Where some k is out of reach, as much for
/// each step of a binary search for the greatest that is not.
pub fn coverage_at_k(
    weighted: &WeightedProduct<'_>,
    role: Role,
    log_scale: f64,
    k: &[u64],
    most_prefixes: usize,
) -> Vec<Option<f64>> {
    coverage_of(ModelChoices::of(weighted, role), Wide::exp(log_scale), k, most_prefixes)
}

/// The same of choices that may have any weights, of which those of an output times `scale` are its probability.
pub(super) fn coverage_of(
    choices: ModelChoices<'_>,
    scale: Wide,
    k: &[u64],
    most_prefixes: usize,
) -> Vec<Option<f64>> {
    let coverage = Coverage {
        choices,
        best: Completions::of(choices, Wide::max),
        masses: Completions::of(choices, Wide::plus),
        scale,
        most_prefixes,
    };
    let mut ascending = k.to_vec();
    ascending.sort_unstable();
    ascending.dedup();
    // A greater k takes more prefixes: those within reach come first.
    let (mut reached, mut found) = (0, Vec::new());
    let mut out_of_reach = ascending.len() + 1;
    let mut tried = ascending.len();
    while reached + 1 < out_of_reach {
        match coverage.at(&ascending[..tried]) {
            Some(values) => (reached, found) = (tried, values),
            None => out_of_reach = tried,
        }
        tried = usize::midpoint(reached, out_of_reach);
    }
    let value = |k: &u64| found.get(ascending.binary_search(k).ok()?).copied();
    k.iter().map(value).collect()
}

/// coverage@k as a function of real k up to `greatest`; `None` where that takes more than `most_prefixes` prefixes.
///
/// # Range and cost
/// As [`coverage_at_k`] of the greatest k.
pub fn coverage_curve(
    weighted: &WeightedProduct<'_>,
    role: Role,
    greatest: u64,
    most_prefixes: usize,
) -> Option<CoverageCurve> {
    let choices = ModelChoices::of(weighted, role);
    let coverage = Coverage {
        choices,
        best: Completions::of(choices, Wide::max),
        masses: Completions::of(choices, Wide::plus),
        scale: Wide::ONE,
        most_prefixes,
    };
    let greatest = greatest.max(LEAST_GREATEST);
    let Search { heavy, light, .. } = coverage.search(greatest)?;
    Some(CoverageCurve::of_parts(&heavy, light.first.total(), light.lanes, greatest as f64))
}

/// What every search shares.
struct Coverage<'a> {
    choices: ModelChoices<'a>,
    /// The best valid completion of every node.
    best: Completions,
    /// The mass of the valid completions of every node.
    masses: Completions,
    scale: Wide,
    most_prefixes: usize,
}

impl Coverage<'_> {
    /// For each of `k`, increasing; `None` if the greatest is out of reach.
    fn at(&self, k: &[u64]) -> Option<Vec<f64>> {
        let Some(&greatest) = k.last().filter(|&&greatest| greatest > 0) else {
            return Some(vec![0.0; k.len()]);
        };
        let search = self.search(greatest)?;
        let heavy = coverage_at(search.heavy.len(), |i| search.heavy[i], k);
        let light = k.iter().map(|&k| search.light.coverage(k, greatest as f64));
        Some(heavy.iter().zip(light).map(|(heavy, light)| heavy + light).collect())
    }

    /// Outputs that are heavy for k up to `greatest`, and the power sums of the others.
    fn search(&self, greatest: u64) -> Option<Search<'_>> {
        let mut search = Search {
            choices: self.choices,
            best: &self.best,
            masses: &self.masses,
            greatest: Wide::new(greatest as f64),
            heavy: Vec::new(),
            light: Light::default(),
            prefixes: Vec::new(),
            lanes: Vec::new(),
        };
        search.run(self.scale, self.most_prefixes)?;
        Some(search)
    }
}

struct Search<'a> {
    choices: ModelChoices<'a>,
    /// The best valid completion of every node.
    best: &'a Completions,
    /// The mass of the valid completions of every node.
    masses: &'a Completions,
    /// K.
    greatest: Wide,
    /// The probabilities of the outputs found.
    heavy: Vec<f64>,
    light: Light,
    /// Node and probability of the prefixes to extend at the next position.
    prefixes: Vec<(usize, Wide)>,
    /// The power sums of the other prefixes at the next position, each prefix with its best completion: at most 1, so
    /// that what underflows is negligible beside the first power.
    lanes: Vec<Lanes>,
}

/// The power sums of the outputs that are not heavy.
#[derive(Default)]
struct Light {
    first: Accumulator,
    lanes: Lanes,
}

impl Search<'_> {
    /// Finds the heavy outputs and sums the powers of the others.
    fn run(&mut self, scale: Wide, most_prefixes: usize) -> Option<()> {
        let alive = self.choices.alive(0);
        if alive == 0 {
            return Some(());
        }
        self.lanes = vec![[0.0; POWERS - 1]; alive];
        self.place(Behind::Node(0), self.best.start(), self.masses.start(), scale);
        let mut visited = 0;
        for position in 0..self.choices.horizon() {
            visited += self.prefixes.len();
            if visited > most_prefixes {
                return None;
            }
            let lanes = vec![[0.0; POWERS - 1]; self.choices.alive(position + 1)];
            let lanes = std::mem::replace(&mut self.lanes, lanes);
            for (node, prob) in std::mem::take(&mut self.prefixes) {
                for step in self.choices.steps(position, node) {
                    let best = self.best.behind(position, step.behind);
                    let mass = self.masses.behind(position, step.behind);
                    self.place(step.behind, best, mass, prob.times(step.prob));
                }
                if visited + self.prefixes.len() > most_prefixes {
                    return None;
                }
            }
            // Where the square has underflown, so have the higher powers.
            for (node, lanes) in lanes.iter().enumerate().filter(|(_, lanes)| lanes[0] > 0.0) {
                let here = self.best.at(position, node);
                for step in self.choices.steps(position, node) {
                    let factor = step.prob.times(self.best.behind(position, step.behind)).over(here);
                    self.carry(step.behind, lanes, factor);
                }
            }
        }
        Some(())
    }

    /// Puts a prefix with the best and the mass of its completions where it belongs.
    fn place(&mut self, behind: Behind, best: Wide, mass: Wide, prob: Wide) {
        let reach = prob.times(best).times(self.greatest);
        if reach.is_zero() {
            return;
        }
        match behind {
            Behind::Node(node) if reach >= Wide::ONE => self.prefixes.push((node, prob)),
            Behind::Valid if reach >= Wide::ONE => self.heavy.push(prob.value()),
            _ => {
                self.light.first.add(prob.times(mass).value());
                self.carry(behind, &[1.0; POWERS - 1], reach.value());
            }
        }
    }

    /// Adds lanes times the powers of a factor to what lies behind.
    fn carry(&mut self, behind: Behind, lanes: &Lanes, factor: f64) {
        let sums = match behind {
            Behind::Node(node) => &mut self.lanes[node],
            Behind::Valid => &mut self.light.lanes,
            Behind::Nothing => return,
        };
        let mut power = factor;
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            power *= factor;
            *sum += lane * power;
        }
    }
}

impl Light {
    /// Σ_j (−1)^{j+1} C(k, j) Σ q^j, the powers of q in units of 1/`greatest`.
    fn coverage(&self, k: u64, greatest: f64) -> f64 {
        let mut total = self.first.total() * k as f64;
        let mut coefficient = k as f64 / greatest;
        for (j, lane) in (1..k).zip(&self.lanes) {
            coefficient *= -((k - j) as f64 / greatest) / (j + 1) as f64;
            total += coefficient * lane;
        }
        total
    }
}

#[cfg(test)]
mod tests;
