//! Objectives by the gradient that they claim: a small set of outputs is enumerated, and what an objective expects over it, or
//! over all groups of samples of it, is compared with central differences of the divergence's definition.

use crate::support::{PARITY_TASK, experiment, registry};
use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
use pstar_core::rng::{Purpose, StreamKey};
use pstar_loader::ObjectiveHandle;

const N: usize = 6;
type Vector = [f64; N];

/// The base's probabilities of the outputs, and which are right.
const BASE: Vector = [0.30, 0.05, 0.25, 0.10, 0.20, 0.10];
const RIGHT: Vector = [1.0, 1.0, 0.0, 1.0, 0.0, 0.0];
/// Validity rate of the base, and the greatest probability of a right output.
const Z: f64 = 0.45;
const TOP: f64 = 0.30;
/// The policy's logits.
const LOGITS: Vector = [0.2, -0.9, 0.4, 0.7, -0.3, -1.1];
/// What samples where it is not the policy.
const BEHAVIOUR: Vector = [0.1, 0.25, 0.15, 0.2, 0.2, 0.1];

fn normalised(weights: Vector) -> Vector {
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

fn policy(logits: &Vector) -> Vector {
    normalised(logits.map(f64::exp))
}

fn filtered() -> Vector {
    std::array::from_fn(|i| BASE[i] * RIGHT[i] / Z)
}

fn tilted(beta: f64) -> Vector {
    normalised(std::array::from_fn(|i| BASE[i] * (RIGHT[i] / beta).exp()))
}

fn powered(alpha: f64) -> Vector {
    normalised(std::array::from_fn(|i| BASE[i].powf(alpha) * RIGHT[i]))
}

/// log Z_α.
fn log_z(alpha: f64) -> f64 {
    (0..N).map(|i| BASE[i].powf(alpha) * RIGHT[i]).sum::<f64>().ln()
}

/// Σ over outputs of a function of (p, q).
fn sum(p: &Vector, q: &Vector, term: impl Fn(f64, f64) -> f64) -> f64 {
    p.iter().zip(q).map(|(&p, &q)| term(p, q)).sum()
}

fn x_log(x: f64, over: f64) -> f64 {
    if x > 0.0 { x * (x / over).ln() } else { 0.0 }
}

fn kl(p: &Vector, q: &Vector) -> f64 {
    sum(p, q, x_log)
}

/// The gradient of a function of the policy in its logits, by central differences of the sixth order: at this step what they
/// leave out is below 1e-16 times a seventh derivative, and rounding below 1e-12.
fn gradient(value: impl Fn(&Vector) -> f64) -> Vector {
    const STEP: f64 = 5e-3;
    std::array::from_fn(|k| {
        let at = |steps: f64| {
            let mut moved = LOGITS;
            moved[k] += steps * STEP;
            value(&policy(&moved))
        };
        let difference = |steps: f64| at(steps) - at(-steps);
        (45.0 * difference(1.0) - 9.0 * difference(2.0) + difference(3.0)) / (60.0 * STEP)
    })
}

fn objective(name: &str, config: &str) -> ObjectiveHandle {
    let task = experiment(&format!("(name: \"probe\", {PARITY_TASK})")).world.task;
    let component = registry().objective(name).unwrap();
    let mut objective =
        component.create(config, &task).unwrap_or_else(|error| panic!("{name} {config}: {error:?}"));
    let power = objective.declaration().unwrap().power;
    objective.prepare(&[facts(power)]).unwrap();
    objective
}

/// As a host tells them to an objective that declares this power of the base.
fn facts(power: Option<f64>) -> PromptFacts {
    let facts = PromptFacts::new(Z.ln(), (1.0 - Z).ln()).with_log_top_valid(TOP.ln());
    power.map_or(facts, |power| facts.with_log_power_partition(log_z(power)))
}

fn moment() -> Moment {
    Moment::new(0, StreamKey::new(0, Purpose::Objective, 0))
}

/// Outputs as rows of one token, or of two, with these probabilities in all.
fn batch(
    facts: PromptFacts,
    outputs: &[usize],
    [q, b]: [&Vector; 2],
    weights: Option<&Vector>,
) -> ObjectiveBuffer {
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, facts);
    for &i in outputs {
        let split = |prob: f64| {
            let log = prob.ln();
            if i % 2 == 0 { vec![log] } else { vec![0.25 * log, 0.75 * log] }
        };
        let (log_q, log_b, log_a) = (split(q[i]), split(b[i]), split(BASE[i]));
        let row = Row::new(RIGHT[i], &log_q).behaviour_log_probs(&log_b).base_log_probs(&log_a);
        buffer.push(weights.map_or(row, |weights| row.weight(weights[i])));
    }
    buffer
}

