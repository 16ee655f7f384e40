//! Two runs side by side, on a page of its own.

use crate::markup::Markup;
use crate::number::{Unit, difference};
use crate::page::{begin_page, end_page};
use crate::text::{LONG, cut, full_name, name};
use pstar_compare::{Between, greatest_coverage};
use pstar_record::{
    Comparison, ExperimentDifference, RunData, Spread, StarRecord, Verdict, VerdictRow, Word,
};

/// A column: its title, the figure, and what that is of.
type Column = (String, String, Unit);

/// The page of what changed between two runs.
pub(crate) fn comparison(
    first: &RunData,
    second: &RunData,
    changed: &[ExperimentDifference],
    between: &Between,
) -> String {
    let (one, other) = (&first.record, &second.record);
    let title = format!("{} − {} · pstar report", cut(&other.name, LONG), cut(&one.name, LONG));
    let mut page = begin_page(&title, 0);
    page.raw("<header><h1><span>pstar report of two runs</span>");
    full_name(&mut page, &other.name, LONG);
    page.raw(" − ");
    full_name(&mut page, &one.name, LONG);
    page.raw("</h1><p>Differences of what both trained, second − first, paired by seed · means over prompts</p></header>\n");
    page.raw("<section class=\"changed\"><h2>What changed in the experiments</h2>");
    if changed.is_empty() {
        page.raw("<p class=\"said\">Nothing: both run the same experiment.</p>");
    } else {
        page.raw("<ul>");
        for one in changed {
            page.leaf("li", &[], one);
        }
        page.raw("</ul>");
    }
    page.raw("</section>\n<section class=\"between\"><h2>What that did</h2>");
    let columns = columns(second);
    for own in between.comparisons.chunk_by(|a, b| a.policy == b.policy) {
        table(&mut page, own, &columns, (&one.verdicts, &other.verdicts));
    }
    if between.comparisons.is_empty() {
        page.raw("<p class=\"missing\">No arm of one has a partner of the same policy, objective and seed in the other.</p>");
    } else {
        page.raw(
            "<p class=\"said\">[ ]: 95 % interval over pairs of seeds, from five pairs on; Δ validity in points; *: p ≤ 0.05 by \
             a sign-flip test, corrected by Holm over the objectives of a column.</p>",
        );
    }
    let lists = [
        ("Not paired, since no seed completed in both or learning rates differ: ", &between.unpaired),
        ("Only in the first: ", &between.only_first),
        ("Only in the second: ", &between.only_second),
    ];
    for (what, pairs) in lists.into_iter().filter(|(_, pairs)| !pairs.is_empty()) {
        page.raw("<p class=\"said\">").raw(what);
        for (i, (policy, objective)) in pairs.iter().enumerate() {
            page.raw(if i == 0 { "" } else { ", " });
            name(&mut page, policy, LONG);
            page.raw(" · ");
            name(&mut page, objective, LONG);
        }
        page.raw(".</p>");
    }
    page.raw("</section>\n");
    end_page(page)
}

/// Validity, coverage at the greatest k that it is known at, KL and entropy.
fn columns(data: &RunData) -> Vec<Column> {
    let coverage = greatest_coverage(&data.record.references, &data.record.arms);
    let plain = |title: &str, metric: &str| (title.to_string(), metric.to_string(), Unit::Plain);
    let mut columns = vec![("validity".into(), "validity_rate".into(), Unit::Share)];
    columns.extend(coverage.map(|name| plain(&name, &name)));
    columns.extend([plain("KL(p*‖q)", "kl_from_filtered"), plain("entropy", "entropy")]);
    columns
}

fn table(
    page: &mut Markup,
    own: &[Comparison],
    columns: &[Column],
    (before, after): (&[Verdict], &[Verdict]),
) {
    let policy = &own[0].policy;
    page.raw("<div class=\"scroll\" tabindex=\"0\"><table class=\"numbers\"><caption>");
    name(page, policy, LONG);
    page.raw("</caption><thead><tr><th>objective</th><th>verdict before</th><th>after</th><th>pairs</th>");
    for (title, ..) in columns {
        page.raw("<th>Δ ").text(title).raw("</th>");
    }
    page.raw("</tr></thead><tbody>");
    let same = |a: &Comparison, b: &Comparison| {
        a.objective == b.objective && a.learning_rate.map(f64::to_bits) == b.learning_rate.map(f64::to_bits)
    };
    for row in own.chunk_by(|a, b| same(a, b)) {
        let first = &row[0];
        page.raw("<tr><th>");
        full_name(page, &first.objective, LONG);
        let rate = first.learning_rate.map_or(String::new(), |rate| format!(" · rate {rate:?}"));
        page.text(rate).raw("</th>");
        for (verdicts, rate) in [(before, first.baseline_learning_rate), (after, first.learning_rate)] {
            page.leaf("td", &[], word(verdicts, first, rate));
        }
        page.leaf("td", &[], first.pairs);
        for (_, metric, unit) in columns {
            let found = row.iter().find(|comparison| comparison.metric == *metric);
            page.leaf("td", &[], found.map_or("–".into(), |found| cell(found, *unit)));
        }
        page.raw("</tr>");
    }
    page.raw("</tbody></table></div>\n");
}

fn cell(comparison: &Comparison, unit: Unit) -> String {
    let Comparison { difference: mean, low, high, star, .. } = *comparison;
    let star = if star == Some(StarRecord::Earned) { "*" } else { "" };
    format!("{}{star}", difference(&Spread { mean, low, high }, unit, 2))
}

fn word(verdicts: &[Verdict], of: &Comparison, rate: Option<f64>) -> &'static str {
    let is_row = |row: &&VerdictRow| {
        row.objective == of.objective
            && (row.learning_rate.is_none() || row.learning_rate.map(f64::to_bits) == rate.map(f64::to_bits))
    };
    let of_policy = verdicts.iter().find(|verdict| verdict.policy == of.policy);
    let word = of_policy.and_then(|verdict| verdict.rows.iter().find(is_row)?.word);
    word.map_or("–", Word::as_str)
}
