//! What the objectives did: a sentence a policy class, and a row an objective.

use crate::figure::forest::Forest;
use crate::figure::marks::symbol;
use crate::markup::Markup;
use crate::number::{Unit, difference, minus, percents};
use crate::section::{missing, objective};
use crate::text::{LONG, SHORT, full_name, name};
use crate::view::{Class, Group, View};
use pstar_compare::{clauses, rule};
use pstar_record::{Comparison, Spread, StarRecord, Verdict, Word};

/// Characters of a name in a row, and in the head of a column.
const NAME: usize = 30;
const HEAD: usize = 14;

/// Names that a sentence lists at most.
const NAMES: usize = 9;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    to.raw("<section class=\"verdicts\" id=\"verdict\"><h2 class=\"sr\">Verdict</h2>\n");
    for class in &view.classes {
        if let Some(verdict) = class.verdict {
            lead(view, class, verdict, to);
        }
    }
    if view.record.verdicts.is_empty() {
        missing(
            to,
            "No verdict: summary.json has no `verdicts`. Records of older versions have none, and none is made without coverage of the base.",
        );
    }
    if view.classes.iter().any(|class| !class.groups.is_empty()) {
        table(view, to);
    }
    foot(view, to);
    to.raw("</section>\n");
}

fn lead(view: &View<'_>, class: &Class<'_>, verdict: &Verdict, to: &mut Markup) {
    to.raw("<p class=\"lead\"><span class=\"cls\">");
    name(to, class.name, LONG);
    if !is_base(verdict) {
        to.text(format!(", start {}", percents(verdict.start.validity_rate, verdict.start.validity_rate)));
    }
    to.raw(":</span> ");
    let clauses = clauses(verdict);
    for (i, clause) in clauses.iter().enumerate() {
        to.raw(if i > 0 { "; " } else { "" });
        let rows = &clause.rows;
        let listed = if rows.len() > NAMES { NAMES - 1 } else { rows.len() };
        for (j, row) in rows[..listed].iter().enumerate() {
            let is_last = j + 1 == rows.len();
            to.raw(match j {
                0 => "",
                _ if is_last => " and ",
                _ => ", ",
            });
            match view.series.iter().find(|series| series.has(&verdict.rows[*row])) {
                Some(series) => objective(to, series),
                None => name(to, &verdict.rows[*row].objective, SHORT),
            }
        }
        if listed < rows.len() {
            to.text(format!(" and {} others", rows.len() - listed));
        }
        to.raw(" <b>").text(&clause.predicate).raw("</b> at ").text(minus(&clause.validity)).raw(" validity");
    }
    if clauses.is_empty() {
        to.raw("no verdict, since no arm completed or its coverage cannot be had");
    }
    if is_base(verdict) {
        to.text(format!(" (base: {})", percents(verdict.base.validity_rate, verdict.base.validity_rate)));
    }
    to.raw(".</p>\n");
}

fn is_base(verdict: &Verdict) -> bool {
    verdict.starts_as_base || verdict.start == verdict.base
}

fn table(view: &View<'_>, to: &mut Markup) {
    let forest = Forest::of(view);
    let first = view.first().map(|series| series.isolated(HEAD)).unwrap_or_default();
    let coverage = view.coverage();
    to.raw("<table class=\"verdict\"><thead><tr><th scope=\"col\">objective</th><th scope=\"col\">verdict</th><th scope=\"col\">");
    to.text(standing(view)).raw("</th><th scope=\"col\">");
    to.text(coverage.as_ref().map(|name| format!("{name} ÷ start")).unwrap_or_default());
    to.raw("</th><th scope=\"col\" class=\"d\">").text(format!("coverage, Δ to {first}"));
    to.raw("</th><th scope=\"col\" class=\"d\">validity, Δ in points</th></tr></thead>\n");
    for class in &view.classes {
        to.raw("<tbody><tr class=\"vc\"><th colspan=\"3\" scope=\"rowgroup\"><b>");
        full_name(to, class.name, LONG);
        to.raw("</b> ").text(start(class)).raw("</th><td class=\"f\">");
        if class.verdict.is_some() {
            forest.head(to);
        }
        to.raw("</td><td colspan=\"2\"></td></tr>\n");
        for (series, group) in class.groups.iter().enumerate().filter(|(_, group)| !group.arms.is_empty()) {
            row(view, class, (series, group), &forest, to);
        }
        to.raw("</tbody>\n");
    }
    to.raw("</table>\n");
}

/// What the samples of the base hold.
fn standing(view: &View<'_>) -> String {
    let base = |metric: &str| view.reference_figure("base", metric);
    match (view.greatest_k(), view.coverage().and_then(|name| base(&name)), base("validity_rate")) {
        (Some(k), Some(coverage), Some(validity)) => format!(
            "{k} samples of a prompt hold (base: {}; {} valid)",
            Unit::Plain.number(coverage),
            Unit::Share.number(validity)
        ),
        _ => "at the end".into(),
    }
}

/// How a class starts.
fn start(class: &Class<'_>) -> String {
    match class.verdict {
        _ if class.starts_as_base => "starts as the base".into(),
        Some(verdict) if verdict.start == verdict.base => "starts elsewhere; read against the base".into(),
        Some(verdict) => format!(
            "starts at {}, {} valid, its best fit of the base (grey tick: base)",
            Unit::Plain.number(verdict.start.coverage),
            Unit::Share.number(verdict.start.validity_rate)
        ),
        None => String::new(),
    }
}

