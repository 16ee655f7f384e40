//! Verifiers.

use super::{read_task, same_length};
use crate::abi::{AbiResult, AbiVerifier, AbiVerifier_TO, BoundaryKey, Columns, Guarded, VerifierBox, guard};
use crate::author::Verifier;
use crate::data::Alphabet;
use crate::{config, wire};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RSliceMut, RStr, RString, RVec};

pub(crate) struct VerifierAdapter<V> {
    verifier: Guarded<V>,
    alphabet: Alphabet,
}

impl<V: Verifier> VerifierAdapter<V> {
    pub(crate) extern "C" fn create(configuration: RStr<'_>, task: RStr<'_>) -> AbiResult<VerifierBox> {
        guard(V::NAME, || {
            let verifier = Guarded::new(V::new(config::parse(configuration.as_str())?)?);
            let alphabet = read_task(task.as_str())?.alphabet;
            Ok(AbiVerifier_TO::from_value(Self { verifier, alphabet }, TD_Opaque))
        })
    }
}

impl<V: Verifier> AbiVerifier for VerifierAdapter<V> {
    fn verify(&self, batch: Columns<'_>, mut verdicts: RSliceMut<'_, u8>) -> AbiResult<()> {
        guard(V::NAME, || {
            let batch = wire::read_sequences(&batch)?;
            same_length("verdicts", verdicts.len(), batch.len())?;
            let prompts: Vec<String> = batch.prompts().rows().map(|p| self.alphabet.decode(p)).collect();
            let mut response = String::new();
            for (i, verdict) in verdicts.as_mut_slice().iter_mut().enumerate() {
                response.clear();
                self.alphabet.decode_into(batch.tokens().row(i), &mut response);
                let prompt = &prompts[batch.prompt_of()[i] as usize];
                *verdict = u8::from(self.verifier.accepts(prompt, &response));
            }
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
}
