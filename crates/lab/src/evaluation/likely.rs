//! The most probable outputs of policies and of what they are compared with.

use super::PromptRows;
use crate::world::World;
use pstar_core::math;
use pstar_exact::{Likely, Split, TiltedModel};
use pstar_record::{LikelyOutput, PromptOutputs};

/// The prompts whose outputs are kept at most: the first ones.
pub(super) const MOST_PROMPTS: usize = 20;

/// How many outputs of a prompt are kept.
pub(super) const COUNT: usize = 10;

/// The most probable valid outputs of a distribution and the most probable others, of which each class may be weighed
/// anew: its logarithms moved, or the class left out.
pub(super) fn likely_outputs(
    world: &World,
    classes: &[Vec<Likely>; 2],
    shifts: [Option<f64>; 2],
    exact: bool,
) -> PromptOutputs {
    let mut all = Vec::new();
    for ((class, shift), valid) in classes.iter().zip(shifts).zip([true, false]) {
        let Some(shift) = shift else { continue };
        all.extend(class.iter().map(|likely| {
            let log_prob = likely.log_prob + shift;
            (Likely { log_prob, ..likely.clone() }, valid)
        }));
    }
    all.retain(|(likely, _)| likely.log_prob > f64::NEG_INFINITY);
    all.sort_by(|(x, _), (y, _)| x.order(y));
    all.truncate(COUNT);
    let output = |(likely, valid): (Likely, bool)| LikelyOutput {
        output: world.task.alphabet.decode(&likely.symbols),
        probability: math::exp(likely.log_prob).min(1.0),
        valid,
    };
    PromptOutputs { exact, outputs: all.into_iter().map(output).collect() }
}

/// Those of the base, of p* where there is one, and of every p_\[β\], under the names that they have among the references.
pub(super) fn of_targets(
    world: &World,
    base: &[Vec<Likely>; 2],
    split: &Split,
    tilted: &[TiltedModel],
) -> Vec<(String, PromptOutputs)> {
    let of = |shifts| likely_outputs(world, base, shifts, true);
    let mut rows = vec![("base".to_string(), of([Some(0.0); 2]))];
    let solvable = !split.valid.is_empty();
    if solvable {
        rows.push(("filtered".into(), of([Some(0.0 - split.valid.log_mass), None])));
    }
    for (beta, tilted) in world.evaluation.betas.iter().zip(tilted) {
        let valid = tilted.log_mu - split.valid.log_mass;
        let invalid = tilted.log_one_minus_mu - split.invalid.log_mass;
        let shifts = [solvable.then_some(valid), (!split.invalid.is_empty()).then_some(invalid)];
        rows.push((format!("tilted {}", beta.text), of(shifts)));
    }
    rows
}

/// Rows of each prompt as rows of each name, prompt by prompt; nothing where a prompt has none of that name.
pub(super) fn by_name(prompts: Vec<Vec<(String, PromptOutputs)>>) -> PromptRows<PromptOutputs> {
    let mut rows: PromptRows<PromptOutputs> = Vec::new();
    for (prompt, found) in prompts.into_iter().enumerate() {
        for (name, outputs) in found {
            let known = rows.iter().position(|(known, _)| *known == name);
            let row = known.unwrap_or_else(|| {
                rows.push((name, Vec::new()));
                rows.len() - 1
            });
            rows[row].1.resize(prompt, None);
            rows[row].1.push(Some(outputs));
        }
    }
    rows
}
