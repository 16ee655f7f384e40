//! Named figures.

use super::shared::Shared;
use pstar_core::math;
use pstar_exact::{Divergences, Summary, TiltedModel};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// Figures that are logarithms of others, which may be beyond the range of numbers: in means the logarithm of the mean.
const LOGARITHMS: [&str; 4] = ["log_effective_number", "log_top1", "log_top1_valid", "log_power_sums"];

/// A figure; absent where it does not exist or cannot be had.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measure {
    /// The figure.
    pub value: Option<f64>,
    /// Its standard error, where it is an estimate.
    pub std_error: Option<f64>,
}

impl From<f64> for Measure {
    fn from(value: f64) -> Self {
        Self { value: Some(value), std_error: None }
    }
}

impl From<Option<f64>> for Measure {
    fn from(value: Option<f64>) -> Self {
        Self { value, std_error: None }
    }
}

/// Named figures, and families of figures under keys, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    scalars: Vec<(&'static str, Measure)>,
    families: Vec<(&'static str, Vec<(String, Measure)>)>,
    /// By full name, of figures that are estimated from samples which all arms share.
    shared: BTreeMap<String, Shared>,
}

/// The names of figures that are never negative, so that an estimate below 0 is noise.
fn is_divergence(name: &str) -> bool {
    name.starts_with("kl_") || name.ends_with("_to_filtered") || name == "alpha_divergence"
}

impl Measures {
    /// Adds a figure.
    pub fn push(&mut self, name: &'static str, measure: impl Into<Measure>) {
        self.scalars.push((name, measure.into()));
    }

    /// Adds a family.
    pub fn push_family<M: Into<Measure>>(
        &mut self,
        name: &'static str,
        keys: impl IntoIterator<Item = String>,
        measures: impl IntoIterator<Item = M>,
    ) {
        self.families.push((name, keys.into_iter().zip(measures.into_iter().map(Into::into)).collect()));
    }

    /// The same names, and only the figures and families that `keep` says.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let mut only = self.clone();
        for (_, measure) in only.scalars.iter_mut().filter(|(name, _)| !keep(name)) {
            *measure = Measure::default();
        }
        for (_, family) in only.families.iter_mut().filter(|(name, _)| !keep(name)) {
            for (_, measure) in family {
                *measure = Measure::default();
            }
        }
        only
    }

    /// Adds a figure that is estimated from samples which all arms share.
    pub(super) fn push_shared(&mut self, name: &'static str, (measure, shared): (Measure, Shared)) {
        self.push(name, measure);
        self.share(name.into(), shared);
    }

    /// Notes that a figure, under its full name, is estimated from samples which all arms share.
    pub(super) fn share(&mut self, name: String, shared: Shared) {
        if !shared.is_empty() {
            self.shared.insert(name, shared);
        }
    }

    /// The part of a figure's error that all arms share.
    pub fn shared(&self, name: &str) -> Option<&Shared> {
        self.shared.get(name)
    }

    /// The figures alone, for the points of curves, which nothing compares.
    #[must_use]
    pub(super) fn without_shared(mut self) -> Self {
        self.shared.clear();
        self
    }

    /// Estimates of divergences that came out negative are 0, give or take their standard error.
    #[must_use]
    pub(super) fn without_negative_divergences(mut self) -> Self {
        let scalars = self.scalars.iter_mut().filter(|(name, _)| is_divergence(name));
        let families = self.families.iter_mut().filter(|(name, _)| is_divergence(name));
        let all = scalars
            .map(|(_, measure)| measure)
            .chain(families.flat_map(|(_, family)| family.iter_mut().map(|(_, measure)| measure)));
        for measure in all.filter(|measure| measure.std_error.is_some()) {
            measure.value = measure.value.map(|value| value.max(0.0));
        }
        self
    }

    /// The mean of a figure that all rows have, of which each is a seed's. Errors average out over seeds, but for the
    /// part that they share. `None` of no rows, or where one lacks the figure.
    pub fn mean_over_seeds(rows: &[&Self], name: &str) -> Option<Measure> {
        let found =
            rows.iter().map(|row| row.flat().find(|(known, _)| known == name).map(|(_, found)| found));
        let found: Vec<Measure> = found.collect::<Option<_>>()?;
        let values: Vec<f64> = found.iter().map(|measure| measure.value).collect::<Option<_>>()?;
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let shared = |row: &Self| row.shared(name).map_or(0.0, Shared::variance);
        let own = found.iter().zip(rows).map(|(measure, row)| {
            measure.std_error.map(|error| (error * error - shared(row)).max(0.0) / (n * n))
        });
        let own: Option<f64> = own.sum();
        let parts = rows.iter().filter_map(|row| Some((1.0 / n, row.shared(name)?)));
        let shared = Shared::sum(parts).variance();
        Some(Measure {
            value: Some(values.iter().sum::<f64>() / n),
            std_error: own.map(|own| (own + shared).sqrt()),
        })
    }

    /// The figure `name`.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.scalars.iter().find(|(known, _)| *known == name)?.1.value
    }

    /// The figure `key` of the family `name`.
    pub fn get_in(&self, name: &str, key: &str) -> Option<f64> {
        let family = &self.families.iter().find(|(known, _)| *known == name)?.1;
        family.iter().find(|(known, _)| known == key)?.1.value
    }

    /// Every figure under its full name, `family@key` for those of a family.
    pub fn flat(&self) -> impl Iterator<Item = (String, Measure)> + '_ {
        let scalars = self.scalars.iter().map(|(name, measure)| ((*name).to_string(), *measure));
        let families = self.families.iter().flat_map(|(name, family)| {
            let stem = name.strip_suffix("_at").unwrap_or(name);
            family.iter().map(move |(key, measure)| (format!("{stem}@{key}"), *measure))
        });
        scalars.chain(families)
    }

    /// The weighted mean of rows of the same figures, over the rows in which a figure exists. Of what is the logarithm of
    /// another figure it is the logarithm of the mean.
    pub fn mean(rows: &[Self], weights: &[f64]) -> Self {
        let Some(first) = rows.first() else { return Self::default() };
        let alike = |row: &Self| row.flat().map(|(name, _)| name).eq(first.flat().map(|(name, _)| name));
        debug_assert!(rows.iter().all(alike), "rows of different figures");
        let mut mean = first.clone();
        for (i, (name, measure)) in mean.scalars.iter_mut().enumerate() {
            *measure = mean_of(name)(&mut rows.iter().map(|row| row.scalars[i].1), weights);
        }
        for (i, (name, family)) in mean.families.iter_mut().enumerate() {
            for (j, (_, measure)) in family.iter_mut().enumerate() {
                *measure = mean_of(name)(&mut rows.iter().map(|row| row.families[i].1[j].1), weights);
            }
        }
        if rows.iter().any(|row| !row.shared.is_empty()) {
            let names: Vec<String> = mean.flat().map(|(name, _)| name).collect();
            let parts = names.into_iter().filter_map(|name| {
                let shared = mean_shared(rows, weights, &name)?;
                Some((name, shared))
            });
            mean.shared = parts.collect();
        }
        mean
    }
}

