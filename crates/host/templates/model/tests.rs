use super::*;
use pstar_core::data::{Alphabet, Ending, Ragged, RaggedBuffer, SequenceBuffer};
use pstar_core::rng::Purpose;

const HORIZON: usize = 3;

fn model(repeat: f64) -> Result<{{Type}}, PluginError> {
    let alphabet = Alphabet::of_chars("ab", "").expect("two symbols are an alphabet");
    {{Type}}::new(
        Config { repeat },
        &Task::new(alphabet, HORIZON, Ending::EndSymbol),
    )
}

/// One empty prompt.
fn prompts() -> RaggedBuffer<u32> {
    let mut prompts = RaggedBuffer::default();
    prompts.push(&[]);
    prompts
}

/// Every output: up to three symbols and the end symbol, which is 2 and does not follow the third.
fn outputs() -> Vec<Vec<u32>> {
    let (mut outputs, mut open) = (Vec::new(), vec![Vec::new()]);
    for length in 0..=HORIZON {
        let ends = open.iter().map(|text| {
            if length < HORIZON {
                [&text[..], &[2]].concat()
            } else {
                text.clone()
            }
        });
        outputs.extend(ends);
        open = open
            .iter()
            .flat_map(|text| [0, 1].map(|symbol| [&text[..], &[symbol]].concat()))
            .collect();
    }
    outputs
}

fn scores(model: &{{Type}}, outputs: &[Vec<u32>]) -> Vec<f64> {
    let mut buffer = SequenceBuffer::new(prompts());
    outputs
        .iter()
        .for_each(|output| buffer.push(0, output.iter().copied()));
    let mut log_probs = vec![0.0; outputs.iter().map(Vec::len).sum()];
    model
        .score(&buffer.view(), &mut log_probs)
        .unwrap_or_else(|error| panic!("{error}"));
    log_probs
}

#[test]
fn the_probabilities_of_all_outputs_sum_to_one() {
    let model = model(0.25).unwrap_or_else(|error| panic!("{error}"));
    let outputs = outputs();
    let mut log_probs = scores(&model, &outputs).into_iter();
    let total: f64 = outputs
        .iter()
        .map(|output| math::exp(log_probs.by_ref().take(output.len()).sum()))
        .sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
}

/// A sample carries the log-probabilities that it is scored with.
#[test]
fn samples_are_scored_as_they_were_drawn() {
    let model = model(0.5).unwrap_or_else(|error| panic!("{error}"));
    let prompts = prompts();
    let (prompt_of, sample): (Vec<u32>, Vec<u32>) = (vec![0; 100], (0..100).collect());
    let request =
        SampleRequest::new(prompts.view(), &prompt_of, &sample).expect("columns of one length");
    let samples = model.sample(&request, StreamKey::new(1, Purpose::Rollout, 0));
    let samples = samples.unwrap_or_else(|error| panic!("{error}"));
    let tokens: Ragged<'_, u32> = samples.tokens.view();
    let rows: Vec<Vec<u32>> = tokens.rows().map(<[u32]>::to_vec).collect();
    assert_eq!(scores(&model, &rows), samples.log_probs);
}

#[test]
fn what_is_no_probability_is_refused() {
    for repeat in [-0.1, 1.0, f64::NAN] {
        assert!(model(repeat).is_err(), "{repeat}");
    }
}
