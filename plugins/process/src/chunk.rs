//! A batch of pairs, and who is to blame where it fails.

use crate::child::Child;
use crate::fault::Fault;
use crate::launch::Launch;
use crate::score::verdict;
use pstar_core::author::Verdict;
use serde_json::Value;
use std::collections::BTreeMap;

/// Whom to ask, and how to read what is said.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) launch: Launch,
    pub(crate) restarts: usize,
    pub(crate) threshold: Option<f64>,
}

impl Asking {
    /// The verdicts on a batch. Where the child fails, it is started again and asked pair by pair, so that only those have no
    /// verdict that it fails on. The second answer: whether it was given up with no verdict at all.
    pub(crate) fn judge(&self, child: &mut Option<Child>, pairs: &[(&str, &str)]) -> (Vec<Verdict>, bool) {
        match self.ask(child, pairs) {
            Ok(said) => (said.iter().map(|said| verdict(said, self.threshold)).collect(), false),
            Err(fault) if pairs.len() == 1 || fault.is_confusion() => {
                (vec![Verdict::Unknown(fault.to_string()); pairs.len()], false)
            }
            Err(_) => self.one_by_one(child, pairs),
        }
    }

    fn one_by_one(&self, child: &mut Option<Child>, pairs: &[(&str, &str)]) -> (Vec<Verdict>, bool) {
        // The batch's was the first.
        let mut faults_in_a_row = 1;
        let mut given_up: Option<String> = None;
        let mut known: BTreeMap<(&str, &str), Verdict> = BTreeMap::new();
        for &pair in pairs {
            if known.contains_key(&pair) {
                continue;
            }
            let judged = match &given_up {
                Some(reason) => Verdict::Unknown(reason.clone()),
                None => match self.ask(child, &[pair]) {
                    Ok(said) => {
                        faults_in_a_row = 0;
                        let [said] = &said[..] else { unreachable!("what is said is counted") };
                        verdict(said, self.threshold)
                    }
                    Err(fault) => {
                        faults_in_a_row += 1;
                        if faults_in_a_row > self.restarts {
                            given_up = Some(given_up_after(faults_in_a_row, &fault));
                        }
                        Verdict::Unknown(fault.to_string())
                    }
                },
            };
            known.insert(pair, judged);
        }
        let is_lost = given_up.is_some() && known.values().all(|judged| judged.is_valid().is_none());
        (pairs.iter().map(|pair| known[pair].clone()).collect(), is_lost)
    }

    /// Asks a child, and another one where it ended that had been asked before: what it ended of may have been there already.
    fn ask(&self, child: &mut Option<Child>, pairs: &[(&str, &str)]) -> Result<Vec<Value>, Fault> {
        if let Some(mut used) = child.take() {
            let is_fresh = !used.has_been_asked();
            match used.ask(pairs) {
                Ok(said) => {
                    *child = Some(used);
                    return Ok(said);
                }
                Err(Fault::Ended { .. }) if !is_fresh => {}
                Err(fault) => return Err(fault),
            }
        }
        let mut fresh = Child::start(&self.launch).map_err(|not_ready| not_ready.fault)?;
        let said = fresh.ask(pairs)?;
        *child = Some(fresh);
        Ok(said)
    }
}

/// Why pairs were not asked about.
fn given_up_after(faults: usize, last: &Fault) -> String {
    format!("it was not asked about, since the process failed {faults} times in a row; the last time: {last}")
}