/// How the figures of a name are averaged.
fn mean_of(name: &str) -> fn(&mut dyn Iterator<Item = Measure>, &[f64]) -> Measure {
    if LOGARITHMS.contains(&name) { log_mean } else { mean_measure }
}

/// The logarithm of the weighted mean of figures that are given by their logarithms.
fn log_mean(logs: &mut dyn Iterator<Item = Measure>, weights: &[f64]) -> Measure {
    let present = logs.zip(weights).filter(|(_, weight)| **weight > 0.0);
    let present: Vec<(f64, Option<f64>, f64)> =
        present.filter_map(|(log, &weight)| Some((log.value?, log.std_error, weight))).collect();
    if present.is_empty() {
        return Measure::default();
    }
    let greatest = present.iter().map(|(log, ..)| *log).fold(f64::NEG_INFINITY, f64::max);
    if greatest.is_infinite() {
        return greatest.into();
    }
    let (mut total, mut sum, mut variance) = (0.0, 0.0, Some(0.0));
    for (log, error, weight) in present {
        let part = weight * math::exp(log - greatest);
        total += weight;
        sum += part;
        variance = variance.zip(error).map(|(sum, error)| sum + (part * error).powi(2));
    }
    Measure {
        value: Some(greatest + math::ln(sum / total)),
        std_error: variance.map(|variance: f64| variance.sqrt() / sum),
    }
}

/// The shared part of the error of a weighted mean over the rows in which a figure exists.
fn mean_shared(rows: &[Measures], weights: &[f64], name: &str) -> Option<Shared> {
    let parts: Vec<(f64, &Shared)> = rows
        .iter()
        .zip(weights)
        .filter(|(_, weight)| **weight > 0.0)
        .filter_map(|(row, &weight)| Some((weight, row.shared(name)?)))
        .collect();
    let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
    (total > 0.0).then(|| Shared::sum(parts.into_iter().map(|(weight, shared)| (weight / total, shared))))
}

