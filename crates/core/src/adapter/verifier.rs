//! Verifiers.

use super::{read_task, same_length};
use crate::abi::{
    AbiIncremental, AbiIncremental_TO, AbiResult, AbiVerifier, AbiVerifier_TO, BoundaryKey, Columns, Guarded,
    IncrementalBox, VerifierBox, guard,
};
use crate::author::{Incremental, Verdict, Verifier};
use crate::data::{Alphabet, SequenceBatch};
use crate::error::{ErrorKind, PluginError};
use crate::files::{FileRead, noted};
use crate::{config, wire};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RSlice, RSliceMut, RStr, RString, RVec};

pub(crate) struct VerifierAdapter<V> {
    verifier: Guarded<V>,
    alphabet: Alphabet,
    files: Vec<FileRead>,
}

impl<V: Verifier> VerifierAdapter<V> {
    pub(crate) extern "C" fn create(configuration: RStr<'_>, task: RStr<'_>) -> AbiResult<VerifierBox> {
        guard(V::NAME, || {
            let task = read_task(task.as_str())?;
            let (verifier, files) = noted(|| V::for_task(config::parse(configuration.as_str())?, &task))?;
            let (verifier, alphabet) = (Guarded::new(verifier), task.alphabet);
            Ok(AbiVerifier_TO::from_value(Self { verifier, alphabet, files }, TD_Opaque))
        })
    }
}

impl<V: Verifier> VerifierAdapter<V> {
    /// The texts of the prompts of a batch.
    fn prompts_of(&self, batch: &SequenceBatch<'_>) -> Vec<String> {
        batch.prompts().rows().map(|prompt| self.alphabet.decode(prompt)).collect()
    }

    /// Shows every response, with its prompt, in order.
    fn each_response(&self, batch: &SequenceBatch<'_>, mut show: impl FnMut(&str, &str)) {
        let (mut prompt, mut last) = (String::new(), None);
        self.alphabet.decode_rows(batch.tokens().rows(), |row, response| {
            let number = batch.prompt_of()[row];
            // Of many prompts few are asked about, one behind another.
            if last != Some(number) {
                last = Some(number);
                prompt.clear();
                self.alphabet.decode_into(batch.prompts().row(number as usize), &mut prompt);
            }
            show(&prompt, response);
        });
    }
}

impl<V: Verifier> AbiVerifier for VerifierAdapter<V> {
    fn verify(&self, batch: Columns<'_>, mut verdicts: RSliceMut<'_, u8>) -> AbiResult<()> {
        guard(V::NAME, || {
            let batch = wire::read_sequences(&batch)?;
            same_length("verdicts", verdicts.len(), batch.len())?;
            let mut verdicts = verdicts.as_mut_slice().iter_mut();
            self.each_response(&batch, |prompt, response| {
                if let Some(verdict) = verdicts.next() {
                    *verdict = u8::from(self.verifier.accepts(prompt, response));
                }
            });
            Ok(())
        })
    }

    fn prompts(&self, count: u64, key: BoundaryKey) -> AbiResult<ROption<RVec<RString>>> {
        guard(V::NAME, || {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let prompts = self.verifier.prompts(count, key.into());
            Ok(prompts.map(|prompts| prompts.into_iter().map(RString::from).collect()).into())
        })
    }

    fn incremental(&self, prompt: RSlice<'_, u32>) -> AbiResult<ROption<IncrementalBox>> {
        guard(V::NAME, || {
            let prompt = self.alphabet.decode(prompt.as_slice());
            let view = self.verifier.incremental(&prompt);
            if let Some(refusal) =
                view.is_none().then(|| self.verifier.incremental_refusal(&prompt)).flatten()
            {
                return Err(PluginError { kind: ErrorKind::Unsupported, ..refusal });
            }
            let symbols = self.alphabet.symbols();
            let adapt = |view| IncrementalAdapter {
                view: Guarded::new(view),
                symbols: symbols.to_vec(),
                name: V::NAME,
            };
            Ok(view.map(|view| AbiIncremental_TO::from_value(adapt(view), TD_Opaque)).into())
        })
    }

