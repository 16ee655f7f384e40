//! What policies are compared with: base, filtered model, tilts, power-filtered targets, uniform on valid.

use super::measures::{Keys, mean_with_cover};
use super::{Measures, PromptRows, measures};
use crate::experiment::Verbatim;
use crate::world::World;
use pstar_exact::Summary;

pub(super) fn texts<T>(numbers: &[Verbatim<T>]) -> Vec<String> {
    numbers.iter().map(|number| number.text.clone()).collect()
}

pub(super) fn values<T: Copy>(numbers: &[Verbatim<T>]) -> Vec<f64>
where
    f64: From<T>,
{
    numbers.iter().map(|number| f64::from(number.value)).collect()
}

pub(super) fn keys(world: &World) -> Keys {
    let evaluation = &world.evaluation;
    Keys {
        k: texts(&evaluation.k),
        alphas: texts(&evaluation.alphas),
        betas: texts(&evaluation.betas),
        powers: texts(&evaluation.powers),
        power_sums: texts(&evaluation.power_sums),
    }
}

pub(super) fn sample_numbers(world: &World) -> Vec<u64> {
    world.evaluation.k.iter().map(|k| k.value).collect()
}

/// The figures of a prompt's base and targets.
#[derive(Clone, Debug)]
pub struct PromptTargets {
    /// The base.
    pub base: Measures,
    /// The filtered model, where there is one.
    pub filtered: Option<Measures>,
    /// The tilted distributions, one a β of the evaluation.
    pub tilted: Vec<Measures>,
    /// The power-filtered targets, one an α of the evaluation; none where there is no filtered model.
    pub powers: Vec<Measures>,
    /// The uniform distribution on the valid outputs that the base reaches, where there is one.
    pub uniform: Option<Measures>,
}

/// The figures of the uniform distribution on `support` outputs, of which the logarithm is `log_support`, against a
/// filtered model of this entropy.
pub(super) fn uniform(
    [support, log_support]: [f64; 2],
    filtered_entropy: f64,
    k: &[u64],
    keys: &[String],
) -> Option<Measures> {
    let mut measures = measures::of_summary(&Summary::of_uniform(support, log_support, k)?, keys);
    // KL(p*‖u) = log |support| − H(p*).
    measures.push("kl_from_filtered", (log_support - filtered_entropy).max(0.0));
    Some(measures)
}

/// The weight of each prompt in means: that of the world where p* exists, 0 where it does not, so that all
/// figures are means over the same prompts. If no prompt can be solved, all keep theirs.
pub(super) fn solvable_weights(solvable: &[bool], world: &World) -> Vec<f64> {
    if !solvable.contains(&true) {
        return world.weights.clone();
    }
    let weights = solvable.iter().zip(&world.weights);
    weights.map(|(&solvable, &weight)| if solvable { weight } else { 0.0 }).collect()
}

/// The rows that policies are compared with, and their names: means over prompts.
pub(super) fn means(all: &[PromptTargets], weights: &[f64], world: &World) -> Vec<(String, Measures)> {
    let mean = |rows: Vec<Option<Measures>>| {
        let present = rows.into_iter().zip(weights).filter_map(|(row, &weight)| Some((row?, weight)));
        let (rows, weights): (Vec<_>, Vec<_>) = present.unzip();
        mean_with_cover(&rows, &weights)
    };
    rows(all, world).into_iter().map(|(name, rows)| (name, mean(rows))).collect()
}

/// The rows that policies are compared with, and their names, prompt by prompt.
pub(super) fn rows(all: &[PromptTargets], world: &World) -> PromptRows<Measures> {
    let base = all.iter().map(|targets| {
        let mut base = targets.base.clone();
        // KL(p*‖a) = −log A1.
        base.push(
            "kl_from_filtered",
            targets.filtered.as_ref().and_then(|filtered| filtered.get("kl_to_base")),
        );
        Some(base)
    });
    let filtered = all.iter().map(|targets| {
        let mut filtered = targets.filtered.clone()?;
        filtered.push("kl_from_filtered", 0.0);
        Some(filtered)
    });
    let mut rows: PromptRows<Measures> =
        vec![("base".into(), base.collect()), ("filtered".into(), filtered.collect())];
    for (b, beta) in world.evaluation.betas.iter().enumerate() {
        let tilted = all.iter().map(|targets| Some(targets.tilted[b].clone()));
        rows.push((format!("tilted {}", beta.text), tilted.collect()));
    }
    for (p, power) in world.evaluation.powers.iter().enumerate() {
        let raised = all.iter().map(|targets| targets.powers.get(p).cloned());
        rows.push((format!("power {}", power.text), raised.collect()));
    }
    rows.push(("uniform-valid".into(), all.iter().map(|targets| targets.uniform.clone()).collect()));
    rows
}
