//! Paired differences to the first objective.

use crate::figure::curve::Of;
use crate::figure::named;
use crate::markup::Markup;
use crate::section::training::tables;
use crate::section::{begin, missing, objective, rows};
use crate::table::details;
use crate::view::{Metric, View};

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "differences", "Paired differences");
    let figures = named::differences(view);
    match view.first() {
        Some(first) if !figures.iter().all(Vec::is_empty) => {
            to.raw("<p class=\"said\">To ");
            objective(to, first);
            to.raw(", seed by seed, then averaged: what the arms of a seed share (prompts, random numbers, first parameters) cancels. A band that stays \
                    off the zero line is a difference that these seeds can see.</p>\n");
            rows(to, &figures);
            let coverage = view.greatest_k().map(Metric::coverage);
            let metrics: Vec<Metric> = [Metric::validity(), Metric::entropy()]
                .into_iter()
                .chain(coverage)
                .chain([Metric::kl()])
                .collect();
            details(to, &tables(view, &metrics, Of::Difference));
        }
        _ if view.trained().count() < 2 => missing(to, "One objective: there is nothing to compare it with."),
        _ => missing(to, "Needs the curves of arms that completed: curves.csv."),
    }
    to.raw("</section>\n");
}
