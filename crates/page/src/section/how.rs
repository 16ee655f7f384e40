//! How it was run: what the program warned of, what it cost, what it was made with, and the file to run again.

use crate::markup::Markup;
use crate::number::whole;
use crate::section::{begin, missing, objective};
use crate::table::{Head, Row, Table, details};
use crate::text::{LONG, cut, name};
use crate::view::{Class, Group, View};
use pstar_record::{ArmRecord, Budget, Provenance, Warning};

/// Warnings of arms that are told, before they are counted.
const MOST_WARNINGS: usize = 60;

/// Characters of a warning.
const MESSAGE: usize = 600;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "how", "How it was run");
    warnings(view, to);
    budgets(view, to);
    match &view.data.provenance {
        Some(provenance) => made_with(provenance, to),
        None => missing(to, "Versions, hashes and command: need provenance.json."),
    }
    to.raw("<h3>Experiment</h3>");
    match &view.data.experiment {
        Some(text) => {
            to.raw("<div class=\"code\"><button type=\"button\" class=\"copy\">Copy</button><pre tabindex=\"0\">");
            to.text(text).raw("</pre></div>\n");
        }
        None => missing(to, "Needs experiment.ron."),
    }
    to.raw("</section>\n");
}

fn warnings(view: &View<'_>, to: &mut Markup) {
    let mut of_arms = Vec::new();
    for class in &view.classes {
        for (series, group) in class.groups.iter().enumerate() {
            of_arms
                .extend(grouped(group).into_iter().map(|(warnings, seeds)| (class, series, warnings, seeds)));
        }
    }
    if of_arms.is_empty() && view.record.warnings.is_empty() {
        return;
    }
    to.raw("<h3>Warnings</h3><ul class=\"warnings\">");
    for warning in view.record.warnings.iter() {
        to.leaf("li", &[], cut(&warning.to_string(), MESSAGE));
    }
    for (class, series, warnings, seeds) in of_arms.iter().take(MOST_WARNINGS) {
        line(view, class, *series, warnings, *seeds, to);
    }
    if of_arms.len() > MOST_WARNINGS {
        to.leaf("li", &[], format!("… and {} more, in summary.json", of_arms.len() - MOST_WARNINGS));
    }
    to.raw("</ul>\n");
}

/// The warnings of a group, those that differ in their figures alone together, with the number of seeds.
fn grouped<'a>(group: &Group<'a>) -> Vec<(Vec<&'a Warning>, usize)> {
    let mut found: Vec<(Vec<&Warning>, usize)> = Vec::new();
    for arm in &group.arms {
        for warning in arm.warnings.iter() {
            match found.iter_mut().find(|(known, _)| known[0].is_like(warning)) {
                Some((known, seeds)) => {
                    known.push(warning);
                    *seeds += 1;
                }
                None => found.push((vec![warning], 1)),
            }
        }
    }
    found
}

fn line(
    view: &View<'_>,
    class: &Class<'_>,
    series: usize,
    warnings: &[&Warning],
    seeds: usize,
    to: &mut Markup,
) {
    to.raw("<li>");
    name(to, class.name, LONG);
    to.raw(" · ");
    objective(to, &view.series[series]);
    let all = class.groups[series].arms.len();
    if all > 1 {
        to.text(format!(" ({seeds} of {all} seeds)"));
    }
    to.raw(": ").text(cut(&said(warnings), MESSAGE)).raw("</li>");
}

/// What warnings say that differ in their figures: of shares the range, of others the first.
fn said(warnings: &[&Warning]) -> String {
    let percents = warnings.iter().filter_map(|warning| match warning {
        Warning::IdleGroups { percent } => Some(*percent),
        _ => None,
    });
    let (least, most) = percents.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
    let text = warnings[0].to_string();
    let (first, last) = (format!("{least:.0}"), format!("{most:.0}"));
    match text.split_once(" % ") {
        Some((_, rest)) if least < most && first != last => format!("{first} to {last} % {rest}"),
        _ => text,
    }
}

