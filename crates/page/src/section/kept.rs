//! What was kept and what was lost: support, difficulty, Cover@τ.

use crate::figure::cover::thresholds;
use crate::figure::difficulty::{base_means, columns, of_column, prompt_means};
use crate::figure::named;
use crate::figure::support::Support;
use crate::markup::Markup;
use crate::number::Unit;
use crate::section::{begin, missing, rows};
use crate::table::{Head, Row, Table, details};
use crate::view::{Class, Metric, View};

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "kept", "What was kept, what was lost");
    let figures = named::kept(view);
    let has = |kind: &str| figures.iter().flatten().any(|figure| figure.kind == kind);
    let mut told = String::new();
    if has("support") {
        told.push_str("Kept: what base and policy both say within k samples; lost: the base alone; gained: the policy alone. Kept and lost \
                       add up to the coverage of the base, kept and gained to that of the policy. ");
    }
    if has("cover") {
        told.push_str("Cover@τ is the share of prompts that are right with a probability of at least τ. ");
    }
    if has("difficulty") {
        told.push_str("By difficulty: the black line is the base, which decides the order. ");
    }
    if !told.is_empty() {
        to.leaf("p", &[("class", &"said")], told.trim_end());
    }
    rows(to, &figures);
    let k = view.greatest_k().unwrap_or("k");
    let needs = [
        (
            "support",
            format!(
                "Support against the base: needs `support_kept@{k}`, `support_lost@{k}` and `support_gained@{k}` in summary.json."
            ),
        ),
        ("cover", "Cover@τ: needs `cover@τ` in summary.json.".into()),
        ("difficulty", "By difficulty: needs the figures of single prompts, prompts.csv.".into()),
    ];
    for (kind, what) in needs {
        if !has(kind) {
            missing(to, &what);
        }
    }
    let tables: Vec<Table<'_>> = view
        .classes
        .iter()
        .flat_map(|class| {
            let metrics = std::iter::once(Metric::validity()).chain(view.greatest_k().map(Metric::coverage));
            let prompts = metrics.map(|metric| prompts(view, class, &metric)).collect::<Vec<_>>();
            [support(view, class), cover(view, class)].into_iter().chain(prompts)
        })
        .collect();
    details(to, &tables);
    to.raw("</section>\n");
}

fn support<'a>(view: &'a View<'a>, class: &'a Class<'a>) -> Table<'a> {
    let k = view.greatest_k().unwrap_or_default();
    let row = |(series, group): (usize, _)| {
        let Support { kept, lost, gained } = Support::of(group, k)?;
        let cells = [kept, lost, gained].map(|part| Unit::Plain.spread(&part, 2));
        Some(Row { head: Head::Series(&view.series[series]), cells: cells.into() })
    };
    Table {
        title: format!("Support at k = {k}"),
        policy: Some(class.name),
        columns: ["objective", "kept", "lost", "gained"].map(String::from).into(),
        rows: class.groups.iter().enumerate().filter_map(row).collect(),
    }
}

fn cover<'a>(view: &'a View<'a>, class: &'a Class<'a>) -> Table<'a> {
    let thresholds = thresholds(view);
    let row = |(series, group): (usize, &crate::view::Group<'_>)| {
        let at = |(key, _): &(String, f64)| group.last(&format!("cover@{key}"));
        let cells =
            thresholds.iter().map(|tau| at(tau).map_or("–".into(), |x| Unit::Share.spread(&x, 2))).collect();
        (!group.ends().is_empty() && !thresholds.is_empty())
            .then(|| Row { head: Head::Series(&view.series[series]), cells })
    };
    Table {
        title: "Cover@τ".into(),
        policy: Some(class.name),
        columns: std::iter::once("τ".into()).chain(thresholds.iter().map(|(key, _)| key.clone())).collect(),
        rows: class.groups.iter().enumerate().filter_map(row).collect(),
    }
}

fn prompts<'a>(view: &'a View<'a>, class: &'a Class<'a>, metric: &Metric) -> Table<'a> {
    let columns = columns(view);
    let means = prompt_means(view, class, metric);
    let base = base_means(view, metric);
    let cells = |means| {
        let cell = |column| of_column(means, column).map_or("–".into(), |x| metric.unit.number(x));
        columns.iter().map(cell).collect::<Vec<String>>()
    };
    let own = means.iter().enumerate().filter(|(_, means)| !means.is_empty());
    let own =
        own.map(|(series, means)| Row { head: Head::Series(&view.series[series]), cells: cells(means) });
    let mut rows: Vec<Row<'_>> = own.collect();
    if !rows.is_empty() {
        rows.insert(0, Row { head: Head::Text("base a".into()), cells: cells(&base) });
    }
    Table {
        title: format!("{} by difficulty", metric.title),
        policy: Some(class.name),
        columns: std::iter::once("prompt".into())
            .chain(columns.iter().map(|column| column.title.clone()))
            .collect(),
        rows,
    }
}
