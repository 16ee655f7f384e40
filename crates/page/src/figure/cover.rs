//! Cover@τ: the share of prompts that are right at least as often as τ.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::marks::{SMALL, described, mark, open, path};
use crate::figure::path::Path;
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::Unit;
use crate::text::SHORT;
use crate::view::{Class, View, keys};

const SIZE: (f64, f64) = (480.0, 260.0);

/// The thresholds that a run has, as written, from least to greatest.
pub(crate) fn thresholds(view: &View<'_>) -> Vec<(String, f64)> {
    let measures = view.record.arms.iter().find_map(|arm| arm.last.as_ref());
    measures.map(|measures| keys(measures, "cover")).unwrap_or_default()
}

/// Of a policy class.
pub(crate) fn cover(view: &View<'_>, class: &Class<'_>) -> Option<Figure> {
    let thresholds = thresholds(view);
    if thresholds.is_empty() {
        return None;
    }
    let (mut x, mut y) = (Domain::log(), Domain::linear());
    x.include_all(thresholds.iter().map(|(_, tau)| *tau));
    y.include_all([0.0, 1.0]);
    let y = y.padded(0.03);
    let x_labels = Labels(thresholds.iter().map(|(key, tau)| (*tau, key.clone())).collect());
    let y_labels = Labels::round(y, 5, Unit::Share);
    let axes = Axes::new(SIZE, (x.padded(0.03), y), &y_labels, true);
    let mut body = Markup::default();
    axes.draw(&mut body, &x_labels, &y_labels, "τ, least validity of a prompt", false);
    let line = |figure: &dyn Fn(&str) -> Option<f64>| {
        let place = |(key, tau): &(String, f64)| axes.place(*tau, figure(key)?);
        Path::default().through(thresholds.iter().map(place))
    };
    path(&mut body, "base", &line(&|key| view.reference_figure("base", &format!("cover@{key}"))));
    let mut said = Vec::new();
    for (series, group) in class.groups.iter().enumerate() {
        let label = view.series[series].isolated(SHORT);
        open(&mut body, series);
        path(&mut body, "line", &line(&|key| Some(group.last(&format!("cover@{key}"))?.mean)));
        for (key, tau) in &thresholds {
            let Some(spread) = group.last(&format!("cover@{key}")) else { continue };
            let text = format!("{label}: {} of prompts at τ = {key}", Unit::Share.spread(&spread, 1));
            if let Some(at) = axes.place_within(*tau, spread.mean) {
                mark(&mut body, "m", series, at, SMALL, &text);
            }
            if key == &thresholds[thresholds.len() - 1].0 {
                said.push(text);
            }
        }
        body.raw("</g>");
    }
    Some(Figure {
        kind: "cover",
        name: "cover".into(),
        title: "Cover@τ, share of prompts".into(),
        policy: class.name.into(),
        label: described("share of prompts with validity of at least τ", class.name, &said),
        width: SIZE.0,
        height: SIZE.1,
        body,
    })
}