/// One coefficient a row, of objectives that give all tokens of a row the same.
#[allow(clippy::cast_possible_truncation, reason = "offsets of a few tokens")]
fn coefficients(objective: &mut ObjectiveHandle, buffer: &ObjectiveBuffer, moment: Moment) -> Vec<f64> {
    let batch = buffer.view(moment).unwrap();
    objective.observe(&batch).unwrap();
    let answer = objective.step(&batch).unwrap().coefficients;
    let rows = buffer.offsets.windows(2).map(|ends| &answer[ends[0] as usize..ends[1] as usize]);
    rows.map(|row| {
        assert!(row.iter().all(|c| c == &row[0]));
        row[0]
    })
    .collect()
}

/// Σ_i w_i c_i ∇ log q(y_i), as (output, w c).
fn in_logits(terms: impl IntoIterator<Item = (usize, f64)>) -> Vector {
    let q = policy(&LOGITS);
    let mut sum = [0.0; N];
    for (i, term) in terms {
        for k in 0..N {
            sum[k] += term * (f64::from(u8::from(i == k)) - q[k]);
        }
    }
    sum
}

/// What an objective expects over all outputs, each as probable as under what samples.
fn over_outputs(name: &str, config: &str, b: &Vector) -> Vector {
    let outputs: Vec<usize> = (0..N).collect();
    let mut objective = objective(name, config);
    let facts = facts(objective.declaration().unwrap().power);
    let buffer = batch(facts, &outputs, [&policy(&LOGITS), b], Some(b));
    let c = coefficients(&mut objective, &buffer, moment().of_population());
    in_logits(outputs.into_iter().map(|i| (i, b[i] * c[i])))
}

/// What it expects over all groups of three samples.
fn over_groups(name: &str, config: &str, b: &Vector) -> Vector {
    const GROUP: usize = 3;
    let mut objective = objective(name, config);
    let facts = facts(objective.declaration().unwrap().power);
    let mut terms = Vec::new();
    for number in 0..N.pow(3) {
        let samples: [usize; GROUP] = [number % N, number / N % N, number / N / N];
        let buffer = batch(facts, &samples, [&policy(&LOGITS), b], None);
        let prob: f64 = samples.iter().map(|&i| b[i]).product();
        let c = coefficients(&mut objective, &buffer, moment());
        terms.extend(samples.into_iter().zip(c).map(|(i, c)| (i, prob * c / GROUP as f64)));
    }
    in_logits(terms)
}

/// Sums of a few hundred terms and differences of the sixth order leave 1e-12.
#[track_caller]
fn assert_close(found: &Vector, claimed: &Vector, factor: f64, what: &str) {
    for (found, claimed) in found.iter().zip(claimed) {
        let expected = factor * claimed;
        assert!((found - expected).abs() < 1e-10, "{what}: {found}, not {expected}");
    }
}

type Definition = fn(&Vector, &Vector) -> f64;

