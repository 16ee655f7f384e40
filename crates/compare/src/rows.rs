//! The arms that differ in nothing but their seeds.

use pstar_record::{ArmRecord, ArmStatus, Measures};

/// The arms of a policy and objective at one learning rate.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The learning rate.
    pub rate: f64,
    /// Seeds, and figures at the end, of those that completed.
    pub ends: Vec<(u64, &'a Measures)>,
}

impl<'a> Row<'a> {
    /// The figures at the end, without seeds.
    pub fn measures(&self) -> Vec<&'a Measures> {
        self.ends.iter().map(|&(_, last)| last).collect()
    }
}

/// The arms of a policy and objective, rate by rate in the order of the arms.
pub fn rows<'a>(policy: &str, objective: &str, arms: &'a [ArmRecord]) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    for arm in arms.iter().filter(|arm| arm.policy == policy && arm.objective == objective) {
        let rate = arm.learning_rate;
        let at = rows.iter().position(|row| row.rate.to_bits() == rate.to_bits()).unwrap_or_else(|| {
            rows.push(Row { rate, ends: Vec::new() });
            rows.len() - 1
        });
        let last = arm.last.as_ref().filter(|_| arm.status == ArmStatus::Complete);
        rows[at].ends.extend(last.map(|last| (arm.seed, last)));
    }
    rows
}

/// Whether arms differ in their learning rates, so that rows name them.
pub(crate) fn rates_differ(arms: &[ArmRecord]) -> bool {
    arms.iter().any(|arm| arm.learning_rate.to_bits() != arms[0].learning_rate.to_bits())
}
