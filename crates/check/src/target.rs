//! What is checked.

use pstar_core::Task;
use pstar_core::data::{Alphabet, Ending};
use pstar_loader::{BaseModelHandle, Handle, ObjectiveHandle, PolicyHandle, Registry, VerifierHandle};

/// The kinds of components, in words.
pub const KINDS: [&str; 4] =
    [BaseModelHandle::KIND, VerifierHandle::KIND, PolicyHandle::KIND, ObjectiveHandle::KIND];

/// A component with a configuration, on a task.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Where it comes from.
    pub registry: &'a Registry,
    /// Its kind, of [`KINDS`].
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its configuration, as RON text.
    pub configuration: &'a str,
    /// The task that it is made for.
    pub task: &'a Task,
}

/// The task that components are checked on where none is named. Models: three letters. Verifiers: digits, signs and brackets
/// beside letters, behind prompts of several kinds.
pub fn default_task(kind: &str) -> Task {
    let (symbols, prompts): (&str, &[&str]) = if kind == VerifierHandle::KIND {
        ("ab01+-*=()", &["", "1=", "0+1=", "ab"])
    } else {
        ("abc", &["", "ab"])
    };
    let alphabet =
        Alphabet::of_chars(symbols, "").unwrap_or_else(|error| unreachable!("they are distinct: {error}"));
    let encode = |prompt: &&str| alphabet.encode(prompt).unwrap_or_default();
    let prompts = prompts.iter().map(encode).collect();
    Task::new(alphabet, 3, Ending::EndSymbol).with_prompts(prompts)
}
