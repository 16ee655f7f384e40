//! Which differences chance alone would not give.

use pstar_record::{Comparison, StarRecord};
use pstar_stats::{SignFlip, Star, adjusted};

/// The level at which a difference earns its star.
pub const LEVEL: f64 = 0.05;

/// Gives the comparisons of one policy their stars: by sign-flip tests, corrected by Holm over the objectives that one
/// figure is compared of. A difference without a test has none.
pub(crate) fn award(comparisons: &mut [Comparison], tests: &[Option<SignFlip>]) {
    let mut order: Vec<usize> = (0..comparisons.len()).filter(|&i| tests[i].is_some()).collect();
    order.sort_by(|&a, &b| comparisons[a].metric.cmp(&comparisons[b].metric).then(a.cmp(&b)));
    let families = order.chunk_by(|&a, &b| comparisons[a].metric == comparisons[b].metric);
    let families: Vec<Vec<usize>> = families.map(<[usize]>::to_vec).collect();
    for family in families {
        let own: Vec<SignFlip> = family.iter().filter_map(|&i| tests[i]).collect();
        let Ok(found) = adjusted(&own, LEVEL) else { continue };
        for ((&i, test), found) in family.iter().zip(own).zip(found) {
            let comparison = &mut comparisons[i];
            comparison.p_value = Some(test.p_value);
            comparison.adjusted_p_value = Some(found.p_value);
            (comparison.star, comparison.pairs_needed) = match found.star {
                Star::Earned => (Some(StarRecord::Earned), None),
                Star::Missed => (Some(StarRecord::Missed), None),
                Star::OutOfReach { pairs_needed } => (Some(StarRecord::OutOfReach), Some(pairs_needed)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::differences;
    use pstar_record::{ArmRecord, ArmStatus, Failure, Measure, Measures, Shared, StarRecord};

    fn arm(objective: &str, seed: u64, measures: Measures) -> ArmRecord {
        let failure = Failure { step: 0, message: String::new() };
        ArmRecord {
            policy: "p".into(),
            objective: objective.into(),
            seed,
            status: ArmStatus::Complete,
            failure: None,
            last: Some(measures),
            ..ArmRecord::of_failure(String::new(), failure)
        }
    }

    /// A figure by seed.
    type Figure = fn(u64) -> f64;

    fn compared(seeds: u64, figures: &[(&str, Figure)], shared: bool) -> Vec<pstar_record::Comparison> {
        let of = |x: f64| {
            let mut measures = Measures::default();
            let parts = Shared::of(2, [(0, 0.1), (1, -0.1)].into_iter());
            if shared {
                measures.push_shared("x", (Measure::from(x), parts));
            } else {
                measures.push("x", x);
            }
            measures.push("y", -x);
            measures
        };
        let arms = figures
            .iter()
            .flat_map(|(name, figure)| (0..seeds).map(move |seed| arm(name, seed, of(figure(seed)))));
        let names: Vec<String> = figures.iter().map(|(name, _)| (*name).into()).collect();
        differences(&["p".into()], &names, &arms.collect::<Vec<_>>())
    }

    /// Ten pairs of one sign have p = 2/1024; two objectives double the lesser and leave the greater as it is.
    #[test]
    fn a_family_is_one_figure_over_the_objectives() {
        let found =
            compared(10, &[("a", |_| 0.0), ("b", |s| 1.0 + s as f64), ("c", |s| s as f64 - 4.5)], false);
        assert_eq!(found.len(), 4);
        for comparison in found {
            let (p, star) = if comparison.objective == "b" {
                (4.0 / 1024.0, StarRecord::Earned)
            } else {
                (1.0, StarRecord::Missed)
            };
            assert_eq!(
                (comparison.adjusted_p_value, comparison.star),
                (Some(p), Some(star)),
                "{comparison:?}"
            );
        }
    }

    #[test]
    fn five_pairs_reach_no_star_and_it_is_said_how_many_would() {
        let found = compared(5, &[("a", |_| 0.0), ("b", |s| 1.0 + s as f64)], false);
        assert_eq!(found[0].p_value, Some(0.0625));
        assert_eq!((found[0].star, found[0].pairs_needed), (Some(StarRecord::OutOfReach), Some(6)));
    }

    /// What all pairs share would be taken for a difference.
    #[test]
    fn a_shared_error_allows_no_test() {
        let found = compared(10, &[("a", |_| 0.0), ("b", |s| 1.0 + s as f64)], true);
        assert_eq!((found[0].metric.as_str(), found[0].p_value, found[0].star), ("x", None, None));
        assert!(found[0].shared_std_error.is_some());
        assert_eq!((found[1].metric.as_str(), found[1].star), ("y", Some(StarRecord::Earned)));
    }
}
