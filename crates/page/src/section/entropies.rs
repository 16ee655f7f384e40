//! How wide the trained policies are.

use crate::figure::named;
use crate::markup::Markup;
use crate::number::Unit;
use crate::section::{begin, missing, rows};
use crate::table::{Head, Row, Table, details};
use crate::view::{Class, View};

/// The figures, as in the record, and what they are called.
const FIGURES: [(&str, &str); 5] = [
    ("entropy", "H(q)"),
    ("entropy_given_valid", "H(q | valid)"),
    ("token_entropy", "of a token"),
    ("renyi2_entropy", "Rényi-2"),
    ("top1", "largest probability"),
];

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "entropies", "Entropies");
    let figures = named::entropies(view);
    if figures.iter().all(Vec::is_empty) {
        missing(to, "Needs `entropy` of arms that completed in summary.json.");
    } else {
        to.raw("<p class=\"said\">At the end, in nats, with 95 % intervals. Dashed: base a; dotted: p*. The entropy of all outputs falls with every gain in \
                validity; that of the valid ones falls only where outputs are lost.</p>\n");
        rows(to, &figures);
        if !figures.iter().flatten().any(|figure| figure.name == "end-token-entropy") {
            missing(to, "The entropy of a token: needs `token_entropy` in summary.json.");
        }
    }
    let tables: Vec<Table<'_>> = view.classes.iter().map(|class| table(view, class)).collect();
    details(to, &tables);
    to.raw("</section>\n");
}

fn table<'a>(view: &'a View<'a>, class: &'a Class<'a>) -> Table<'a> {
    let known: Vec<_> = FIGURES
        .iter()
        .filter(|(metric, _)| class.groups.iter().any(|group| group.last(metric).is_some()))
        .collect();
    let row = |(series, group): (usize, &crate::view::Group<'_>)| Row {
        head: Head::Series(&view.series[series]),
        cells: known
            .iter()
            .map(|(metric, _)| group.last(metric).map_or("–".into(), |x| Unit::Plain.spread(&x, 2)))
            .collect(),
    };
    let groups = class.groups.iter().enumerate().filter(|(_, group)| !group.ends().is_empty());
    Table {
        title: "Entropies, nats".into(),
        policy: Some(class.name),
        columns: std::iter::once("objective".into())
            .chain(known.iter().map(|(_, title)| (*title).into()))
            .collect(),
        rows: groups.map(row).collect(),
    }
}
