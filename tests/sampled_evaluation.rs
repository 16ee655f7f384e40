//! Estimates against exact values.

use crate::support::{PROMPTED_TASK, run};
use pstar_lab::evaluation::Method;

fn text(enumerate_up_to: u64) -> String {
    format!(
        r#"(name: "sampled", {PROMPTED_TASK}
            policies: {{"trigram": (plugin: "ngram", config: (order: 3), start: CopyBase)}},
            objectives: {{"reinforce": (plugin: "reinforce"), "running": (plugin: "forward-kl")}},
            training: (gradient: Sampled(prompts: 4, group: 8), steps: 5, optimizer: Sgd(learning_rate: 0.5)),
            evaluation: (every: 5, k: [1, 4, 16], enumerate_up_to: {enumerate_up_to}, samples: 20000),
            exact: (max_states: 1),
            seeds: [1])"#
    )
}

/// The same arms, evaluated both ways. The exact Z is unknown where outputs are not enumerated, so only the
/// objective without Z takes the same path.
#[test]
fn estimates_lie_within_five_standard_errors_of_the_exact_values() {
    let (exact, sampled) = (run(&text(1000)), run(&text(10)));
    assert_eq!((exact.method, sampled.method), (Method::Enumeration, Method::Sampling));
    let (exact_arm, sampled_arm) = (&exact.arms[0], &sampled.arms[0]);
    assert_eq!(exact_arm.parameters, sampled_arm.parameters);
    let mut compared = 0;
    for (name, measure) in sampled_arm.last.as_ref().unwrap().flat() {
        let truth = exact_arm.last.as_ref().unwrap().flat().find(|(known, _)| *known == name).unwrap().1;
        let (estimate, error) = (measure.value.unwrap(), measure.std_error.unwrap());
        let truth = truth.value.unwrap();
        assert!(error > 0.0 && error < 0.05 * truth.abs().max(1.0), "{name}: {error}");
        assert!((estimate - truth).abs() < 5.0 * error, "{name}: {estimate} ± {error}, not {truth}");
        compared += 1;
    }
    assert!(compared >= 12, "{compared}");
    assert!(sampled.arms[1].log_partition.running > 0 && sampled.arms[1].log_partition.exact == 0);
}
