//! Components that are part of this program leave its panic hook what is not theirs. The hook is the process's: hence one test, in a
//! process of its own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end in a panic, and is about them")]

use pstar_core::data::{Alphabet, Ending, RaggedBuffer, SequenceBuffer};
use pstar_core::export::Components;
use pstar_core::{PluginError, Task, Verifier};
use pstar_loader::{Plugin, VerifierHandle};
use std::panic::{catch_unwind, set_hook};
use std::sync::Mutex;
use std::thread;

/// What the hook of the program was told.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Panics wherever it can.
struct Panics;

impl Verifier for Panics {
    const NAME: &'static str = "panics";
    const DOC: &'static str = "nothing is valid";
    type Config = ();

    fn new((): ()) -> Result<Self, PluginError> {
        Ok(Self)
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        assert!(response != "a", "in a component");
        // A thread of a component is inside of no guard: nobody would hear of it.
        thread::spawn(|| panic!("in a thread of a component")).join().is_err()
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("in a component's end");
    }
}

fn verifier() -> VerifierHandle {
    let mut components = Components::default();
    components.verifiers::<Panics>();
    let plugin = Plugin::of(components.into_root("1.2.3"));
    let alphabet = Alphabet::new(vec!["a".into(), "b".into()], vec!["p".into()]).unwrap();
    plugin.verifiers[0].create("()", &Task::new(alphabet, 8, Ending::EndSymbol)).unwrap()
}

/// The verdict on a response of one symbol.
fn judged(verifier: &VerifierHandle, symbol: u32) -> Result<Option<bool>, PluginError> {
    let prompts: RaggedBuffer<u32> = [&[0][..]].into_iter().collect();
    let mut batch = SequenceBuffer::new(prompts);
    batch.push(0, [symbol]);
    verifier.judge(&batch.view()).map(|judged| judged.valid[0])
}

/// What the hook was told since it was asked last.
fn told() -> Vec<String> {
    std::mem::take(&mut TOLD.lock().unwrap())
}

#[test]
fn panics_outside_of_components_keep_their_hook() {
    set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or_default();
        TOLD.lock().unwrap().push(message.into());
    }));
    // Several plugins of one program: the hook is put in front of the program's once.
    let verifiers = [verifier(), verifier()];
    catch_unwind(|| panic!("before")).unwrap_err();
    assert_eq!(told(), ["before"]);
    let error = judged(&verifiers[0], 0).unwrap_err();
    assert!(error.message.starts_with("`panics` panicked: in a component at "), "{error}");
    assert!(error.message.contains("panic_hook.rs"), "{error}");
    assert_eq!(told(), [""; 0]);
    assert_eq!(judged(&verifiers[1], 1), Ok(Some(true)));
    assert_eq!(told(), ["in a thread of a component"]);
    drop(verifiers);
    assert_eq!(told(), [""; 0]);
    catch_unwind(|| panic!("after")).unwrap_err();
    assert_eq!(told(), ["after"]);
}