fn mean_measure(measures: &mut dyn Iterator<Item = Measure>, weights: &[f64]) -> Measure {
    let (mut total, mut sum, mut variance) = (0.0, 0.0, Some(0.0));
    for (measure, &weight) in measures.zip(weights) {
        if let Some(value) = measure.value.filter(|_| weight > 0.0) {
            total += weight;
            sum += weight * value;
            variance = variance.zip(measure.std_error).map(|(sum, error)| sum + (weight * error).powi(2));
        }
    }
    if total == 0.0 {
        return Measure::default();
    }
    Measure { value: Some(sum / total), std_error: variance.map(|variance: f64| variance.sqrt() / total) }
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

/// The keys of a policy's families, as written in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub(super) k: Vec<String>,
    pub(super) alphas: Vec<String>,
    pub(super) betas: Vec<String>,
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

/// A number as the output formats write it: infinities are the strings `inf` and `-inf`, NaN does not occur.
pub(crate) fn number(value: Option<f64>) -> serde_json::Value {
    match value {
        Some(x) if x == f64::INFINITY => "inf".into(),
        Some(x) if x == f64::NEG_INFINITY => "-inf".into(),
        Some(x) => serde_json::Number::from_f64(x).map_or(serde_json::Value::Null, Into::into),
        None => serde_json::Value::Null,
    }
}

impl Measures {
    /// Writes every figure as an entry of a map, families as maps of their own, standard errors behind them.
    pub(crate) fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (name, measure) in &self.scalars {
            map.serialize_entry(name, &number(measure.value))?;
        }
        for (name, family) in &self.families {
            let family: serde_json::Map<_, _> =
                family.iter().map(|(key, measure)| (key.clone(), number(measure.value))).collect();
            map.serialize_entry(name, &family)?;
        }
        let errors: serde_json::Map<_, _> = self
            .flat()
            .filter_map(|(name, measure)| Some((name, number(Some(measure.std_error?)))))
            .collect();
        if !errors.is_empty() {
            map.serialize_entry("std_errors", &errors)?;
        }
        Ok(())
    }
}

impl Serialize for Measures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_entries(&mut map)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_over_the_rows_where_a_figure_exists() {
        let row = |x: Option<f64>| {
            let mut measures = Measures::default();
            measures.push("x", x);
            measures.push_family("x_at", ["2".to_string()], [1.0]);
            measures
        };
        let mean = Measures::mean(&[row(Some(1.0)), row(None), row(Some(4.0))], &[0.25, 0.5, 0.25]);
        assert_eq!(mean.get("x"), Some(2.5));
        assert_eq!(mean.get_in("x_at", "2"), Some(1.0));
        assert_eq!(mean.flat().map(|(name, _)| name).collect::<Vec<_>>(), ["x", "x@2"]);
        let logs = |x: f64| {
            let mut measures = Measures::default();
            measures.push("log_top1", x);
            measures
        };
        // log (¼ e^2 + ¾ e^1), far below and far above the numbers, and beside nothing.
        let expected = (0.25 * 2f64.exp() + 0.75 * 1f64.exp()).ln();
        for shift in [0.0, -2000.0, 2000.0] {
            let mean = Measures::mean(&[logs(2.0 + shift), logs(1.0 + shift)], &[0.25, 0.75]);
            assert!((mean.get("log_top1").unwrap() - shift - expected).abs() < 1e-12);
        }
        let mean = Measures::mean(&[logs(f64::NEG_INFINITY), logs(1.0)], &[0.5, 0.5]);
        assert!((mean.get("log_top1").unwrap() - (1.0 - 2f64.ln())).abs() < 1e-15);
        let infinite = Measures::mean(&[row(Some(1.0)), row(Some(f64::INFINITY))], &[0.5, 0.5]);
        assert_eq!(serde_json::to_string(&infinite).unwrap(), r#"{"x":"inf","x_at":{"2":1.0}}"#);
    }

    #[test]
    fn negative_estimates_of_divergences_are_0_and_nothing_else_changes() {
        let estimate = |value| Measure { value: Some(value), std_error: Some(0.5) };
        let mut measures = Measures::default();
        for name in ["kl_from_filtered", "js_to_filtered", "log_validity_rate"] {
            measures.push(name, estimate(-0.25));
        }
        measures.push("kl_to_base", -1e-17);
        measures.push_family("alpha_divergence", ["0.9".to_string()], [estimate(-12.8)]);
        let shown = serde_json::to_value(measures.without_negative_divergences()).unwrap();
        assert_eq!(shown["kl_from_filtered"], 0.0);
        assert_eq!(shown["js_to_filtered"], 0.0);
        assert_eq!(shown["alpha_divergence"]["0.9"], 0.0);
        assert_eq!(shown["log_validity_rate"], -0.25);
        assert_eq!(shown["kl_to_base"], -1e-17, "it is exact");
        assert_eq!(shown["std_errors"]["alpha_divergence@0.9"], 0.5);
    }

    /// Own errors of 0.3 and 0.4 and a shared one of 1: √(0.3² + 0.4²)/2 = 0.25 of the first kind remains, and all of
    /// the second.
    #[test]
    fn what_seeds_share_does_not_average_out() {
        let row = |own: f64| {
            let mut measures = Measures::default();
            let shared = Shared::of(2, [(0, 0.5f64.sqrt() * 0.5f64.sqrt()), (1, -0.5)].into_iter());
            assert!((shared.variance() - 1.0).abs() < 1e-15, "{}", shared.variance());
            let std_error = Some(own.hypot(1.0));
            measures.push_shared("x", (Measure { value: Some(2.0), std_error }, shared));
            measures
        };
        let (a, b) = (row(0.3), row(0.4));
        let found = Measures::mean_over_seeds(&[&a, &b], "x").unwrap();
        assert_eq!(found.value, Some(2.0));
        assert!((found.std_error.unwrap() - 0.25f64.hypot(1.0)).abs() < 1e-14, "{found:?}");
        assert_eq!(Measures::mean_over_seeds(&[], "x"), None);
    }
}
