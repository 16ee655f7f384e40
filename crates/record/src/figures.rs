//! Named figures.

use crate::names::{Name, Names};
use crate::number::{Number, of_value};
use crate::{Shared, pairs};
use pstar_core::math;
use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// Named figures, and families of figures under keys, in a fixed order. Their names are one list that all with the same
/// names share, so that a record of many arms is little more than its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measures {
    names: Arc<Names>,
    /// One a name, those of families behind the others.
    values: Vec<Option<f64>>,
    /// One a name; none where all figures are exact.
    std_errors: Vec<Option<f64>>,
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
        let names = Arc::make_mut(&mut self.names);
        names.scalars.push(name.into());
        self.insert(self.names.scalars.len() - 1, measure.into());
    }

    /// Adds a family.
    pub fn push_family<M: Into<Measure>>(
        &mut self,
        name: impl Into<Name>,
        keys: impl IntoIterator<Item = String>,
        measures: impl IntoIterator<Item = M>,
    ) {
        let mut own = Vec::new();
        for (key, measure) in keys.into_iter().zip(measures) {
            own.push(key);
            self.insert(self.values.len(), measure.into());
        }
        Arc::make_mut(&mut self.names).families.push((name.into(), own));
    }

    fn insert(&mut self, place: usize, measure: Measure) {
        self.values.insert(place, measure.value);
        if measure.std_error.is_some() || !self.std_errors.is_empty() {
            self.std_errors.resize(self.values.len() - 1, None);
            self.std_errors.insert(place, measure.std_error);
        }
    }

    /// Figures of these names, all exact.
    pub(crate) fn of_values(names: &Arc<Names>, values: Vec<Option<f64>>) -> Self {
        Self { names: Arc::clone(names), values, ..Self::default() }
    }

    pub(crate) fn list(&self) -> &Arc<Names> {
        &self.names
    }

    /// Of the named figures and families those that there are, and no others; their errors are left out.
    #[must_use]
    pub fn select(&self, scalars: &[&'static str], families: &[&'static str]) -> Self {
        let (mut names, mut values) = (Names::default(), Vec::new());
        for &name in scalars {
            if let Some(place) = self.names.scalar(name) {
                names.scalars.push(name.into());
                values.push(self.values[place]);
            }
        }
        for &name in families {
            if let Some((_, keys)) = self.names.families.iter().find(|(known, _)| known == name) {
                values.extend(keys.iter().map(|key| self.get_in(name, key)));
                names.families.push((name.into(), keys.clone()));
            }
        }
        Self::of_values(&Arc::new(names).remembered(), values)
    }

    /// The same and one more family.
    #[must_use]
    pub fn with_family(
        mut self,
        name: impl Into<Name>,
        keys: impl IntoIterator<Item = String>,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Self {
        self.push_family(name, keys, values);
        self.names = self.names.remembered();
        self
    }

    /// The figures in the order of their names.
    fn measures(&self) -> impl Iterator<Item = Measure> + '_ {
        let errors = self.std_errors.iter().copied().chain(std::iter::repeat(None));
        self.values.iter().zip(errors).map(|(&value, std_error)| Measure { value, std_error })
    }

    /// Other figures of the same names.
    fn with(mut self, measures: impl Iterator<Item = Measure>) -> Self {
        (self.values, self.std_errors) =
            measures.map(|Measure { value, std_error }| (value, std_error)).unzip();
        if self.std_errors.iter().all(Option::is_none) {
            self.std_errors = Vec::new();
        }
        self
    }

    /// The same names, and only the figures and families that `keep` says.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let measures = self.names.kinds().zip(self.measures());
        self.clone()
            .with(measures.map(|(name, measure)| if keep(name) { measure } else { Measure::default() }))
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
        for ((name, value), error) in self.names.kinds().zip(&mut self.values).zip(&self.std_errors) {
            if is_divergence(name) && error.is_some() {
                *value = value.map(|value| value.max(0.0));
            }
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
        self.values[self.names.scalar(name)?]
    }

    /// The figure `key` of the family `name`.
    pub fn get_in(&self, name: &str, key: &str) -> Option<f64> {
        self.values[self.names.in_family(name, key)?]
    }

    /// A figure by its full name: `family@key` for one of a family.
    pub fn named(&self, name: &str) -> Option<f64> {
        let Some((family, key)) = name.split_once('@') else { return self.get(name) };
        self.get_in(&format!("{family}_at"), key).or_else(|| self.get_in(family, key))
    }

    /// The full names of all figures, in their order.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.names.full()
    }

    /// Whether it has the same figures as another, by name and in the same order.
    pub fn has_names_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.names, &other.names) || self.names == other.names
    }

    /// Every figure under its full name, `family@key` for those of a family.
    pub fn flat(&self) -> impl Iterator<Item = (String, Measure)> + '_ {
        self.names.full().zip(self.measures())
    }

    /// The weighted mean of rows of the same figures, over the rows in which a figure exists. Of what is the logarithm of
    /// another figure it is the logarithm of the mean.
    pub fn mean(rows: &[Self], weights: &[f64]) -> Self {
        let Some(first) = rows.first() else { return Self::default() };
        debug_assert!(rows.iter().all(|row| row.names == first.names), "rows of different figures");
        let mut columns: Vec<_> = rows.iter().map(Self::measures).collect();
        let means = first.names.kinds().map(|name| {
            mean_of(name)(&mut columns.iter_mut().map(|row| row.next().unwrap_or_default()), weights)
        });
        let names = Arc::clone(&first.names).remembered();
        let mut mean = Self { names, ..Self::default() }.with(means);
        if rows.iter().any(|row| !row.shared.is_empty()) {
            let parts = mean.names.full().filter_map(|name| {
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
        let (scalars, mut others) = self.values.split_at(self.names.scalars.len());
        for (name, value) in self.names.scalars.iter().zip(scalars) {
            map.serialize_entry(name, &Number(*value))?;
        }
        for (name, keys) in &self.names.families {
            let (own, rest) = others.split_at(keys.len());
            map.serialize_entry(name, &Family { keys, values: own })?;
            others = rest;
        }
        if !self.std_errors.is_empty() {
            let errors = self.names.full().zip(&self.std_errors);
            let errors: serde_json::Map<_, _> = errors
                .filter_map(|(name, error)| Some((name, crate::number::number(Some((*error)?)))))
                .collect();
            map.serialize_entry(STD_ERRORS, &errors)?;
        }
        if !self.shared.is_empty() {
            map.serialize_entry(SHARED, &self.shared)?;
        }
        Ok(())
    }

    /// The figures that entries of a map are, in their order: maps are families.
    pub(crate) fn of_entries(entries: Vec<(String, Value)>) -> Result<Self, serde_json::Error> {
        let (mut measures, mut names) = (Self::default(), Names::default());
        let mut errors: BTreeMap<String, f64> = BTreeMap::new();
        let mut others = Vec::new();
        for (name, value) in entries {
            match value {
                Value::Object(found) if name == STD_ERRORS => {
                    for (name, error) in found {
                        errors.extend(of_value(error)?.map(|error| (name, error)));
                    }
                }
                Value::Object(_) if name == SHARED => measures.shared = serde_json::from_value(value)?,
                Value::Object(family) => {
                    let mut keys = Vec::with_capacity(family.len());
                    for (key, value) in family {
                        keys.push(key);
                        others.push(of_value(value)?);
                    }
                    names.families.push((name.into(), keys));
                }
                value => {
                    names.scalars.push(name.into());
                    measures.values.push(of_value(value)?);
                }
            }
        }
        measures.values.append(&mut others);
        measures.values.shrink_to_fit();
        if names.full().any(|name| errors.contains_key(&name)) {
            measures.std_errors = names.full().map(|name| errors.get(&name).copied()).collect();
        }
        measures.names = Arc::new(names).remembered();
        Ok(measures)
    }
}

/// A family as a map.
struct Family<'a> {
    keys: &'a [String],
    values: &'a [Option<f64>],
}

impl Serialize for Family<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.values.iter().map(|value| Number(*value));
        serializer.collect_map(self.keys.iter().zip(values))
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
        assert!(mean.flat().all(|(name, measure)| mean.named(&name) == measure.value));
        assert_eq!((mean.named("x@3"), mean.named("y")), (None, None));
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
