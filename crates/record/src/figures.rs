//! Named figures.

use crate::number::{Number, of_value};
use crate::{Shared, pairs};
use pstar_core::math;
use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The name of a figure.
type Name = Cow<'static, str>;

/// The key of the standard errors, by the full names of figures.
const STD_ERRORS: &str = "std_errors";

/// The key of the parts of errors that all arms share, by the full names of figures.
const SHARED: &str = "shared_errors";

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
    scalars: Vec<(Name, Measure)>,
    families: Vec<(Name, Vec<(String, Measure)>)>,
    /// By full name, of figures that are estimated from samples which all arms share.
    shared: BTreeMap<String, Shared>,
}

/// The names of figures that are never negative, so that an estimate below 0 is noise.
fn is_divergence(name: &str) -> bool {
    name.starts_with("kl_") || name.ends_with("_to_filtered") || name == "alpha_divergence"
}

impl Measures {
    /// Adds a figure.
    pub fn push(&mut self, name: impl Into<Name>, measure: impl Into<Measure>) {
        self.scalars.push((name.into(), measure.into()));
    }

    /// Adds a family.
    pub fn push_family<M: Into<Measure>>(
        &mut self,
        name: impl Into<Name>,
        keys: impl IntoIterator<Item = String>,
        measures: impl IntoIterator<Item = M>,
    ) {
        self.families
            .push((name.into(), keys.into_iter().zip(measures.into_iter().map(Into::into)).collect()));
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
    pub fn push_shared(&mut self, name: impl Into<Name>, (measure, shared): (Measure, Shared)) {
        let name = name.into();
        self.share(name.clone().into_owned(), shared);
        self.push(name, measure);
    }

    /// Notes that a figure, under its full name, is estimated from samples which all arms share.
    pub fn share(&mut self, name: String, shared: Shared) {
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
    pub fn without_shared(mut self) -> Self {
        self.shared.clear();
        self
    }

    /// Estimates of divergences that came out negative are 0, give or take their standard error.
    #[must_use]
    pub fn without_negative_divergences(mut self) -> Self {
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
        let scalars = self.scalars.iter().map(|(name, measure)| (name.to_string(), *measure));
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

impl Measures {
    /// Writes every figure as an entry of a map, families as maps of their own, standard errors behind them.
    pub(crate) fn serialize_entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (name, measure) in &self.scalars {
            map.serialize_entry(name, &Number(measure.value))?;
        }
        for (name, family) in &self.families {
            map.serialize_entry(name, &Family(family))?;
        }
        let errors: serde_json::Map<_, _> = self
            .flat()
            .filter_map(|(name, measure)| Some((name, crate::number::number(Some(measure.std_error?)))))
            .collect();
        if !errors.is_empty() {
            map.serialize_entry(STD_ERRORS, &errors)?;
        }
        if !self.shared.is_empty() {
            map.serialize_entry(SHARED, &self.shared)?;
        }
        Ok(())
    }

    /// The figures that entries of a map are, in their order: maps are families.
    pub(crate) fn of_entries(entries: Vec<(String, Value)>) -> Result<Self, serde_json::Error> {
        let mut measures = Self::default();
        let mut errors: BTreeMap<String, f64> = BTreeMap::new();
        for (name, value) in entries {
            match value {
                Value::Object(found) if name == STD_ERRORS => {
                    for (name, error) in found {
                        errors.extend(of_value(error)?.map(|error| (name, error)));
                    }
                }
                Value::Object(_) if name == SHARED => measures.shared = serde_json::from_value(value)?,
                Value::Object(family) => {
                    let family = family.into_iter().map(|(key, value)| Ok((key, of_value(value)?.into())));
                    measures.families.push((name.into(), family.collect::<Result<_, serde_json::Error>>()?));
                }
                value => measures.push(name, of_value(value)?),
            }
        }
        measures.scalars.shrink_to_fit();
        measures.families.shrink_to_fit();
        let names: Vec<String> = measures.flat().map(|(name, _)| name).collect();
        let scalars = measures.scalars.iter_mut().map(|(_, measure)| measure);
        let families = measures.families.iter_mut().flat_map(|(_, family)| family.iter_mut());
        for (name, measure) in names.iter().zip(scalars.chain(families.map(|(_, measure)| measure))) {
            measure.std_error = errors.get(name).copied();
        }
        Ok(measures)
    }
}

/// A family as a map.
struct Family<'a>(&'a [(String, Measure)]);

impl Serialize for Family<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, measure)| (key, Number(measure.value))))
    }
}

impl Serialize for Measures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_entries(&mut map)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Measures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of_entries(pairs::deserialize(deserializer)?).map_err(D::Error::custom)
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
