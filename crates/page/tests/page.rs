//! The page and its figures, without a browser: well-formed, whole, and legible whatever the run holds.

#![allow(clippy::unwrap_used, reason = "a test ends there")]

#[expect(dead_code, reason = "examples use the rest")]
mod common;

use common::{COMPARE, HOSTILE, SMALL, Size, judge, objective, run};
use pstar_page::{figure, figure_names, page};
use pstar_record::{ArmStatus, Failure, FileFault, Measures, RunData, Word};
use roxmltree::{Document, Node};

/// A page as XML: its script and style, which are none, left out.
fn parsed(page: &str) -> String {
    let without = |text: &str, tag: &str| {
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let mut rest = text;
        let mut kept = String::new();
        while let Some(start) = rest.find(&open) {
            let end = start + rest[start..].find(&close).unwrap() + close.len();
            kept.push_str(&rest[..start]);
            rest = &rest[end..];
        }
        kept + rest
    };
    let body = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    without(&without(body, "script"), "style")
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_default()
}

fn is_class(node: Node<'_, '_>, class: &str) -> bool {
    attribute(node, "class").split(' ').any(|own| own == class)
}

/// A family of figures, by its name.
type Family = (String, Vec<(String, Option<f64>)>);

/// What every page must be, whatever the run.
fn sound(data: &RunData) -> String {
    let html = page(data);
    let xml = parsed(&html);
    let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{error}"));
    for node in document.descendants() {
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            if matches!(name, "src" | "href") {
                assert!(value.starts_with('#'), "{name}={value}");
            }
            assert!(!name.starts_with("on"), "{name}");
            if matches!(
                name,
                "d" | "x" | "y" | "cx" | "cy" | "r" | "width" | "height" | "viewBox" | "transform"
            ) {
                let words = ["NaN", "nan", "inf", "undefined", "null", "None"];
                assert!(!words.iter().any(|word| value.contains(word)), "{name}={value}");
            }
        }
        if node.is_element() {
            assert!(!["iframe", "img", "link", "object", "base", "form"].contains(&node.tag_name().name()));
        }
        if is_class(node, "chart") {
            assert_eq!((attribute(node, "role"), attribute(node, "data-drawn")), ("img", "1"));
            assert!(!attribute(node, "aria-label").is_empty());
            assert!(
                node.descendants().any(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "svg"))
                    || node.has_tag_name("svg"))
            );
        }
    }
    for text in document.descendants().filter(Node::is_text).filter_map(|node| node.text()) {
        assert!(!text.contains("NaN") && !text.contains("undefined"), "{text}");
    }
    for name in figure_names(data).iter().step_by(20) {
        let svg = figure(data, name).unwrap();
        Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    html
}

fn count(html: &str, predicate: impl Fn(Node<'_, '_>) -> bool) -> usize {
    Document::parse(&parsed(html)).unwrap().descendants().filter(|node| predicate(*node)).count()
}

#[test]
fn a_run_of_the_size_of_compare_has_everything() {
    let data = run(COMPARE);
    let html = sound(&data);
    assert_eq!(html, page(&data), "the same bytes");
    assert!(html.len() < 500_000, "{} bytes", html.len());
    assert_eq!(count(&html, |node| is_class(node, "vr")), 16);
    // A path at each k, and one that joins them: of every objective, in three figures a class.
    let in_k = |node: Node<'_, '_>| {
        node.has_tag_name("path") && node.ancestors().any(|parent| attribute(parent, "data-kind") == "k")
    };
    assert!(count(&html, in_k) >= 2 * 3 * 8 * (6 + 1));
    for (kind, charts) in [
        ("k", 6),
        ("plane", 4),
        ("curve", 10),
        ("difference", 8),
        ("support", 2),
        ("cover", 2),
        ("difficulty", 4),
        ("dots", 6),
        ("kappa", 1),
    ] {
        assert_eq!(count(&html, |node| attribute(node, "data-kind") == kind), charts, "{kind}");
    }
    let has_tables = |node: Node<'_, '_>| {
        let within = |tag: &str| node.descendants().any(|node| node.has_tag_name(tag));
        node.has_tag_name("section") && within("figure") && within("details") && within("table")
    };
    let with_figures = |node: Node<'_, '_>| {
        node.has_tag_name("section") && node.descendants().any(|node| node.has_tag_name("figure"))
    };
    assert_eq!(count(&html, has_tables), count(&html, with_figures));
    assert!(!html.contains("class=\"missing\">Needs"), "every panel has its figures");
}

