//! Facts of the theory that training must show.

use crate::support::{experiment, registry, run};
use pstar_lab::evaluation::GroundTruth;
use pstar_lab::training::{OutputBatch, PopulationScores};

/// A table of five outputs: T = 1, unigram. Four are valid, without ties.
const TABLE_TASK: &str = r#"task: (
    alphabet: Chars("abcde"),
    horizon: 1,
    ending: FixedLength,
    base: (plugin: "ngram", config: (order: 1, table: {"": [0.1, 0.25, 0.15, 0.2, 0.3]})),
    verifier: (plugin: "regex", config: (pattern: "[a-d]")),
),
policies: {"table": (plugin: "ngram", config: (order: 1), start: CopyBase)},"#;

/// The logits of the table policy after plain gradient ascent on the expected reward.
fn ascend(steps: u32, learning_rate: f64) -> Vec<f64> {
    let record = run(&format!(
        r#"(name: "flow", {TABLE_TASK}
            objectives: {{"reinforce": (plugin: "reinforce")}},
            training: (gradient: Population, steps: {steps}, optimizer: Sgd(learning_rate: {learning_rate})),
            evaluation: (every: {steps}, k: [1]),
            seeds: [1])"#
    ));
    record.arms[0].parameters.clone()
}

/// Under the Euclidean gradient flow of the expected reward e^{−θ_i} − e^{−θ_j} is conserved between valid outputs.
/// With step size h the flow is followed to first order: at fixed time h·n = 20 the error must fall with h.
#[test]
fn plain_flow_conserves_differences_of_inverse_odds() {
    let start: Vec<f64> = [0.1f64, 0.25, 0.15, 0.2].iter().map(|p| p.ln()).collect();
    let drift = |end: &[f64]| {
        let invariant = |theta: &[f64], i: usize, j: usize| (-theta[i]).exp() - (-theta[j]).exp();
        let pairs = [(0, 1), (0, 2), (1, 3), (2, 3)];
        pairs.iter().map(|&(i, j)| (invariant(end, i, j) - invariant(&start, i, j)).abs()).fold(0.0, f64::max)
    };
    let (coarse, fine) = (drift(&ascend(2_000, 0.01)), drift(&ascend(20_000, 0.001)));
    assert!(fine < 1e-2, "{fine}");
    assert!((coarse / fine - 10.0).abs() < 1.0, "first order in the step size: {coarse} / {fine}");
}

/// So q_j/q_1 = 1 / (1 + e^{θ_1} (1/p_j − 1/p_1)) for the likeliest valid output 1, which goes to 0 as θ_1 grows:
/// the limit is not p* but that output alone. The growth is logarithmic in time, so the ratios are compared on the
/// way; the step size h = 0.05 leaves an error of a few per cent.
#[test]
fn plain_flow_heads_for_the_likeliest_valid_output() {
    let odds = |steps| {
        let theta = ascend(steps, 0.05);
        let ratio = |j: usize, p: f64| {
            let found = (theta[j] - theta[1]).exp();
            let predicted = 1.0 / (1.0 + theta[1].exp() * (1.0 / p - 1.0 / 0.25));
            assert!((found / predicted - 1.0).abs() < 0.05, "output {j}: {found}, not {predicted}");
            found
        };
        [ratio(0, 0.1), ratio(2, 0.15), ratio(3, 0.2)]
    };
    let (early, late) = (odds(2_000), odds(40_000));
    assert!(early.iter().zip(late).all(|(early, late)| late < 0.6 * early), "{early:?} {late:?}");
    assert!(late[0] < late[1] && late[1] < late[2], "the order of the base stays");
}

/// The pseudo-reward ((p*/q)^{1−α} − 1)/(1−α) under q is −∇D_α, by central differences of Σ p*^{1−α} q^α written
/// out for the table (h = 1e-5, error of order h²); clipped, it is the gradient of another potential.
#[test]
fn alpha_divergence_has_the_stated_gradient() {
    let filtered = [0.1 / 0.7, 0.25 / 0.7, 0.15 / 0.7, 0.2 / 0.7, 0.0];
    let theta = [0.3, -0.2, 0.1, -1.4, 0.4];
    for (alpha, clip) in
        [(0.25, None), (0.5, None), (0.9, None), (0.25, Some(0.5)), (0.5, Some(0.8)), (0.0, Some(0.8))]
    {
        let value = |theta: &[f64; 5]| potential(theta, &filtered, alpha, clip) / (1.0 - alpha);
        let gradient = policy_gradient(theta, alpha, clip);
        let mut moved = 0.0f64;
        for i in 0..5 {
            let shifted = |h: f64| {
                let mut theta = theta;
                theta[i] += h;
                value(&theta)
            };
            let difference = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            assert!(
                (gradient[i] - difference).abs() < 1e-8,
                "α {alpha}, clip {clip:?}: {} {difference}",
                gradient[i]
            );
            moved = moved.max(difference.abs());
        }
        assert!(moved > 0.01);
    }
}

