//! What more samples bring.

use crate::figure::k_figure::Quantity;
use crate::figure::named;
use crate::markup::Markup;
use crate::number::samples;
use crate::section::{begin, missing, objective, rows};
use crate::table::{Head, Row, Table, details};
use crate::text::{LONG, name};
use crate::view::{Class, View};

/// Crossings that are listed at most.
const NAMES: usize = 12;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "samples", "More samples");
    let figures = named::samples(view);
    if figures.is_empty() {
        missing(to, "Needs `coverage_at` of at least two k in summary.json, of arms that completed.");
    } else {
        to.raw("<p class=\"said\">Final policies, mean over seeds with 95 % bands. <b>×</b> marks where a policy that wins with few samples \
                falls below the base; in the middle figure the base is the line at 1, and that is the one to read. p* and the uniform \
                distribution on valid outputs have pass@k = 100 % and leave the first figure at the top.");
        to.raw("</p>\n");
        view.classes.iter().for_each(|class| crossings(view, class, to));
    }
    rows(to, &figures);
    let tables: Vec<Table<'_>> = view
        .classes
        .iter()
        .flat_map(|class| Quantity::ALL.map(|quantity| table(view, class, quantity)))
        .collect();
    details(to, &tables);
    to.raw("</section>\n");
}

/// Where policies fall below the base.
fn crossings(view: &View<'_>, class: &Class<'_>, to: &mut Markup) {
    let of = |quantity: Quantity| {
        let groups = class.groups.iter().enumerate();
        groups
            .filter_map(move |(series, group)| Some((series, quantity.crossing(view, group)?.0)))
            .collect::<Vec<_>>()
    };
    let parts = [("coverage", of(Quantity::Coverage)), ("pass", of(Quantity::Pass))];
    if parts.iter().all(|(_, found)| found.is_empty()) {
        return;
    }
    to.raw("<p class=\"said\">× on ");
    name(to, class.name, LONG);
    let mut is_first = true;
    for (title, found) in parts {
        if found.is_empty() {
            continue;
        }
        to.raw(if is_first { ", " } else { "; " }).raw(title).raw(": ");
        is_first = false;
        let listed = if found.len() > NAMES { NAMES - 1 } else { found.len() };
        for (i, (series, k)) in found[..listed].iter().enumerate() {
            to.raw(if i > 0 { ", " } else { "" });
            objective(to, &view.series[*series]);
            to.text(format!(" at k\u{a0}≈\u{a0}{}", samples(*k)));
        }
        if listed < found.len() {
            to.text(format!(" and {} others, in the table", found.len() - listed));
        }
    }
    to.raw(".</p>\n");
}

fn table<'a>(view: &'a View<'a>, class: &'a Class<'a>, quantity: Quantity) -> Table<'a> {
    let unit = quantity.unit();
    let plain = |row: &str, title: &str| {
        let figures = quantity.of_reference(view, row);
        figures.iter().any(Option::is_some).then(|| Row {
            head: Head::Text(title.into()),
            cells: figures.into_iter().map(|x| x.map_or("–".into(), |x| unit.number(x))).collect(),
        })
    };
    let of_group = |(series, group): (usize, &_)| {
        let figures = quantity.of_group(view, group).into_iter().map(|x| x.map(|x| unit.spread(&x, 2)));
        let crossing = quantity.crossing(view, group).map(|(k, _)| samples(k));
        let cells = figures.chain([crossing]).map(|cell| cell.unwrap_or("–".into()));
        Row { head: Head::Series(&view.series[series]), cells: cells.collect() }
    };
    let references = [("base", "base a"), ("filtered", "p*"), ("uniform-valid", "uniform on valid")];
    let groups = class.groups.iter().enumerate().filter(|(_, group)| !group.ends().is_empty());
    Table {
        title: quantity.title().into(),
        policy: Some(class.name),
        columns: std::iter::once("k".into())
            .chain(view.ks.iter().map(|(k, _)| k.clone()))
            .chain(["falls below the base at".into()])
            .collect(),
        rows: references
            .iter()
            .filter_map(|(row, title)| plain(row, title))
            .chain(groups.map(of_group))
            .collect(),
    }
}