/// D(q‖p) by its definition, of p and q.
const DIVERGENCES: [(&str, Definition); 7] = [
    ("ForwardKl", |p, q| kl(p, q)),
    ("ReverseKl", |p, q| kl(q, p)),
    ("JensenShannon", |p, q| sum(p, q, |p, q| x_log(p, 0.5 * (p + q)) + x_log(q, 0.5 * (p + q)))),
    ("TotalVariation", |p, q| sum(p, q, |p, q| 0.5 * (p - q).abs())),
    ("ChiSquared", |p, q| sum(p, q, |p, q| p * p / q) - 1.0),
    ("ReverseChiSquared", |p, q| sum(p, q, |p, q| q * q / p) - 1.0),
    ("Hellinger", |p, q| 4.0 * (1.0 - sum(p, q, |p, q| (p * q).sqrt()))),
];

#[test]
fn f_divergences_have_the_gradients_of_their_definitions() {
    let q = policy(&LOGITS);
    for (name, value) in DIVERGENCES {
        let targets =
            [("Filtered", filtered()), ("Tilted(0.4)", tilted(0.4)), ("Tilted(beta: 5.0)", tilted(5.0))];
        for (target, p) in targets {
            if target == "Filtered" && name.starts_with("Reverse") {
                continue;
            }
            let claimed = gradient(|q| value(&p, q));
            for partition in ["Exact", "Auto", "Group", "Running", "Offline", "Learned"] {
                for b in [&q, &BEHAVIOUR] {
                    let config = format!("(divergence: {name}, target: {target}, partition: {partition})");
                    assert_close(&over_outputs("f-divergence", &config, b), &claimed, -1.0, &config);
                }
            }
        }
    }
}

/// p_α of a power of the base: flat, flattened and sharpened.
#[test]
fn f_divergences_to_powers_of_the_base_have_the_gradients_of_their_definitions() {
    let q = policy(&LOGITS);
    for (name, value) in DIVERGENCES.into_iter().filter(|(name, _)| !name.starts_with("Reverse")) {
        for alpha in [0.0, 1e-12, 0.5, 2.0, 6.0] {
            let p = powered(alpha);
            // On either side of it nothing moves, of the total variation: the difference must not meet a kink.
            assert!(name != "TotalVariation" || p.iter().zip(&q).all(|(p, q)| (p / q - 1.0).abs() > 0.02));
            let claimed = gradient(|q| value(&p, q));
            for partition in ["Exact", "Auto", "Group", "Running", "Offline", "Learned"] {
                for b in [&q, &BEHAVIOUR] {
                    let config = format!(
                        "(divergence: {name}, target: Power(alpha: {alpha:?}), partition: {partition})"
                    );
                    assert_close(&over_outputs("f-divergence", &config, b), &claimed, -1.0, &config);
                }
            }
            let config = |baseline| {
                format!(
                    "(divergence: {name}, target: Power({alpha:?}), partition: Exact, baseline: {baseline})"
                )
            };
            for (baseline, factor) in [("None", -1.0), ("LeaveOneOut", -1.0), ("GroupMean", -2.0 / 3.0)] {
                let config = config(baseline);
                assert_close(&over_groups("f-divergence", &config, &q), &claimed, factor, &config);
            }
            assert_close(&over_groups("f-divergence", &config("None"), &BEHAVIOUR), &claimed, -1.0, name);
        }
    }
}

/// D_α and α-DPG at powers of the base; and a power of 1 is p*, to the bit.
#[test]
fn alpha_divergences_to_powers_of_the_base_have_the_gradient_of_their_definition() {
    let q = policy(&LOGITS);
    for (order, power) in [(0.0, 0.5), (0.2, 0.0), (0.5, 0.5), (0.5, 3.0), (0.9, 2.0)] {
        let p = powered(power);
        let claimed = gradient(|q| {
            if order == 0.0 {
                return kl(&p, q);
            }
            let affinity = sum(&p, q, |p, q| p.powf(1.0 - order) * q.powf(order));
            (1.0 - affinity) / (order * (1.0 - order))
        });
        for b in [&q, &BEHAVIOUR] {
            for partition in ["Exact", "Auto", "Group", "Running", "Offline", "Learned"] {
                let config = format!("(alpha: {order:?}, target: Power({power:?}), partition: {partition})");
                assert_close(&over_outputs("alpha", &config, b), &claimed, -1.0, &config);
            }
        }
        let config = format!(
            "(alpha: {order:?}, target: Power({power:?}), partition: Exact, clip: 1e9, divisor: 4.0)"
        );
        assert_close(&over_groups("alpha-dpg", &config, &q), &claimed, -(1.0 - order) / 4.0, &config);
    }
    for (name, config) in [
        ("f-divergence", "divergence: JensenShannon"),
        ("alpha", "alpha: 0.3, clip: 1.5, baseline: GroupMean"),
        ("alpha-dpg", "alpha: 0.3"),
    ] {
        let of = |target: &str| over_groups(name, &format!("({config}, target: {target})"), &BEHAVIOUR);
        assert_eq!(of("Power(1)").map(f64::to_bits), of("Filtered").map(f64::to_bits), "{name}");
    }
}