/// The words follow from the record, row by row.
#[test]
fn verdicts_are_those_of_the_record() {
    let data = run(COMPARE);
    let html = page(&data);
    let xml = parsed(&html);
    let document = Document::parse(&xml).unwrap();
    let shown: Vec<String> = document
        .descendants()
        .filter(|node| is_class(*node, "vr"))
        .map(|row| {
            row.descendants().find(|node| is_class(*node, "word")).unwrap().text().unwrap().to_string()
        })
        .collect();
    let word = |word: Word| format!("{word:?}").to_lowercase();
    let expected: Vec<String> = data
        .record
        .verdicts
        .iter()
        .flat_map(|verdict| &verdict.rows)
        .map(|row| word(row.word.unwrap()))
        .collect();
    assert_eq!(shown, expected);
    for verdict in &data.record.verdicts {
        let lead = document.descendants().filter(|node| is_class(*node, "lead"));
        let texts: Vec<String> = lead
            .map(|node| {
                node.descendants()
                    .filter(Node::is_text)
                    .filter_map(|node| node.text())
                    .collect::<String>()
                    .replace('\u{a0}', " ")
            })
            .collect();
        // The sentence of the record, but for what stands in brackets behind it.
        let (sentence, _) = verdict.sentence.rsplit_once(" (").unwrap();
        assert!(texts.iter().any(|text| text.contains(sentence)), "{sentence}: {texts:?}");
    }
}

#[test]
fn hostile_names_are_text() {
    let long = "<b>&\"ä\u{202e}".repeat(1500);
    for name in HOSTILE.into_iter().chain([&*long]) {
        let mut data = run(Size { objectives: 2, policies: 1, seeds: 5, points: 3, prompts: 3 });
        data.record.name = name.into();
        for arm in &mut data.record.arms {
            arm.policy = name.into();
            if arm.objective == objective(1) {
                arm.objective = name.into();
            }
            arm.status = if arm.seed == 3 { ArmStatus::Failed } else { ArmStatus::Complete };
            arm.failure = (arm.seed == 3).then(|| Failure { step: 7, message: name.into() });
        }
        data.record.objectives[1].name = name.into();
        for row in &mut data.prompts {
            row.prompt = format!("{name}{}", row.prompt);
        }
        for row in &mut data.outputs {
            row.prompt = format!("{name}{}", row.prompt);
            for output in &mut row.outputs {
                output.output = name.into();
            }
        }
        data.experiment = Some(name.into());
        data.faults.push(FileFault { file: name.into(), problem: name.into() });
        judge(&mut data);
        let html = sound(&data);
        assert_eq!(html.matches("<script").count(), 1, "{name:?}");
        assert!(!html.contains("<img") && !html.contains("<b>&\""));
        // What turns the direction of writing is shown, not obeyed.
        assert!(!html.contains('\u{202e}') && !html.contains('\u{0}') && !html.contains('\u{1b}'));
        assert!(html.len() < 500_000, "{} bytes", html.len());
    }
}

fn plain(html: &str) -> String {
    let xml = parsed(html);
    let document = Document::parse(&xml).unwrap();
    document.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect()
}

