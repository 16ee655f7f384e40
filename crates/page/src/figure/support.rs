//! What became of what the base can say: kept, lost and gained, in outputs among k samples.

use crate::figure::Figure;
use crate::figure::axis::{Axes, Labels};
use crate::figure::marks::{described, name, open};
use crate::figure::path::coordinate;
use crate::figure::scale::Domain;
use crate::markup::Markup;
use crate::number::Unit;
use crate::text::SHORT;
use crate::view::{Class, Group, View};
use pstar_record::Spread;

const WIDTH: f64 = 480.0;
const ROW: f64 = 22.0;

/// The parts of coverage of an objective, means over seeds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Support {
    /// What base and policy both say.
    pub(crate) kept: Spread,
    /// What the base says and the policy does not.
    pub(crate) lost: Spread,
    /// What the policy says and the base does not.
    pub(crate) gained: Spread,
}

impl Support {
    /// At a number of samples; absent where the record has none.
    pub(crate) fn of(group: &Group<'_>, k: &str) -> Option<Self> {
        let part =
            |name: &str| group.last(&format!("support_{name}@{k}")).filter(|part| part.mean.is_finite());
        Some(Self { kept: part("kept")?, lost: part("lost")?, gained: part("gained")? })
    }
}

/// The parts of each objective of a class.
pub(crate) fn support(view: &View<'_>, class: &Class<'_>, k: &str) -> Option<Figure> {
    let rows: Vec<(usize, Support)> = (class.groups.iter().enumerate())
        .filter_map(|(series, group)| Some((series, Support::of(group, k)?)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut domain = Domain::linear();
    domain.include(0.0);
    for (_, parts) in &rows {
        domain.include_all([-parts.lost.mean, parts.kept.mean + parts.gained.mean]);
    }
    let domain = domain.padded(0.02);
    let height = ROW * rows.len() as f64 + 58.0;
    let left = Labels(vec![(0.0, "m".repeat(SHORT.min(longest(view, &rows))))]);
    let mut axes = Axes::new((WIDTH, height), (domain, domain), &left, true);
    axes.top = 18.0;
    let x = Labels(
        Labels::round(domain, 7, Unit::Plain)
            .0
            .into_iter()
            .map(|(x, text)| (x, text.trim_start_matches('−').into()))
            .collect(),
    );
    let mut body = Markup::default();
    axes.draw(&mut body, &x, &Labels(Vec::new()), &format!("distinct valid outputs among {k} samples"), true);
    let zero = axes.x.at(0.0).unwrap_or(axes.left);
    name(&mut body, "name end soft", (zero - 6.0, 10.0), "← lost");
    name(&mut body, "name soft", (zero + 6.0, 10.0), "kept, then gained →");
    let mut said = Vec::new();
    for (i, (series, parts)) in rows.iter().enumerate() {
        let y = axes.top + ROW * i as f64 + 4.0;
        let label = &view.series[*series];
        let text = format!(
            "{} kept, {} lost, {} gained",
            Unit::Plain.spread(&parts.kept, 1),
            Unit::Plain.spread(&parts.lost, 1),
            Unit::Plain.spread(&parts.gained, 1)
        );
        open(&mut body, *series);
        body.raw("<g>").leaf("title", &[], &text);
        let (kept, all) = (parts.kept.mean, parts.kept.mean + parts.gained.mean);
        for (class, from, to) in [("lost", -parts.lost.mean, 0.0), ("kept", 0.0, kept), ("gained", kept, all)]
        {
            if let Some((from, to)) = axes.x.at(from).zip(axes.x.at(to)) {
                rectangle(&mut body, class, from, to, y);
            }
        }
        body.raw("</g>");
        name(&mut body, "name end", (axes.left - 6.0, y + 11.0), &label.label(SHORT));
        body.raw("</g>");
        said.push(format!("{} {text}", label.isolated(SHORT)));
    }
    Some(Figure {
        kind: "support",
        name: "support".into(),
        title: format!("What {k} samples hold of what the base's hold"),
        policy: class.name.into(),
        label: described("support against the base", class.name, &said),
        width: WIDTH,
        height,
        body,
    })
}

fn longest(view: &View<'_>, rows: &[(usize, Support)]) -> usize {
    rows.iter().map(|(series, _)| view.series[*series].label(SHORT).chars().count()).max().unwrap_or(0)
}

fn rectangle(to: &mut Markup, class: &'static str, from: f64, until: f64, y: f64) {
    const THICK: f64 = 14.0;
    let [x, y, width] = [from, y, (until - from).max(0.0)].map(|x| coordinate(x).to_string());
    let sides: &[(&'static str, &dyn std::fmt::Display)] =
        &[("class", &class), ("x", &x), ("y", &y), ("width", &width), ("height", &THICK)];
    to.empty("rect", sides);
}
