//! What a verifier lets through: told, and never a failure.
//!
//! Under the base of a task the mass of what it accepts is exact where base and verifier (and reference) have states, by
//! going through the states that all reach together, or where the outputs are few enough to list; else it is estimated
//! from samples, with Wilson's 95 % interval.

mod joint;
mod listed;
mod mutations;
mod product;
mod sampled;

use joint::Joint;
use pstar_core::data::{Ragged, SequenceBuffer};
use pstar_core::testing::{Finding, Findings, ModelView, Observer, Outcome, VerifierView, made};
use pstar_core::{PluginError, Task, shown};

/// Makes a verifier for a task.
pub type MakeVerifier<'a> = dyn Fn(&Task) -> Result<Box<dyn VerifierView>, PluginError> + 'a;

/// A verifier on a task, and what it is held against.
#[allow(missing_debug_implementations, reason = "borrows components of plugins")]
pub struct Audited<'a> {
    /// Makes the verifier for a task.
    pub make: &'a MakeVerifier<'a>,
    /// What draws the responses.
    pub base: &'a dyn ModelView,
    /// Who is right where the two differ.
    pub reference: Option<&'a dyn VerifierView>,
    /// The task.
    pub task: &'a Task,
    /// Its prompts.
    pub prompts: Ragged<'a, u32>,
    /// One weight a prompt; they sum to 1.
    pub weights: &'a [f64],
    /// Whether an output that no end symbol ends is invalid, whatever anybody says.
    pub truncated_is_invalid: bool,
}

/// Prompts that are looked at: the first ones.
const MOST_PROMPTS: usize = 64;

/// Tells what a verifier accepts, what changes its verdicts and where it differs from the reference.
pub fn audit(audited: &Audited<'_>, observer: &mut dyn Observer) -> Findings {
    let verifier = (audited.make)(audited.task);
    let verifier = match &verifier {
        Ok(verifier) => &**verifier,
        // The check of its interface has said so.
        Err(_) => return Findings::default(),
    };
    let told = |result: Result<String, PluginError>| match result {
        Ok(what) => Outcome::Told { what },
        Err(error) => Outcome::Skipped { why: error.message },
    };
    let mass = made("accepted-mass", "nothing: what the base says that it accepts", observer, || {
        told(joint(audited, verifier, None).map(|joint| joint.accepted()))
    });
    let changes =
        made("mutations", "nothing: what becomes of verdicts where responses are changed", observer, || {
            told(mutations::tell(audited, verifier))
        });
    let rates = audited.reference.and_then(|reference| {
        made("against-reference", "nothing: where it differs from the reference", observer, || {
            told(joint(audited, verifier, Some(reference)).map(|joint| joint.rates()))
        })
    });
    Findings([mass, changes, rates].into_iter().flatten().collect::<Vec<Finding>>())
}

/// What verifier and reference say of the base's responses, over the prompts.
fn joint(
    audited: &Audited<'_>,
    verifier: &dyn VerifierView,
    reference: Option<&dyn VerifierView>,
) -> Result<Joint, PluginError> {
    let count = audited.prompts.len().min(MOST_PROMPTS);
    let whole: f64 = audited.weights[..count].iter().sum();
    let mut sum = Joint::default();
    for prompt in 0..count {
        let asked = Asked { audited, verifier, reference, prompt };
        let found = match asked.product()? {
            Some(found) => found,
            None => match asked.listed()? {
                Some(found) => found,
                None => asked.sampled()?,
            },
        };
        sum.add(&found, audited.weights[prompt] / whole);
    }
    Ok(sum)
}

/// One prompt of an audit.
#[derive(Clone, Copy)]
struct Asked<'a> {
    audited: &'a Audited<'a>,
    verifier: &'a dyn VerifierView,
    reference: Option<&'a dyn VerifierView>,
    prompt: usize,
}

impl Asked<'_> {
    fn tokens(&self) -> &[u32] {
        self.audited.prompts.row(self.prompt)
    }

    /// What the two say of outputs: the reference, where there is none, what the verifier says.
    fn judge(&self, rows: &[Vec<u32>]) -> Result<Vec<[bool; 2]>, PluginError> {
        let mut batch = SequenceBuffer::new([self.tokens()].into_iter().collect());
        for row in rows {
            batch.push(0, row.iter().copied());
        }
        let view = batch.view();
        let of_verifier = self.verifier.judge(&view)?;
        let of_reference =
            self.reference.map_or_else(|| Ok(of_verifier.clone()), |other| other.judge(&view))?;
        let end = self.audited.task.alphabet.end();
        let refused = |row: &Vec<u32>| self.audited.truncated_is_invalid && row.last() != Some(&end);
        let pair = |((row, one), other): ((&Vec<u32>, Option<bool>), Option<bool>)| {
            [one, other].map(|verdict| verdict == Some(true) && !refused(row))
        };
        Ok(rows.iter().zip(of_verifier).zip(of_reference).map(pair).collect())
    }

    /// A pair as it is quoted.
    fn quoted(&self, row: &[u32]) -> String {
        let text = |tokens: &[u32]| shown(&self.audited.task.alphabet.decode(tokens));
        format!("`{}` to `{}`", text(row), text(self.tokens()))
    }
}
