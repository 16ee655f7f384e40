//! A task of two prompts, small enough to list every group of samples, and what updates expect there.

/// Two prompts of different validity rates: the second begins behind a b.
pub(crate) const TASK: &str = r#"task: (
    alphabet: Chars("ab"), horizon: 3, ending: FixedLength, prompts: List(["", "b"]), weights: [0.75, 0.25],
    base: (plugin: "ngram", config: (order: 2, table: {"^": [0.3, 0.7], "a": [0.75, 0.25], "b": [0.25, 0.75]})),
    verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
),"#;

/// Rows behind a, b and the start, as the policy has them.
pub(crate) const ROWS: [[f64; 2]; 3] = [[0.6, 0.4], [0.2, 0.8], [0.9, 0.1]];
pub(crate) const WEIGHTS: [f64; 2] = [0.75, 0.25];
pub(crate) type Vector = [f64; 6];

pub(crate) const POLICY: &str = r#"policies: {"it": (plugin: "ngram",
    config: (order: 2, table: {"a": [0.6, 0.4], "b": [0.2, 0.8], "^": [0.9, 0.1]}), start: AsConfigured)},"#;

/// All outputs of a prompt: probability, whether it is right (an even number of a's), ∇ log of the probability.
pub(crate) fn outputs(prompt: usize) -> Vec<(f64, bool, Vector)> {
    let output = |bits: usize| {
        let (mut prob, mut score, mut row) = (1.0, [0.0; 6], if prompt == 0 { 2 } else { 1 });
        let tokens: Vec<usize> = (0..3).map(|i| bits >> i & 1).collect();
        for &token in &tokens {
            prob *= ROWS[row][token];
            for choice in 0..2 {
                score[2 * row + choice] += f64::from(u8::from(choice == token)) - ROWS[row][choice];
            }
            row = token;
        }
        (prob, tokens.iter().filter(|&&token| token == 0).count() % 2 == 0, score)
    };
    (0..8).map(output).collect()
}

pub(crate) fn add(sum: &mut Vector, factor: f64, term: &Vector) {
    sum.iter_mut().zip(term).for_each(|(sum, term)| *sum += factor * term);
}

pub(crate) fn norm(vector: &Vector) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Σ_x w_x E[1/G Σ_i φ(v_i, C) ∇ log q(y_i)] over all groups of G outputs, those that are all right or all wrong being drawn
/// again up to so often.
pub(crate) fn expected(group: usize, redraw: u32, phi: &dyn Fn(bool, usize) -> f64) -> Vector {
    let mut sum = [0.0; 6];
    for (prompt, weight) in WEIGHTS.iter().enumerate() {
        let outputs = outputs(prompt);
        // One draw, of groups that stay and of those that are drawn again.
        let (mut stays, mut goes, mut again) = ([0.0; 6], [0.0; 6], 0.0);
        for index in 0..8usize.pow(u32::try_from(group).unwrap()) {
            let members: Vec<_> = std::iter::successors(Some(index), |rest| Some(rest / 8))
                .take(group)
                .map(|rest| &outputs[rest % 8])
                .collect();
            let right = members.iter().filter(|member| member.1).count();
            let prob: f64 = members.iter().map(|member| member.0).product();
            let mut update = [0.0; 6];
            for member in &members {
                add(&mut update, phi(member.1, right) / group as f64, &member.2);
            }
            if right == 0 || right == group {
                again += prob;
                add(&mut goes, prob, &update);
            } else {
                add(&mut stays, prob, &update);
            }
        }
        let mut drawn = stays;
        add(&mut drawn, 1.0, &goes);
        for _ in 0..redraw {
            let rest = drawn;
            drawn = stays;
            add(&mut drawn, again, &rest);
        }
        add(&mut sum, *weight, &drawn);
    }
    sum
}

/// The advantage of GRPO with the deviation of its group, without an epsilon that counts.
pub(crate) fn grpo(group: usize) -> impl Fn(bool, usize) -> f64 {
    move |right, count| {
        let (mean, n) = (count as f64 / group as f64, group as f64);
        let deviation = (mean * (1.0 - mean) * n / (n - 1.0)).sqrt();
        (f64::from(u8::from(right)) - mean) / (deviation + 1e-6)
    }
}
