//! Asking a base model.

use super::lines::{encode, encode_prompts};
use super::task::task_of;
use super::{LineProbe, ProbeError, ProbeTask};
use crate::evaluation::number;
use pstar_core::data::{Ending, Ragged, SequenceBuffer};
use pstar_core::{Task, shown};
use pstar_loader::{BaseModelHandle, ModelHandle};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A base model that answers lines.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub struct ModelProbe<'a> {
    probe: ProbeTask<'a>,
    /// The characters met so far; unused with an experiment.
    characters: BTreeSet<char>,
    /// Absent until an alphabet is known.
    model: Option<(Task, BaseModelHandle)>,
}

/// How likely is this response to this prompt?
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelQuestion {
    #[serde(default)]
    prompt: String,
    response: String,
    /// Whether the end symbol follows; default: where the task has one and the response is shorter than its horizon.
    #[serde(default)]
    ended: Option<bool>,
}

/// Natural logarithms; −∞ is the string `-inf`.
#[derive(Clone, Debug, Serialize)]
pub struct ModelAnswer {
    log_prob: Value,
    token_log_probs: Vec<Value>,
}

impl<'a> ModelProbe<'a> {
    /// A base model.
    ///
    /// # Errors
    /// If it is not named or not offered, or refuses its configuration.
    pub fn new(probe: ProbeTask<'a>) -> Result<Self, ProbeError> {
        let model = match probe.experiment {
            Some(experiment) => {
                Some((experiment.world.task.clone(), probe.base_model(&experiment.world.task)?))
            }
            None => None,
        };
        Ok(Self { probe, characters: BTreeSet::new(), model })
    }

    /// The model for the questions: without an experiment its alphabet is the characters met.
    fn model(&mut self, questions: &[ModelQuestion]) -> Result<&(Task, BaseModelHandle), ProbeError> {
        let before = self.characters.len();
        if self.probe.experiment.is_none() {
            let characters = questions.iter().flat_map(|q| q.prompt.chars().chain(q.response.chars()));
            self.characters.extend(characters);
        }
        let known = self.model.take().filter(|_| self.characters.len() == before);
        let model = if let Some(model) = known {
            model
        } else {
            let longest = questions.iter().map(|question| question.response.chars().count()).max();
            let task = task_of(&self.characters, longest.unwrap_or(0) + 1);
            let handle = self.probe.base_model(&task)?;
            (task, handle)
        };
        Ok(self.model.insert(model))
    }
}

impl LineProbe for ModelProbe<'_> {
    type Question = ModelQuestion;
    type Answer = ModelAnswer;

    fn answer(&mut self, questions: &[ModelQuestion], line: usize) -> Result<Vec<ModelAnswer>, ProbeError> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let (task, model) = self.model(questions)?;
        let prompts = encode_prompts(&task.alphabet, questions.iter().map(|q| q.prompt.as_str()), line)?;
        let mut batch = SequenceBuffer::new(prompts);
        for (i, question) in (0u32..).zip(questions) {
            let mut tokens = encode(&task.alphabet, &question.response, line + i as usize)?;
            check_response(task, &tokens, question, line + i as usize)?;
            if task.ending == Ending::EndSymbol && question.ended.unwrap_or(tokens.len() < task.horizon) {
                tokens.push(task.alphabet.end());
            }
            batch.push(i, tokens);
        }
        let view = batch.view();
        let mut log_probs = vec![0.0; view.tokens().values().len()];
        model.score(&view, &mut log_probs)?;
        let rows = Ragged::new(view.tokens().offsets(), &log_probs);
        let answer = |row: &[f64]| ModelAnswer {
            log_prob: number(Some(row.iter().sum())),
            token_log_probs: row.iter().map(|&log_prob| number(Some(log_prob))).collect(),
        };
        Ok(rows.into_iter().flat_map(Ragged::rows).map(answer).collect())
    }
}

/// A response must be an output of the task, or the beginning of one.
fn check_response(
    task: &Task,
    tokens: &[u32],
    question: &ModelQuestion,
    line: usize,
) -> Result<(), ProbeError> {
    let malformed = |message: String| Err(ProbeError::Malformed { line, message });
    if let Some(&foreign) = tokens.iter().find(|&&token| token > task.alphabet.end()) {
        let symbol = task.alphabet.symbol(foreign).unwrap_or_default();
        return malformed(format!("the response holds `{}`, a symbol that only prompts use", shown(symbol)));
    }
    let longest =
        task.horizon - usize::from(question.ended == Some(true) && task.ending == Ending::EndSymbol);
    if tokens.len() > longest {
        let found = tokens.len();
        return malformed(format!("the response must have at most {longest} symbols here, found {found}"));
    }
    Ok(())
}
