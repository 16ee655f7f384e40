//! Whether the expected gradient heads where the declaration says.
//!
//! One prompt has four outputs, of which two are right, and a policy of one logit an output. What an objective expects over
//! all outputs, or over all groups of samples, is summed, and compared in direction with the negative gradient of the
//! divergence by its definition, in differences of the sixth order.

use super::Objective;
use super::asked::{Asked, declaration};
use crate::math;
use crate::objective::{Declaration, Divergence, PopulationForm, PromptFacts, Source};
use crate::testing::numbers::within;
use crate::testing::{Batch, Conclusion, Failure, Group, Outcome, Sample, Subject, moment};

const N: usize = 4;
type Vector = [f64; N];

/// The base's probabilities of the outputs, and which are right.
const BASE: Vector = [0.35, 0.15, 0.3, 0.2];
const RIGHT: Vector = [1.0, 1.0, 0.0, 0.0];
const Z: f64 = 0.5;
/// The logits of the policy, at two places.
const PLACES: [Vector; 2] = [[0.2, -0.9, 0.4, 0.1], [-1.1, 0.3, 0.8, -0.2]];
/// Most samples of a group whose groups are all looked at: 4^6.
const MOST_SAMPLES: usize = 6;
/// Of the cosine: sums of thousands of terms leave 1e-12 of each gradient, differences 1e-11.
const TOLERANCE: f64 = 1e-6;

/// Compares the two.
pub(super) fn check(subject: &Subject<'_, Objective>) -> Conclusion {
    let declaration = declaration(subject)?;
    let (follows, words) = match (declaration.divergence, declaration.claim) {
        (Some(divergence), _) => (divergence, format!("-∇ {divergence:?}")),
        (None, Some(claim)) => (Divergence::InvalidityRate, claim.to_string()),
        (None, None) => return Outcome::skipped("it declares neither a divergence nor a claim"),
    };
    let on_policy = declaration.sources.is_empty() || declaration.sources.contains(&Source::Policy);
    let over_outputs = declaration.population == Some(PopulationForm::PerSequence);
    let size = declaration.minimum_group.max(2);
    if !over_outputs && (!on_policy || size > MOST_SAMPLES) {
        return Outcome::skipped(format!("its groups of {size} samples are too many to go through"));
    }
    for logits in &PLACES {
        let Some(declared) = declared(follows, logits) else {
            return Outcome::skipped(format!("{words} is not known here"));
        };
        let found = if over_outputs {
            of_outputs(subject, &declaration, logits)?
        } else {
            of_groups(subject, &declaration, logits, size)?
        };
        let cosine = cosine(&declared, &found);
        if !within(1.0 - cosine, TOLERANCE) {
            return Err(Failure::new(
                format!(
                    "the expected gradient over {}",
                    if over_outputs { "all outputs" } else { "all groups" }
                ),
                format!("the direction of {words}: {declared:.6?}"),
                format!("{found:.6?}, a cosine of {cosine:.6}"),
                "declare what the objective follows, or nothing; a baseline must not depend on which sequence it is taken from, \
                 but for a factor",
            ));
        }
    }
    Outcome::passed(format!("{words} at {} policies", PLACES.len()))
}

fn policy(logits: &Vector) -> Vector {
    normalised(logits.map(math::exp))
}

fn normalised(weights: Vector) -> Vector {
    let total: f64 = weights.iter().sum();
    weights.map(|weight| weight / total)
}

/// The negative gradient of a divergence in the logits.
fn declared(divergence: Divergence, logits: &Vector) -> Option<Vector> {
    let (divergence, power) = divergence.without_power();
    let weights: Vector = std::array::from_fn(|i| math::pow(BASE[i], power));
    let filtered = normalised(std::array::from_fn(|i| weights[i] * RIGHT[i]));
    let tilted = |lambda: f64| normalised(std::array::from_fn(|i| weights[i] * math::exp(RIGHT[i] * lambda)));
    let kl = |p: &Vector, q: &Vector| {
        p.iter().zip(q).map(|(&p, &q)| if p > 0.0 { p * math::ln(p / q) } else { 0.0 }).sum::<f64>()
    };
    Some(match divergence {
        Divergence::InvalidityRate => slope(logits, |q| (0..N).map(|i| q[i] * RIGHT[i]).sum()),
        Divergence::KlToTilted { beta } => slope(logits, |q| -kl(q, &tilted(1.0 / beta))),
        // The odds of the base are 1.
        Divergence::KlToTiltedAtRate { mu } => slope(logits, |q| -kl(q, &tilted(math::ln(mu / (1.0 - mu))))),
        Divergence::KlFromFiltered => slope(logits, |q| -kl(&filtered, q)),
        Divergence::Alpha { alpha } => slope(logits, |q| {
            (0..N).map(|i| math::pow(filtered[i], 1.0 - alpha) * math::pow(q[i], alpha)).sum::<f64>()
                / (alpha * (1.0 - alpha))
        }),
        Divergence::ClippedAlpha { alpha, clip } => {
            let q = policy(logits);
            in_logits(
                &q,
                (0..N).map(|i| (i, q[i] * (math::pow(filtered[i] / q[i], 1.0 - alpha) - 1.0).min(clip))),
            )
        }
        _ => return None,
    })
}

