//! Whether any batch is answered.

use super::asked::{score, scored};
use super::{Fault, Model, Of};
use crate::author::SampleRequest;
use crate::data::{RaggedBuffer, SequenceBuffer};
use crate::error::ErrorKind;
use crate::rng::{Purpose, StreamKey};
use crate::testing::{Conclusion, Outcome, Outputs};

/// Symbols of a long prompt.
const LONG: usize = 5_000;

/// Scores and samples with unusual prompts.
pub(super) fn check(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let end = task.alphabet.end();
    let all: Vec<u32> =
        (0..u32::try_from(task.alphabet.tokens()).unwrap_or(end)).filter(|&token| token != end).collect();
    let long: Vec<u32> = all.iter().copied().cycle().take(LONG).collect();
    let rows = Outputs::of(task, 64).rows;
    let prompts = [Vec::new(), vec![0], all, long];
    let longest = task.prompts.iter().map(Vec::len).max().unwrap_or(0);
    let mut refused = 0;
    for prompt in &prompts {
        (subject.asks)(&format!("scores and samples behind a prompt of {} symbols", prompt.len()));
        // A model may say that it has no room for more than the prompts of its task.
        if prompt.len() > longest
            && let Err(error) = score(&*model, prompt, &rows)
            && error.kind == ErrorKind::Data
        {
            refused_too(&*model, prompt)?;
            refused += 1;
            continue;
        }
        scored(subject, &*model, prompt, &rows)?;
        let table: RaggedBuffer<u32> = [prompt.as_slice()].into_iter().collect();
        let failed =
            |error| Fault::of_error(format!("samples behind a prompt of {} symbols", prompt.len()), &error);
        for samples in [&[][..], &[0], &[u32::MAX, 7]] {
            let prompt_of = vec![0; samples.len()];
            let request = SampleRequest::new(table.view(), &prompt_of, samples).map_err(failed)?;
            let found = model
                .sample(&request, StreamKey::new(u64::MAX, Purpose::Rollout, u32::MAX))
                .map_err(failed)?;
            if found.tokens.view().len() != samples.len() {
                return Err(Fault::new(
                    format!("{} samples behind a prompt of {} symbols", samples.len(), prompt.len()),
                    "one sequence a row of the request",
                    format!("{} sequences", found.tokens.view().len()),
                    "sample every row of the request",
                ));
            }
        }
        let nothing = SequenceBuffer::new(table);
        model
            .score(&nothing.view(), &mut [])
            .map_err(|error| Fault::of_error("the scores of no output", &error))?;
    }
    let count = prompts.len();
    Outcome::passed(match refused {
        0 => format!("{count} prompts"),
        _ => format!("{count} prompts; {refused} longer than any of the task were refused in words"),
    })
}

/// That nothing is sampled, in words, behind a prompt that scores are refused of.
fn refused_too(model: &Model, prompt: &[u32]) -> Result<(), Fault> {
    let table: RaggedBuffer<u32> = [prompt].into_iter().collect();
    let what = format!("a sample behind a prompt of {} symbols", prompt.len());
    let request = SampleRequest::new(table.view(), &[0], &[0]);
    let request = request.map_err(|error| Fault::of_error(&what, &error))?;
    match model.sample(&request, StreamKey::new(1, Purpose::Rollout, 0)) {
        Err(error) if error.kind == ErrorKind::Data => Ok(()),
        Err(error) => Err(Fault::of_error(what, &error)),
        Ok(_) => Err(Fault::new(
            what,
            "refused, as its scores are",
            "a sample",
            "refuse such prompts in `sample` as in `score`, with an error of the kind `Data`",
        )),
    }
}
