//! The verdict of a policy class as an image: name, word, figures, and coverage in units of the start's.

use crate::figure::Figure;
use crate::figure::forest::{Forest, HEIGHT, WIDTH};
use crate::figure::marks::{LARGE, described, name};
use crate::figure::path::{Path, coordinate};
use crate::markup::Markup;
use crate::number::Unit;
use crate::palette::{class as colour, shape};
use crate::text::SHORT;
use crate::view::{Class, View};
use pstar_record::Word;

/// Where the columns begin.
const WORDS: f64 = 190.0;
const FIGURES: f64 = 280.0;
const ROWS: f64 = 560.0;

/// Of a policy class; absent where the record has no verdict of it.
pub(crate) fn verdict(view: &View<'_>, class: &Class<'_>) -> Option<Figure> {
    let verdict = class.verdict?;
    let forest = Forest::of(view);
    let k = verdict.metric.rsplit('@').next().unwrap_or_default();
    let mut body = Markup::default();
    name(
        &mut body,
        "name soft",
        (FIGURES, HEIGHT - 9.0),
        &format!("distinct valid outputs among {k} samples"),
    );
    body.open("g", &[("transform", &format!("translate({ROWS} 0)"))]);
    forest.labels(&mut body, 0.0);
    body.raw("</g>");
    let mut said = Vec::new();
    let mut y = HEIGHT;
    for (series, group) in class.groups.iter().enumerate() {
        let Some(row) = group.verdict else { continue };
        let label = view.series[series].label(SHORT);
        body.open("g", &[("class", &colour(series))]);
        let mark = Path::default().mark(shape(series), (8.0, y + HEIGHT / 2.0), LARGE);
        body.empty("path", &[("class", &"m"), ("d", &mark.d())]).raw("</g>");
        let base_line = y + HEIGHT / 2.0 + 4.0;
        name(&mut body, "name strong", (24.0, base_line), &label);
        if let Some(found) = row.word {
            tag(&mut body, found, y);
        }
        let figures = row.coverage.as_ref().zip(row.validity_rate.as_ref()).map_or(
            "–".into(),
            |(coverage, validity)| {
                format!("{}; {} valid", Unit::Plain.spread(coverage, 1), Unit::Share.spread(validity, 1))
            },
        );
        name(&mut body, "name", (FIGURES, base_line), &figures);
        body.open("g", &[("transform", &format!("translate({ROWS} 0)"))]);
        forest.marks(&mut body, y, series, row.coverage.as_ref(), verdict);
        body.raw("</g>");
        said.push(format!("{label} {}", row.sentence));
        y += HEIGHT;
    }
    Some(Figure {
        kind: "forest",
        name: "verdict".into(),
        title: format!("Verdict: {} against the start's", verdict.metric),
        policy: class.name.into(),
        label: described("verdict", class.name, &said),
        width: ROWS + WIDTH,
        height: y + 4.0,
        body,
    })
}

fn tag(to: &mut Markup, found: Word, y: f64) {
    let class = match found {
        Word::Collapses => "tag full",
        Word::Keeps => "tag tint",
        _ => "tag",
    };
    let y_of = coordinate(y + 4.0);
    let sides: &[(&'static str, &dyn std::fmt::Display)] =
        &[("class", &class), ("x", &WORDS), ("y", &y_of), ("width", &76), ("height", &18), ("rx", &3)];
    to.empty("rect", sides);
    let class = if found == Word::Collapses { "name middle strong inverse" } else { "name middle strong" };
    name(to, class, (WORDS + 38.0, y + HEIGHT / 2.0 + 4.0), found.as_str());
}
