//! What base, p* and the trained policies say most, side by side.

use crate::markup::Markup;
use crate::number::Unit;
use crate::section::{begin, missing, objective};
use crate::text::{LONG, cut, name};
use crate::view::{Class, View};
use pstar_record::{LikelyOutputs, RunData, Whose};

/// Prompts that are shown.
const PROMPTS: usize = 3;

/// Outputs of each.
const OUTPUTS: usize = 5;

/// Objectives that are shown beside each other: nobody compares more lists.
const OBJECTIVES: usize = 24;

/// Characters of an output.
const LENGTH: usize = 60;

pub(crate) fn write(view: &View<'_>, to: &mut Markup) {
    begin(to, "outputs", "Most probable outputs");
    let prompts = prompts(view.data);
    if prompts.is_empty() {
        missing(to, "Needs the most probable outputs, outputs.json.");
    } else {
        to.raw("<p class=\"said\">With their probabilities; struck out what is not valid. Trained policies are those of one seed.").text(which(view.data, &prompts));
        to.text(estimated(view.data)).raw("</p>\n");
        for class in &view.classes {
            of_class(view, class, &prompts, to);
        }
    }
    to.raw("</section>\n");
}

fn rate(data: &RunData, prompt: &str) -> Option<f64> {
    let is_base = |whose: &Whose| matches!(whose, Whose::Reference(name) if name == "base");
    let row = data.prompts.iter().find(|row| row.prompt == prompt && is_base(&row.whose))?;
    row.measures.get("validity_rate")
}

/// The hardest, the middle and the easiest of the prompts; the first ones where it is not known which those are.
fn prompts(data: &RunData) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for row in &data.outputs {
        if all.last() != Some(&&*row.prompt) && !all.contains(&&*row.prompt) {
            all.push(&row.prompt);
        }
    }
    if all.len() <= PROMPTS {
        return all;
    }
    let rates: Option<Vec<f64>> = all.iter().map(|prompt| rate(data, prompt)).collect();
    let Some(rates) = rates else { return all[..PROMPTS].to_vec() };
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| rates[a].total_cmp(&rates[b]));
    [0, order.len() / 2, order.len() - 1].map(|place| all[order[place]]).into()
}

fn which(data: &RunData, shown: &[&str]) -> String {
    let all: std::collections::BTreeSet<&str> = data.outputs.iter().map(|row| &*row.prompt).collect();
    match all.len() - shown.len() {
        0 => String::new(),
        others if shown.iter().all(|prompt| rate(data, prompt).is_some()) => {
            format!(
                " Prompts: the base's hardest, a middle one, and its easiest; {others} others are in outputs.json."
            )
        }
        others => format!(" The first prompts; {others} others are in outputs.json."),
    }
}

fn estimated(data: &RunData) -> &'static str {
    if data.outputs.iter().all(|row| row.exact) {
        ""
    } else {
        " Lists marked ≈ are the most frequent of samples."
    }
}

fn of_class(view: &View<'_>, class: &Class<'_>, prompts: &[&str], to: &mut Markup) {
    if !view
        .data
        .outputs
        .iter()
        .any(|row| matches!(&row.whose, Whose::End { policy, .. } if policy == class.name))
    {
        return;
    }
    to.raw("<h3>");
    name(to, class.name, LONG);
    to.raw("</h3>\n");
    for (i, prompt) in prompts.iter().enumerate() {
        let rows: Vec<&LikelyOutputs> =
            view.data.outputs.iter().filter(|row| row.prompt == *prompt).collect();
        let reference = |name: &str| {
            rows.iter().find(|row| matches!(&row.whose, Whose::Reference(known) if known == name)).copied()
        };
        to.raw(if i == 0 { "<details class=\"prompt\" open=\"\">" } else { "<details class=\"prompt\">" });
        to.raw("<summary>prompt <code>");
        name(to, if prompt.is_empty() { "(empty)" } else { prompt }, LONG);
        to.raw("</code></summary><div class=\"cards\">");
        for (row, title) in [("base", "base a"), ("filtered", "p*")] {
            if let Some(row) = reference(row) {
                card(to, row, |to| {
                    to.raw(title);
                });
            }
        }
        for series in view.trained().take(OBJECTIVES) {
            if let Some(row) = rows.iter().find(|row| View::is_of(&row.whose, class, series)) {
                card(to, row, |to| objective(to, series));
            }
        }
        to.raw("</div>\n");
        if view.trained().count() > OBJECTIVES {
            to.leaf(
                "p",
                &[("class", &"missing")],
                format!("{} more objectives, in outputs.json", view.trained().count() - OBJECTIVES),
            );
        }
        to.raw("</details>\n");
    }
}

fn card(to: &mut Markup, row: &LikelyOutputs, title: impl FnOnce(&mut Markup)) {
    to.raw("<div><h4>");
    title(to);
    to.raw(if row.exact { "</h4><ol>" } else { " ≈</h4><ol>" });
    for output in row.outputs.iter().take(OUTPUTS) {
        to.raw(if output.valid { "<li>" } else { "<li class=\"x\">" });
        let text = if output.output.is_empty() { "(empty)".into() } else { cut(&output.output, LENGTH) };
        to.raw("<code><bdi>")
            .text(text)
            .raw("</bdi></code><span>")
            .text(Unit::Share.number(output.probability))
            .raw("</span></li>");
    }
    to.raw("</ol></div>");
}
