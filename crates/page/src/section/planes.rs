//! Validity against diversity.

use crate::figure::named;
use crate::figure::plane::Against;
use crate::markup::Markup;
use crate::number::Unit;
use crate::section::{begin, missing, rows};
use crate::table::{Head, Row, Table, details};
use crate::text::{counted, listed};
use crate::view::{Class, View};

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "planes", "Validity against diversity");
    let figures = named::planes(view);
    if figures.is_empty() {
        missing(to, "Needs final figures of arms that completed.");
    } else {
        to.raw("<p class=\"said\">Up and right is better in both planes. Filled: mean end of training with its 95 % intervals; faint line: \
                the way there");
        to.raw(if view.has_optima() {
            "; hollow: the best policy of the class under the objective, where it heads with unlimited training"
        } else {
            ""
        });
        to.raw("; grey line: the tilted distributions between base and p*, the exact targets of KL-control.")
            .text(beyond(view));
        to.raw("</p>\n");
    }
    rows(to, &figures);
    let tables: Vec<Table<'_>> = view.classes.iter().map(|class| table(view, class)).collect();
    details(to, &tables);
    to.raw("</section>\n");
}

/// What has no place in a plane.
fn beyond(view: &View<'_>) -> String {
    let mut told = Vec::new();
    for against in Against::all(view) {
        let counts = view.classes.iter().map(|class| against.beyond(class));
        let (ends, optima) = counts.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        let parts = [(ends, counted(ends, "end", "ends")), (optima, counted(optima, "optimum", "optima"))];
        let parts: Vec<String> =
            parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
        if !parts.is_empty() {
            told.push(format!("{} of the plane with {}", listed(&parts), against.short));
        }
    }
    if told.is_empty() {
        return String::new();
    }
    format!(" In the table alone, since not determined, infinite or beyond 30 nats: {}.", told.join("; "))
}

fn table<'a>(view: &'a View<'a>, class: &'a Class<'a>) -> Table<'a> {
    let against = Against::all(view);
    let metrics: Vec<(&str, Unit)> = std::iter::once(("validity_rate", Unit::Share))
        .chain(against.iter().map(|against| (&*against.metric.name, Unit::Plain)))
        .collect();
    let has_optima = class.groups.iter().any(|group| group.optimum.is_some());
    let mut columns = vec!["objective".into(), "validity".to_string()];
    columns.extend(against.iter().map(|against| against.metric.title.clone()));
    if has_optima {
        columns.extend(columns.clone().into_iter().skip(1).map(|column| format!("optimum: {column}")));
    }
    let of_group = |(series, group): (usize, &'a crate::view::Group<'a>)| {
        let ends = metrics.iter().map(|(metric, unit)| group.last(metric).map(|x| unit.spread(&x, 2)));
        let best = metrics
            .iter()
            .filter(|_| has_optima)
            .map(|(metric, unit)| group.best(metric).map(|x| unit.number(x)));
        Row {
            head: Head::Series(&view.series[series]),
            cells: ends.chain(best).map(|cell| cell.unwrap_or("–".into())).collect(),
        }
    };
    let reference = |(name, title): (&str, String)| {
        let row = view.reference(name)?;
        let cells =
            metrics.iter().map(|(metric, unit)| row.named(metric).map_or("–".into(), |x| unit.number(x)));
        Some(Row { head: Head::Text(title), cells: cells.collect() })
    };
    let mut references = vec![("base", "base a".to_string())];
    references.extend(
        view.tilted().map(|(name, _)| (name, format!("p_[β={}]", name.trim_start_matches("tilted ")))),
    );
    references.extend([("filtered", "p*".into()), ("uniform-valid", "uniform on valid".into())]);
    let groups = class.groups.iter().enumerate().filter(|(_, group)| !group.ends().is_empty());
    Table {
        title: "Ends of training".into(),
        policy: Some(class.name),
        columns,
        rows: references.into_iter().filter_map(reference).chain(groups.map(of_group)).collect(),
    }
}
