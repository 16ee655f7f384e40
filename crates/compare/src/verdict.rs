//! What the objectives did to each policy class.

use crate::interval::spread;
use crate::rows::{Row, rates_differ, rows};
use crate::sentence::{row_sentence, sentence};
use crate::word::{Standings, word};
use pstar_record::{ArmRecord, Measures, Standing, Verdict, VerdictRow};

/// The figure that is read beside coverage.
const VALIDITY: &str = "validity_rate";

/// Below this a class that starts from the base is the base: KL(q‖a) in nats.
const SAME: f64 = 1e-9;

/// How a policy class starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassStart {
    /// The policy.
    pub policy: String,
    /// Whether it starts as a copy or as the best fit of the base, so that its own start is what it is read against.
    pub follows_base: bool,
    /// Whether it starts as a copy.
    pub copies_base: bool,
}

/// One verdict a policy class, of the final coverage at the greatest k; none without coverage of the base.
pub fn verdicts(
    classes: &[ClassStart],
    objectives: &[String],
    arms: &[ArmRecord],
    references: &[(String, Measures)],
) -> Vec<Verdict> {
    let Some((_, base)) = references.first() else { return Vec::new() };
    let Some(metric) = greatest(base) else { return Vec::new() };
    let Some(of_base) = standing(&[base], &metric) else { return Vec::new() };
    classes.iter().map(|class| of_class(class, objectives, arms, &of_base, &metric)).collect()
}

fn of_class(
    class: &ClassStart,
    objectives: &[String],
    arms: &[ArmRecord],
    of_base: &Standings,
    metric: &str,
) -> Verdict {
    let starts = starts(&class.policy, arms);
    let own = standing(&starts, metric).filter(|_| class.follows_base);
    let starts_as_base = class.copies_base || class.follows_base && is_base(&starts);
    let against = own.unwrap_or(*of_base);
    let named = rates_differ(arms);
    let row = |objective: &String, row: &Row<'_>| {
        let ends = row.measures();
        let figures = spread(&ends, metric).zip(spread(&ends, VALIDITY));
        let told = figures.and_then(|(coverage, validity_rate)| {
            Some((word(&coverage, &validity_rate, &against)?, coverage, validity_rate))
        });
        let mut row = VerdictRow {
            objective: objective.clone(),
            learning_rate: named.then_some(row.rate),
            word: told.map(|(word, ..)| word),
            sentence: String::new(),
            coverage: told.map(|(_, coverage, _)| coverage),
            validity_rate: told.map(|(.., validity_rate)| validity_rate),
            seeds: ends.len(),
        };
        row.sentence = row_sentence(&row, metric);
        row
    };
    let of_objective = |objective: &String| {
        let rows: Vec<VerdictRow> =
            rows(&class.policy, objective, arms).iter().map(|found| row(objective, found)).collect();
        rows
    };
    let shown = |standing: &Standings| Standing {
        coverage: standing.coverage,
        validity_rate: standing.validity_rate,
    };
    let mut verdict = Verdict {
        policy: class.policy.clone(),
        sentence: String::new(),
        metric: metric.into(),
        starts_as_base,
        start: shown(&against),
        base: shown(of_base),
        rows: objectives.iter().flat_map(of_objective).collect(),
    };
    verdict.sentence = sentence(&verdict);
    verdict
}

/// The name of the coverage at the greatest k.
fn greatest(base: &Measures) -> Option<String> {
    let k = |name: &String| name.strip_prefix("coverage@").and_then(|k| k.parse::<f64>().ok());
    let all = base.names().filter_map(|name| Some((k(&name)?, name)));
    all.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}

fn standing(rows: &[&Measures], metric: &str) -> Option<Standings> {
    let coverage = Measures::mean_over_seeds(rows, metric)?;
    let validity = Measures::mean_over_seeds(rows, VALIDITY)?;
    Some(Standings {
        coverage: coverage.value?,
        coverage_error: coverage.std_error.unwrap_or(0.0),
        validity_rate: validity.value?,
        validity_error: validity.std_error.unwrap_or(0.0),
    })
}

/// The figures of a policy before the first step, one a seed.
fn starts<'a>(policy: &str, arms: &'a [ArmRecord]) -> Vec<&'a Measures> {
    let mut seeds = Vec::new();
    let arms = arms.iter().filter(|arm| arm.policy == policy);
    arms.filter_map(|arm| {
        let initial = arm.initial.as_ref().filter(|_| !seeds.contains(&arm.seed))?;
        seeds.push(arm.seed);
        Some(initial)
    })
    .collect()
}

/// Whether all starts are the base, as far as that is known exactly.
fn is_base(starts: &[&Measures]) -> bool {
    let far = |measures: &&Measures| measures.get("kl_to_base").is_none_or(|kl| kl.abs() >= SAME);
    !starts.is_empty() && !starts.iter().any(far)
}
