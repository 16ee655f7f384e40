//! The table that `host optimum` prints.

use crate::number::significant;
use crate::table::aligned;
use pstar_lab::optimum::{ClassOptimum, OptimumRecord};
use std::fmt::Write;

const COLUMNS: [(&str, &str); 6] = [
    ("validity", "validity_rate"),
    ("entropy", "entropy"),
    ("exp H", "effective_number"),
    ("top-1", "top1"),
    ("KL(p*‖q)", "kl_from_filtered"),
    ("KL(q‖a)", "kl_to_base"),
];

/// Marks optima whose search did not come to rest.
pub(crate) const UNSETTLED: &str = " ≈";

/// What the mark means.
pub(crate) const UNSETTLED_NOTE: &str = "≈ the search had not come to rest";

/// One table a policy: the best policy of the class under every objective; columns are left out where lines would be
/// longer than `room`.
pub fn optimum_table(record: &OptimumRecord, room: Option<usize>) -> String {
    let mut text = String::new();
    let mut rest = record.optima.as_slice();
    while let Some(first) = rest.first() {
        let (block, behind) =
            rest.split_at(rest.iter().take_while(|optimum| optimum.policy == first.policy).count());
        let titles = ["value", "starts", "local optima", "residual"].map(String::from);
        let header: Vec<String> = std::iter::once(format!("{} · optimum of the class", first.policy))
            .chain(COLUMNS.map(|(title, _)| title.to_string()))
            .chain(titles)
            .collect();
        let rows: Vec<Vec<String>> = block.iter().map(row).collect();
        let _ = writeln!(text, "{}\n", aligned(&header, &rows, room));
        rest = behind;
    }
    if !record.undeclared.is_empty() {
        let _ = writeln!(text, "without a declared divergence: {}", record.undeclared.join(", "));
    }
    if !record.optima.is_empty() {
        if record.optima.iter().any(|optimum| !optimum.settled) {
            text.push_str(UNSETTLED_NOTE);
            text.push('\n');
        }
        text.push_str("means over prompts · KL and entropy in nats · value: what the objective minimises, a divergence, 1 − validity or minus a potential\n");
    }
    text
}

fn row(optimum: &ClassOptimum) -> Vec<String> {
    let figures = COLUMNS.map(|(_, metric)| significant(optimum.measures.get(metric)));
    let mark = if optimum.settled { "" } else { UNSETTLED };
    std::iter::once(format!("{}{mark}", optimum.objective))
        .chain(figures)
        .chain([
            significant(Some(optimum.value)),
            optimum.starts.to_string(),
            optimum.local_optima.len().to_string(),
            format!("{:.0e}", optimum.residual),
        ])
        .collect()
}
