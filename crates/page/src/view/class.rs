//! A policy class.

use crate::view::group::groups;
use crate::view::{Group, Series};
use pstar_record::{Measures, RunRecord, Verdict};

/// Below this a policy is the base: KL(q‖a) in nats.
const SAME: f64 = 1e-9;

/// A policy class.
#[derive(Debug)]
pub(crate) struct Class<'a> {
    pub(crate) name: &'a str,
    /// Its position on the page.
    pub(crate) index: usize,
    pub(crate) starts_as_base: bool,
    pub(crate) verdict: Option<&'a Verdict>,
    /// One an objective.
    pub(crate) groups: Vec<Group<'a>>,
}

impl<'a> Class<'a> {
    /// All of a run: those that start as the base first, then as in the file.
    pub(crate) fn all(record: &'a RunRecord, series: &[Series<'a>]) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for arm in &record.arms {
            if names.last() != Some(&&*arm.policy) && !names.contains(&&*arm.policy) {
                names.push(&arm.policy);
            }
        }
        let mut classes: Vec<Self> = names.into_iter().map(|name| Self::of(record, name, series)).collect();
        classes.sort_by_key(|class| !class.starts_as_base);
        classes.iter_mut().enumerate().for_each(|(index, class)| class.index = index);
        classes
    }

    fn of(record: &'a RunRecord, name: &'a str, series: &[Series<'a>]) -> Self {
        let verdict = record.verdicts.iter().find(|verdict| verdict.policy == name);
        let own = record.arms.iter().filter(|arm| arm.policy == name);
        let mut starts = own.filter_map(|arm| arm.initial.as_ref()).peekable();
        let is_base = |start: &Measures| start.get("kl_to_base").is_some_and(|kl| kl.abs() < SAME);
        let guessed = starts.peek().is_some() && starts.all(is_base);
        Self {
            name,
            index: 0,
            starts_as_base: verdict.map_or(guessed, |verdict| verdict.starts_as_base),
            verdict,
            groups: groups(record, name, verdict.map(|verdict| &*verdict.rows), series),
        }
    }
}
