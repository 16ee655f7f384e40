//! Verifiers.

use super::Judged;
use super::{unwrap, with_sequences};
use crate::memo::{self, Memo};
use crate::noise::{Noise, NoisyIncremental};
use crate::watch::Watched;
use pstar_core::PluginError;
use pstar_core::abi::{IncrementalBox, VerifierBox};
use pstar_core::author::{Incremental, MAX_ANSWER};
use pstar_core::data::{RaggedBuffer, SequenceBatch, SequenceBuffer};
use pstar_core::rng::StreamKey;
use std::collections::HashMap;

/// Greatest number of pairs that a verifier which asks elsewhere is asked about before what it said is kept.
const AT_ONCE: usize = 4096;

/// A verifier of a plugin.
pub struct VerifierHandle {
    pub(crate) name: String,
    pub(crate) inner: Watched<VerifierBox>,
    /// Of one that asks elsewhere: it may say more than valid and invalid, and what it says is worth keeping.
    pub(crate) memo: Option<Memo>,
    pub(crate) noise: Option<Box<Noise>>,
}

impl VerifierHandle {
    /// The same with noise, in the place of any that it had.
    #[must_use]
    pub fn with_noise(self, noise: Noise) -> Self {
        Self { noise: Some(Box::new(noise)), ..self }
    }

    /// Whether its verdicts are wrong in a known way.
    pub fn is_noisy(&self) -> bool {
        self.noise.is_some()
    }

    /// What the verifier says of each sequence.
    ///
    /// # Errors
    /// If the component fails, or answers what is no verdict.
    pub fn judge(&self, batch: &SequenceBatch<'_>) -> Result<Judged, PluginError> {
        self.with_its_noise(batch, self.judge_truly(batch)?)
    }

    /// As [`judge`](Self::judge), without noise.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn judge_truly(&self, batch: &SequenceBatch<'_>) -> Result<Judged, PluginError> {
        match &self.memo {
            Some(memo) => self.judge_new(memo, batch),
            None => self.ask_for_all(batch),
        }
    }

    fn with_its_noise(&self, batch: &SequenceBatch<'_>, truth: Judged) -> Result<Judged, PluginError> {
        match &self.noise {
            Some(noise) => noise.apply(batch, truth),
            None => Ok(truth),
        }
    }

    /// As [`judge`](Self::judge), whatever is known already.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn judge_afresh(&self, batch: &SequenceBatch<'_>) -> Result<Judged, PluginError> {
        self.with_its_noise(batch, self.ask_for_all(batch)?)
    }

    fn ask_for_all(&self, batch: &SequenceBatch<'_>) -> Result<Judged, PluginError> {
        let (numbers, reasons) = self.ask(batch)?;
        match reasons {
            Some(reasons) => Judged::read(numbers, reasons.into_iter(), &self.name),
            None => Judged::plain(numbers, &self.name),
        }
    }

    /// What it said of responses before; absent where it is quicker to ask it again.
    pub fn memo(&self) -> Option<&Memo> {
        self.memo.as_ref()
    }

    /// Asks about each pair that is not known once.
    fn judge_new(&self, memo: &Memo, batch: &SequenceBatch<'_>) -> Result<Judged, PluginError> {
        let keys = memo::keys(batch);
        let known = memo.find(&keys);
        let mut place = HashMap::new();
        let mut rows = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            if known[row].is_none() && !place.contains_key(key) {
                place.insert(*key, place.len());
                rows.push(row);
            }
        }
        let (mut numbers, mut reasons) = (Vec::new(), Vec::new());
        // Whoever is killed loses the last of them alone.
        for rows in rows.chunks(AT_ONCE) {
            let mut asked = SequenceBuffer::new(batch.prompts().rows().collect::<RaggedBuffer<u32>>());
            for &row in rows {
                asked.push(batch.prompt_of()[row], batch.tokens().row(row).iter().copied());
            }
            let (own, why) = self.ask(&asked.view())?;
            let why = why.unwrap_or_default();
            // What is wrong of an answer is told of it.
            Judged::read(own.clone(), why.clone().into_iter(), &self.name)?;
            let verdicts = rows.iter().map(|&row| keys[row]).zip(own.iter().copied());
            memo.add(verdicts.filter(|(_, number)| *number != Judged::UNKNOWN));
            numbers.extend(own);
            reasons.extend(why);
        }
        let mut reason_of = vec![None; numbers.len()];
        let unknown = numbers.iter().enumerate().filter(|(_, number)| **number == Judged::UNKNOWN);
        unknown.zip(reasons).for_each(|((place, _), reason)| reason_of[place] = Some(reason));
        let all = known.iter().zip(&keys).map(|(known, key)| known.unwrap_or_else(|| numbers[place[key]]));
        let told = known.iter().zip(&keys).filter(|(known, _)| known.is_none());
        let told = told.filter_map(|(_, key)| reason_of[place[key]].clone());
        Judged::read(all.collect(), told, &self.name)
    }

    /// The numbers that crossed, and the reasons of those without a verdict where it may have none.
    fn ask(&self, batch: &SequenceBatch<'_>) -> Result<(Vec<u8>, Option<Vec<String>>), PluginError> {
        let mut numbers = vec![0; batch.len()];
        let reasons = with_sequences(batch, |columns| {
            if self.memo.is_some() {
                let reasons = unwrap(self.inner.call().judge(columns, numbers.as_mut_slice().into()))?;
                if reasons.is_some() {
                    return Ok::<_, PluginError>(reasons.into_option());
                }
            }
            unwrap(self.inner.call().verify(columns, numbers.as_mut_slice().into()))?;
            Ok(None)
        })?;
        Ok((numbers, reasons.map(|reasons| reasons.into_iter().map(String::from).collect())))
    }

    /// Prompts of the verifier's own making, if it offers any.
    ///
    /// # Errors
    /// If the component fails.
    pub fn prompts(&self, count: usize, key: StreamKey) -> Result<Option<Vec<String>>, PluginError> {
        let prompts = unwrap(self.inner.call().prompts(count as u64, key.into()))?.into_option();
        match prompts {
            Some(prompts) if prompts.len() != count => Err(PluginError::contract(format!(
                "verifier `{}` was asked for {count} prompts and gave {}",
                self.name,
                prompts.len()
            ))),
            prompts => Ok(prompts.map(|prompts| prompts.into_iter().map(String::from).collect())),
        }
    }

    /// For each response the answer that it gives, in a spelling that all with this answer share; `None` of what gives none
    /// that could be told, and of all where the component tells none.
    ///
    /// # Errors
    /// If the component fails, or an answer is empty or longer than [`MAX_ANSWER`] bytes.
    pub fn answers(&self, batch: &SequenceBatch<'_>) -> Result<Option<Vec<Option<String>>>, PluginError> {
        let answers = unwrap(with_sequences(batch, |columns| self.inner.call().answers(columns)))?;
        let Some(answers) = answers.into_option() else { return Ok(None) };
        if answers.len() != batch.len() {
            return Err(PluginError::contract(format!(
                "verifier `{}` told {} answers, expected one for each of {} responses",
                self.name,
                answers.len(),
                batch.len()
            )));
        }
        let answers = answers.into_iter().map(|answer| answer.into_option().map(String::from));
        let answers: Vec<Option<String>> = answers.collect();
        match answers.iter().flatten().find(|answer| answer.is_empty() || answer.len() > MAX_ANSWER) {
            None => Ok(Some(answers)),
            Some(found) => Err(PluginError::contract(format!(
                "verifier `{}` told an answer of {} bytes, expected 1 to {MAX_ANSWER}, or none",
                self.name,
                found.len()
            ))),
        }
    }

    /// The verifier of a prompt, reading symbol by symbol, if it offers that.
    ///
    /// # Errors
    /// Of kind [`Unsupported`](pstar_core::ErrorKind::Unsupported) with the reason, where there is no such view and the
    /// component says why; otherwise if the component fails.
    pub fn incremental(&self, prompt: &[u32]) -> Result<Option<IncrementalHandle>, PluginError> {
        let view = unwrap(self.inner.call().incremental(prompt.into()))?.into_option();
        let Some(inner) = view else { return Ok(None) };
        let view = View::Plain { inner: self.inner.part(inner), name: self.name.clone() };
        let Some(noise) = &self.noise else { return Ok(Some(IncrementalHandle { view })) };
        noise.check_incremental()?;
        let mut views = [Some(IncrementalHandle { view }), None, None];
        for (view, other) in views[1..].iter_mut().zip([&noise.accepts_also, &noise.rejects_also]) {
            if let Some(other) = other {
                let Some(own) = other.incremental(prompt)? else { return Ok(None) };
                *view = Some(own);
            }
        }
        Ok(Some(IncrementalHandle { view: View::Noisy(Box::new(NoisyIncremental::new(views))) }))
    }
}

