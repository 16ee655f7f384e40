//! Two hundred networks of drawn sizes and switches, each asked once: what fixed shapes leave out.

use super::*;

/// Whole numbers and choices of a trial.
struct Draws {
    trial: u32,
    next: usize,
}

impl Draws {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below `most`")]
    fn below(&mut self, most: usize) -> usize {
        self.next += 1;
        (KEY.uniform(7, self.trial, self.next) * most as f64) as usize
    }

    fn flip(&mut self) -> bool {
        self.below(2) == 1
    }
}

fn shape(draws: &mut Draws, ending: Ending, longest: usize) -> TransformerShape {
    let kv_heads = 1 + draws.below(3);
    let head_size = 2 * (1 + draws.below(18));
    TransformerShape {
        tokens: 6,
        context: draws.flip().then(|| 1 + draws.below(3)),
        choices: if ending == Ending::EndSymbol { 4 } else { 3 },
        width: 1 + draws.below(40),
        layers: 1 + draws.below(3),
        heads: kv_heads * (1 + draws.below(3)),
        kv_heads,
        head_size,
        inner: 1 + draws.below(50),
        norm: if draws.flip() { Norm::Layer } else { Norm::Rms },
        // A row of so few numbers may be almost constant.
        epsilon: 1e-2,
        positions: match draws.below(3) {
            0 => Positions::None,
            1 => Positions::Learned(longest + 3),
            _ => Positions::Rotary(50.0),
        },
        mlp: if draws.flip() { Mlp::Gelu } else { Mlp::SwiGlu },
        biases: Biases { attention: draws.flip(), attention_output: draws.flip(), mlp: draws.flip() },
        tied: draws.flip(),
    }
}

/// The derivative along a direction, by the network and by differences of the reference (central, step 1e-5), and the norm
/// of the gradient.
fn slopes(policy: &Neural<Transformer>, batch: &SequenceBatch<'_>) -> (f64, f64, f64) {
    let shape = policy.network().shape();
    let found = gradient(policy, batch);
    let length = (found.len() as f64).sqrt();
    let direction: Vec<f64> = wave(found.len(), 0.1).iter().map(|d| d / length).collect();
    let (weights, coefficients) = (wave(batch.len(), 0.3), wave(batch.tokens().values().len(), 1.7));
    let lengths = batch.tokens().rows().map(<[u32]>::len).zip(&weights);
    let weight_of: Vec<f64> = lengths.flat_map(|(length, &w)| std::iter::repeat_n(w, length)).collect();
    let value = |h: f64| -> f64 {
        let moved: Vec<f64> = policy.values().iter().zip(&direction).map(|(x, d)| x + h * d).collect();
        let terms = expected(shape, &moved, batch);
        terms.iter().zip(&weight_of).zip(&coefficients).map(|((term, w), c)| w * c * term.0).sum()
    };
    let along = found.iter().zip(&direction).map(|(g, d)| g * d).sum();
    let size = found.iter().map(|g| g * g).sum::<f64>().sqrt();
    (along, (value(1e-5) - value(-1e-5)) / 2e-5, size)
}

#[test]
fn networks_of_any_shape_are_the_reference() {
    for trial in 0..200 {
        let mut draws = Draws { trial, next: 0 };
        let ending = if draws.flip() { Ending::EndSymbol } else { Ending::FixedLength };
        let horizon = 1 + draws.below(7);
        let prompts: Vec<Vec<u32>> =
            (0..3).map(|_| (0..draws.below(24)).map(|_| [0, 1, 2, 4, 5][draws.below(5)]).collect()).collect();
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0) + horizon;
        let shape = shape(&mut draws, ending, longest);
        let name = format!("trial {trial}, horizon {horizon}, {shape:?}");
        let key = StreamKey::new(u64::from(trial), Purpose::Initialise, 0);
        let parameters = shape.random(key).into_iter().zip(0..);
        let parameters: Vec<f64> = parameters.map(|(x, i)| x + 0.2 * (key.uniform(1, i, 0) - 0.5)).collect();
        let of = |set| {
            Neural::<Transformer>::with_instructions(
                shape.clone(),
                parameters.clone(),
                &task(horizon, ending),
                draws.next.is_multiple_of(2),
                set,
            )
        };
        let policy = of(InstructionSet::detect());
        let prompts: RaggedBuffer<u32> = prompts.iter().map(Vec::as_slice).collect();
        let (prompt_of, sample) = rows(1 + trial % 75);
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let found = scores(&policy, &batch);
        assert_eq!(bits(&samples.log_probs), bits(&found), "{name}");
        for (found, (expected, _)) in found.iter().zip(self::expected(&shape, &parameters, &batch)) {
            assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
        }
        let (along, difference, size) = slopes(&policy, &batch);
        assert!((along - difference).abs() < 1e-5 * size.max(1e-3), "{name}: {along} {difference} {size}");
        for set in InstructionSet::available() {
            let other = of(set);
            if set.rounding() == policy.network().set().rounding() {
                assert_eq!(draw(&other, &prompts, &prompt_of, &sample), samples, "{name} {set:?}");
                assert_eq!(
                    bits(&gradient(&other, &batch)),
                    bits(&gradient(&policy, &batch)),
                    "{name} {set:?}"
                );
            }
        }
    }
}
