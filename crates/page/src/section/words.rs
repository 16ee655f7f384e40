//! What the words mean.

use crate::markup::Markup;
use crate::section::begin;
use crate::view::View;

const WORDS: [(&str, &str); 9] = [
    ("base a", "the model before training; every objective is read against it"),
    (
        "p*",
        "the filtered model: the base, conditioned on the output being valid. It has all of the base's diversity that is right",
    ),
    (
        "p_[β]",
        "the tilted distribution, the base times exp(v(x)/β), normalised: what KL-control at λ = 1/β aims at",
    ),
    ("validity", "the probability that one sample is valid, mean over prompts"),
    ("coverage@k", "the expected number of distinct valid outputs among k samples"),
    ("pass@k", "the probability that at least one of k samples is valid"),
    ("KL(p*‖q)", "the divergence of the policy q from p*, in nats: large where q has lost what p* says"),
    ("entropy, exp H", "the entropy of the policy's outputs in nats, and the effective number of them"),
    (
        "class optimum",
        "the best policy of a class under an objective: where the objective heads, whatever an optimizer reaches",
    ),
];

pub(crate) fn write(_: &View<'_>, to: &mut Markup) {
    begin(to, "words-of", "Words");
    to.raw("<dl class=\"words\">");
    for (word, meaning) in WORDS {
        to.leaf("dt", &[], word).leaf("dd", &[], meaning);
    }
    to.raw("</dl></section>\n");
}