/// A verifier of one prompt that reads symbol by symbol.
#[allow(missing_debug_implementations, reason = "holds a component of a plugin")]
pub struct IncrementalHandle {
    view: View,
}

enum View {
    Plain { name: String, inner: Watched<IncrementalBox> },
    Noisy(Box<NoisyIncremental>),
}

impl IncrementalHandle {
    /// The number of the state from which no response is valid.
    pub const DEAD: u64 = Incremental::DEAD;

    /// The state before the first of at most `horizon` symbols.
    ///
    /// # Errors
    /// If the component fails.
    pub fn start(&mut self, horizon: usize) -> Result<u64, PluginError> {
        match &mut self.view {
            View::Plain { inner, .. } => unwrap(inner.call_mut().start(horizon as u64)),
            View::Noisy(product) => product.start(horizon),
        }
    }

    /// Writes, for each state, whether a response may end there: 0 or 1.
    ///
    /// # Errors
    /// If the component fails.
    pub fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> Result<(), PluginError> {
        let (name, inner) = match &self.view {
            View::Plain { name, inner } => (name, inner),
            View::Noisy(product) => return product.accepts(states, accepts),
        };
        unwrap(inner.call().accepts(states.into(), (&mut *accepts).into()))?;
        match accepts.iter().find(|&&flag| flag > 1) {
            None => Ok(()),
            Some(found) => Err(PluginError::contract(format!(
                "verifier `{name}` gave the verdict {found}, expected 0 or 1"
            ))),
        }
    }

    /// Writes states × symbols: the state behind each symbol, after which at most `remaining` may follow.
    ///
    /// # Errors
    /// If the component fails.
    pub fn expand(&mut self, states: &[u64], remaining: usize, next: &mut [u64]) -> Result<(), PluginError> {
        match &mut self.view {
            View::Plain { inner, .. } => {
                unwrap(inner.call_mut().expand(states.into(), remaining as u64, next.into()))
            }
            View::Noisy(product) => product.expand(states, remaining, next),
        }
    }
}