fn row(
    view: &View<'_>,
    class: &Class<'_>,
    (series, group): (usize, &Group<'_>),
    forest: &Forest,
    to: &mut Markup,
) {
    let own = &view.series[series];
    to.open("tr", &[("class", &"vr"), ("data-o", &series)]).raw("<th scope=\"row\">");
    symbol(to, series);
    full_name(to, own.objective, NAME);
    to.text(own.suffix());
    if own.is_oracle && group.arms.iter().any(|arm| arm.log_partition.exact > 0) {
        to.raw(" <i title=\"was handed the exact normaliser Z\">°</i>");
    }
    to.raw("</th><td>");
    let found = group.verdict.and_then(|row| row.word);
    to.open("span", &[("class", &format!("word {}", found.map_or("none", Word::as_str)))]);
    to.text(found.map_or("–", Word::as_str)).raw("</span></td><td class=\"s\">");
    figures(view, group, to);
    to.raw("</td><td class=\"f\">");
    if let Some(verdict) = class.verdict {
        let coverage = group.verdict.and_then(|row| row.coverage);
        let said = group.verdict.map(|row| row.sentence.clone()).unwrap_or_default();
        let said = format!("{}: {said}", own.isolated(LONG));
        forest.row(to, series, coverage.as_ref(), verdict, &said);
    }
    to.raw("</td>");
    let names = [
        ("coverage, Δ", view.coverage(), Unit::Plain),
        ("validity, Δ", Some("validity_rate".into()), Unit::Share),
    ];
    for (head, metric, unit) in names {
        to.open("td", &[("class", &"d"), ("data-h", &head)]);
        match metric.and_then(|metric| group.difference(&metric)) {
            _ if series == 0 => {
                to.raw("<i>reference</i>");
            }
            Some(comparison) => delta(comparison, unit, to),
            None => {
                to.raw("<i>–</i>");
            }
        }
        to.raw("</td>");
    }
    to.raw("</tr>\n");
}

/// Coverage and validity in words, with the seeds that they are of where some are missing.
fn figures(view: &View<'_>, group: &Group<'_>, to: &mut Markup) {
    let (ended, all) = group.counts();
    if ended == 0 {
        to.raw("<i>no arm completed</i>");
        return;
    }
    let coverage = view.coverage().and_then(|metric| group.last(&metric));
    let parts = [
        (coverage, Unit::Plain, " distinct valid outputs"),
        (group.last("validity_rate"), Unit::Share, " valid"),
    ];
    let mut is_first = true;
    for (spread, unit, what) in parts {
        let Some(spread) = spread else { continue };
        to.raw(if is_first { "" } else { "; " });
        with_interval(&unit.spread(&spread, 1), to);
        to.raw(what);
        is_first = false;
    }
    if ended < all {
        to.raw(" <i>(").text(format!("{ended} of {all} seeds")).raw(")</i>");
    }
}

fn delta(comparison: &Comparison, unit: Unit, to: &mut Markup) {
    let Comparison { difference: mean, low, high, .. } = *comparison;
    let is_clear = low.zip(high).is_some_and(|(low, high)| low > 0.0 || high < 0.0);
    to.raw(if is_clear { "<span>" } else { "<span class=\"gray\">" });
    with_interval(&difference(&Spread { mean, low, high }, unit, 1), to);
    if comparison.star == Some(StarRecord::Earned) {
        to.raw("*");
    }
    to.raw("</span>");
}

/// The interval stands back.
fn with_interval(text: &str, to: &mut Markup) {
    match text.split_once('[') {
        Some((mean, interval)) => to.text(mean).raw("<i>[").text(interval).raw("</i>"),
        None => to.text(text),
    };
}

/// The rule, and what the marks mean.
fn foot(view: &View<'_>, to: &mut Markup) {
    let mut told: Vec<String> = Vec::new();
    if let Some(verdict) = view.record.verdicts.first() {
        told.push(format!("{}.", rule(verdict)));
    }
    let most =
        view.classes.iter().flat_map(|class| &class.groups).map(|group| group.counts().0).max().unwrap_or(0);
    told.push(match most {
        0 => String::new(),
        1 => "One seed: no intervals, and no difference can be told from chance.".into(),
        seeds if seeds < pstar_stats::FEWEST_FOR_INTERVAL => {
            format!("{seeds} seeds: too few for intervals, and no difference can be told from chance.")
        }
        seeds => format!(
            "[ ] 95 % intervals over {seeds} seeds; Δ over paired seeds, grey where its interval holds 0."
        ),
    });
    let stars = || view.record.comparisons.iter().filter_map(|comparison| comparison.star);
    if stars().any(|star| star == StarRecord::Earned) {
        told.push("* sign-flip test over paired seeds, p ≤ 0.05 after Holm's correction.".into());
    } else if stars().any(|star| star == StarRecord::OutOfReach) {
        let needed = view.record.comparisons.iter().filter_map(|comparison| comparison.pairs_needed).max();
        let needed = needed.map(|pairs| format!(" {pairs} could.")).unwrap_or_default();
        told.push(format!("No star: with so few pairs no difference can earn one (sign-flip test, Holm's correction).{needed}"));
    }
    if view.series.iter().any(|series| series.is_oracle) {
        told.push("° was handed the exact normaliser Z: an oracle that real training does not have.".into());
    }
    to.leaf("p", &[("class", &"rule")], told.join(" "));
}