fn budgets(view: &View<'_>, to: &mut Markup) {
    let complete: Vec<&ArmRecord> =
        view.classes.iter().flat_map(|class| &class.groups).flat_map(Group::complete).collect();
    let range = |of: &dyn Fn(&Budget) -> u64| {
        let figures = || complete.iter().map(|arm| of(&arm.budget));
        match (figures().min(), figures().max()) {
            (Some(least), Some(most)) if least != most => format!("{} to {}", whole(least), whole(most)),
            (Some(one), _) => whole(one),
            _ => "–".into(),
        }
    };
    if complete.is_empty() {
        return;
    }
    let words = [
        range(&|budget| budget.sequences) + " sequences",
        range(&|budget| budget.tokens) + " tokens",
        range(&|budget| budget.verifier_calls) + " verifier calls",
        range(&|budget| budget.optimizer_steps) + " optimizer steps",
    ];
    to.raw("<h3>Budget</h3>").leaf("p", &[], format!("Every arm that completed: {}.", words.join(", ")));
    let tables: Vec<Table<'_>> = view.classes.iter().map(|class| budget_table(view, class)).collect();
    details(to, &tables);
}

fn budget_table<'a>(view: &'a View<'a>, class: &'a Class<'a>) -> Table<'a> {
    let row = |(series, group): (usize, &Group<'_>)| {
        let arms: Vec<&ArmRecord> = group.complete().collect();
        let mut sum = Budget::default();
        for arm in &arms {
            sum += arm.budget;
        }
        let count = arms.len() as u64;
        (count > 0).then(|| Row {
            head: Head::Series(&view.series[series]),
            cells: [
                count,
                sum.sequences / count,
                sum.tokens / count,
                sum.verifier_calls / count,
                sum.optimizer_steps / count,
            ]
            .map(whole)
            .into(),
        })
    };
    Table {
        title: "Spent by an arm, mean over seeds".into(),
        policy: Some(class.name),
        columns: ["objective", "seeds", "sequences", "tokens", "verifier calls", "optimizer steps"]
            .map(String::from)
            .into(),
        rows: class.groups.iter().enumerate().filter_map(row).collect(),
    }
}

fn made_with(provenance: &Provenance, to: &mut Markup) {
    let set = provenance.experiment.set.iter().map(|set| format!(" --set '{}'", cut(set, MESSAGE)));
    let command = format!("host run {}{}", cut(&provenance.experiment.file, LONG), set.collect::<String>());
    let seeds: Vec<String> = provenance.seeds.iter().take(40).map(u64::to_string).collect();
    let more = if provenance.seeds.len() > 40 { ", …" } else { "" };
    to.raw("<h3>Made with</h3><dl class=\"facts\">");
    let facts = [
        ("command", command),
        ("version", format!("pstar {}, interface {}", provenance.version, provenance.interface)),
        ("platform", format!("{} ({})", provenance.platform, provenance.instruction_set.join(", "))),
        ("seeds", format!("{}{more}", seeds.join(", "))),
        ("experiment", provenance.experiment.sha256.clone()),
        ("host", provenance.host.sha256.clone().unwrap_or_else(|| "unknown".into())),
    ];
    for (what, text) in facts {
        to.raw("<dt>").raw(what).raw("</dt><dd>");
        to.text(text).raw("</dd>");
    }
    to.raw("</dl>\n");
    let plugins = provenance.plugins.iter().map(|plugin| Row {
        head: Head::Text(cut(&plugin.file, LONG).into_owned()),
        cells: vec![plugin.version.clone(), plugin.interface.clone(), plugin.sha256.clone()],
    });
    let files = provenance.files.iter().map(|file| Row {
        head: Head::Text(cut(&file.path, LONG).into_owned()),
        cells: vec![
            cut(&file.used_by, LONG).into_owned(),
            format!("{} bytes", whole(file.bytes)),
            file.sha256.clone(),
        ],
    });
    let table = |title: &str, columns: [&str; 4], rows: Vec<Row<'static>>| Table {
        title: title.into(),
        policy: None,
        columns: columns.map(String::from).into(),
        rows,
    };
    let tables = [
        table("Plugins", ["file", "version", "interface", "SHA-256"], plugins.collect()),
        table("Files", ["path", "used by", "size", "SHA-256"], files.collect()),
    ];
    details(to, &tables);
}
