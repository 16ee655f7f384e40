//! Cover@τ: the share of prompts that are right at least as often as τ.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::marks::{SMALL, described, open, path, told_path};
use crate::figure::path::Path;
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::Unit;
use crate::palette::shape;
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
    // Thresholds lie close to both 0 and 1: each has the same room.
    let (mut x, mut y) = (Domain::linear(), Domain::linear());
    x.include_all([0.0, thresholds.len() as f64 - 1.0]);
    y.include_all([0.0, 1.0]);
    let y = y.padded(0.03);
    let x_labels =
        Labels(thresholds.iter().enumerate().map(|(i, (key, _))| (i as f64, key.clone())).collect());
    let y_labels = Labels::round(y, 5, Unit::Share);
    let axes = Axes::new(SIZE, (x.padded(0.03), y), &y_labels, true);
    let mut body = Markup::default();
    axes.draw(&mut body, &x_labels, &y_labels, "τ, least validity of a prompt", false);
    let line = |figure: &dyn Fn(&str) -> Option<f64>| {
        let place = |(i, (key, _)): (usize, &(String, f64))| axes.place(i as f64, figure(key)?);
        Path::default().through(thresholds.iter().enumerate().map(place))
    };
    path(&mut body, "base", &line(&|key| view.reference_figure("base", &format!("cover@{key}"))));
    let mut said = Vec::new();
    for (series, group) in class.groups.iter().enumerate() {
        let label = view.series[series].isolated(SHORT);
        let figure = |key: &str| Some(group.last(&format!("cover@{key}"))?.mean);
        let places = thresholds
            .iter()
            .enumerate()
            .filter_map(|(i, (key, _))| axes.place_within(i as f64, figure(key)?));
        let marks = places.fold(Path::default(), |path, at| path.mark(shape(series), at, SMALL));
        let shown = |(key, _): &(String, f64)| {
            let spread = group.last(&format!("cover@{key}"))?;
            Some(format!("{} of prompts at τ = {key}", Unit::Share.spread(&spread, 1)))
        };
        let ends: Vec<String> =
            thresholds.first().into_iter().chain(thresholds.last()).filter_map(shown).collect();
        open(&mut body, series);
        path(&mut body, "line", &line(&figure));
        told_path(&mut body, "m", &marks, ends.join(" … "));
        body.raw("</g>");
        said.extend(ends.last().map(|end| format!("{label} {end}")));
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
