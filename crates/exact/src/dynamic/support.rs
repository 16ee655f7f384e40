//! What k samples of a policy find of what k samples of the base find, in spaces that nobody can enumerate.
//!
//! As [`coverage`](super::coverage), for two models at once: outputs that either gives at least 1/K are found one by
//! one, and of the others c_a c_q is a double series in a and q, whose sums of products of powers are carried along the
//! product. Checked against enumeration.

use super::choices::{Behind, ModelChoices};
use super::completions::Completions;
use super::wide::Wide;
use crate::measures::coverage::at_least_once;
use crate::measures::reach::LEAST_GREATEST;
use crate::{Accumulator, Role, Support, WeightedProduct};

/// The greatest power in the series. As Ka < 1 and Kq < 1, what is left out is below 1/15! < 10⁻¹² of the first term.
const POWERS: usize = 14;

/// Nodes at a position that sums are kept for at most: 1.5 KiB each.
const MOST_NODES: usize = 1 << 15;

/// Σ (Ka)^i (Kq)^j over prefixes or outputs, i and j from 1.
type Lanes = [[f64; POWERS]; POWERS];

/// The support of every k. The first of `models` is the base, the second what is held against it: each the base or the
/// policy, its probabilities times e^scale as in [`coverage_at_k`](super::coverage_at_k), of which `coverage` is given.
/// `None` for those k that would take more than `most_prefixes` prefixes, and for all where the product has too many nodes.
///
/// # Range and cost
/// `kept` is right to about 10⁻¹² of itself, lost and gained to that of the coverage. Time O(visited prefixes × choices)
/// and 200 multiplications a transition.
pub fn support_at_k(
    weighted: &WeightedProduct<'_>,
    models: [(Role, f64); 2],
    k: &[u64],
    coverage: [&[Option<f64>]; 2],
    most_prefixes: usize,
) -> Vec<Option<Support>> {
    let scales = models.map(|(_, log_scale)| Wide::exp(log_scale));
    let models = models.map(|(role, _)| ModelChoices::of(weighted, role));
    let horizon = models[0].horizon();
    if (0..horizon).any(|position| models[0].alive(position) > MOST_NODES) {
        return vec![None; k.len()];
    }
    let best = models.map(|choices| Completions::of(choices, Wide::max));
    let mut ascending = k.to_vec();
    ascending.sort_unstable();
    ascending.dedup();
    // A greater k takes more prefixes.
    let found = loop {
        let Some(&greatest) = ascending.last() else { break Vec::new() };
        let greatest = Wide::new(greatest.max(LEAST_GREATEST) as f64);
        let mut search = Search {
            models,
            scales,
            best: &best,
            greatest,
            heavy: Vec::new(),
            lanes: Vec::new(),
            light: Lanes::default(),
            prefixes: Vec::new(),
        };
        if search.run(most_prefixes).is_some() {
            break ascending.iter().map(|&k| search.kept(k)).collect();
        }
        ascending.pop();
    };
    let of = |(i, k): (usize, &u64)| {
        let kept: f64 = *found.get(ascending.binary_search(k).ok()?)?;
        Some(Support::of_kept(kept, [coverage[0][i]?, coverage[1][i]?]))
    };
    k.iter().enumerate().map(of).collect()
}

struct Search<'a> {
    models: [ModelChoices<'a>; 2],
    scales: [Wide; 2],
    /// The best valid completion of every node, under each model.
    best: &'a [Completions; 2],
    /// K.
    greatest: Wide,
    /// The probabilities of the outputs found.
    heavy: Vec<[f64; 2]>,
    /// The sums of the other prefixes at the next position, each prefix with its best completions.
    lanes: Vec<Lanes>,
    /// Those of the other outputs.
    light: Lanes,
    /// Node and probabilities of the prefixes to extend at the next position.
    prefixes: Vec<(usize, [Wide; 2])>,
}

