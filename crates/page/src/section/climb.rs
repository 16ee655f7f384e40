//! How fast objectives climb, and whether where they say.

use crate::figure::kappa::{kappa, of_series};
use crate::markup::Markup;
use crate::number::Unit;
use crate::section::{begin, missing};
use crate::table::{Head, Row, Table, details};
use crate::text::{LONG, cut};
use crate::view::View;
use pstar_record::KappaRecord;

/// Nothing of a run that has no κ.
pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    let Some(record) = &view.record.kappa else { return };
    begin(to, "climb", "How fast objectives climb");
    match kappa(view) {
        Some(figure) => {
            to.raw("<p class=\"said\">On-policy the expected gradient of a prompt is κ(V) times that of its validity V, for objectives whose coefficients \
                    depend on rewards and counts alone: a steep line spends its steps on hard prompts.");
            if !cosines(view, record).rows.is_empty() {
                to.raw(" Beneath, the cosine of the expected gradient to the one that the objective claims to follow, over all prompts at the policy's start.");
            }
            to.raw("</p>\n<div class=\"row\">");
            figure.write(to);
            to.raw("</div>\n");
        }
        None => missing(
            to,
            "No objective of this run has a κ: their coefficients depend on more than rewards and counts.",
        ),
    }
    let reasons = reasons(record);
    if !reasons.is_empty() {
        to.leaf("p", &[("class", &"rule")], reasons.join("; "));
    }
    details(to, &[table(view, record), cosines(view, record)]);
    to.raw("</section>\n");
}

fn table<'a>(view: &'a View<'a>, record: &KappaRecord) -> Table<'a> {
    let row = |series: usize| {
        let own = of_series(view, series).filter(|own| !own.kappa.is_empty())?;
        let group = own.group.map_or("–".into(), |group| group.to_string());
        let claim = own.claim.as_deref().map_or("–".into(), |claim| cut(claim, LONG).into_owned());
        let kappa = own.kappa.iter().map(|kappa| Unit::Plain.number(*kappa));
        Some(Row {
            head: Head::Series(&view.series[series]),
            cells: [group, claim].into_iter().chain(kappa).collect(),
        })
    };
    let rates = record.validity_rates.iter().map(|rate| format!("V = {rate}"));
    Table {
        title: "κ(V)".into(),
        policy: None,
        columns: ["objective", "group", "claims"].map(String::from).into_iter().chain(rates).collect(),
        rows: (0..view.series.len()).filter_map(row).collect(),
    }
}

fn cosines<'a>(view: &'a View<'a>, record: &KappaRecord) -> Table<'a> {
    let row = |series: usize| {
        let own = of_series(view, series).filter(|own| !own.cosines.is_empty())?;
        let of_class = |class: &crate::view::Class<'_>| {
            let cosine = own.cosines.iter().find(|cosine| cosine.policy == class.name)?.cosine?;
            Some(format!("{cosine:.4}"))
        };
        let cells = view.classes.iter().map(|class| of_class(class).unwrap_or("–".into())).collect();
        Some(Row { head: Head::Series(&view.series[series]), cells })
    };
    let policies = view.classes.iter().map(|class| cut(class.name, LONG).into_owned());
    Table {
        title: format!("Cosine to the claimed gradient, over {} prompts at the start of", record.prompts),
        policy: None,
        columns: std::iter::once("objective".into()).chain(policies).collect(),
        rows: (0..view.series.len()).filter_map(row).collect(),
    }
}

/// Why some have none.
fn reasons(record: &KappaRecord) -> Vec<String> {
    const MOST: usize = 8;
    let of_objective = |row: &pstar_record::ObjectiveKappa| {
        let because = row.because.join(", ");
        (!because.is_empty())
            .then(|| format!("{} has no κ: {}", cut(&row.objective, LONG), cut(&because, 200)))
    };
    let mut reasons: Vec<String> = record.objectives.iter().filter_map(of_objective).collect();
    if reasons.len() > MOST {
        let more = reasons.len() - MOST;
        reasons.truncate(MOST);
        reasons.push(format!("{more} more have none"));
    }
    reasons.extend(record.without_cosines.iter().map(|why| cut(why, 300).into_owned()));
    reasons
}
