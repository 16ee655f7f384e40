//! Log-probabilities, samples and gradients against a plain `f64` implementation.

use super::*;

#[test]
fn log_probabilities_are_those_of_the_reference() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(75);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let expected = expected(&shape, policy.values(), &batch);
        for (found, (expected, _)) in scores(&policy, &batch).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
        }
    }
}

/// Places of parameters: of each tensor at most 24, spread over it.
fn spread(shape: &TransformerShape) -> Vec<usize> {
    let mut start = 0;
    let mut places = Vec::new();
    for tensor in shape.tensors() {
        let step = (tensor.len() / 24).max(1) | 1;
        places.extend((start..start + tensor.len()).step_by(step));
        start += tensor.len();
    }
    places
}

/// Central differences of the reference in parameters of every tensor, step h = 1e-5: truncation of order h², rounding of order
/// 1e-16 / h. What is left is the rounding of the network's `f32`.
#[test]
fn gradients_are_finite_differences_of_the_reference() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, 5);
        let (prompt_of, sample) = rows(9);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let count = samples.log_probs.len();
        let (weights, coefficients) = (wave(9, 0.3), wave(count, 1.7));
        let mut entropy = wave(count, 0.9);
        entropy.iter_mut().step_by(3).for_each(|e| *e = 0.0);
        let weight_of: Vec<f64> = samples
            .tokens
            .view()
            .rows()
            .zip(&weights)
            .flat_map(|(row, &w)| row.iter().map(move |_| w))
            .collect();
        let asked = GradientBatch::new(batch, &weights, &coefficients).unwrap();
        let asked = asked.with_entropy(&entropy).unwrap();
        let mut found = vec![f64::NAN; policy.parameter_count()];
        policy.gradient(&asked, &mut found).unwrap();
        let value = |parameters: &[f64]| -> f64 {
            let terms = expected(&shape, parameters, &batch);
            (0..count).map(|i| weight_of[i] * (coefficients[i] * terms[i].0 + entropy[i] * terms[i].1)).sum()
        };
        let places = spread(&shape);
        let differences: Vec<f64> = places
            .iter()
            .map(|&place| {
                let shifted = |h: f64| {
                    let mut parameters = policy.values().to_vec();
                    parameters[place] += h;
                    value(&parameters)
                };
                (shifted(1e-5) - shifted(-1e-5)) / 2e-5
            })
            .collect();
        let largest = differences.iter().fold(0.0, |most: f64, g| most.max(g.abs()));
        for (&place, expected) in places.iter().zip(&differences) {
            let (tensor, found) = (shape.name_of(place), found[place]);
            assert!((found - expected).abs() < 5e-6 * largest, "{name} {tensor}: {found} {expected}");
        }
    }
}

#[test]
fn samples_follow_the_uniforms() {
    for (name, ending, shape) in shapes() {
        let policy = policy(&shape, ending, HORIZON);
        let (prompt_of, sample) = rows(60);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let reference = Reference::new(&shape, policy.values());
        let mut near = 0;
        for (i, tokens) in samples.tokens.view().rows().enumerate() {
            let lead = lead(&shape, prompts.view().row(prompt_of[i] as usize));
            let all: Vec<u32> = lead.iter().chain(tokens).copied().collect();
            let log_probs = reference.log_probs(&all);
            for (t, &token) in tokens.iter().enumerate() {
                let mut below = 0.0;
                let uniform = KEY.uniform(prompt_of[i], sample[i], t);
                let row = &log_probs[lead.len() - 1 + t];
                let sums: Vec<f64> = row
                    .iter()
                    .map(|x| {
                        below += x.exp();
                        below
                    })
                    .collect();
                let pick = sums.iter().position(|&sum| sum > uniform).unwrap_or(row.len() - 1);
                near += usize::from(pick != token as usize);
                let from_edge = sums.iter().map(|sum| (sum - uniform).abs()).fold(1.0, f64::min);
                assert!(pick == token as usize || from_edge < 1e-5, "{name}");
            }
        }
        assert!(near < 3, "{near} draws within rounding of a neighbour");
    }
}

#[test]
fn the_approximate_count_is_the_count() {
    for (name, _, shape) in shapes() {
        assert_eq!(shape.approximate_count(), shape.parameter_count() as f64, "{name}");
    }
}

/// As [`gradients_are_finite_differences_of_the_reference`], along one direction, behind long prompts.
#[test]
fn gradients_behind_long_prompts_are_finite_differences() {
    for (name, ending, shape) in shapes() {
        let shape = TransformerShape { positions: Positions::Rotary(100.0), head_size: 4, ..shape };
        let policy = at_start(&shape, ending, 5);
        let long = |n: usize| (0..n).map(|i| [0, 1, 2, 4, 5][(i * i + n) % 5]).collect::<Vec<u32>>();
        let prompts: RaggedBuffer<u32> = [15, 16, 20].map(long).iter().map(|p| &p[..]).collect();
        let (prompt_of, sample) = rows(18);
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let (weights, coefficients) = (wave(18, 0.3), wave(samples.log_probs.len(), 1.7));
        let found = gradient(&policy, &batch);
        let direction = wave(found.len(), 0.1);
        let value = |h: f64| -> f64 {
            let moved: Vec<f64> = policy.values().iter().zip(&direction).map(|(x, d)| x + h * d).collect();
            let terms = expected(&shape, &moved, &batch);
            let lengths = samples.tokens.view().rows().map(<[u32]>::len).zip(&weights);
            let weight_of = lengths.flat_map(|(length, &w)| std::iter::repeat_n(w, length));
            terms.iter().zip(weight_of).zip(&coefficients).map(|((term, w), c)| w * c * term.0).sum()
        };
        let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
        let along: f64 = found.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let size: f64 = found.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!((along - difference).abs() < 1e-5 * size, "{name}: {along} {difference}");
    }
}