#[test]
fn failed_and_missing_arms_are_told() {
    let mut data = run(SMALL);
    for arm in data.record.arms.iter_mut().filter(|arm| arm.objective == objective(1) && arm.seed <= 2) {
        arm.status = ArmStatus::Failed;
        arm.failure = Some(Failure { step: 12, message: "a gradient is NaN".replace("NaN", "no number") });
        arm.last = None;
    }
    for arm in data.record.arms.iter_mut().filter(|arm| arm.objective == objective(2)) {
        arm.status = ArmStatus::Interrupted;
        arm.last = None;
        arm.curve.clear();
    }
    data.record.complete = false;
    data.record.missing.arms = vec!["a".into(); 10];
    judge(&mut data);
    let text = plain(&sound(&data));
    for told in [
        "This run is not complete",
        "4 of 30 arms failed",
        "at step 12: a gradient is no number",
        "10 of 30 arms have not ended",
        "3 of 5 seeds",
        "no arm completed",
    ] {
        assert!(text.contains(told), "{told}");
    }
}

#[test]
fn few_seeds_few_objectives_and_few_prompts_are_said() {
    let one = Size { objectives: 1, policies: 1, seeds: 1, points: 1, prompts: 1 };
    let text = plain(&sound(&run(one)));
    assert!(text.contains("One seed: no intervals") && text.contains("there is nothing to compare it with"));
    assert!(text.contains("1 objective × 1 policy class × 1 seed"));
    let text = plain(&sound(&run(Size { seeds: 3, ..SMALL })));
    assert!(text.contains("3 seeds: too few for intervals"), "{text}");
    sound(&run(Size { prompts: 500, ..SMALL }));
}

#[test]
fn without_arms_there_is_a_page_that_says_so() {
    let mut data = run(SMALL);
    data.record.arms.clear();
    data.record.optima.clear();
    judge(&mut data);
    let text = plain(&sound(&data));
    assert!(text.contains("no arm was trained"));
    data.record.references.clear();
    sound(&data);
}

#[test]
fn infinite_and_absent_figures_are_gaps() {
    let figures = [
        "validity_rate",
        "entropy",
        "effective_number",
        "kl_from_filtered",
        "pass_at",
        "coverage_at",
        "cover_at",
    ];
    for figure in figures {
        for value in
            [None, Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(0.0), Some(1e300), Some(5e-324)]
        {
            let mut data = run(Size { objectives: 2, policies: 1, seeds: 5, points: 3, prompts: 2 });
            let changed = |measures: &Measures| {
                let mut other = Measures::default();
                let mut families: Vec<Family> = Vec::new();
                for (name, found) in measures.flat() {
                    match name.split_once('@') {
                        None => other.push(name.clone(), if name == figure { value } else { found.value }),
                        Some((family, key)) => {
                            let family = format!("{family}_at");
                            let found = if family == figure { value } else { found.value };
                            match families.last_mut().filter(|(known, _)| *known == family) {
                                Some((_, entries)) => entries.push((key.into(), found)),
                                None => families.push((family, vec![(key.into(), found)])),
                            }
                        }
                    }
                }
                for (family, entries) in families {
                    let (keys, values): (Vec<String>, Vec<Option<f64>>) = entries.into_iter().unzip();
                    other.push_family(family, keys, values);
                }
                other
            };
            for arm in data.record.arms.iter_mut().filter(|arm| arm.objective == objective(1)) {
                arm.last = arm.last.as_ref().map(changed);
                for point in arm.curve.iter_mut().skip(1) {
                    point.measures = changed(&point.measures);
                }
            }
            for optimum in data.record.optima.iter_mut().take(2) {
                optimum.measures = changed(&optimum.measures);
            }
            for row in data.prompts.iter_mut().skip(4) {
                row.measures = changed(&row.measures);
            }
            judge(&mut data);
            if value.is_none() {
                sound(&data);
            }
            for (_, measures) in &mut data.record.references {
                *measures = changed(measures);
            }
            judge(&mut data);
            sound(&data);
        }
    }
}

