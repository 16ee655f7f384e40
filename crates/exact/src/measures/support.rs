//! What k samples of a policy find of what k samples of the base find: support kept, lost and gained.
//!
//! With c(x) = 1 − (1 − x)^k the chance that an output is among k samples, kept is Σ c_a c_q over valid outputs, lost
//! Σ c_a (1 − c_q), gained Σ (1 − c_a) c_q: kept and lost are the base's coverage@k, kept and gained the policy's.

use crate::Accumulator;
use crate::measures::coverage::at_least_once_each;

/// Outputs that are raised to their powers side by side.
const BLOCK: usize = 64;

/// The support of one k: expected numbers of distinct valid outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Support {
    /// That k samples of the base hold, and k of the policy as well.
    pub kept: f64,
    /// That k samples of the base hold, and k of the policy do not.
    pub lost: f64,
    /// That k samples of the policy hold, and k of the base do not.
    pub gained: f64,
}

impl Support {
    /// Where k samples of each hold so many of the same, and so many in all.
    pub(crate) fn of_kept(kept: f64, [base, policy]: [f64; 2]) -> Self {
        // Rounding may put one above the whole.
        let kept = kept.max(0.0).min(base).min(policy);
        Self { kept, lost: base - kept, gained: policy - kept }
    }

    /// Of every k, of so many valid outputs, each with its probability under the policy and under the base.
    ///
    /// # Range and cost
    /// Right to a rounding of the number of outputs. Three times coverage@k of one distribution.
    pub fn at(
        outputs: usize,
        policy: impl Fn(usize) -> f64,
        base: impl Fn(usize) -> f64,
        k: &[u64],
    ) -> Vec<Self> {
        let mut sums = vec![[Accumulator::default(); 3]; k.len()];
        for start in (0..outputs).step_by(BLOCK) {
            let mut probs = [[0.0; BLOCK]; 2];
            for (slot, j) in (start..outputs.min(start + BLOCK)).enumerate() {
                probs[0][slot] = policy(j);
                probs[1][slot] = base(j);
            }
            for (sums, &k) in sums.iter_mut().zip(k) {
                let mut reached = probs;
                for reached in &mut reached {
                    at_least_once_each(reached, k);
                }
                let (mut kept, mut lost, mut gained) = (0.0, 0.0, 0.0);
                for (&of_policy, &of_base) in reached[0].iter().zip(&reached[1]) {
                    kept += of_base * of_policy;
                    lost += of_base * (1.0 - of_policy);
                    gained += (1.0 - of_base) * of_policy;
                }
                sums.iter_mut().zip([kept, lost, gained]).for_each(|(sum, term)| sum.add(term));
            }
        }
        let of = |sums: [Accumulator; 3]| {
            let [kept, lost, gained] = sums.map(|sum| sum.total());
            Self { kept, lost, gained }
        };
        sums.into_iter().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_close;
    use crate::{OutputTable, ValidSet};
    use proptest::prelude::*;

    fn support(policy: &OutputTable, base: &OutputTable, valid: &ValidSet, k: &[u64]) -> Vec<Support> {
        let of = |table: &OutputTable| {
            valid.indices().iter().map(|&index| table.probs[index as usize]).collect::<Vec<f64>>()
        };
        let (policy, base) = (of(policy), of(base));
        Support::at(valid.count(), |j| policy[j], |j| base[j], k)
    }

    const K: [u64; 5] = [0, 1, 4, 256, 1_000_000];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Against the definition with powers of the library, and the two identities.
        #[test]
        fn equals_the_definition(
            outputs in prop::collection::vec((0.0f64..30.0, 0.0f64..30.0, any::<bool>()), 1..200)
        ) {
            let normalised = |part: fn(&(f64, f64, bool)) -> f64| {
                let total: f64 = outputs.iter().map(|output| (-part(output)).exp()).sum();
                OutputTable::from_log_probs(outputs.iter().map(|output| -part(output) - total.ln()).collect())
            };
            let (policy, base) = (normalised(|output| output.0), normalised(|output| output.1));
            let valid = ValidSet::new(outputs.iter().map(|output| output.2).collect());
            let found = support(&policy, &base, &valid, &K);
            for (&k, found) in K.iter().zip(found) {
                let chance = |prob: f64| 1.0 - (1.0 - prob).powf(k as f64);
                let pairs: Vec<[f64; 2]> = valid
                    .indices()
                    .iter()
                    .map(|&i| [chance(base.probs[i as usize]), chance(policy.probs[i as usize])])
                    .collect();
                let sum = |term: fn(&[f64; 2]) -> f64| crate::testing::sum(pairs.iter().map(term));
                // Of the definition, a rounding of 1 times k.
                let tolerance = 1e-15 * (k as f64 + 10.0) * (1.0 + pairs.len() as f64);
                assert_close(found.kept, sum(|[a, q]| a * q), tolerance);
                assert_close(found.lost, sum(|[a, q]| a * (1.0 - q)), tolerance);
                assert_close(found.gained, sum(|[a, q]| (1.0 - a) * q), tolerance);
                let coverage = |table: &OutputTable| {
                    crate::measures::coverage::coverage_at(
                        valid.count(),
                        |j| table.probs[valid.indices()[j] as usize],
                        &[k],
                    )[0]
                };
                assert_close(found.kept + found.lost, coverage(&base), 1e-13 * (1.0 + coverage(&base)));
                assert_close(found.kept + found.gained, coverage(&policy), 1e-13 * (1.0 + coverage(&policy)));
            }
        }
    }

    #[test]
    fn the_extremes() {
        let table = |probs: &[f64]| OutputTable::from_log_probs(probs.iter().map(|p| p.ln()).collect());
        let valid = ValidSet::new(vec![true, true, false]);
        let at = |policy: &[f64], base: &[f64]| support(&table(policy), &table(base), &valid, &[1 << 40])[0];
        let expected = Support { kept: 0.0, lost: 1.0, gained: 1.0 };
        assert_eq!(at(&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0]), expected);
        let all = at(&[0.5, 0.5, 0.0], &[0.25, 0.25, 0.5]);
        assert_close(all.kept, 2.0, 1e-15);
        assert!(all.lost < 1e-15 && all.gained < 1e-15, "{all:?}");
        assert_eq!(at(&[0.0, 0.0, 1.0], &[0.0, 0.0, 1.0]), Support::default());
        let none = ValidSet::new(vec![false; 3]);
        assert_eq!(support(&table(&[1.0]), &table(&[1.0]), &none, &[2]), [Support::default()]);
    }
}
