//! A run as the page sees it: its objectives, its policy classes, and what each reached.

mod class;
mod curve;
mod group;
mod metric;
mod series;

pub(crate) use class::Class;
pub(crate) use curve::{Curve, thinned};
pub(crate) use group::Group;
pub(crate) use metric::Metric;
pub(crate) use series::Series;

use pstar_record::{Measures, RunData, RunRecord, Whose};
use std::collections::BTreeSet;

/// Arms up to which single seeds are drawn: of more they are half the page, and nobody sees them apart.
const MOST_ARMS_WITH_SEEDS: usize = 1000;

/// A run as the page sees it.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a RunData,
    pub(crate) record: &'a RunRecord,
    /// The objectives, at each of their learning rates where they have several, in the file's order.
    pub(crate) series: Vec<Series<'a>>,
    /// The policies: those that start as the base first.
    pub(crate) classes: Vec<Class<'a>>,
    /// The numbers of samples that coverage is known at, as written, from least to greatest.
    pub(crate) ks: Vec<(String, f64)>,
    pub(crate) with_seeds: bool,
}

impl<'a> View<'a> {
    pub(crate) fn of(data: &'a RunData) -> Self {
        let record = &data.record;
        let series = Series::all(record);
        let ks = ks(record);
        let classes = Class::all(record, &series);
        Self { data, record, series, classes, ks, with_seeds: record.arms.len() <= MOST_ARMS_WITH_SEEDS }
    }

    /// A row that policies are compared with.
    pub(crate) fn reference(&self, name: &str) -> Option<&'a Measures> {
        self.record.references.iter().find(|(known, _)| known == name).map(|(_, measures)| measures)
    }

    /// A figure of such a row.
    pub(crate) fn reference_figure(&self, name: &str, metric: &str) -> Option<f64> {
        self.reference(name)?.named(metric)
    }

    /// The rows of tilted distributions, β by β as in the file.
    pub(crate) fn tilted(&self) -> impl Iterator<Item = (&'a str, &'a Measures)> {
        let rows = self.record.references.iter();
        rows.filter(|(name, _)| name.starts_with("tilted ")).map(|(name, measures)| (&**name, measures))
    }

    /// The number of samples that verdicts are of, else the greatest, as written.
    pub(crate) fn greatest_k(&self) -> Option<&str> {
        let judged = self.record.verdicts.first().and_then(|verdict| verdict.metric.split_once('@'));
        if let Some((_, k)) = judged {
            return Some(k);
        }
        self.ks.last().map(|(k, _)| &**k)
    }

    /// The coverage that verdicts are of.
    pub(crate) fn coverage(&self) -> Option<String> {
        self.greatest_k().map(|k| format!("coverage@{k}"))
    }

    /// The objective that others are compared with.
    pub(crate) fn first(&self) -> Option<&Series<'a>> {
        self.series.first()
    }

    /// The objectives that have arms.
    pub(crate) fn trained(&self) -> impl Iterator<Item = &Series<'a>> {
        let has_arms = |series: &&Series<'a>| {
            self.classes.iter().any(|class| !class.groups[series.index].arms.is_empty())
        };
        self.series.iter().filter(has_arms)
    }

    /// Distinct seeds of arms.
    pub(crate) fn seeds(&self) -> usize {
        self.record.arms.iter().map(|arm| arm.seed).collect::<BTreeSet<_>>().len()
    }

    /// Whether a class has optima.
    pub(crate) fn has_optima(&self) -> bool {
        self.classes.iter().flat_map(|class| &class.groups).any(|group| group.optimum.is_some())
    }

    /// Whether figures or outputs of a prompt are those of a policy under an objective at the end.
    pub(crate) fn is_of(whose: &Whose, class: &Class<'_>, series: &Series<'_>) -> bool {
        matches!(whose, Whose::End { policy, objective, learning_rate, .. }
            if policy == class.name && series.is(objective, Some(*learning_rate)))
    }
}

/// The keys of a family of figures of the base, by size.
pub(crate) fn keys(measures: &Measures, family: &str) -> Vec<(String, f64)> {
    let key = |name: String| {
        let (stem, key) = name.split_once('@')?;
        let number = key.parse::<f64>().ok().filter(|number| number.is_finite())?;
        (stem == family).then(|| (key.to_string(), number))
    };
    let mut keys: Vec<_> = measures.names().filter_map(key).collect();
    keys.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    keys
}

fn ks(record: &RunRecord) -> Vec<(String, f64)> {
    let base = record.references.first().map(|(_, measures)| measures);
    let end = || record.arms.iter().find_map(|arm| arm.last.as_ref());
    base.or_else(end).map(|measures| keys(measures, "coverage")).unwrap_or_default()
}
