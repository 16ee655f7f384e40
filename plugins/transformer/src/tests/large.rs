//! So many rows that products, layers and sums of gradients are worked off in several slices.

use super::*;

/// 32 sequences of 70 tokens: 2,240 rows a chunk. Of each alone nothing is sliced.
#[test]
fn slices_change_no_score_and_no_gradient() {
    let mut shape = shapes().swap_remove(1).2;
    shape =
        TransformerShape { choices: 3, width: 128, inner: 600, positions: Positions::Learned(80), ..shape };
    let horizon = 70;
    let policy = at_start(&shape, Ending::FixedLength, horizon);
    let prompts: RaggedBuffer<u32> = [&[0, 4][..]].into_iter().collect();
    let (prompt_of, sample) = (vec![0; 32], (0..32).collect::<Vec<u32>>());
    let samples = draw(&policy, &prompts, &prompt_of, &sample);
    let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
    assert_eq!(bits(&samples.log_probs), bits(&scores(&policy, &batch)));
    let gradient_of = |batch: SequenceBatch<'_>, coefficients: &[f64]| {
        let weights = vec![1.0; batch.len()];
        let asked = GradientBatch::new(batch, &weights, coefficients).unwrap();
        let mut gradient = vec![f64::NAN; policy.parameter_count()];
        policy.gradient(&asked, &mut gradient).unwrap();
        gradient
    };
    let coefficients = wave(samples.log_probs.len(), 1.7);
    let together = gradient_of(batch, &coefficients);
    let mut alone = vec![0.0; together.len()];
    for (i, row) in samples.tokens.view().rows().enumerate() {
        let tokens: RaggedBuffer<u32> = [row].into_iter().collect();
        let batch = SequenceBatch::new(prompts.view(), &prompt_of[..1], tokens.view()).unwrap();
        let own = i * horizon..(i + 1) * horizon;
        assert_eq!(bits(&scores(&policy, &batch)), bits(&samples.log_probs[own.clone()]));
        let gradient = gradient_of(batch, &coefficients[own]);
        alone.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
    }
    // Sums of two thousand `f32` in another order.
    let largest = alone.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
    for (together, alone) in together.iter().zip(&alone) {
        assert!((together - alone).abs() < 1e-5 * largest, "{together} {alone} {largest}");
    }
}
