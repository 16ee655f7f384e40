//! What silently does nothing is said, once an arm and with its reason; and nothing else is.

use crate::support::{PARITY_TASK, PROMPTED_TASK, run, texts};

/// The warnings of a single arm.
fn warnings(task: &str, objective: &str, training: &str) -> Vec<String> {
    let record = run(&format!(
        r#"(name: "warnings", {task}
            policies: {{"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)}},
            objectives: {{"it": {objective}}},
            training: ({training}),
            evaluation: (every: 1, k: [1]),
            seeds: [1])"#
    ));
    assert_eq!(record.failures(), 0);
    texts(&record.arms[0].warnings)
}

fn sampled(group: usize, steps: usize, rate: &str) -> String {
    format!(
        "gradient: Sampled(prompts: 1, group: {group}), steps: {steps}, optimizer: Sgd(learning_rate: {rate})"
    )
}

const REINFORCE: &str = r#"(plugin: "reinforce")"#;
const FORWARD_KL: &str = r#"(plugin: "forward-kl")"#;

#[test]
fn an_arm_that_learns_warns_of_nothing() {
    assert_eq!(warnings(PARITY_TASK, REINFORCE, &sampled(64, 5, "0.1")), [""; 0]);
    assert_eq!(warnings(PARITY_TASK, FORWARD_KL, &sampled(64, 5, "0.01")), [""; 0]);
}

/// The base is valid half of the time, so in a group of 2 the rewards are equal half of the time, and in a task
/// that is nearly never solved nearly always.
#[test]
fn groups_without_a_signal() {
    let task = PROMPTED_TASK.replace(r#"List(["1=", "2=", "3=", "5="])"#, r#"List(["21="])"#);
    let found = warnings(&task, REINFORCE, &sampled(2, 10, "0.1"));
    assert!(found.iter().any(|text| text.contains("of its groups gave no signal")), "{found:?}");
    assert!(found.iter().any(|text| text == "no sample ever solved prompt `21=`"), "{found:?}");
}

#[test]
fn a_clip_that_never_acts() {
    let clipped = |clip: &str| {
        let objective = format!(r#"(plugin: "alpha", config: (alpha: 0.5, clip: {clip}))"#);
        warnings(PARITY_TASK, &objective, &sampled(64, 5, "0.01"))
    };
    assert_eq!(clipped("1000.0"), ["its clip never acted: no pseudo-reward reached it"]);
    assert_eq!(clipped("0.1"), [""; 0]);
}

#[test]
fn parameters_that_do_not_move() {
    let words =
        "its parameters did not move: every gradient was 0, or the learning rate is too small to count";
    assert_eq!(warnings(PARITY_TASK, REINFORCE, &sampled(64, 5, "1e-300")), [words]);
    let exact = "gradient: Population, steps: 5, optimizer: Sgd(learning_rate: 1e-300)";
    assert_eq!(warnings(PARITY_TASK, REINFORCE, exact), [words]);
}

#[test]
fn an_end_above_the_best_point_of_the_curve() {
    let found = warnings(PARITY_TASK, FORWARD_KL, &sampled(4, 60, "3.0"));
    assert!(
        found.iter().any(|text| text.contains("nats of KL(p*‖q), which it minimises, at the end")),
        "{found:?}"
    );
}