/// The mean of the others changes nothing, that of the group scales by (G − 1)/G on-policy, whatever the target.
#[test]
fn baselines_do_to_f_divergences_what_they_say() {
    let q = policy(&LOGITS);
    for (name, value) in DIVERGENCES {
        let claimed = gradient(|q| value(&tilted(0.7), q));
        let config = |baseline| {
            format!("(divergence: {name}, target: Tilted(0.7), partition: Exact, baseline: {baseline})")
        };
        for (baseline, factor) in [("None", -1.0), ("LeaveOneOut", -1.0), ("GroupMean", -2.0 / 3.0)] {
            let config = config(baseline);
            assert_close(&over_groups("f-divergence", &config, &q), &claimed, factor, &config);
        }
        assert_close(&over_groups("f-divergence", &config("None"), &BEHAVIOUR), &claimed, -1.0, name);
    }
}

#[test]
fn alpha_divergences_to_both_targets_have_the_gradient_of_their_definition() {
    let q = policy(&LOGITS);
    for alpha in [0.2, 0.5, 0.9] {
        for (target, p) in [("Filtered", filtered()), ("Tilted(0.4)", tilted(0.4))] {
            let affinity = |q: &Vector| sum(&p, q, |p, q| p.powf(1.0 - alpha) * q.powf(alpha));
            let claimed = gradient(|q| (1.0 - affinity(q)) / (alpha * (1.0 - alpha)));
            for b in [&q, &BEHAVIOUR] {
                let config = format!("(alpha: {alpha}, target: {target}, partition: Exact)");
                assert_close(&over_outputs("alpha", &config, b), &claimed, -1.0, &config);
            }
            // As released, but with Z exact and no clip: the same direction on-policy, without 1/(1 − α).
            let config =
                format!("(alpha: {alpha}, target: {target}, partition: Exact, clip: 1e9, divisor: 4.0)");
            assert_close(&over_groups("alpha-dpg", &config, &q), &claimed, -(1.0 - alpha) / 4.0, &config);
        }
    }
    let claimed = gradient(|q| kl(q, &tilted(0.4)));
    let config = "(alpha: 1.0, target: Tilted(0.4), partition: Exact, clip: 1e9)";
    assert_close(&over_groups("alpha-dpg", config, &q), &claimed, -1.0, config);
}

/// −factor ∇KL(q‖p_β) on the policy's own samples, (G − 1)/G of it where log Z is the mean of the whole group.
#[test]
fn balances_head_for_the_tilted_distribution() {
    let q = policy(&LOGITS);
    for beta in [0.3, 2.0] {
        let claimed = gradient(|q| kl(q, &tilted(beta)));
        for (partition, share) in [("Learned", 1.0), ("GroupMean", 2.0 / 3.0), ("LeaveOneOut", 1.0)] {
            let config = format!("(beta: {beta}, partition: {partition}, factor: 1.5, step_size: 0.0)");
            assert_close(&over_outputs("trajectory-balance", &config, &q), &claimed, -1.5, &config);
            assert_close(&over_groups("trajectory-balance", &config, &q), &claimed, -1.5 * share, &config);
        }
        let config = format!("(beta: {beta})");
        assert_close(&over_groups("vargrad", &config, &q), &claimed, -4.0 / 3.0, &config);
    }
}