/// The gradient of a function of the policy: differences of the sixth order leave 1e-16 of a seventh derivative.
fn slope(logits: &Vector, value: impl Fn(&Vector) -> f64) -> Vector {
    const STEP: f64 = 5e-3;
    std::array::from_fn(|k| {
        let at = |steps: f64| {
            let mut moved = *logits;
            moved[k] += steps * STEP;
            value(&policy(&moved))
        };
        let difference = |steps: f64| at(steps) - at(-steps);
        (45.0 * difference(1.0) - 9.0 * difference(2.0) + difference(3.0)) / (60.0 * STEP)
    })
}

/// Σ of (output, w c) times ∇ log q.
fn in_logits(q: &Vector, terms: impl IntoIterator<Item = (usize, f64)>) -> Vector {
    let mut sum = [0.0; N];
    for (i, term) in terms {
        for (k, sum) in sum.iter_mut().enumerate() {
            *sum += term * (f64::from(u8::from(i == k)) - q[k]);
        }
    }
    sum
}

fn cosine(a: &Vector, b: &Vector) -> f64 {
    let product = |a: &Vector, b: &Vector| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

/// Outputs as samples of one token.
fn samples(q: &Vector, outputs: &[usize], weighted: bool, declaration: &Declaration) -> Batch {
    let sample = |&i: &usize| {
        let weight = weighted.then_some(q[i]);
        let outcome = i as u64;
        let sample = Sample::new(RIGHT[i], vec![math::ln(q[i])], vec![math::ln(BASE[i])]);
        Sample { weight, outcome, ..sample }
    };
    let power = declaration.power.unwrap_or(1.0);
    let valid: f64 = (0..N).map(|i| math::pow(BASE[i], power) * RIGHT[i]).sum();
    let facts = PromptFacts::new(math::ln(Z), math::ln(1.0 - Z))
        .with_log_top_valid(math::ln(BASE[0]))
        .with_log_power_partition(math::ln(valid));
    let group = Group { prompt: 0, facts, samples: outputs.iter().map(sample).collect() };
    Batch { groups: vec![group], horizon: 1 }
}

/// What it expects over all outputs, each as probable as under the policy.
fn of_outputs(
    subject: &Subject<'_, Objective>,
    declaration: &Declaration,
    logits: &Vector,
) -> Result<Vector, Failure> {
    let q = policy(logits);
    let batch = samples(&q, &[0, 1, 2, 3], true, declaration);
    let mut asked = Asked::prepared(subject, std::slice::from_ref(&batch))?;
    let c = asked.step_at(&batch, moment().of_population())?.coefficients;
    Ok(in_logits(&q, (0..N).map(|i| (i, q[i] * c[i]))))
}

/// What it expects over all groups of samples, each asked of an instance that has seen no other.
fn of_groups(
    subject: &Subject<'_, Objective>,
    declaration: &Declaration,
    logits: &Vector,
    size: usize,
) -> Result<Vector, Failure> {
    let q = policy(logits);
    let mut terms = Vec::new();
    for number in 0..N.pow(u32::try_from(size).unwrap_or(0)) {
        let outputs: Vec<usize> = (0..size)
            .scan(number, |rest, _| {
                let output = *rest % N;
                *rest /= N;
                Some(output)
            })
            .collect();
        let batch = samples(&q, &outputs, false, declaration);
        let prob: f64 = outputs.iter().map(|&i| q[i]).product();
        let c = Asked::prepared(subject, std::slice::from_ref(&batch))?.step(&batch, 0)?.coefficients;
        terms.extend(outputs.into_iter().zip(c).map(|(i, c)| (i, prob * c / size as f64)));
    }
    Ok(in_logits(&q, terms))
}
