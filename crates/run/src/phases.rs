//! The arms of a run in the order in which they can be trained: those that select learning rates, then those of the rows.

use crate::known::{Known, Look, Trained, known, records};
use crate::store::Store;
use crate::train::RunArm;
use pstar_lab::plan::{ArmKey, Plan};
use pstar_lab::run::{ArmSpecs, Prepared, Rates};
use pstar_record::{ArmRecord, ArmStatus, RunRecord};
use rayon::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

/// Trains some arms, of which this was known, and gives what is known of them then.
pub(crate) type Train<'a> = &'a mut dyn FnMut(&[RunArm], Vec<Option<Known>>) -> Vec<Option<Known>>;

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
    /// What is known of them.
    found: Vec<Option<Known>>,
}

impl Left {
    /// What a run has that ends with what was left.
    pub(crate) fn untrained(self) -> Trained {
        let Self { tried, rows, found, .. } = self;
        Trained { tried, rows, found }
    }

    /// Number of arms that have failed.
    pub(crate) fn failures(&self) -> usize {
        let tried = self.tried.iter().flatten().map(|record| record.status);
        let found = self.found.iter().flatten().map(Known::status);
        tried.chain(found).filter(|status| *status == ArmStatus::Failed).count()
    }
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
    pub(crate) fn look(&self, store: &Store, prepared: &Prepared<'_>, look: Look<'_>) -> Left {
        let tried = records(store, &self.selecting, prepared);
        let rates = self.rates(&tried);
        let rows = self.rows(&rates);
        let found = known(store, &rows, look, prepared);
        let statuses = tried.iter().map(|record| record.as_ref().map(|record| record.status));
        let statuses = statuses.chain(found.iter().map(|known| known.as_ref().map(Known::status)));
        let arms = self.selecting.iter().chain(&*rows);
        let (done, open): (Vec<_>, Vec<_>) =
            arms.zip(statuses).partition(|(_, status)| *status == Some(ArmStatus::Complete));
        let mut open: Vec<ArmKey> = open.into_iter().map(|(arm, _)| arm.key).collect();
        if rates.are_open() {
            open.extend(self.plan.arms());
        }
        Left { done: done.len(), open, tried, rows, found }
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

    /// Trains all arms.
    pub(crate) fn run(
        &self,
        prepared: &Prepared<'_>,
        store: &Store,
        left: Left,
        train: Train<'_>,
    ) -> Trained {
        let Left { tried, rows, found, .. } = left;
        let tried =
            if self.selecting.is_empty() { tried } else { self.select(prepared, store, tried, train) };
        let rates = self.rates(&tried);
        let own = self.rows(&rates);
        let found =
            if Rc::ptr_eq(&own, &rows) { found } else { known(store, &own, Look::Thorough, prepared) };
        let found = train(&own, found);
        Trained { tried, rows: own, found }
    }

    /// Trains the arms that select learning rates, and gives their records.
    fn select(
        &self,
        prepared: &Prepared<'_>,
        store: &Store,
        tried: Vec<Option<ArmRecord>>,
        train: Train<'_>,
    ) -> Vec<Option<ArmRecord>> {
        let kept = |record: ArmRecord| Known::Kept(record.status);
        let ended = train(&self.selecting, tried.into_iter().map(|record| record.map(kept)).collect());
        let read = records(store, &self.selecting, prepared);
        let record = |(read, known): (Option<ArmRecord>, Option<Known>)| match known {
            Some(Known::Record(record)) => Some(*record),
            Some(Known::Kept(_)) => read,
            None => None,
        };
        read.into_iter().zip(ended).map(record).collect()
    }

    /// What the arms that select learning rates say of these.
    pub(crate) fn rates(&self, tried: &[Option<ArmRecord>]) -> Rates<'a> {
        Rates::of(self.plan, tried)
    }

    /// The records of the arms that select, those that have not ended as `interrupted`.
    pub(crate) fn tried(
        &self,
        tried: Vec<Option<ArmRecord>>,
        interrupted: &dyn Fn(&RunArm) -> ArmRecord,
    ) -> Vec<Option<ArmRecord>> {
        let record = |(record, arm): (Option<ArmRecord>, &RunArm)| record.unwrap_or_else(|| interrupted(arm));
        tried.into_iter().zip(&self.selecting).map(record).map(Some).collect()
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