    fn files(&self) -> AbiResult<ROption<RString>> {
        super::tell(&self.files)
    }

    fn answers(&self, batch: Columns<'_>) -> AbiResult<ROption<RVec<ROption<RString>>>> {
        guard(V::NAME, || {
            let Some(answer) = V::ANSWER else { return Ok(ROption::RNone) };
            let batch = wire::read_sequences(&batch)?;
            let mut answers = RVec::with_capacity(batch.len());
            self.each_response(&batch, |prompt, response| {
                answers.push(answer(&self.verifier, prompt, response).map(RString::from).into());
            });
            Ok(ROption::RSome(answers))
        })
    }

    fn judge(
        &self,
        batch: Columns<'_>,
        mut verdicts: RSliceMut<'_, u8>,
    ) -> AbiResult<ROption<RVec<RString>>> {
        guard(V::NAME, || {
            let Some(judge) = V::JUDGE else { return Ok(ROption::RNone) };
            let batch = wire::read_sequences(&batch)?;
            same_length("verdicts", verdicts.len(), batch.len())?;
            let prompts = self.prompts_of(&batch);
            let responses = batch.tokens().rows().map(|tokens| self.alphabet.decode(tokens));
            let responses: Vec<String> = responses.collect();
            let pairs = batch.prompt_of().iter().zip(&responses);
            let pairs =
                pairs.map(|(&prompt, response)| (prompts[prompt as usize].as_str(), response.as_str()));
            let judged = judge(&self.verifier, &pairs.collect::<Vec<_>>());
            if judged.len() != verdicts.len() {
                let (found, expected) = (judged.len(), verdicts.len());
                return Err(PluginError::contract(format!("{found} verdicts on {expected} responses")));
            }
            for (number, verdict) in verdicts.as_mut_slice().iter_mut().zip(&judged) {
                *number = verdict.number();
            }
            let reason =
                |verdict| if let Verdict::Unknown(reason) = verdict { Some(reason.into()) } else { None };
            Ok(ROption::RSome(judged.into_iter().filter_map(reason).collect()))
        })
    }
}

struct IncrementalAdapter {
    view: Guarded<Incremental>,
    symbols: Vec<String>,
    name: &'static str,
}

impl IncrementalAdapter {
    /// What was answered, if it is an answer.
    fn unless_at_fault<T>(&self, answered: T) -> Result<T, PluginError> {
        self.view.take_fault().map_or(Ok(answered), Err)
    }
}

impl AbiIncremental for IncrementalAdapter {
    fn start(&mut self, horizon: u64) -> AbiResult<u64> {
        guard(self.name, || {
            let state = self.view.start(to_size(horizon));
            self.unless_at_fault(state)
        })
    }

    fn accepts(&self, states: RSlice<'_, u64>, mut accepts: RSliceMut<'_, u8>) -> AbiResult<()> {
        guard(self.name, || {
            same_length("flags", accepts.len(), states.len())?;
            let found = self.view.accepts(states.as_slice(), accepts.as_mut_slice());
            known(self.unless_at_fault(found)?)
        })
    }

    fn expand(
        &mut self,
        states: RSlice<'_, u64>,
        remaining: u64,
        mut next: RSliceMut<'_, u64>,
    ) -> AbiResult<()> {
        guard(self.name, || {
            same_length("next states", next.len(), states.len() * self.symbols.len())?;
            let (states, remaining) = (states.as_slice(), to_size(remaining));
            let found = self.view.expand(states, &self.symbols, remaining, next.as_mut_slice());
            known(self.unless_at_fault(found)?)
        })
    }
}

fn to_size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn known(known: bool) -> Result<(), PluginError> {
    known
        .then_some(())
        .ok_or_else(|| PluginError::contract("the host asked about a state that was never given out"))
}
