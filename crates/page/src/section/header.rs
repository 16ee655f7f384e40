//! What was run, in a line, and what went wrong.

use crate::markup::Markup;
use crate::number::whole;
use crate::section::status;
use crate::text::{LONG, counted, full_name};
use crate::view::View;
use pstar_record::{ArmStatus, Method};
use std::collections::BTreeSet;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    to.raw("<header><h1><span>pstar report</span>");
    full_name(to, &view.record.name, LONG);
    to.raw("</h1><p>").text(line(view)).raw("</p></header>\n");
    status::write(view, to);
}

fn line(view: &View<'_>) -> String {
    let objectives: BTreeSet<&str> = view.trained().map(|series| series.objective).collect();
    let mut sizes = vec![
        counted(objectives.len(), "objective", "objectives"),
        counted(view.classes.len(), "policy class", "policy classes"),
        counted(view.seeds(), "seed", "paired seeds"),
    ];
    let rates: BTreeSet<u64> = view.trained().filter_map(|series| Some(series.rate?.to_bits())).collect();
    if !rates.is_empty() {
        sizes.push(counted(rates.len(), "learning rate", "learning rates"));
    }
    let mut parts = vec![sizes.join(" × ")];
    parts.extend(sequences(view));
    let method = match view.record.method {
        Method::Enumeration => "exact, over all outputs",
        Method::DynamicProgramming => "exact, by dynamic programming",
        Method::Sampling => "estimated from samples",
    };
    parts.extend([method.into(), "means over prompts".into()]);
    parts.join(" · ")
}

fn sequences(view: &View<'_>) -> Option<String> {
    let complete = view.record.arms.iter().filter(|arm| arm.status == ArmStatus::Complete);
    let spent: Vec<u64> = complete.map(|arm| arm.budget.sequences).collect();
    let (least, most) = (*spent.iter().min()?, *spent.iter().max()?);
    Some(match (least, most) {
        (_, 0) => "exact gradients".into(),
        _ if least == most => format!("{} sequences an arm", whole(most)),
        _ => format!("{} to {} sequences an arm", whole(least), whole(most)),
    })
}
