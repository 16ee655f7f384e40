//! A verifier in C as a component of the binary interface.

use super::message::Message;
use super::table::{RawText, Table};
use super::texts::Texts;
use crate::component::{Component, Plugin};
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{ROption, RSlice, RSliceMut, RString, RVec};
use pstar_core::abi::{
    AbiResult, AbiVerifier, AbiVerifier_TO, BoundaryKey, Columns, IncrementalBox, VerifierBox,
};
use pstar_core::data::{Alphabet, SequenceBatch};
use pstar_core::{PluginError, Task, config, shown, wire};
use std::ffi::c_void;
use std::ptr;

/// What a verdict is before it is written, and behind the last.
const UNWRITTEN: u8 = u8::MAX;
/// Bytes behind the last verdict, which tell whether more were written.
const GUARD: usize = 64;

/// The plugin of a table: one verifier.
pub(super) fn plugin(table: Table) -> Plugin {
    let (version, name, doc) = (table.version.clone(), table.name.clone(), table.doc.clone());
    let make = move |configuration: &str, task: &str| CVerifier::make(&table, configuration, task);
    let mut component = Component::new(name, doc, Vec::new(), make);
    component.offers = vec!["judges".into()];
    Plugin {
        version,
        interface: "C 1".into(),
        verifiers: vec![component],
        base_models: Vec::new(),
        policies: Vec::new(),
        objectives: Vec::new(),
    }
}

struct CVerifier {
    table: Table,
    state: *mut c_void,
    alphabet: Alphabet,
}

// SAFETY: the header allows calls on any thread, and several of `verify` at once with one state.
unsafe impl Send for CVerifier {}
// SAFETY: as above; `destroy` runs in `Drop`, when nobody else has the state.
unsafe impl Sync for CVerifier {}

impl Drop for CVerifier {
    fn drop(&mut self) {
        // SAFETY: `create` gave this state, no call with it goes on, and none follows.
        unsafe { (self.table.destroy)(self.state) };
    }
}

impl CVerifier {
    fn make(table: &Table, configuration: &str, task: &str) -> Result<VerifierBox, PluginError> {
        let task: Task = config::parse(task)?;
        let mut texts = Texts::default();
        let number = texts.push(configuration);
        let (mut message, mut state) = (Message::new(), ptr::null_mut());
        let (err, cap) = message.room();
        // SAFETY: the text and the room for a message live until the call is over.
        let code = unsafe { (table.create)(texts.raw(number), &raw mut state, err, cap) };
        if code == 0 {
            let made = Self { table: table.clone(), state, alphabet: task.alphabet };
            // Where it wrote too far it is destroyed all the same.
            return match message.text() {
                Ok(_) => Ok(AbiVerifier_TO::from_value(made, TD_Opaque)),
                Err(fault) => Err(contract(&table.name, "create", &fault)),
            };
        }
        let said = message.text().map_err(|fault| contract(&table.name, "create", &fault))?;
        let said = if said.is_empty() { format!("error {code}, and nothing more") } else { said };
        Err(PluginError::new(pstar_core::ErrorKind::Config, format!("verifier `{}`: {said}", table.name)))
    }

    /// Writes what it says of each response, and answers the reason of every response without a verdict.
    fn ask(&self, batch: &SequenceBatch<'_>, verdicts: &mut [u8]) -> Result<Vec<String>, PluginError> {
        let (expected, found) = (batch.len(), verdicts.len());
        if expected != found {
            let message = format!("the host asked for {found} verdicts, expected {expected}");
            return Err(PluginError::contract(message));
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let (mut texts, mut text) = (Texts::default(), String::new());
        let mut decoded = |tokens: &[u32]| {
            text.clear();
            self.alphabet.decode_into(tokens, &mut text);
            texts.push(&text)
        };
        let prompts: Vec<usize> = batch.prompts().rows().map(&mut decoded).collect();
        let responses: Vec<usize> = batch.tokens().rows().map(&mut decoded).collect();
        let prompts: Vec<usize> = batch.prompt_of().iter().map(|&prompt| prompts[prompt as usize]).collect();
        let raw = |numbers: &[usize]| -> Vec<RawText> { numbers.iter().map(|&n| texts.raw(n)).collect() };
        let (raw_prompts, raw_responses) = (raw(&prompts), raw(&responses));
        let mut out = vec![UNWRITTEN; expected + GUARD];
        let mut message = Message::new();
        let (err, cap) = message.room();
        // SAFETY: texts, verdicts and the room for a message live until the call is over, and are as long as is said.
        let code = unsafe {
            (self.table.verify)(
                self.state,
                raw_prompts.as_ptr(),
                raw_responses.as_ptr(),
                expected,
                out.as_mut_ptr(),
                err,
                cap,
            )
        };
        let fault = |fault: &str| contract(&self.table.name, "verify", fault);
        let said = message.text().map_err(|too_long| fault(&too_long))?;
        if out[expected..].iter().any(|&byte| byte != UNWRITTEN) {
            return Err(fault(&format!("wrote more than the {expected} verdicts that it was asked for")));
        }
        if code != 0 {
            let said = if said.is_empty() { "it does not say why" } else { &said };
            return Err(PluginError::data(format!("verifier `{}`: error {code}: {said}", self.table.name)));
        }
        if let Some(row) = out[..expected].iter().position(|&verdict| verdict > 2) {
            let [prompt, response] = [prompts[row], responses[row]].map(|number| shown(texts.get(number)));
            let pair = format!("the response `{response}` to the prompt `{prompt}`");
            return Err(fault(&match out[row] {
                UNWRITTEN => format!("wrote no verdict on {pair}"),
                found => format!("wrote the verdict {found} on {pair}, expected 0, 1 or 2"),
            }));
        }
        verdicts.copy_from_slice(&out[..expected]);
        let reason = if said.is_empty() { "the verifier does not say why".into() } else { said };
        Ok(verdicts.iter().filter(|&&verdict| verdict == 2).map(|_| reason.clone()).collect())
    }
}

/// That a function broke a rule of the header.
fn contract(verifier: &str, function: &str, fault: &str) -> PluginError {
    PluginError::contract(format!("verifier `{verifier}`: `{function}` {fault}"))
        .with_hint("this is a defect of the plugin; report it to its author")
}

impl AbiVerifier for CVerifier {
    fn verify(&self, batch: Columns<'_>, mut verdicts: RSliceMut<'_, u8>) -> AbiResult<()> {
        let asked = wire::read_sequences(&batch).and_then(|batch| self.ask(&batch, verdicts.as_mut_slice()));
        asked.map(|_| ()).map_err(Into::into).into()
    }

    fn prompts(&self, _count: u64, _key: BoundaryKey) -> AbiResult<ROption<RVec<RString>>> {
        AbiResult::ROk(ROption::RNone)
    }

    fn incremental(&self, _prompt: RSlice<'_, u32>) -> AbiResult<ROption<IncrementalBox>> {
        AbiResult::ROk(ROption::RNone)
    }

    /// None: the header forbids them.
    fn files(&self) -> AbiResult<ROption<RString>> {
        AbiResult::ROk(ROption::RSome("[]".into()))
    }

    fn judge(
        &self,
        batch: Columns<'_>,
        mut verdicts: RSliceMut<'_, u8>,
    ) -> AbiResult<ROption<RVec<RString>>> {
        let asked = wire::read_sequences(&batch).and_then(|batch| self.ask(&batch, verdicts.as_mut_slice()));
        let reasons = asked.map(|reasons| reasons.into_iter().map(RString::from).collect());
        reasons.map(ROption::RSome).map_err(Into::into).into()
    }
}
