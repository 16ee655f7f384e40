//! What must hold to the bit.

use super::*;

#[test]
fn samples_carry_their_own_scores() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(100);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        assert_eq!(bits(&samples.log_probs), bits(&scores(&policy, &batch)), "{name}");
        let lengths: Vec<usize> = samples.tokens.view().rows().map(<[u32]>::len).collect();
        assert!(ending == Ending::FixedLength || lengths.iter().any(|&length| length < HORIZON));
    }
}

#[test]
fn a_row_is_the_same_alone_and_among_others() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(70);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let mut token = 0;
        for (i, row) in samples.tokens.view().rows().enumerate() {
            let alone = draw(&policy, &prompts, &prompt_of[i..=i], &sample[i..=i]);
            assert_eq!(alone.tokens.view().values(), row, "{name}");
            assert_eq!(bits(&alone.log_probs), bits(&samples.log_probs[token..token + row.len()]));
            token += row.len();
        }
        // Padding to chunks and their composition change nothing either.
        let backwards: Vec<u32> = prompt_of.iter().rev().copied().collect();
        let numbers: Vec<u32> = sample.iter().rev().copied().collect();
        let reversed = draw(&policy, &prompts, &backwards, &numbers);
        let rows: Vec<&[u32]> = samples.tokens.view().rows().collect();
        assert!(reversed.tokens.view().rows().eq(rows.into_iter().rev()));
    }
}

#[test]
fn instruction_sets_that_fuse_give_the_same_bits() {
    for (name, ending, shape) in shapes() {
        let widest = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(45);
        let prompts = prompts();
        let samples = draw(&widest, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let (log_probs, expected) = (scores(&widest, &batch), gradient(&widest, &batch));
        for set in InstructionSet::available() {
            let other = model(&shape, ending, HORIZON, set);
            if set.rounding() == widest.network().set().rounding() {
                assert_eq!(draw(&other, &prompts, &prompt_of, &sample), samples, "{name}");
                assert_eq!(bits(&gradient(&other, &batch)), bits(&expected), "{name}");
            }
            for (a, b) in scores(&other, &batch).iter().zip(&log_probs) {
                assert!((a - b).abs() < 2e-5, "{name} {set:?}");
            }
        }
    }
}

#[test]
fn a_gradient_on_the_last_samples_has_the_bits_of_any_other() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(75);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        assert!(policy.holds(&batch));
        let reused = gradient(&policy, &batch);
        assert!(!policy.holds(&batch), "used up");
        assert_eq!(bits(&gradient(&policy, &batch)), bits(&reused), "{name}");
    }
}

#[test]
fn threads_change_nothing() {
    let (_, ending, shape) = shapes().swap_remove(2);
    let policy = policy(&shape, ending, HORIZON);
    let (prompt_of, sample) = rows(75);
    let prompts = prompts();
    let samples = draw(&policy, &prompts, &prompt_of, &sample);
    let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
    let expected = bits(&gradient(&policy, &batch));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(draw(&policy, &prompts, &prompt_of, &sample), samples);
                    assert_eq!(bits(&gradient(&policy, &batch)), expected);
                    assert_eq!(bits(&scores(&policy, &batch)), bits(&samples.log_probs));
                }
            });
        }
    });
}

#[test]
fn all_outputs_are_scored_as_each_is() {
    for (name, ending, shape) in shapes() {
        for horizon in [1, 2, 6] {
            let policy = policy(&shape, ending, horizon);
            for prompt in [&[][..], &[5, 4, 1]] {
                let outputs = every_output(3, horizon, ending);
                let mut sequences = SequenceBuffer::new([prompt].into_iter().collect());
                for tokens in &outputs {
                    sequences.push(0, tokens.iter().copied());
                }
                let each = scores(&policy, &sequences.view());
                let mut rest = &each[..];
                let mut all = vec![f64::NAN; outputs.len()];
                assert!(policy.score_outputs(prompt, &mut all).unwrap());
                for (tokens, found) in outputs.iter().zip(&all) {
                    let (own, behind) = rest.split_at(tokens.len());
                    rest = behind;
                    let sum = own.iter().fold(0.0, |sum, x| sum + x);
                    assert_eq!(found.to_bits(), sum.to_bits(), "{name} {horizon}");
                }
            }
        }
    }
}

