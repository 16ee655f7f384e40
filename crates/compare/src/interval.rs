//! What arms reach: means over seeds, with intervals.

use crate::rows::{rates_differ, rows};
use pstar_record::{ArmRecord, Measures, MetricInterval, Shared, Spread};
use pstar_stats::{Estimate, Interval, mean_interval};

/// The 97.5 % quantile of the normal distribution.
pub(crate) const NORMAL_QUANTILE: f64 = 1.959_964;

/// The mean of a figure over rows of which each is a seed's, with its 95 % interval
/// ([`mean_interval`](pstar_stats::mean_interval)), the error of samples that all seeds share included. `None` of no rows,
/// and where one lacks the figure. The mean of figures of which one is infinite is infinite and has no interval.
pub fn spread(ends: &[&Measures], metric: &str) -> Option<Spread> {
    let values: Vec<f64> = ends.iter().map(|measures| measures.named(metric)).collect::<Option<_>>()?;
    let shared = shared_std_error(ends.iter().map(|measures| (1.0, *measures)), ends.len(), metric);
    of_values(metric, &values, shared)
}

/// What a figure cannot pass: the part of an interval beyond it holds nothing.
fn range(metric: &str) -> (f64, f64) {
    let name = metric.split('@').next().unwrap_or(metric);
    match name {
        "validity_rate" | "invalidity_rate" | "top1" | "top1_valid" | "pass" | "cover" => (0.0, 1.0),
        "coverage" | "entropy" | "entropy_given_valid" | "token_entropy" => (0.0, f64::INFINITY),
        _ if name.starts_with("support_") => (0.0, f64::INFINITY),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    }
}

fn of_values(metric: &str, values: &[f64], shared: Option<f64>) -> Option<Spread> {
    if values.is_empty() {
        return None;
    }
    if let Ok(estimate) = mean_interval(values) {
        let Estimate { value, interval } = with_shared(estimate, shared);
        // Means of figures with rounding may be a hair beyond the range themselves.
        let (least, greatest) = range(metric);
        let low = interval.map(|ends| ends.low.max(least.min(value)));
        let high = interval.map(|ends| ends.high.min(greatest.max(value)));
        return Some(Spread { mean: value, low, high });
    }
    // One is infinite: so is the mean, unless others are it the other way.
    let mean = values.iter().sum::<f64>();
    (!mean.is_nan()).then_some(Spread { mean, low: None, high: None })
}

/// The final figures of every policy under every objective, at each of its learning rates: means over the seeds that
/// completed, with intervals. Figures that a seed lacks are left out.
pub fn intervals(policies: &[String], objectives: &[String], arms: &[ArmRecord]) -> Vec<MetricInterval> {
    let named = rates_differ(arms);
    let mut found = Vec::new();
    for policy in policies {
        for objective in objectives {
            for row in rows(policy, objective, arms) {
                let ends = row.measures();
                let names: Vec<String> = ends.first().map_or(Vec::new(), |first| first.names().collect());
                let columns = columns(&ends);
                for (figure, metric) in names.into_iter().enumerate() {
                    let Some(values) = column(&columns, figure) else { continue };
                    let shared = shared_std_error(ends.iter().map(|end| (1.0, *end)), ends.len(), &metric);
                    found.extend(of_values(&metric, &values, shared).map(|spread| MetricInterval {
                        policy: policy.clone(),
                        objective: objective.clone(),
                        learning_rate: named.then_some(row.rate),
                        metric,
                        spread,
                        seeds: ends.len(),
                    }));
                }
            }
        }
    }
    found
}

/// The figures of each row in the order of their names.
fn columns(rows: &[&Measures]) -> Vec<Vec<Option<f64>>> {
    rows.iter().map(|row| row.flat().map(|(_, measure)| measure.value).collect()).collect()
}

/// A figure of all rows; nothing if one lacks it.
pub(crate) fn column(rows: &[Vec<Option<f64>>], figure: usize) -> Option<Vec<f64>> {
    rows.iter().map(|row| *row.get(figure)?).collect()
}

/// The standard error of a mean over `count` weighted rows that their scatter does not show; absent where they share no
/// samples.
pub(crate) fn shared_std_error<'a>(
    rows: impl Iterator<Item = (f64, &'a Measures)>,
    count: usize,
    metric: &str,
) -> Option<f64> {
    let parts = rows.filter_map(|(weight, row)| Some((weight / count as f64, row.shared(metric)?)));
    let parts: Vec<(f64, &Shared)> = parts.collect();
    (!parts.is_empty()).then(|| Shared::sum(parts.into_iter()).variance().sqrt())
}

