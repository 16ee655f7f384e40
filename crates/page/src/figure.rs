//! Figures as SVG: text that is the same for the same record, without a browser.
//!
//! Colours, what is shown and how strongly are classes and variables that a style sheet decides: dark paper, switched-off
//! objectives and print draw nothing again.

pub(crate) mod alone;
pub(crate) mod axis;
pub(crate) mod cover;
pub(crate) mod crossing;
pub(crate) mod curve;
pub(crate) mod decimal;
pub(crate) mod difficulty;
pub(crate) mod dots;
pub(crate) mod forest;
pub(crate) mod k_figure;
pub(crate) mod kappa;
pub(crate) mod labels;
pub(crate) mod marks;
pub(crate) mod named;
pub(crate) mod path;
pub(crate) mod plane;
pub(crate) mod scale;
pub(crate) mod sheet;
pub(crate) mod support;
pub(crate) mod ticks;
pub(crate) mod verdict;

use crate::markup::Markup;

/// A figure of one policy class.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    /// What is drawn: `k`, `plane`, `curve`, ….
    pub(crate) kind: &'static str,
    /// Its name for `figure`, without the policy.
    pub(crate) name: String,
    /// What it shows.
    pub(crate) title: String,
    /// The policy; empty where it is of none.
    pub(crate) policy: String,
    /// What it shows and where that ends, for those who do not see it.
    pub(crate) label: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) body: Markup,
}

impl Figure {
    /// Its name among all of a run.
    pub(crate) fn full_name(&self) -> String {
        if self.policy.is_empty() { self.name.clone() } else { format!("{}:{}", self.name, self.policy) }
    }

    /// Within a page.
    pub(crate) fn write(&self, to: &mut Markup) {
        to.open("figure", &[("class", &self.kind)]).raw("<figcaption><b>").text(&self.title).raw("</b> ");
        if !self.policy.is_empty() {
            crate::text::name(to, &self.policy, crate::text::LONG);
        }
        to.raw("</figcaption>");
        let chart: &[(&'static str, &dyn std::fmt::Display)] = &[
            ("class", &"chart"),
            ("data-kind", &self.kind),
            ("data-drawn", &1),
            ("role", &"img"),
            ("aria-label", &self.label),
        ];
        to.open("div", chart);
        let view_box = format!("0 0 {} {}", self.width, self.height);
        to.open("svg", &[("viewBox", &view_box), ("aria-hidden", &"true")]);
        to.append(&self.body).raw("</svg></div></figure>\n");
    }
}
