//! At which learning rates the rows of a run are trained. Where they are selected, the arms that select come first, and
//! those of the rows are known once they have ended.

use super::{Prepared, arm_record};
use crate::plan::{ArmKey, Plan, SelectOn};
use crate::training::ArmOutcome;
use pstar_core::PluginError;
use pstar_record::{ArmRecord, ArmStatus, Choice, Measures, Rate, Selection, SelectionArm};
use std::collections::HashMap;

/// At which learning rates the rows of a run are trained.
#[derive(Clone, Debug)]
pub struct Rates<'a> {
    plan: &'a Plan,
    selection: Option<Selection>,
}

/// What the arms of a run found.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// Those of the rows, in the order of the plan.
    pub arms: Vec<ArmRecord>,
    /// What those found that selected learning rates.
    pub selection: Option<Selection>,
}

impl Ended {
    /// How all of them ended.
    pub fn statuses(&self) -> impl Iterator<Item = ArmStatus> + '_ {
        let selecting = self.selection.iter().flat_map(Selection::arms).map(|arm| arm.status);
        selecting.chain(self.arms.iter().map(|arm| arm.status))
    }
}

impl<'a> Rates<'a> {
    /// From what the arms found that select, in the order of [`Plan::selecting`]; `None` where one has not ended.
    pub fn of(plan: &'a Plan, found: &[Option<ArmRecord>]) -> Self {
        let selection = plan.select_on.as_ref().map(|select_on| selection(plan, select_on, found));
        Self { plan, selection }
    }

    /// From what a run recorded of this plan's selection, if that is what it recorded: `id` gives the names of arms.
    pub fn recorded(
        plan: &'a Plan,
        selection: Option<&Selection>,
        id: &dyn Fn(ArmKey) -> String,
    ) -> Option<Self> {
        let arms = selection.into_iter().flat_map(Selection::arms);
        let is_of = arms.map(|arm| arm.id.clone()).eq(plan.selecting().map(id));
        (is_of && plan.select_on.is_some() == selection.is_some())
            .then(|| Self { plan, selection: selection.cloned() })
    }

    /// The arms of the rows whose rate is known, in the order of the plan.
    pub fn arms(&self) -> Vec<ArmKey> {
        self.rows().filter_map(Row::trained).collect()
    }

    /// The arms of the rows for which no rate could be selected, and why.
    pub fn failed(&self) -> Vec<(ArmKey, String)> {
        let failed = |row| if let Row::Failed(arm) = row { Some((arm, self.failure(arm))) } else { None };
        self.rows().filter_map(failed).collect()
    }

    /// Whether arms that select have still to end.
    pub fn are_open(&self) -> bool {
        self.selection.iter().flat_map(|selection| &selection.choices).any(Choice::is_open)
    }

    /// All rows, from the records of [`arms`](Self::arms) in their order. Those without a rate are interrupted where it is
    /// still to be selected, and have failed where none could be.
    pub fn into_ended(self, prepared: &Prepared<'_>, trained: Vec<ArmRecord>) -> Ended {
        let mut trained = trained.into_iter();
        let record = |row| match row {
            Row::Trained(_) => trained.next(),
            Row::Open(arm) => Some(without_rate(prepared, arm, super::unbegun())),
            Row::Failed(arm) => {
                let outcome = ArmOutcome::of_failure(PluginError::data(self.failure(arm)));
                Some(without_rate(prepared, arm, outcome))
            }
        };
        let arms = self.rows().filter_map(record).collect();
        Ended { arms, selection: self.selection }
    }

    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.plan.arms().filter_map(|arm| {
            let Some(choice) = self.choice(arm) else { return Some(Row::Trained(arm)) };
            match choice.learning_rate {
                Some(rate) => (self.plan.rate_of(arm) == rate).then_some(Row::Trained(arm)),
                // One row stands for those at all rates.
                None if arm.rate > 0 => None,
                None if choice.is_open() => Some(Row::Open(arm)),
                None => Some(Row::Failed(arm)),
            }
        })
    }

    /// What was selected for the policy and objective of an arm; `None` where nothing is.
    fn choice(&self, arm: ArmKey) -> Option<&Choice> {
        let selection = self.selection.as_ref().filter(|_| self.plan.selects(arm.objective))?;
        let selecting = (0..self.plan.objectives.len()).filter(|&objective| self.plan.selects(objective));
        let before = selecting.clone().filter(|&objective| objective < arm.objective).count();
        selection.choices.get(arm.policy * selecting.count() + before)
    }

    fn failure(&self, arm: ArmKey) -> String {
        let metric = self.selection.as_ref().map_or("", |selection| &selection.metric);
        let failed = self.choice(arm).and_then(|choice| choice.arms().find_map(|arm| arm.failure.as_ref()));
        let why = failed.map_or(String::new(), |failure| format!("; the first to fail: {}", failure.message));
        format!(
            "no learning rate could be selected: at none did all arms of `select_on` end with a `{metric}`{why}"
        )
    }
}