/// An estimate with an independent error of normal distribution added to its interval.
pub(crate) fn with_shared(Estimate { value, interval }: Estimate, std_error: Option<f64>) -> Estimate {
    let widened = |Interval { low, high }| {
        let reach = NORMAL_QUANTILE * std_error.unwrap_or(0.0);
        Interval { low: value - (value - low).hypot(reach), high: value + (high - value).hypot(reach) }
    };
    Estimate { value, interval: if std_error.is_some() { interval.map(widened) } else { interval } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_record::Measure;

    fn row(x: Option<f64>) -> Measures {
        let mut measures = Measures::default();
        measures.push("x", x);
        measures.push_family("x_at", ["2".to_string()], [1.0]);
        measures
    }

    fn of(values: &[f64], metric: &str) -> Option<Spread> {
        let rows: Vec<Measures> = values.iter().map(|x| row(Some(*x))).collect();
        spread(&rows.iter().collect::<Vec<_>>(), metric)
    }

    /// 0.5 ± 2.262 √(2.5/9/10) without skewness.
    #[test]
    fn a_mean_of_ten_has_students_interval_where_nothing_is_skewed() {
        let values: Vec<f64> = (0..10).map(|i| f64::from(i % 2)).collect();
        let found = of(&values, "x").unwrap();
        let reach = 2.262_157 * (2.5f64 / 90.0).sqrt();
        assert!(found.mean == 0.5 && (found.high.unwrap() - 0.5 - reach).abs() < 1e-6, "{found:?}");
        assert!((found.low.unwrap() - 0.5 + reach).abs() < 1e-6);
    }

    #[test]
    fn what_has_no_interval_has_a_mean() {
        assert_eq!(of(&[1.0, 2.0], "x"), Some(Spread { mean: 1.5, low: None, high: None }));
        assert_eq!(of(&[2.0; 9], "x"), Some(Spread { mean: 2.0, low: None, high: None }));
        assert_eq!(of(&[0.0; 9], "x@2"), Some(Spread { mean: 1.0, low: None, high: None }));
        let infinite = Some(Spread { mean: f64::INFINITY, low: None, high: None });
        assert_eq!(of(&[1.0, f64::INFINITY, 2.0, 3.0, 4.0], "x"), infinite);
        assert_eq!(of(&[], "x"), None);
        assert_eq!(of(&[1.0], "y"), None);
        assert_eq!(spread(&[&row(None)], "x"), None);
        assert_eq!(of(&[f64::INFINITY, f64::NEG_INFINITY], "x"), None);
    }

    #[test]
    fn an_interval_keeps_within_the_range_of_its_figure() {
        let of = |name: &'static str, values: [f64; 5]| {
            let rows = values.map(|x| {
                let mut measures = Measures::default();
                measures.push(name, x);
                measures
            });
            spread(&rows.iter().collect::<Vec<_>>(), name).unwrap()
        };
        let near = [0.99, 1.0, 0.9, 1.0, 0.999];
        assert_eq!(of("validity_rate", near).high, Some(1.0));
        assert!(of("kl_to_base", near).high.unwrap() > 1.0);
        assert_eq!(of("entropy", [0.0, 0.0, 0.1, 0.0, 0.5]).low, Some(0.0));
    }

    /// A half-width h and an independent error of 1 that all share: √(h² + 1.96²).
    #[test]
    fn what_all_seeds_share_widens_the_interval() {
        let row = |x: f64| {
            let mut measures = Measures::default();
            let shared = Shared::of(2, [(0, 0.5), (1, -0.5)].into_iter());
            measures.push_shared("x", (Measure::from(x), shared));
            measures
        };
        let rows: Vec<Measures> = (0..10).map(|i| row(f64::from(i % 2))).collect();
        let found = spread(&rows.iter().collect::<Vec<_>>(), "x").unwrap();
        let reach = (2.262_157f64.powi(2) * 2.5 / 90.0 + NORMAL_QUANTILE.powi(2)).sqrt();
        assert!((found.high.unwrap() - 0.5 - reach).abs() < 1e-6, "{found:?}");
    }
}
