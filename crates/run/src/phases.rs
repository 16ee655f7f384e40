//! The arms of a run in the order in which they can be trained: those that select learning rates, then those of the rows.

use crate::conduct::{is_complete, known};
use crate::store::Store;
use crate::train::RunArm;
use pstar_lab::plan::{ArmKey, Plan};
use pstar_lab::run::{ArmSpecs, Ended, Prepared, Rates, arm_record, unbegun};
use pstar_record::{ArmRecord, RunRecord};
use rayon::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

/// Trains some arms, of which this was left, and gives their records in their order.
pub(crate) type Train<'a> = &'a mut dyn FnMut(&[RunArm], Vec<Option<ArmRecord>>) -> Vec<ArmRecord>;

/// What a run consists of.
pub(crate) struct Phases<'a> {
    plan: &'a Plan,
    specs: ArmSpecs<'a>,
    /// The arms that select learning rates.
    selecting: Vec<RunArm>,
    /// The rows that were asked for last: naming many arms takes its time.
    rows: RefCell<Rc<Vec<RunArm>>>,
}

/// What earlier runs left in the store.
pub(crate) struct Left {
    /// Number of arms with a result that is complete.
    pub(crate) done: usize,
    /// The arms without one; those whose learning rate is not known stand for any.
    pub(crate) open: Vec<ArmKey>,
    /// The results of the arms that select.
    tried: Vec<Option<ArmRecord>>,
    /// The rows whose learning rate is known.
    rows: Rc<Vec<RunArm>>,
    /// Their results.
    found: Vec<Option<ArmRecord>>,
}

impl<'a> Phases<'a> {
    pub(crate) fn new(plan: &'a Plan, specs: ArmSpecs<'a>) -> Self {
        let selecting = arms(&specs, plan.selecting());
        Self { plan, specs, selecting, rows: RefCell::default() }
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
        let arms = || tried.iter().zip(&self.selecting).chain(found.iter().zip(&*rows));
        let done = arms().filter(|(found, _)| is_complete(found.as_ref())).count();
        let mut open: Vec<ArmKey> =
            arms().filter(|(found, _)| !is_complete(found.as_ref())).map(|(_, arm)| arm.key).collect();
        if rates.are_open() {
            open.extend(self.plan.arms());
        }
        Left { done, open, tried, rows, found }
    }

    /// The arms that are known by now, those that select learning rates first, and those for which no learning rate could
    /// be selected, with the reason; `record` gives the record of an arm that has ended, by its name.
    pub(crate) fn known(
        &self,
        record: &(dyn Fn(&str) -> Option<ArmRecord> + Sync),
    ) -> (Vec<RunArm>, Vec<(ArmKey, String)>) {
        let tried: Vec<Option<ArmRecord>> = self.selecting.par_iter().map(|arm| record(&arm.id)).collect();
        let rates = Rates::of(self.plan, &tried);
        let rows = self.rows(&rates);
        (self.selecting.iter().chain(&*rows).cloned().collect(), rates.failed())
    }

    /// What a run has that ends with what was left.
    pub(crate) fn ended(&self, prepared: &Prepared<'_>, left: Left) -> Ended {
        let record = |(found, arm): (Option<ArmRecord>, &RunArm)| {
            found.unwrap_or_else(|| ArmRecord {
                id: arm.id.clone(),
                ..arm_record(prepared, arm.key, unbegun())
            })
        };
        let found = left.found.into_iter().zip(&*left.rows).map(record).collect();
        let tried = left.tried.into_iter().zip(&self.selecting).map(record).map(Some);
        Rates::of(self.plan, &tried.collect::<Vec<_>>()).into_ended(prepared, found)
    }

    /// Trains all arms.
    pub(crate) fn run(&self, prepared: &Prepared<'_>, store: &Store, left: Left, train: Train<'_>) -> Ended {
        let tried: Vec<Option<ArmRecord>> = if self.selecting.is_empty() {
            Vec::new()
        } else {
            train(&self.selecting, left.tried).into_iter().map(Some).collect()
        };
        let rates = Rates::of(self.plan, &tried);
        let rows = self.rows(&rates);
        let found = if Rc::ptr_eq(&rows, &left.rows) { left.found } else { known(store, &rows, prepared) };
        let trained = train(&rows, found);
        rates.into_ended(prepared, trained)
    }

    fn rows(&self, rates: &Rates<'_>) -> Rc<Vec<RunArm>> {
        let keys = rates.arms();
        let mut rows = self.rows.borrow_mut();
        if !rows.iter().map(|arm| arm.key).eq(keys.iter().copied()) {
            *rows = Rc::new(arms(&self.specs, keys.into_iter()));
        }
        Rc::clone(&rows)
    }
}

fn arms(specs: &ArmSpecs<'_>, keys: impl Iterator<Item = ArmKey>) -> Vec<RunArm> {
    let arm = |key| {
        let spec = specs.of(key);
        RunArm { key, id: spec.id() }
    };
    keys.map(arm).collect()
}
