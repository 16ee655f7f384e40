//! What has a colour and a shape: an objective, at each of its learning rates where it has several.

use crate::text::{cut, isolated};
use pstar_record::{RunRecord, VerdictRow};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// An objective.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a> {
    /// Its position, which decides colour and shape.
    pub(crate) index: usize,
    pub(crate) objective: &'a str,
    /// Its learning rate, where it has several.
    pub(crate) rate: Option<f64>,
    /// Whether it was handed the exact Z.
    pub(crate) is_oracle: bool,
}

impl<'a> Series<'a> {
    /// All of a run, in the file's order.
    pub(crate) fn all(record: &'a RunRecord) -> Vec<Self> {
        let mut rates: HashMap<(&str, &str), u64> = HashMap::new();
        let is_front = record.arms.iter().any(|arm| {
            let rate = arm.learning_rate.to_bits();
            *rates.entry((&arm.policy, &arm.objective)).or_insert(rate) != rate
        });
        let mut places: HashMap<(&str, Option<u64>), usize> = HashMap::new();
        let mut all: Vec<Self> = Vec::new();
        // A part of a run keeps the colours of the whole: what the experiment names has its place, arms or none.
        for objective in record.objectives.iter().filter(|_| !is_front) {
            if let Entry::Vacant(place) = places.entry((&objective.name, None)) {
                place.insert(all.len());
                all.push(Self { index: 0, objective: &objective.name, rate: None, is_oracle: false });
            }
        }
        for arm in &record.arms {
            let rate = is_front.then_some(arm.learning_rate);
            let place = *places.entry((&arm.objective, rate.map(f64::to_bits))).or_insert(all.len());
            if place == all.len() {
                all.push(Self { index: place, objective: &arm.objective, rate, is_oracle: false });
            }
            all[place].is_oracle |= arm.log_partition.exact > 0;
        }
        // Rates of an objective stand together, also where policies have different ones.
        let mut order: Vec<&str> = Vec::new();
        for series in &all {
            if !order.contains(&series.objective) {
                order.push(series.objective);
            }
        }
        all.sort_by_key(|series| order.iter().position(|name| *name == series.objective));
        all.iter_mut().enumerate().for_each(|(index, series)| series.index = index);
        all
    }

    /// Whether it is an objective at a rate.
    pub(crate) fn is(&self, objective: &str, rate: Option<f64>) -> bool {
        let same = |(own, other): (f64, f64)| own.to_bits() == other.to_bits();
        self.objective == objective && self.rate.zip(rate).is_none_or(same)
    }

    /// Whether a row of a verdict is of it.
    pub(crate) fn has(&self, row: &VerdictRow) -> bool {
        self.is(&row.objective, row.learning_rate)
    }

    /// Its name, and its rate where it has several, in at most `most` characters and the rate.
    pub(crate) fn label(&self, most: usize) -> String {
        format!("{}{}", cut(self.objective, most), self.suffix())
    }

    /// The same within a text that has no markup.
    pub(crate) fn isolated(&self, most: usize) -> String {
        format!("{}{}", isolated(self.objective, most), self.suffix())
    }

    /// What stands behind its name.
    pub(crate) fn suffix(&self) -> String {
        self.rate.map(|rate| format!(" lr {rate:?}")).unwrap_or_default()
    }
}