#[test]
fn padding_that_was_spoilt_spoils_nothing() {
    let (_, ending, shape) = shapes().swap_remove(1);
    let mut policy = policy(&shape, ending, HORIZON);
    let (prompt_of, sample) = rows(11);
    let prompts = prompts();
    let samples = draw(&policy, &prompts, &prompt_of, &sample);
    let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
    let good = policy.values().to_vec();
    let expected = gradient(&policy, &batch);
    // Parameters so large that everything which is computed is no number.
    let bad: Vec<f64> = good.iter().map(|x| x.signum() * 3e38).collect();
    policy.set_parameters(&bad).unwrap();
    draw(&policy, &prompts, &prompt_of, &sample);
    assert!(gradient(&policy, &batch).iter().any(|g| !g.is_finite()));
    policy.set_parameters(&good).unwrap();
    draw(&policy, &prompts, &prompt_of, &sample);
    assert_eq!(bits(&gradient(&policy, &batch)), bits(&expected));
    assert_eq!(bits(&gradient(&policy, &batch)), bits(&expected), "and without what was kept");
}

#[test]
fn a_copy_of_the_base_is_the_base() {
    let (_, ending, shape) = shapes().swap_remove(2);
    let base = policy(&shape, ending, 6);
    let mut other = Neural::<Transformer>::new(
        shape.clone(),
        shape.random(StreamKey::new(9, Purpose::Initialise, 0)),
        &task(6, ending),
        true,
    );
    let copied = SequenceModel::parameters(&base).unwrap();
    assert_eq!(copied.shape, SequenceModel::parameters(&other).unwrap().shape);
    other.set_parameters(&copied.values).unwrap();
    let (mut a, mut b) = (vec![0.0; 1093], vec![1.0; 1093]);
    assert!(base.score_outputs(&[4, 0], &mut a).unwrap() && other.score_outputs(&[4, 0], &mut b).unwrap());
    assert_eq!(bits(&a), bits(&b));
}

/// Prompts on both sides of what stands among a sequence's own tokens.
#[test]
fn long_prompts_are_read_as_short_ones() {
    for (name, ending, shape) in shapes() {
        let shape = TransformerShape { positions: Positions::Rotary(100.0), head_size: 4, ..shape };
        let policy = at_start(&shape, ending, 6);
        let long = |n: usize| (0..n).map(|i| [0, 1, 2, 4, 5][(i * i + n) % 5]).collect::<Vec<u32>>();
        let prompts: RaggedBuffer<u32> = [13, 14, 15, 16, 17, 33].map(long).iter().map(|p| &p[..]).collect();
        let prompt_of: Vec<u32> = (0..60).map(|i| i % 6).collect();
        let sample: Vec<u32> = (0..60).map(|i| i / 6).collect();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        assert_eq!(bits(&samples.log_probs), bits(&scores(&policy, &batch)), "{name}");
        let reused = gradient(&policy, &batch);
        assert_eq!(bits(&gradient(&policy, &batch)), bits(&reused), "{name}");
        for (found, (expected, _)) in samples.log_probs.iter().zip(expected(&shape, policy.values(), &batch))
        {
            assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
        }
        for prompt in [14, 15, 16, 33].map(long) {
            let outputs = every_output(3, 3, ending);
            let short = model(&shape, ending, 3, InstructionSet::detect());
            let mut sequences = SequenceBuffer::new([&prompt[..]].into_iter().collect());
            for tokens in &outputs {
                sequences.push(0, tokens.iter().copied());
            }
            let mut all = vec![f64::NAN; outputs.len()];
            assert!(short.score_outputs(&prompt, &mut all).unwrap());
            let each = scores(&short, &sequences.view());
            let mut rest = &each[..];
            for (tokens, found) in outputs.iter().zip(&all) {
                let (own, behind) = rest.split_at(tokens.len());
                rest = behind;
                assert_eq!(found.to_bits(), own.iter().fold(0.0, |sum, x| sum + x).to_bits());
            }
        }
    }
}
