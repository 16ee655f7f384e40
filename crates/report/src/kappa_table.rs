//! The table that `host exact --kappa` prints.

use crate::number::significant;
use crate::table::aligned;
use crate::wrap::wrapped;
use pstar_record::KappaRecord;

/// What the figures are.
const NOTE: &str = "κ(V): on-policy the expected gradient of a prompt is κ(V) times that of its validity rate V, so that for one \
     prompt all of these climb the same path; – where coefficients depend on more than rewards and the number of right answers";

/// A row an objective, a column a validity rate.
pub fn kappa_table(record: &KappaRecord, room: Option<usize>) -> String {
    let titles = ["objective", "group"].map(String::from);
    let rates = record.validity_rates.iter().map(|rate| format!("V={rate}"));
    let header: Vec<String> = titles.into_iter().chain(rates).collect();
    let rows: Vec<Vec<String>> = record
        .objectives
        .iter()
        .map(|objective| {
            let group = objective.group.map_or("–".into(), |group| group.to_string());
            let values = (0..record.validity_rates.len())
                .map(|i| objective.kappa.get(i).map_or("–".into(), |kappa| significant(Some(*kappa))));
            [objective.objective.clone(), group].into_iter().chain(values).collect()
        })
        .collect();
    format!("{}\n{}", aligned(&header, &rows, room), wrapped(NOTE, room))
}
