//! The arms of a run in the order in which they can be trained: those that select learning rates, then those of the rows.

use crate::conduct::{is_complete, known};
use crate::store::Store;
use crate::train::RunArm;
use pstar_lab::plan::{ArmKey, Plan};
use pstar_lab::run::{ArmSpecs, Ended, Prepared, Rates, arm_record, unbegun};
use pstar_record::{ArmRecord, RunRecord};

/// What a run consists of.
pub(crate) struct Phases<'a> {
    plan: &'a Plan,
    specs: ArmSpecs<'a>,
    /// The arms that select learning rates.
    pub(crate) selecting: Vec<RunArm>,
}

/// What earlier runs left in the store.
pub(crate) struct Left {
    /// Number of arms with a result that is complete.
    pub(crate) done: usize,
    /// The arms without one; those whose learning rate is not known stand for any.
    pub(crate) open: Vec<ArmKey>,
    /// The results that are there, as a run that ended now would have them.
    pub(crate) ended: Ended,
}

impl<'a> Phases<'a> {
    pub(crate) fn new(plan: &'a Plan, specs: ArmSpecs<'a>) -> Self {
        let selecting = arms(&specs, plan.selecting());
        Self { plan, specs, selecting }
    }

    /// Whether a record is of these arms, one by one.
    pub(crate) fn are_of(&self, record: &RunRecord) -> bool {
        let rates = Rates::recorded(self.plan, record.selection.as_ref(), &|arm| self.specs.of(arm).id());
        let Some(rates) = rates.filter(|rates| !rates.are_open()) else { return false };
        let rows = self.rows(&rates);
        // An arm for which no learning rate could be selected has no name.
        let named = record.arms.iter().map(|arm| &arm.id).filter(|id| !id.is_empty());
        named.eq(rows.iter().map(|arm| &arm.id))
    }

    /// Looks at what is there, and trains nothing.
    pub(crate) fn look(&self, store: &Store, prepared: &Prepared<'_>) -> Left {
        let tried = known(store, &self.selecting, prepared);
        let rates = Rates::of(self.plan, &tried);
        let rows = self.rows(&rates);
        let found = known(store, &rows, prepared);
        let arms = || tried.iter().zip(&self.selecting).chain(found.iter().zip(&rows));
        let done = arms().filter(|(found, _)| is_complete(found.as_ref())).count();
        let mut open: Vec<ArmKey> =
            arms().filter(|(found, _)| !is_complete(found.as_ref())).map(|(_, arm)| arm.key).collect();
        if rates.are_open() {
            open.extend(self.plan.arms());
        }
        let as_left = |(found, arm): (Option<ArmRecord>, &RunArm)| {
            found.unwrap_or_else(|| ArmRecord {
                id: arm.id.clone(),
                ..arm_record(prepared, arm.key, unbegun())
            })
        };
        let found = found.into_iter().zip(&rows).map(as_left).collect();
        let tried: Vec<Option<ArmRecord>> =
            tried.into_iter().zip(&self.selecting).map(as_left).map(Some).collect();
        let ended = Rates::of(self.plan, &tried).into_ended(prepared, found);
        Left { done, open, ended }
    }

    /// Trains all arms by `train`, which gives the records of some in their order.
    pub(crate) fn run(
        &self,
        prepared: &Prepared<'_>,
        train: &mut dyn FnMut(&[RunArm]) -> Vec<ArmRecord>,
    ) -> Ended {
        let tried: Vec<Option<ArmRecord>> = if self.selecting.is_empty() {
            Vec::new()
        } else {
            train(&self.selecting).into_iter().map(Some).collect()
        };
        let rates = Rates::of(self.plan, &tried);
        let rows = self.rows(&rates);
        let trained = if rows.is_empty() { Vec::new() } else { train(&rows) };
        rates.into_ended(prepared, trained)
    }

    fn rows(&self, rates: &Rates<'_>) -> Vec<RunArm> {
        arms(&self.specs, rates.arms().into_iter())
    }
}

fn arms(specs: &ArmSpecs<'_>, keys: impl Iterator<Item = ArmKey>) -> Vec<RunArm> {
    let arm = |key| {
        let spec = specs.of(key);
        RunArm { key, id: spec.id(), spec: spec.text().into() }
    };
    keys.map(arm).collect()
}