impl Search<'_> {
    fn run(&mut self, most_prefixes: usize) -> Option<()> {
        let alive = self.models[0].alive(0);
        if alive == 0 {
            return Some(());
        }
        self.lanes = vec![Lanes::default(); alive];
        self.place(Behind::Node(0), [self.best[0].start(), self.best[1].start()], self.scales);
        let mut visited = 0;
        for position in 0..self.models[0].horizon() {
            visited += self.prefixes.len();
            if visited > most_prefixes {
                return None;
            }
            let lanes = vec![Lanes::default(); self.models[0].alive(position + 1)];
            let lanes = std::mem::replace(&mut self.lanes, lanes);
            for (node, probs) in std::mem::take(&mut self.prefixes) {
                for (behind, steps) in self.steps(position, node) {
                    let best = self.behind(position, behind);
                    self.place(behind, best, [probs[0].times(steps[0]), probs[1].times(steps[1])]);
                }
                if visited + self.prefixes.len() > most_prefixes {
                    return None;
                }
            }
            for (node, lanes) in lanes.iter().enumerate().filter(|(_, lanes)| lanes[0][0] > 0.0) {
                let here = [self.best[0].at(position, node), self.best[1].at(position, node)];
                for (behind, steps) in self.steps(position, node) {
                    let best = self.behind(position, behind);
                    let factor = |model: usize| steps[model].times(best[model]).over(here[model]);
                    self.carry(behind, lanes, [factor(0), factor(1)]);
                }
            }
        }
        Some(())
    }

    /// What lies behind a node's choices, and their probabilities under both models.
    fn steps(&self, position: usize, node: usize) -> Vec<(Behind, [Wide; 2])> {
        let [base, policy] = self.models;
        let steps = base.steps(position, node).zip(policy.steps(position, node));
        steps.map(|(base, policy)| (base.behind, [base.prob, policy.prob])).collect()
    }

    fn behind(&self, position: usize, behind: Behind) -> [Wide; 2] {
        [self.best[0].behind(position, behind), self.best[1].behind(position, behind)]
    }

    /// Puts a prefix with its best completions where it belongs.
    fn place(&mut self, behind: Behind, best: [Wide; 2], probs: [Wide; 2]) {
        let reach = [0, 1].map(|model| probs[model].times(best[model]).times(self.greatest));
        // What one of them never finds is not kept.
        if reach[0].is_zero() || reach[1].is_zero() {
            return;
        }
        let is_heavy = reach[0] >= Wide::ONE || reach[1] >= Wide::ONE;
        match behind {
            Behind::Node(node) if is_heavy => self.prefixes.push((node, probs)),
            Behind::Valid if is_heavy => self.heavy.push(probs.map(Wide::value)),
            _ => self.carry(behind, &[[1.0; POWERS]; POWERS], reach.map(Wide::value)),
        }
    }

    /// Adds lanes times the powers of two factors to what lies behind.
    fn carry(&mut self, behind: Behind, lanes: &Lanes, [of_base, of_policy]: [f64; 2]) {
        let sums = match behind {
            Behind::Node(node) => &mut self.lanes[node],
            Behind::Valid => &mut self.light,
            Behind::Nothing => return,
        };
        let powers = powers(of_policy);
        let mut outer = 1.0;
        for (sums, lanes) in sums.iter_mut().zip(lanes) {
            outer *= of_base;
            for ((sum, lane), power) in sums.iter_mut().zip(lanes).zip(&powers) {
                *sum += lane * (outer * power);
            }
        }
    }

    /// Σ c_a c_q.
    fn kept(&self, k: u64) -> f64 {
        let mut total = Accumulator::default();
        for [base, policy] in &self.heavy {
            total.add(at_least_once(*base, k) * at_least_once(*policy, k));
        }
        // (−1)^{j+1} C(k, j) / K^j.
        let (k, greatest) = (k as f64, self.greatest.value());
        let mut coefficients = [k / greatest; POWERS];
        for j in 1..POWERS {
            coefficients[j] = coefficients[j - 1] * -((k - j as f64) / greatest) / (j + 1) as f64;
        }
        for (outer, lanes) in coefficients.iter().zip(&self.light) {
            for (inner, lane) in coefficients.iter().zip(lanes) {
                total.add(outer * inner * lane);
            }
        }
        total.total()
    }
}