/// E of 2 β₂ (v − β₂ log(q/a) − V*) ∇ log q, groups of three listed here a second time.
#[test]
fn optimal_advantage_regression_has_the_value_of_its_group() {
    let q = policy(&LOGITS);
    let (first, second) = (0.5, 0.2);
    let mut terms = Vec::new();
    for number in 0..N.pow(3) {
        let samples = [number % N, number / N % N, number / N / N];
        let prob: f64 = samples.iter().map(|&i| q[i]).product();
        let value = first * (samples.iter().map(|&i| (RIGHT[i] / first).exp()).sum::<f64>() / 3.0).ln();
        for i in samples {
            let gap = RIGHT[i] - second * (q[i] / BASE[i]).ln() - value;
            terms.push((i, prob / 3.0 * 2.0 * second * gap));
        }
    }
    let config = "(beta1: 0.5, beta2: 0.2)";
    assert_close(&over_groups("a-star-po", config, &q), &in_logits(terms), 1.0, config);
}

/// Uniform on right outputs, at a height of a(z) e^{1/β}, and the base on wrong ones.
#[test]
fn mara_heads_for_equal_right_answers() {
    let q = policy(&LOGITS);
    for beta in [0.25f64, 1.0] {
        let height = TOP * (1.0 / beta).exp();
        let p = normalised(std::array::from_fn(|i| if RIGHT[i] > 0.0 { height } else { BASE[i] }));
        let claimed = gradient(|q| kl(q, &p));
        let config = format!("(beta: {beta}, anchor: Exact)");
        for b in [&q, &BEHAVIOUR] {
            assert_close(&over_outputs("mara", &config, b), &claimed, -beta, &config);
            assert_close(&over_groups("mara", &config, b), &claimed, -beta, &config);
        }
    }
}

/// Of the base's samples −Z ∇KL(p*‖q), or −∇KL(p_β‖q) times what normalises e^{v/β}; of the policy's ∇V.
#[test]
fn imitation_heads_for_whom_it_imitates() {
    let q = policy(&LOGITS);
    let to_filtered = gradient(|q| kl(&filtered(), q));
    assert_close(&over_groups("imitation", "()", &BASE), &to_filtered, -Z, "()");
    let config = "(weight: Exponential(beta: 0.5))";
    let scale = 1.0 - Z + Z * 2f64.exp();
    assert_close(
        &over_groups("imitation", config, &BASE),
        &gradient(|q| kl(&tilted(0.5), q)),
        -scale,
        config,
    );
    let validity = gradient(|q| sum(&RIGHT, q, |v, q| v * q));
    for (config, factor) in
        [("(source: Policy)", 1.0), ("(weight: Exponential(0.5), source: Policy)", 2f64.exp_m1())]
    {
        assert_close(&over_groups("imitation", config, &q), &validity, factor, config);
        assert_close(&over_outputs("imitation", config, &q), &validity, factor, config);
    }
    // A group with a right answer among three: all of it goes to right ones.
    let config = "(normalise: Group)";
    let solved = 1.0 - (1.0 - Z).powi(3);
    assert_close(&over_groups("imitation", config, &BASE), &to_filtered, -solved, config);
}

/// Outputs of one token, once each: coefficients times a probability each, over the outputs that are right, or all.
fn one_token(name: &str, config: &str, weights: &Vector) -> Vector {
    let q = policy(&LOGITS);
    let mut buffer = ObjectiveBuffer::default();
    buffer.push_group(0, facts(None));
    for i in 0..N {
        let (log_q, log_a) = ([q[i].ln()], [BASE[i].ln()]);
        buffer.push(Row::new(RIGHT[i], &log_q).base_log_probs(&log_a));
    }
    let c = coefficients(&mut objective(name, config), &buffer, moment());
    in_logits((0..N).map(|i| (i, weights[i] * c[i])))
}

/// A divergence's loss, as a function of q/a.
type Generator = fn(f64) -> f64;

