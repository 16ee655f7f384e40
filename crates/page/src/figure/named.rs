//! The figures of a run by name, each also as an image of its own.

use crate::figure::Figure;
use crate::figure::cover::cover;
use crate::figure::curve::{Curves, Of, curve, shared_domain};
use crate::figure::difficulty::difficulty;
use crate::figure::dots::dots;
use crate::figure::k_figure::{Quantity, domain, k_figure};
use crate::figure::kappa::kappa;
use crate::figure::plane::{Against, plane};
use crate::figure::support::support;
use crate::figure::verdict::verdict;
use crate::view::{Class, Metric, View};

/// All figures of a run, in the order of the page, drawn as they are asked for.
pub(crate) fn all<'v>(view: &'v View<'_>) -> impl Iterator<Item = Figure> + 'v {
    let kinds: [fn(&View<'_>) -> Rows; 9] =
        [verdicts, samples, planes, training, signals, differences, climbing, kept, entropies];
    kinds.into_iter().flat_map(|kind| kind(view)).flatten()
}

/// Rows of figures, one a policy class.
pub(crate) type Rows = Vec<Vec<Figure>>;

/// What the objectives did.
fn verdicts(view: &View<'_>) -> Rows {
    view.classes.iter().map(|class| verdict(view, class).into_iter().collect()).collect()
}

/// What more samples bring.
pub(crate) fn samples(view: &View<'_>) -> Rows {
    if view.ks.len() < 2 {
        return Vec::new();
    }
    let domains = Quantity::ALL.map(|quantity| domain(view, quantity));
    let row = |class: &Class<'_>| {
        Quantity::ALL
            .into_iter()
            .zip(domains)
            .map(|(quantity, y)| k_figure(view, class, quantity, y))
            .collect()
    };
    trained(view).map(row).collect()
}

/// Validity against diversity.
pub(crate) fn planes(view: &View<'_>) -> Rows {
    let all = Against::all(view);
    trained(view).map(|class| all.iter().map(|against| plane(view, class, against)).collect()).collect()
}

/// What training did, step by step.
pub(crate) fn training(view: &View<'_>) -> Rows {
    let metrics = [
        (Metric::validity(), "validity"),
        (Metric::entropy(), "entropy"),
        (Metric::effective_number(), "effective-number"),
        (Metric::kl(), "kl"),
    ];
    curves(view, metrics.map(|(metric, name)| (metric, name.to_string())), Drawn::Shared)
}

/// What explains it, where a run has it.
pub(crate) fn signals(view: &View<'_>) -> Rows {
    let metrics = Metric::signals().map(|metric| {
        let name = metric.name.replace('_', "-");
        (metric, name)
    });
    curves(view, metrics, Drawn::Signals)
}

/// Paired differences to the first objective.
pub(crate) fn differences(view: &View<'_>) -> Rows {
    if view.trained().count() < 2 {
        return Vec::new();
    }
    let coverage = view.greatest_k().map(|k| (Metric::coverage(k), "difference-coverage"));
    let metrics =
        [Some((Metric::validity(), "difference-validity")), Some((Metric::entropy(), "difference-entropy"))];
    let metrics = metrics.into_iter().chain([coverage, Some((Metric::kl(), "difference-kl"))]);
    curves(view, metrics.flatten().map(|(metric, name)| (metric, name.to_string())), Drawn::Differences)
}

/// How fast objectives climb.
fn climbing(view: &View<'_>) -> Rows {
    vec![kappa(view).into_iter().collect()]
}

/// What was kept and what was lost.
pub(crate) fn kept(view: &View<'_>) -> Rows {
    let coverage = view.greatest_k().map(Metric::coverage);
    let row = |class: &Class<'_>| {
        let support = view.greatest_k().and_then(|k| support(view, class, k));
        let validity = difficulty(view, class, &Metric::validity(), "difficulty-validity");
        let coverage =
            coverage.as_ref().and_then(|metric| difficulty(view, class, metric, "difficulty-coverage"));
        [support, cover(view, class), validity, coverage].into_iter().flatten().collect()
    };
    trained(view).map(row).collect()
}

/// How wide the trained policies are.
pub(crate) fn entropies(view: &View<'_>) -> Rows {
    let metric =
        |name: &str, title: &str| Metric { name: name.into(), title: title.into(), ..Metric::entropy() };
    let all = [
        (metric("entropy", "H(q), of all outputs, nats"), "answer-entropy"),
        (metric("entropy_given_valid", "H(q | valid), of the valid ones, nats"), "valid-entropy"),
        (metric("token_entropy", "of a token, nats"), "end-token-entropy"),
    ];
    let row =
        |class: &Class<'_>| all.iter().filter_map(|(metric, name)| dots(view, class, metric, name)).collect();
    trained(view).map(row).collect()
}

/// The classes that have figures.
fn trained<'v, 'a>(view: &'v View<'a>) -> impl Iterator<Item = &'v Class<'a>> {
    view.classes.iter().filter(|class| class.groups.iter().any(|group| !group.ends().is_empty()))
}

/// How curves are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    /// On axes that all classes share.
    Shared,
    /// The same without single seeds.
    Signals,
    /// As differences, on axes of their own.
    Differences,
}

/// Curves of the metrics that a run has.
fn curves(view: &View<'_>, metrics: impl IntoIterator<Item = (Metric, String)>, drawn: Drawn) -> Rows {
    let of = if drawn == Drawn::Differences { Of::Difference } else { Of::Itself };
    let classes: Vec<&Class<'_>> = trained(view).collect();
    let mut rows: Rows = classes.iter().map(|_| Vec::new()).collect();
    for (metric, name) in metrics {
        let with_seeds = drawn != Drawn::Signals;
        let new = |class: &&Class<'_>| Curves { with_seeds, ..Curves::new(class, &metric, of) };
        let all: Vec<Curves> = classes.iter().map(new).collect();
        if all.iter().all(Curves::is_empty) {
            continue;
        }
        let together = shared_domain(view, &all);
        for ((row, class), curves) in rows.iter_mut().zip(&classes).zip(&all) {
            let domain = if of == Of::Itself { together } else { curves.domain() };
            row.push(curve(view, class, curves, domain, name.clone()));
        }
    }
    rows
}
