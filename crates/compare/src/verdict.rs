//! What the objectives did to each policy class.

use crate::interval::spread;
use crate::rows::{Row, rates_differ, rows};
use crate::sentence::{row_sentence, sentence};
use crate::word::{Standings, word};
use pstar_record::{ArmRecord, ArmStatus, Measures, Standing, Verdict, VerdictRow};
use std::collections::HashSet;

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

/// One verdict a policy class, of the final coverage at [the greatest k](greatest_coverage); none without coverage of the base.
pub fn verdicts(
    classes: &[ClassStart],
    objectives: &[String],
    arms: &[ArmRecord],
    references: &[(String, Measures)],
) -> Vec<Verdict> {
    let Some((_, base)) = references.first() else { return Vec::new() };
    let Some(metric) = greatest_coverage(references, arms) else { return Vec::new() };
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

/// The name of the coverage at the greatest k at which that of the base and of all arms that completed is known: counting
/// prefixes may take too long for the greatest ones, and fewer samples than k tell nothing of them.
pub fn greatest_coverage(references: &[(String, Measures)], arms: &[ArmRecord]) -> Option<String> {
    let (_, base) = references.first()?;
    let k = |name: &String| name.strip_prefix("coverage@").and_then(|k| k.parse::<f64>().ok());
    let mut all: Vec<(f64, String)> = base.names().filter_map(|name| Some((k(&name)?, name))).collect();
    all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let complete = || arms.iter().filter(|arm| arm.status == ArmStatus::Complete);
    let measured = || complete().flat_map(|arm| [&arm.initial, &arm.last]).flatten();
    let is_known = |name: &String| {
        base.named(name).is_some() && measured().all(|measures| measures.named(name).is_some())
    };
    all.into_iter().map(|(_, name)| name).find(is_known)
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

/// The figures of a policy before the first step, one a seed in the order of the arms.
pub fn starts<'a>(policy: &str, arms: &'a [ArmRecord]) -> Vec<&'a Measures> {
    let mut seeds = HashSet::new();
    let arms = arms.iter().filter(|arm| arm.policy == policy);
    arms.filter_map(|arm| arm.initial.as_ref().filter(|_| seeds.insert(arm.seed))).collect()
}

/// Whether all starts are the base, as far as that is known exactly.
fn is_base(starts: &[&Measures]) -> bool {
    let far = |measures: &&Measures| measures.get("kl_to_base").is_none_or(|kl| kl.abs() >= SAME);
    !starts.is_empty() && !starts.iter().any(far)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_record::{Failure, Word};

    fn row(coverage: [Option<f64>; 2]) -> Measures {
        let mut measures = Measures::default();
        measures.push(VALIDITY, 0.5);
        measures.push("kl_to_base", 0.0);
        measures.push_family("coverage_at", ["4".to_string(), "64".to_string()], coverage);
        measures
    }

    fn arm(end: [Option<f64>; 2]) -> ArmRecord {
        let failure = Failure { step: 0, message: String::new() };
        ArmRecord {
            policy: "p".into(),
            objective: "o".into(),
            status: ArmStatus::Complete,
            failure: None,
            initial: Some(row([Some(3.0), None])),
            last: Some(row(end)),
            ..ArmRecord::of_failure(String::new(), failure)
        }
    }

    fn verdict(base: [Option<f64>; 2], end: [Option<f64>; 2]) -> Vec<Verdict> {
        let class = ClassStart { policy: "p".into(), follows_base: true, copies_base: false };
        verdicts(&[class], &["o".into()], &[arm(end)], &[("base".into(), row(base))])
    }

    /// What is not known at k = 64, of the base or of an arm, is judged at 4: 1 is below half of the start's 3.
    #[test]
    fn the_greatest_k_is_one_that_is_known() {
        for (base, end) in [
            ([Some(3.0), None], [Some(1.0), None]),
            ([Some(3.0), Some(9.0)], [Some(1.0), None]),
            ([Some(3.0), None], [Some(1.0), Some(2.0)]),
            ([Some(3.0), Some(9.0)], [Some(1.0), Some(2.0)]),
        ] {
            let found = verdict(base, end);
            assert_eq!((found.len(), found[0].metric.as_str()), (1, "coverage@4"));
            assert_eq!(found[0].rows[0].word, Some(Word::Collapses));
            assert!(found[0].starts_as_base);
        }
        assert!(verdict([None, None], [Some(1.0), Some(1.0)]).is_empty());
    }
}