/// The loss of each generator over the base's right outputs, differentiated; half of the outputs are right.
#[test]
fn rehearsal_descends_its_generators() {
    const ALPHA: f64 = 0.3;
    let generators: [(&str, Generator); 4] = [
        ("Forward", |u| u - 1.0 - u.ln()),
        ("Alpha", |u| (u.powf(1.0 - ALPHA) - (1.0 - ALPHA) * u - ALPHA) / (ALPHA * (ALPHA - 1.0))),
        ("Js", |u| 0.5 * (u - 1.0) - (0.5 * (1.0 + u)).ln()),
        ("JsLowVariance", |u| u * u.ln() - (1.0 + u) * (0.5 * (1.0 + u)).ln()),
    ];
    for (name, generator) in generators {
        let claimed = gradient(|q| (0..N).map(|i| RIGHT[i] * BASE[i] * generator(q[i] / BASE[i])).sum());
        for aggregate in ["TokenMean", "SequenceMean", "SequenceSum(divisor: Longest)"] {
            let config = format!("(divergence: {name}, alpha: 0.3, eta: 0.7, aggregate: {aggregate})");
            // N/3 rows count.
            assert_close(&one_token("rehearsal", &config, &BASE), &claimed, -2.0 * 0.7, &config);
        }
    }
}

/// Of outputs of one token, −∇KL(q‖a); penalties are a price on top of it.
#[test]
fn distillation_heads_for_the_base() {
    let q = policy(&LOGITS);
    let claimed = gradient(|q| kl(q, &BASE));
    assert_close(&one_token("distillation", "()", &q), &claimed, -1.0, "()");
    // k2's slope is that of the reverse KL, so is k3's with the derivative of a ratio, and k1's in the same way.
    for penalty in [
        "estimator: K2, coefficient: 0.5, to: Base",
        "estimator: K3, coefficient: 0.5, to: Base, weighted: Self, aggregate: SequenceMean",
        "estimator: K1, coefficient: 0.5, to: Base, weighted: Ratio, aggregate: TokenSum",
    ] {
        let config = format!("(penalties: [({penalty})])");
        let factor = if penalty.contains("TokenSum") { -1.0 - 0.5 * N as f64 } else { -1.5 };
        assert_close(&one_token("distillation", &config, &q), &claimed, factor, &config);
    }
    // k3 itself is the forward KL, and nothing pulls to where the policy is.
    let config = "(penalties: [(estimator: K3, coefficient: 1.0, to: Base), (estimator: K2, coefficient: 9.0, to: Behaviour)])";
    let forward = gradient(|q| kl(&BASE, q));
    let both = std::array::from_fn(|k| claimed[k] + forward[k]);
    assert_close(&one_token("distillation", config, &q), &both, -1.0, config);
}

/// The gradient of Σ t log p, p the group's shares, each output once in the group.
#[test]
fn group_targets_are_matched_within_the_group() {
    let anchors = [("Behaviour", BEHAVIOUR), ("None", [1.0; N])];
    for (anchor, behaviour) in anchors {
        for eta in [0.5, 1.0] {
            let samples = [0, 2, 3, 4];
            // Half are right: u is ±1.
            let tilt = |i: usize| behaviour[i] * ((2.0 * RIGHT[i] - 1.0) / eta).exp();
            let total: f64 = samples.iter().map(|&i| tilt(i)).sum();
            let claimed = gradient(|q| {
                let mass: f64 = samples.iter().map(|&i| q[i]).sum();
                samples.iter().map(|&i| tilt(i) / total * (q[i] / mass).ln()).sum()
            });
            let config = format!("(eta: {eta}, anchor: {anchor})");
            let buffer = batch(facts(None), &samples, [&policy(&LOGITS), &BEHAVIOUR], None);
            let c = coefficients(&mut objective("group-target", &config), &buffer, moment());
            let found = in_logits(samples.into_iter().zip(c).map(|(i, c)| (i, c / samples.len() as f64)));
            assert_close(&found, &claimed, 1.0, &config);
        }
    }
}
