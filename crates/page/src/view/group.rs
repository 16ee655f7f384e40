//! The arms of a policy under an objective, which differ in their seeds.

use crate::view::{Curve, Series};
use pstar_compare::spread;
use pstar_record::{
    ArmRecord, ArmStatus, ClassOptimum, Comparison, Measures, MetricInterval, Spread, VerdictRow,
};

/// The arms of a policy under an objective.
#[derive(Debug, Default)]
pub(crate) struct Group<'a> {
    /// All of them.
    pub(crate) arms: Vec<&'a ArmRecord>,
    pub(crate) intervals: Vec<&'a MetricInterval>,
    pub(crate) comparisons: Vec<&'a Comparison>,
    pub(crate) verdict: Option<&'a VerdictRow>,
    /// The best policy of the class; absent where it was not sought or not found.
    pub(crate) optimum: Option<&'a ClassOptimum>,
}

impl<'a> Group<'a> {
    /// Those that took all their steps.
    pub(crate) fn complete(&self) -> impl Iterator<Item = &'a ArmRecord> + '_ {
        self.arms.iter().copied().filter(|arm| arm.status == ArmStatus::Complete)
    }

    /// Figures at the end.
    pub(crate) fn ends(&self) -> Vec<&'a Measures> {
        self.complete().filter_map(|arm| arm.last.as_ref()).collect()
    }

    /// A final figure: from the record, or made from the arms where the record is older than that.
    pub(crate) fn last(&self, metric: &str) -> Option<Spread> {
        let known = self.intervals.iter().find(|interval| interval.metric == metric);
        known.map(|interval| interval.spread).or_else(|| spread(&self.ends(), metric))
    }

    /// A paired difference to the first objective.
    pub(crate) fn difference(&self, metric: &str) -> Option<&'a Comparison> {
        self.comparisons.iter().copied().find(|comparison| comparison.metric == metric)
    }

    /// A figure over the steps.
    pub(crate) fn curve(&self, metric: &str) -> Curve {
        Curve::of(self.complete(), metric)
    }

    /// A figure of the best policy of the class.
    pub(crate) fn best(&self, metric: &str) -> Option<f64> {
        self.optimum?.measures.named(metric)
    }

    /// Seeds that ended, and all.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.ends().len(), self.arms.len())
    }
}

/// The arms of each objective of a policy, and what is said of them.
pub(crate) fn groups<'a>(
    record: &'a pstar_record::RunRecord,
    policy: &str,
    rows: Option<&'a [VerdictRow]>,
    series: &[Series<'a>],
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = series.iter().map(|_| Group::default()).collect();
    let place =
        |objective: &str, rate: Option<f64>| series.iter().position(|series| series.is(objective, rate));
    for arm in record.arms.iter().filter(|arm| arm.policy == policy) {
        if let Some(place) = place(&arm.objective, Some(arm.learning_rate)) {
            groups[place].arms.push(arm);
        }
    }
    for interval in record.intervals.iter().filter(|interval| interval.policy == policy) {
        if let Some(place) = place(&interval.objective, interval.learning_rate) {
            groups[place].intervals.push(interval);
        }
    }
    for comparison in record.comparisons.iter().filter(|comparison| comparison.policy == policy) {
        if let Some(place) = place(&comparison.objective, comparison.learning_rate) {
            groups[place].comparisons.push(comparison);
        }
    }
    for (group, series) in groups.iter_mut().zip(series) {
        group.verdict = rows.into_iter().flatten().find(|row| series.has(row));
        let is_own =
            |optimum: &&ClassOptimum| optimum.policy == policy && optimum.objective == series.objective;
        group.optimum = record.optima.iter().find(is_own).filter(|optimum| optimum.value.is_some());
    }
    groups
}
