//! Checks of base models, and of policies as models.

mod asked;
mod causal;
mod hostile;
mod normalised;
mod outputs;
mod repeats;
mod sampling;
mod states;

use super::{Check, Failure, ModelView, Subject, defaults};
pub use asked::answers;
use asked::answers_of;
pub(super) use asked::{conditionals, score};

/// What a model is.
type Model = dyn ModelView;

/// All checks of models.
pub const CHECKS: &[Check<Model>] = &[
    Check {
        name: "hostile-input",
        proves: "no batch makes it panic: none, one, long prompts, every symbol, outputs at the horizon",
        first: false,
        run: hostile::check,
    },
    Check {
        name: "same-answers",
        proves: "equal questions get equal answers: asked twice, in another order, of another instance and in another thread",
        first: false,
        run: repeats::check,
    },
    Check {
        name: "sums-to-one",
        proves: "the probabilities of all outputs sum to 1, and so do those of the choices behind every prefix asked about",
        first: false,
        run: normalised::check,
    },
    Check {
        name: "causal",
        proves: "the probability of a token depends on what stands before it alone",
        first: false,
        run: causal::check,
    },
    Check {
        name: "score-of-samples",
        proves: "samples come with the log-probabilities that `score` gives them",
        first: false,
        run: sampling::check_scores,
    },
    Check {
        name: "counter-layout",
        proves: "sample i of prompt p has at position t the token that the uniform at (p, i, t) picks",
        first: false,
        run: sampling::check_layout,
    },
    Check {
        name: "states",
        proves: "the finite-state view gives the log-probabilities of `score`",
        first: false,
        run: states::check,
    },
    Check {
        name: "outputs",
        proves: "`score_outputs` gives the log-probabilities of `score`, in canonical order",
        first: false,
        run: outputs::check,
    },
    Check {
        name: "listed-defaults",
        proves: "the defaults that `host plugins` lists are those it has",
        first: false,
        run: |subject| defaults::check(subject, answers_of),
    },
];

/// What is wrong with a model, as checks of policies say it too.
type Fault = Failure;

/// The subject of a check.
type Of<'a, 'b> = &'a Subject<'b, Model>;