/// A row, by its arm.
enum Row {
    Trained(ArmKey),
    /// Its learning rate is not known yet.
    Open(ArmKey),
    /// No learning rate could be selected.
    Failed(ArmKey),
}

impl Row {
    fn trained(self) -> Option<ArmKey> {
        if let Self::Trained(arm) = self { Some(arm) } else { None }
    }
}

fn without_rate(prepared: &Prepared<'_>, arm: ArmKey, outcome: ArmOutcome) -> ArmRecord {
    ArmRecord { learning_rate: f64::NAN, ..arm_record(prepared, arm, outcome) }
}

fn selection(plan: &Plan, select_on: &SelectOn, found: &[Option<ArmRecord>]) -> Selection {
    let found: HashMap<ArmKey, &ArmRecord> =
        plan.selecting().zip(found).filter_map(|(arm, record)| Some((arm, record.as_ref()?))).collect();
    let pairs = plan.pairs().filter(|&(_, objective)| plan.selects(objective));
    let choices = pairs.map(|(policy, objective)| {
        let rates = plan.rates(objective).iter().enumerate().map(|(rate, &learning_rate)| {
            let arms = select_on.seeds.iter().map(|&seed| ArmKey { policy, objective, rate, seed });
            let arms: Vec<Option<&ArmRecord>> = arms.map(|arm| found.get(&arm).copied()).collect();
            tried(learning_rate, &arms, &select_on.metric)
        });
        let mut choice = Choice {
            policy: plan.policies[policy].name.clone(),
            objective: plan.objectives[objective].name.clone(),
            learning_rate: None,
            rates: rates.collect(),
        };
        choice.learning_rate = choice.best_rate(select_on.best);
        choice
    });
    Selection {
        choices: choices.collect(),
        seeds: select_on.seeds.clone(),
        metric: select_on.metric.clone(),
        best: select_on.best,
    }
}

/// What a learning rate led to.
fn tried(learning_rate: f64, arms: &[Option<&ArmRecord>], metric: &str) -> Rate {
    let ends: Option<Vec<&Measures>> = arms
        .iter()
        .map(|arm| arm.filter(|arm| arm.status == ArmStatus::Complete).and_then(|arm| arm.last.as_ref()))
        .collect();
    let mean = ends.and_then(|ends| Measures::mean_over_seeds(&ends, metric)?.value);
    let arm = |arm: Option<&ArmRecord>| SelectionArm {
        id: arm.map_or_else(String::new, |arm| arm.id.clone()),
        status: arm.map_or(ArmStatus::Interrupted, |arm| arm.status),
        failure: arm.and_then(|arm| arm.failure.clone()),
        value: arm
            .and_then(|arm| Measures::mean_over_seeds(&[arm.last.as_ref()?], metric)?.value)
            .filter(|value| !value.is_nan()),
    };
    Rate {
        learning_rate,
        mean: mean.filter(|mean| !mean.is_nan()),
        arms: arms.iter().copied().map(arm).collect(),
    }
}

#[cfg(test)]
mod tests;