/// Σ Φ_y(q(y)): unclipped, Φ_y = p*^{1−α} q^α / α − q, whose gradient is that of −(1−α) D_α; clipped at M, linear
/// with slope M below q_c = p* (1+M)^{−1/(1−α)}.
fn potential(theta: &[f64; 5], filtered: &[f64; 5], alpha: f64, clip: Option<f64>) -> f64 {
    let total: f64 = theta.iter().map(|t| t.exp()).sum();
    let power =
        |p: f64, q: f64| if alpha == 0.0 { p * q.ln() } else { p.powf(1.0 - alpha) * q.powf(alpha) / alpha };
    theta
        .iter()
        .zip(filtered)
        .map(|(t, &p)| {
            let q = t.exp() / total;
            match clip {
                _ if p == 0.0 => -q,
                None => power(p, q) - q,
                Some(m) => {
                    let kink = p * (1.0 + m).powf(-1.0 / (1.0 - alpha));
                    if q <= kink { m * q } else { m * kink + power(p, q) - power(p, kink) - (q - kink) }
                }
            }
        })
        .sum()
}

/// The population gradient of the objective `alpha` at logits `theta` of the table policy.
fn policy_gradient(theta: [f64; 5], alpha: f64, clip: Option<f64>) -> Vec<f64> {
    let experiment = experiment(&format!("(name: \"alpha\", {TABLE_TASK})"));
    let GroundTruth::Enumerated(values) = GroundTruth::new(&experiment.world).unwrap() else {
        panic!("five outputs")
    };
    let outputs = OutputBatch::new(&experiment.world, &values).unwrap();
    let mut policy =
        registry().policy("ngram").unwrap().create("(order: 1)", &experiment.world.task).unwrap();
    policy.set_parameters(&theta).unwrap();
    let clip = clip.map_or(String::new(), |clip| format!(", clip: {clip:?}"));
    let config = format!("(alpha: {alpha:?}{clip})");
    let mut objective =
        registry().objective("alpha").unwrap().create(&config, &experiment.world.task).unwrap();
    let mut scores = PopulationScores::default();
    outputs.score(&policy, &mut scores).unwrap();
    let answer = objective.step(&outputs.view(&scores, (1, 0)).unwrap()).unwrap();
    let mut gradient = vec![0.0; 5];
    let weighted = outputs.weighted(&scores, &answer.coefficients).unwrap();
    policy.gradient(&weighted, &mut gradient).unwrap();
    gradient
}

/// The clip can decide where training ends: on the palindrome toy α = 0 is forward KL, but clipped at 10 its own
/// potential prefers a policy that is further from p*.
#[test]
fn the_clip_changes_what_is_optimised() {
    let text = std::fs::read_to_string(crate::support::experiments().join("toy-palindrome.ron")).unwrap();
    let start = text.find("objectives:").unwrap();
    let end = text.find("training:").unwrap();
    let objectives = r#"objectives: {
        "free": (plugin: "alpha", config: (alpha: 0.0)),
        "clipped": (plugin: "alpha", config: (alpha: 0.0, clip: 10.0)),
    },
    "#;
    let record = run(&format!("{}{objectives}{}", &text[..start], &text[end..]));
    let kl = |objective| {
        record
            .arms_of("bigram", objective)
            .next()
            .unwrap()
            .last
            .as_ref()
            .unwrap()
            .get("kl_from_filtered")
            .unwrap()
    };
    assert!((kl("free") - 1.176).abs() < 2e-3, "{}", kl("free"));
    assert!(kl("clipped") > kl("free") + 1e-3, "{} {}", kl("clipped"), kl("free"));
}
