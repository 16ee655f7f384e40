//! What verdicts with noise hide: figures of the true verdicts beside those of the told ones.

use crate::world::World;
use pstar_exact::{
    CurveMeasures, Distribution, FilteredModel, OutputTable, Split, TiltedModel, ValidSet, at_least_once,
};
use pstar_record::Measures;

/// Which outputs of a prompt are truly valid.
#[derive(Debug)]
pub(crate) struct Truth {
    valid: ValidSet,
    /// The base conditioned on true validity, where it has any.
    filtered: Option<FilteredModel>,
}

impl Truth {
    pub(super) fn of(base: Distribution<'_>, valid: ValidSet) -> Self {
        let split = Split::of(base, &valid);
        let filtered = FilteredModel::new(base, &valid, &split);
        Self { valid, filtered }
    }

    /// Adds what a distribution is by the true verdicts: validity rate, pass@k, coverage@k and KL from the true p*; and what
    /// the told verdicts are wrong about, as mass.
    pub(super) fn add(
        &self,
        measures: &mut Measures,
        of: Distribution<'_>,
        told: &ValidSet,
        (k, keys): (&[u64], &[String]),
    ) {
        let mut own = OutputTable::default();
        own.gather(of, self.valid.indices());
        let point = CurveMeasures::of(own.view(), self.filtered.as_ref(), k);
        measures.push("true_validity_rate", point.validity_rate);
        let wrong = |told: &ValidSet, truth: &ValidSet| {
            let indices = told.indices().iter().map(|&index| index as usize);
            indices.filter(|&index| !truth.mask()[index]).fold(0.0, |sum, index| sum + of.probs[index])
        };
        measures.push("false_positive_mass", wrong(told, &self.valid));
        measures.push("false_negative_mass", wrong(&self.valid, told));
        measures.push("kl_from_true_filtered", point.kl_from_filtered);
        let passes = k.iter().map(|&k| at_least_once(point.validity_rate, k));
        measures.push_family("true_pass_at", keys.iter().cloned(), passes);
        measures.push_family("true_coverage_at", keys.iter().cloned(), point.coverage_at);
    }
}

/// The told p*, output by output.
pub(super) fn table_of_filtered(filtered: &FilteredModel, valid: &ValidSet) -> OutputTable {
    let mut log_probs = vec![f64::NEG_INFINITY; valid.mask().len()];
    for (&index, &log_prob) in valid.indices().iter().zip(&filtered.log_probs) {
        log_probs[index as usize] = log_prob;
    }
    OutputTable::from_log_probs(log_probs)
}

/// A tilted distribution, output by output: μ p* on what is valid, 1 − μ of the base conditioned on the rest.
pub(super) fn table_of_tilted(
    tilted: &TiltedModel,
    base: Distribution<'_>,
    (split, filtered): (&Split, Option<&FilteredModel>),
    valid: &ValidSet,
) -> OutputTable {
    let of_rest = tilted.log_one_minus_mu - split.invalid.log_mass;
    let rest = base.log_probs.iter().map(|log_prob| log_prob + of_rest);
    let mut log_probs: Vec<f64> = rest.collect();
    for (place, &index) in valid.indices().iter().enumerate() {
        let own = filtered.map_or(f64::NEG_INFINITY, |filtered| tilted.log_mu + filtered.log_probs[place]);
        log_probs[index as usize] = own;
    }
    // Where nothing is invalid, nothing is left to be taken.
    log_probs
        .iter_mut()
        .filter(|log_prob| log_prob.is_nan())
        .for_each(|log_prob| *log_prob = f64::NEG_INFINITY);
    OutputTable::from_log_probs(log_probs)
}

/// Whether there is a truth apart from what is told.
pub(super) fn is_hidden(world: &World) -> bool {
    world.verifier.is_noisy()
}
