//! Whether samples are those of the scores and of the random numbers.

use super::asked::{prompts, quoted, scored, table};
use super::{Fault, Model, Of, conditionals};
use crate::author::{SampleRequest, Samples};
use crate::data::Task;
use crate::math;
use crate::rng::{Purpose, StreamKey, cumulative, pick};
use crate::testing::numbers::log_probs_differ;
use crate::testing::{Conclusion, Outcome};

/// Samples of each prompt.
const SAMPLES: u32 = 48;

/// How far from a step of the distribution a uniform may be for rounding in single precision to decide.
const CLOSE: f64 = 1e-5;

const KEY: StreamKey =
    StreamKey { seed: 11, purpose: Purpose::Rollout as u8, step: 3, epoch: 0, resample: 1 };

/// Samples, whose numbers are no ranks.
fn sample(model: &Model, task: &Task) -> Result<(Vec<(u32, u32)>, Samples), Fault> {
    let prompts = prompts(task);
    let rows: Vec<(u32, u32)> = (0..u32::try_from(prompts.len()).unwrap_or(0))
        .flat_map(|prompt| (0..SAMPLES).map(move |sample| (prompt, 5 * sample + prompt)))
        .collect();
    let (prompt_of, numbers): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
    let table = table(&prompts);
    let failed = |error| Fault::of_error(format!("{} samples", rows.len()), &error);
    let request = SampleRequest::new(table.view(), &prompt_of, &numbers).map_err(failed)?;
    let samples = model.sample(&request, KEY).map_err(failed)?;
    let found = samples.tokens.view().len();
    if found == rows.len() {
        return Ok((rows, samples));
    }
    Err(Fault::new(format!("{} samples", rows.len()), "one a row", found.to_string(), "sample every row"))
}

/// Compares the log-probabilities that come with samples with the scores.
pub(super) fn check_scores(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let (rows, samples) = sample(&*model, task)?;
    let prompts = prompts(task);
    let mut told = samples.log_probs.iter();
    for (&(prompt, _), row) in rows.iter().zip(samples.tokens.view().rows()) {
        let prompt = &prompts[prompt as usize];
        let scores = scored(subject, &*model, prompt, &[row.to_vec()])?;
        for (t, (&score, &told)) in scores[0].iter().zip(told.by_ref().take(row.len())).enumerate() {
            if log_probs_differ(score, told) {
                return Err(Fault::new(
                    format!("the sample {}, its token {}", quoted(task, prompt, row), t + 1),
                    format!("the log-probability {score}, as `score` has it"),
                    told.to_string(),
                    "take both from one function",
                ));
            }
        }
    }
    Outcome::passed(format!("{} samples", rows.len()))
}

/// Recomputes every sampled token from its uniform number and the scores of all choices.
pub(super) fn check_layout(subject: Of<'_, '_>) -> Conclusion {
    let (task, model) = (subject.task, subject.fresh()?);
    let (rows, samples) = sample(&*model, task)?;
    let prompts = prompts(task);
    let (end, mut tokens) = (task.alphabet.end(), 0);
    for (&(prompt, number), row) in rows.iter().zip(samples.tokens.view().rows()) {
        let text = &prompts[prompt as usize];
        let positions: Vec<Vec<u32>> = (0..row.len()).map(|t| row[..t].to_vec()).collect();
        let of_positions = conditionals(&*model, task, text, &positions)
            .map_err(|error| Fault::of_error(quoted(task, text, row), &error))?;
        let mut uniforms = KEY.row(prompt, number);
        for (t, log_probs) in of_positions.iter().enumerate() {
            let probs: Vec<f64> = log_probs.iter().map(|&x| math::exp(x)).collect();
            let mut sums = vec![0.0; probs.len()];
            cumulative(&probs, &mut sums);
            let u = uniforms.at(t);
            let expected = u32::try_from(pick(&sums, u)).unwrap_or(end);
            tokens += 1;
            if expected != row[t] && sums.iter().all(|sum| (sum - u).abs() > CLOSE) {
                let symbol = |token: u32| task.alphabet.symbol(token).unwrap_or("(end)").to_string();
                return Err(Fault::new(
                    format!(
                        "position {t} of sample {number} of prompt {prompt}, whose uniform number is {u:.6}"
                    ),
                    format!("`{}`, which it picks from the probabilities of `score`", symbol(expected)),
                    format!("`{}`", symbol(row[t])),
                    "draw the token at t with `pick(&cumulative, key.row(prompt, sample).at(t))`",
                ));
            }
        }
    }
    Outcome::passed(format!("{tokens} tokens"))
}
