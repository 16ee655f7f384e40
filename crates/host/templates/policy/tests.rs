use super::*;
use pstar_core::data::{Alphabet, Ending, RaggedBuffer, SequenceBuffer};
use pstar_core::rng::Purpose;

/// Two symbols and an end, three positions, random logits.
fn policy() -> {{Type}} {
    let alphabet = Alphabet::of_chars("ab", "").expect("two symbols are an alphabet");
    let task = Task::new(alphabet, 3, Ending::EndSymbol);
    let mut policy =
        {{Type}}::new(Config { spread: 2.0 }, &task).unwrap_or_else(|error| panic!("{error}"));
    policy.randomise(StreamKey::new(1, Purpose::Initialise, 0));
    policy
}

/// The answers "", "a" and "bab", the last cut at the horizon: six tokens.
fn sequences() -> SequenceBuffer {
    let mut prompts = RaggedBuffer::default();
    prompts.push(&[]);
    let mut buffer = SequenceBuffer::new(prompts);
    for tokens in [&[2][..], &[0, 2], &[1, 0, 1]] {
        buffer.push(0, tokens.iter().copied());
    }
    buffer
}

const WEIGHTS: [f64; 3] = [0.5, 0.25, 2.0];
const COEFFICIENTS: [f64; 6] = [1.0, -2.0, 0.5, 3.0, 1.0, -1.0];

/// Σ w Σ c log q.
fn objective(policy: &{{Type}}, buffer: &SequenceBuffer) -> f64 {
    let batch = buffer.view();
    let mut log_probs = [0.0; COEFFICIENTS.len()];
    policy
        .score(&batch, &mut log_probs)
        .unwrap_or_else(|error| panic!("{error}"));
    let weights = batch
        .tokens()
        .rows()
        .zip(WEIGHTS)
        .flat_map(|(row, w)| row.iter().map(move |_| w));
    weights
        .zip(COEFFICIENTS)
        .zip(log_probs)
        .map(|((w, c), log_prob)| w * c * log_prob)
        .sum()
}

/// Central differences of step h are off by h²/6 of a third derivative, here below 10.
#[test]
fn the_gradient_is_that_of_finite_differences() {
    let (mut policy, buffer, h) = (policy(), sequences(), 1e-4);
    let mut gradient = vec![f64::NAN; policy.parameter_count()];
    let batch =
        GradientBatch::new(buffer.view(), &WEIGHTS, &COEFFICIENTS).expect("columns that fit");
    policy
        .gradient(&batch, &mut gradient)
        .unwrap_or_else(|error| panic!("{error}"));
    let start = policy.logits.clone();
    for i in 0..start.len() {
        let mut at = |step: f64| {
            let mut moved = start.clone();
            moved[i] += step;
            policy
                .set_parameters(&moved)
                .unwrap_or_else(|error| panic!("{error}"));
            objective(&policy, &buffer)
        };
        let expected = (at(h) - at(-h)) / (2.0 * h);
        assert!(
            (gradient[i] - expected).abs() < 1e-6,
            "{i}: {} and {expected}",
            gradient[i]
        );
    }
}

/// At the first position each answer has a token of its own, and the probabilities are the weights' shares.
#[test]
fn a_fit_takes_the_shares_of_the_weights() {
    let (mut policy, buffer) = (policy(), sequences());
    let batch = FitBatch::new(buffer.view(), &WEIGHTS).expect("columns that fit");
    policy.fit(&batch).unwrap_or_else(|error| panic!("{error}"));
    for (found, weight) in policy.probs[..3].iter().zip([0.25, 2.0, 0.5]) {
        assert!((found - weight / 2.75).abs() < 1e-12, "{found}");
    }
}
