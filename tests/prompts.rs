//! Where prompts come from, and what they weigh.

use crate::support::{PROMPTED_TASK, experiment, experiments, registry, run};
use pstar_lab::exact::{MethodChoice, exact};

const SUMS: &str = r#"(name: "sums", task: (
    alphabet: Chars("0123456789"), prompt_alphabet: Chars("0123456789+="), horizon: 3, ending: EndSymbol,
    prompts: PROMPTS,
    base: (plugin: "ngram", config: (order: 1, table: {"": [0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.5]})),
    verifier: (plugin: "arithmetic-sum", config: (largest: 20)),
))"#;

#[test]
fn from_a_list_a_file_or_the_verifier() {
    let of = |prompts: &str| experiment(&SUMS.replace("PROMPTS", prompts)).world.prompt_texts;
    assert_eq!(of(r#"List(["1+2=", "3+4="])"#), ["1+2=", "3+4="]);
    std::fs::read_to_string(experiments().join("../tests/data/prompts.txt")).unwrap();
    assert_eq!(of(r#"File("../tests/data/prompts.txt")"#), ["7+8=", "19+1="]);
    let made = of("FromVerifier(count: 64)");
    assert_eq!(made.len(), 64);
    assert_eq!(made, of("FromVerifier(count: 64)"), "a function of the file alone");
    // Every sum of two numbers up to 20 has one output of at most three digits.
    let text = SUMS.replace("PROMPTS", "FromVerifier(count: 64)");
    let record = exact(&experiment(&text), registry(), MethodChoice::Auto).unwrap();
    assert!(record.prompts.iter().all(|prompt| prompt.valid_outputs == "1"));
}

/// Figures are weighted means over prompts: they are linear in the weights.
#[test]
fn weights_weigh_prompts() {
    let rate = |weights: &str| {
        let task = PROMPTED_TASK.replace("prompts:", &format!("weights: {weights}, prompts:"));
        let record = run(&format!(
            r#"(name: "weights", {task}
                policies: {{"trigram": (plugin: "ngram", config: (order: 3), start: CopyBase)}},
                objectives: {{"reinforce": (plugin: "reinforce")}},
                training: (gradient: Sampled(prompts: 1, group: 2), steps: 0, optimizer: Sgd(learning_rate: 0.1)),
                seeds: [1])"#
        ));
        record.arms[0].last.as_ref().unwrap().get("validity_rate").unwrap()
    };
    let (first, last) = (rate("[1, 0, 0, 0]"), rate("[0, 0, 0, 1]"));
    assert!((first - last).abs() > 1e-3, "the prompts differ: {first} {last}");
    assert!((rate("[3, 0, 0, 1]") - (0.75 * first + 0.25 * last)).abs() < 1e-15);
}