/// x, x², x³, …
fn powers(x: f64) -> [f64; POWERS] {
    let mut powers = [x; POWERS];
    for j in 1..POWERS {
        powers[j] = powers[j - 1] * x;
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutputSpace;
    use crate::dynamic::coverage_at_k;
    use crate::dynamic::sampler::tests::{Task, even, independent};
    use crate::testing::assert_close;
    use pstar_core::data::Ending;

    fn support(task: &Task, k: &[u64], most: usize) -> Vec<Option<Support>> {
        scaled(task, [(Role::Base, 0.0), (Role::Policy, 0.0)], k, most)
    }

    fn scaled(task: &Task, models: [(Role, f64); 2], k: &[u64], most: usize) -> Vec<Option<Support>> {
        let weighted = task.weighted();
        let coverage = models.map(|(role, log_scale)| coverage_at_k(&weighted, role, log_scale, k, most));
        support_at_k(&weighted, models, k, [&coverage[0], &coverage[1]], most)
    }

    #[test]
    fn equals_enumeration() {
        let all = [0, 1, 2, 3, 16, 1000, 1_000_000];
        for seed in 0..400 {
            let task = Task::random(seed);
            let outputs = task.outputs();
            for k in [&all[..], &all[..3], &all[..5], &all[6..]] {
                for (&k, found) in k.iter().zip(support(&task, k, usize::MAX)) {
                    let (mut kept, mut lost, mut gained) = (0.0, 0.0, 0.0);
                    for output in outputs.iter().filter(|output| output.valid) {
                        let chance = |log_prob: f64| at_least_once(log_prob.exp(), k);
                        let [a, q] = [output.log_probs[0], *output.log_probs.last().unwrap()].map(chance);
                        kept += a * q;
                        lost += a * (1.0 - q);
                        gained += (1.0 - a) * q;
                    }
                    let found = found.unwrap();
                    assert_close(found.kept, kept, 1e-11 * kept);
                    assert_close(found.lost, lost, 1e-11 * (kept + lost));
                    assert_close(found.gained, gained, 1e-11 * (kept + gained));
                }
            }
        }
    }

    /// p* beside the base.
    #[test]
    fn a_scale_makes_the_filtered_model() {
        for seed in 0..200 {
            let task = Task::random(seed);
            let valid: Vec<f64> = task
                .outputs()
                .iter()
                .filter(|output| output.valid)
                .map(|output| output.log_probs[0].exp())
                .collect();
            let mass: f64 = valid.iter().sum();
            if mass == 0.0 {
                continue;
            }
            let k = [1, 5, 300];
            let models = [(Role::Base, 0.0), (Role::Base, -mass.ln())];
            for (&k, found) in k.iter().zip(scaled(&task, models, &k, usize::MAX)) {
                let terms = valid.iter().map(|a| at_least_once(*a, k) * at_least_once(a / mass, k));
                let kept: f64 = terms.sum();
                assert_close(found.unwrap().kept, kept, 1e-11 * kept);
            }
        }
    }

    /// 4^30 equal outputs under the base, and a policy that has half of the first symbol's: Σ over the number of those.
    #[test]
    fn light_outputs_have_a_closed_form() {
        let space = OutputSpace { symbols: 4, horizon: 30, ending: Ending::FixedLength };
        let rows = [0.125, 0.875 / 3.0, 0.875 / 3.0, 0.875 / 3.0];
        let task = Task::new(vec![independent(&[0.25; 4], 4), independent(&rows, 4)], even(4), space, false);
        for k in [1u64, 1000, 1 << 40] {
            let (mut kept, mut choose) = (0.0, 1.0);
            for first in 0..=30 {
                if first % 2 == 0 {
                    let q = rows[0].powi(first) * rows[1].powi(30 - first);
                    let strings = choose * 3f64.powi(30 - first);
                    kept += strings * at_least_once(0.25f64.powi(30), k) * at_least_once(q, k);
                }
                choose = choose * f64::from(30 - first) / f64::from(first + 1);
            }
            let found = support(&task, &[k], 1 << 20)[0].unwrap();
            assert_close(found.kept, kept, 1e-11 * kept);
        }
        let far = support(&task, &[1, 1 << 60], 1000);
        assert!(far[0].is_some() && far[1].is_none(), "{far:?}");
    }
}
