//! Numbers of every size and kind: errors, not panics, and no NaN.

use pstar_stats::{
    Estimate, IntervalMethod, Scores, adjusted, interquartile_mean, mean_interval_by, performance_profile,
    probability_of_improvement, sign_flip_test,
};

const HOSTILE: [f64; 14] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1.0 + f64::EPSILON,
    5e-324,
    1e-300,
    -1e-300,
    1e300,
    -1e300,
    f64::MAX,
    -f64::MAX,
    f64::INFINITY,
    f64::NAN,
];

/// Rows of `length` hostile values in many orders, of which every second is without the infinite and NaN.
fn rows(length: usize) -> impl Iterator<Item = Vec<f64>> {
    (0..400usize).map(move |row| {
        let kinds = if row % 2 == 0 { HOSTILE.len() - 2 } else { HOSTILE.len() };
        // A linear congruence: what matters is that orders differ.
        (0..length).map(|i| HOSTILE[(row * 7919 + i * (row + 3) * 31 + i * i) % kinds]).collect()
    })
}

fn sound(Estimate { value, interval }: Estimate) -> bool {
    !value.is_nan() && interval.is_none_or(|ends| ends.low <= ends.high)
}

#[test]
fn every_function_answers_or_refuses() {
    let methods = [
        IntervalMethod::SkewnessCorrected,
        IntervalMethod::StudentT,
        IntervalMethod::Percentile,
        IntervalMethod::ExpandedPercentile,
        IntervalMethod::Bca,
        IntervalMethod::Studentised,
    ];
    for length in [0, 1, 2, 5, 6, 12] {
        for row in rows(length).take(if length > 2 { 12 } else { 400 }) {
            for method in methods {
                let found = mean_interval_by(method, &row);
                let finite = !row.is_empty() && row.iter().all(|x| x.is_finite());
                assert_eq!(found.is_ok(), finite, "{row:?}");
                assert!(found.is_ok_and(sound) || !finite, "{method:?} {row:?}: {found:?}");
            }
            if let Ok(test) = sign_flip_test(&row) {
                assert!(test.least_p_value <= test.p_value && test.p_value <= 1.0, "{row:?}: {test:?}");
                assert!(adjusted(&[test; 3], 0.05).is_ok());
            }
            let Ok(scores) = Scores::new(&row, length, 1) else { continue };
            assert!(
                interquartile_mean(scores).is_ok_and(sound) || row.contains(&f64::NEG_INFINITY),
                "{row:?}"
            );
            assert!(
                probability_of_improvement(scores, scores)
                    .is_ok_and(|found| sound(found) && found.value == 0.5)
            );
            let profile = performance_profile(scores, &[f64::NEG_INFINITY, 0.0, 1e300, f64::INFINITY]);
            assert!(profile.is_ok_and(|profile| profile.into_iter().all(sound)), "{row:?}");
        }
    }
}

/// Each well below a second, unoptimised builds included.
#[test]
fn thousands_of_seeds_are_quick() {
    let many: Vec<f64> = (0..5000).map(|i| f64::from(i * i % 1013)).collect();
    for method in [IntervalMethod::SkewnessCorrected, IntervalMethod::StudentT] {
        assert!(mean_interval_by(method, &many).is_ok_and(sound));
    }
    assert!(sign_flip_test(&many).is_ok());
    let scores = Scores::new(&many[..2000], 500, 4);
    assert!(scores.and_then(interquartile_mean).is_ok_and(sound));
}
