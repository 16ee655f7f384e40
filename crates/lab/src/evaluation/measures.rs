//! The figures of exact results.

use pstar_exact::{Divergences, PowerFigures, Summary, Support, TiltedModel};
use pstar_record::Measures;

/// The τ of Cover@τ, the share of prompts with a validity rate of at least τ.
const THRESHOLDS: [(&str, f64); 11] = [
    ("0.01", 0.01),
    ("0.1", 0.1),
    ("0.2", 0.2),
    ("0.3", 0.3),
    ("0.4", 0.4),
    ("0.5", 0.5),
    ("0.6", 0.6),
    ("0.7", 0.7),
    ("0.8", 0.8),
    ("0.9", 0.9),
    ("0.99", 0.99),
];

/// By how much of itself a validity rate may fall short of τ: what rounding of its sum may come to.
const ROUNDING: f64 = 1e-12;

/// The mean of exact rows over prompts, with Cover@τ.
pub(super) fn mean_with_cover(rows: &[Measures], weights: &[f64]) -> Measures {
    let rates = || {
        let rates = rows.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
        rates.filter_map(|(row, &weight)| Some((row.get("validity_rate")?, weight)))
    };
    let total: f64 = rates().map(|(_, weight)| weight).sum();
    let shares = THRESHOLDS.iter().map(|&(_, threshold)| {
        let reaching = rates().filter(|(rate, _)| *rate >= threshold * (1.0 - ROUNDING));
        // A sum of other order might be beyond 1.
        (total > 0.0).then(|| (reaching.fold(0.0, |sum, (_, weight)| sum + weight) / total).min(1.0))
    });
    let keys = THRESHOLDS.iter().map(|(key, _)| (*key).to_string());
    Measures::mean(rows, weights).with_family("cover_at", keys, shares.collect::<Vec<_>>())
}

/// Adds the entropy of a token: that of outputs over their expected number of tokens, end symbols included.
pub(super) fn add_token_entropy(measures: &mut Measures, entropy: f64, expected_length: f64) {
    measures.push("token_entropy", entropy / expected_length);
}

/// Adds what is found of what the base finds, one a k.
pub(super) fn add_support(measures: &mut Measures, support: &[Option<Support>], k: &[String]) {
    let mut add = |name: &'static str, figure: fn(Support) -> f64| {
        measures.push_family(name, k.iter().cloned(), support.iter().map(|support| support.map(figure)));
    };
    add("support_kept_at", |support| support.kept);
    add("support_lost_at", |support| support.lost);
    add("support_gained_at", |support| support.gained);
}

/// Summaries: record D.
pub(super) fn of_summary(summary: &Summary, k: &[String]) -> Measures {
    let mut measures = Measures::default();
    measures.push("validity_rate", summary.validity_rate);
    measures.push("invalidity_rate", summary.invalidity_rate);
    measures.push("log_validity_rate", summary.log_validity_rate);
    measures.push("entropy", summary.entropy);
    measures.push("renyi2_entropy", summary.renyi2_entropy);
    measures.push("effective_number", summary.effective_number);
    measures.push("log_effective_number", summary.entropy);
    measures.push("top1", summary.top1);
    measures.push("log_top1", summary.log_top1);
    measures.push("entropy_given_valid", summary.entropy_given_valid);
    measures.push_family("pass_at", k.iter().cloned(), summary.pass_at.iter().copied());
    measures.push_family("coverage_at", k.iter().cloned(), summary.coverage_at.iter().copied());
    measures
}

/// Adds a tilted distribution's own figures: record T.
pub(super) fn add_tilted(measures: &mut Measures, tilted: &TiltedModel) {
    measures.push("beta", tilted.beta);
    measures.push("lambda", tilted.lambda);
    measures.push("mu", tilted.mu);
    measures.push("log_mu", tilted.log_mu);
    measures.push("one_minus_mu", tilted.one_minus_mu);
    measures.push("kl_to_base", tilted.kl_to_base);
    measures.push("kl_from_base", tilted.kl_from_base);
    measures.push("kl_to_filtered", tilted.kl_to_filtered);
    measures.push("kl_from_filtered", tilted.kl_from_filtered);
    measures.push("tv_to_filtered", tilted.tv_to_filtered);
    measures.push("js_to_filtered", tilted.js_to_filtered);
    measures.push("hellinger2_to_filtered", tilted.hellinger2_to_filtered);
}

/// Adds a power-filtered target's own figures.
pub(super) fn add_power(measures: &mut Measures, figures: &PowerFigures) {
    measures.push("power", figures.power);
    measures.push("log_partition", figures.log_partition);
    measures.push("kl_to_base", figures.kl_to_base);
    measures.push("kl_to_filtered", figures.kl_to_filtered);
    measures.push("kl_from_filtered", figures.kl_from_filtered);
}

/// The keys of a policy's families, as written in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) k: Vec<String>,
    pub(super) alphas: Vec<String>,
    pub(super) betas: Vec<String>,
    pub(super) powers: Vec<String>,
    pub(super) power_sums: Vec<String>,
}

/// Adds a policy's divergences: record P.
pub(super) fn add_divergences(measures: &mut Measures, divergences: &Divergences, keys: &Keys) {
    let d = divergences;
    measures.push("kl_to_base", d.kl_to_base);
    measures.push("kl_from_base", d.kl_from_base);
    measures.push("kl_to_filtered", d.kl_to_filtered);
    measures.push("kl_from_filtered", d.kl_from_filtered);
    measures.push("tv_to_filtered", d.tv_to_filtered);
    measures.push("js_to_filtered", d.js_to_filtered);
    measures.push("hellinger2_to_filtered", d.hellinger2_to_filtered);
    measures.push("kl_from_uniform_valid", d.kl_from_uniform_valid);
    measures.push("top1_valid", d.top1_valid);
    measures.push("log_top1_valid", d.log_top1_valid);
    measures.push_family("alpha_divergence", keys.alphas.iter().cloned(), d.alpha_divergence.iter().copied());
    measures.push_family("kl_to_tilted", keys.betas.iter().cloned(), d.kl_to_tilted.iter().copied());
    measures.push_family("kl_from_tilted", keys.betas.iter().cloned(), d.kl_from_tilted.iter().copied());
    measures.push_family("power_sums", keys.power_sums.iter().cloned(), d.power_sums.iter().copied());
    measures.push_family("log_power_sums", keys.power_sums.iter().cloned(), d.log_power_sums.iter().copied());
}

/// Adds a policy's distances from the power-filtered targets, KL(q‖p_α) and KL(p_α‖q), one pair a power, where any is
/// asked for.
pub(super) fn add_power_divergences(measures: &mut Measures, kls: &[Option<[f64; 2]>], keys: &Keys) {
    if keys.powers.is_empty() {
        return;
    }
    for (name, which) in [("kl_to_power", 0), ("kl_from_power", 1)] {
        let values = kls.iter().map(|kls| kls.map(|kls| kls[which]));
        measures.push_family(name, keys.powers.iter().cloned(), values);
    }
}