#[test]
fn what_the_record_lacks_is_named() {
    let mut data = run(SMALL);
    data.prompts.clear();
    data.outputs.clear();
    data.provenance = None;
    data.experiment = None;
    data.record.verdicts.clear();
    data.record.intervals.clear();
    for arm in &mut data.record.arms {
        arm.curve.clear();
        arm.last = arm
            .last
            .as_ref()
            .map(|last| last.only(|name| !name.starts_with("support") && !name.starts_with("cover_at")));
    }
    data.faults.push(FileFault { file: "outputs.json".into(), problem: "it is missing".into() });
    let text = plain(&sound(&data));
    for told in [
        "verdicts",
        "curves.csv",
        "prompts.csv",
        "outputs.json: it is missing",
        "provenance.json",
        "experiment.ron",
    ] {
        assert!(text.contains(told), "{told}");
    }
    // Intervals are made from the arms of older records.
    assert!(text.contains("distinct valid outputs"));
}

#[test]
fn rows_of_several_learning_rates_are_apart() {
    let mut data = run(SMALL);
    let other: Vec<_> = data
        .record
        .arms
        .iter()
        .cloned()
        .map(|mut arm| {
            arm.learning_rate = 0.1;
            arm
        })
        .collect();
    data.record.arms.extend(other);
    judge(&mut data);
    let html = sound(&data);
    assert_eq!(count(&html, |node| is_class(node, "vr")), 2 * 3 * 2);
    assert!(plain(&html).contains("objective 1 lr 0.1"));
}

#[test]
fn many_objectives_keep_their_colours_apart() {
    let html = sound(&run(Size { objectives: 40, policies: 1, seeds: 5, points: 11, prompts: 20 }));
    assert_eq!(count(&html, |node| is_class(node, "vr")), 40);
    assert!(html.len() < 1_500_000, "{} bytes", html.len());
}

#[test]
fn a_part_of_a_run_keeps_the_colours_of_the_whole() {
    let mut data = run(SMALL);
    data.record.arms.retain(|arm| arm.objective != objective(1));
    judge(&mut data);
    let html = sound(&data);
    let xml = parsed(&html);
    let document = Document::parse(&xml).unwrap();
    let buttons =
        document.descendants().filter(|node| node.has_tag_name("button") && node.has_attribute("data-o"));
    let buttons: Vec<(&str, String)> = buttons
        .map(|node| {
            let symbol = node.descendants().find(|node| is_class(*node, "sym")).unwrap();
            (attribute(node, "data-o"), attribute(symbol, "class").to_string())
        })
        .collect();
    assert_eq!(buttons, [("0", "sym c0".to_string()), ("2", "sym c2".to_string())]);
    assert!(plain(&html).contains("2 objectives × 2 policy classes"));
}

#[test]
fn figures_have_names_and_stand_alone() {
    let data = run(SMALL);
    let names = figure_names(&data);
    for name in [
        "verdict:policy 0",
        "coverage:policy 1",
        "plane-kl:policy 0",
        "difference-kl:policy 1",
        "cover:policy 0",
    ] {
        assert!(names.iter().any(|known| known == name), "{name} of {names:?}");
    }
    let svg = figure(&data, "plane-coverage").unwrap();
    assert_eq!(Some(svg.clone()), figure(&data, "plane-coverage:policy 0"));
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.contains("<style>"));
    assert_eq!(figure(&data, "plane"), None);
    assert_eq!(figure(&data, "plane-coverage:policy 7"), None);
    for name in &names {
        Document::parse(&figure(&data, name).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(names.len(), names.iter().collect::<std::collections::BTreeSet<_>>().len());
}

/// The record's budget: 1.5 MB at 500 arms, and no single seeds above 1000.
#[test]
fn pages_of_many_arms_stay_small() {
    let size = Size { objectives: 25, policies: 1, seeds: 20, points: 11, prompts: 8 };
    let html = page(&run(size));
    assert!(html.len() < 1_500_000 && html.contains("class=\"seed\""), "{} bytes", html.len());
    let html = page(&run(Size { seeds: 41, points: 3, ..size }));
    assert!(html.len() < 1_500_000 && !html.contains("class=\"seed\""), "{} bytes", html.len());
}
