//! How fast objectives climb: κ(V), on axes of ratios.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::marks::{SMALL, mark, open, path};
use crate::figure::path::Path;
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::Unit;
use crate::text::SHORT;
use crate::view::View;
use pstar_record::ObjectiveKappa;

const SIZE: (f64, f64) = (480.0, 280.0);

/// κ of an objective, where it has one; of objectives at several learning rates the first row's.
pub(crate) fn of_series<'a>(view: &View<'a>, series: usize) -> Option<&'a ObjectiveKappa> {
    let own = &view.series[series];
    if !view.trained().any(|trained| trained.index == series) {
        return None;
    }
    let is_first = view.series.iter().position(|other| other.objective == own.objective) == Some(series);
    view.record.kappa.as_ref()?.objectives.iter().find(|row| is_first && row.objective == own.objective)
}

/// κ of all objectives that have one.
pub(crate) fn kappa(view: &View<'_>) -> Option<Figure> {
    let record = view.record.kappa.as_ref()?;
    let rates = &record.validity_rates;
    let rows: Vec<(usize, &ObjectiveKappa)> = (0..view.series.len())
        .filter_map(|series| Some((series, of_series(view, series)?)))
        .filter(|(_, row)| row.kappa.len() == rates.len() && row.kappa.iter().any(|kappa| *kappa > 0.0))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let (mut x, mut y) = (Domain::log(), Domain::log());
    x.include_all(rates.iter().copied());
    y.include_all(rows.iter().flat_map(|(_, row)| row.kappa.iter().copied()));
    let y = y.padded(0.05);
    let x_labels = Labels(rates.iter().map(|rate| (*rate, rate.to_string())).collect());
    let y_labels = Labels::round(y, 5, Unit::Plain);
    let axes = Axes::new(SIZE, (x.padded(0.02), y), &y_labels, true);
    let mut body = Markup::default();
    axes.draw(&mut body, &x_labels, &y_labels, "validity V of a prompt", false);
    let mut said = Vec::new();
    for (series, row) in &rows {
        let points = || rates.iter().zip(&row.kappa);
        open(&mut body, *series);
        path(
            &mut body,
            "line",
            &Path::default().through(points().map(|(rate, kappa)| axes.place(*rate, *kappa))),
        );
        for (rate, kappa) in points() {
            if let Some(at) = axes.place_within(*rate, *kappa) {
                let text = format!("κ = {} at V = {}", Unit::Plain.number(*kappa), rate);
                mark(&mut body, "m", *series, at, SMALL, text);
            }
        }
        body.raw("</g>");
        if let Some(kappa) = row.kappa.first() {
            let label = view.series[*series].isolated(SHORT);
            said.push(format!("{label} {} at V = {}", Unit::Plain.number(*kappa), rates[0]));
        }
    }
    Some(Figure {
        kind: "kappa",
        name: "kappa".into(),
        title: "κ(V), the factor of ∇V in the expected gradient".into(),
        policy: String::new(),
        label: format!("κ by validity: {}", said.join("; ")),
        width: SIZE.0,
        height: SIZE.1,
        body,
    })
}
