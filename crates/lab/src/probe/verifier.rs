//! Asking a verifier.

use super::lines::{encode, encode_prompts};
use super::task::task_of;
use super::{LineProbe, ProbeError, ProbeTask};
use pstar_core::Task;
use pstar_core::data::SequenceBuffer;
use pstar_loader::VerifierHandle;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A verifier that answers lines.
#[allow(missing_debug_implementations, reason = "holds components of plugins")]
pub struct VerifierProbe<'a> {
    probe: ProbeTask<'a>,
    /// The characters met so far; unused with an experiment.
    characters: BTreeSet<char>,
    task: Task,
    verifier: VerifierHandle,
}

/// Is this response valid for this prompt?
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifierQuestion {
    #[serde(default)]
    prompt: String,
    response: String,
}

/// The verdict.
#[derive(Clone, Debug, Serialize)]
pub struct VerifierAnswer {
    /// Null where there is no verdict.
    valid: Option<bool>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_verdict: Option<String>,
    /// What it answers, whatever its spelling, where the verifier tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

impl<'a> VerifierProbe<'a> {
    /// A verifier.
    ///
    /// # Errors
    /// If it is not named or not offered, or refuses its configuration.
    pub fn new(probe: ProbeTask<'a>) -> Result<Self, ProbeError> {
        let characters = BTreeSet::new();
        let task = probe
            .experiment
            .map_or_else(|| task_of(&characters, 1), |experiment| experiment.world.task.clone());
        let verifier = probe.verifier(&task)?;
        Ok(Self { probe, characters, task, verifier })
    }

    /// Extends the alphabet by the characters of a batch, where it is made of the characters met.
    fn meet(&mut self, questions: &[VerifierQuestion]) -> Result<(), ProbeError> {
        if self.probe.experiment.is_some() {
            return Ok(());
        }
        let before = self.characters.len();
        let characters = questions.iter().flat_map(|q| q.prompt.chars().chain(q.response.chars()));
        self.characters.extend(characters);
        if self.characters.len() > before {
            self.task = task_of(&self.characters, 1);
            self.verifier = self.probe.verifier(&self.task)?;
        }
        Ok(())
    }
}

impl LineProbe for VerifierProbe<'_> {
    type Question = VerifierQuestion;
    type Answer = VerifierAnswer;

    fn answer(
        &mut self,
        questions: &[VerifierQuestion],
        line: usize,
    ) -> Result<Vec<VerifierAnswer>, ProbeError> {
        self.meet(questions)?;
        let prompts = encode_prompts(&self.task.alphabet, questions.iter().map(|q| q.prompt.as_str()), line)?;
        let mut batch = SequenceBuffer::new(prompts);
        for (i, question) in (0u32..).zip(questions) {
            batch.push(i, encode(&self.task.alphabet, &question.response, line + i as usize)?);
        }
        let judged = self.verifier.judge(&batch.view())?;
        let answers = self.verifier.answers(&batch.view())?.unwrap_or_else(|| vec![None; questions.len()]);
        let mut reasons = judged.reasons.into_iter();
        let answers = judged.valid.into_iter().zip(answers);
        let answer = |(valid, answer): (Option<bool>, _)| {
            let no_verdict = valid.is_none().then(|| reasons.next().unwrap_or_default());
            VerifierAnswer { valid, no_verdict, answer }
        };
        Ok(answers.map(answer).collect())
    }
}
