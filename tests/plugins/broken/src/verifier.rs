//! A verifier of balanced lengths that is broken in one way.

use pstar_core::author::{Answer, Incremental, Recognizer};
use pstar_core::rng::StreamKey;
use pstar_core::{Field, PluginError, Verifier};
use serde::Deserialize;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Accepts responses of an even number of characters.
pub(crate) struct Broken {
    fault: Fault,
    odd: bool,
    calls: AtomicUsize,
    /// Which instance of this process it is.
    number: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    fault: Fault,
    #[serde(default)]
    odd: Option<bool>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Cuts a text in the middle of a character.
    CutsCharacters,
    /// Reads a number of any length into 64 bits.
    Overflows,
    /// Calls itself once a bracket.
    Recurses,
    /// Does not come back from a text without digits.
    Hangs,
    /// Every hundredth verdict is another.
    Counts,
    /// Hangs on which instance it is.
    Instance,
    /// Hangs on the number of the process.
    Process,
    /// The view forgets the last symbol.
    IncrementalForgets,
    /// The view says too early that nothing valid can follow.
    IncrementalGivesUp,
    /// Answers with nothing.
    EmptyAnswer,
    /// Answers with the number of the call.
    CountedAnswer,
    /// Proposes too few prompts.
    FewPrompts,
    /// A default that is not the listed one.
    Default,
}

impl Verifier for Broken {
    const NAME: &'static str = "broken-verifier";
    const DOC: &'static str = "valid is an even number of characters, but for one fault";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::required("fault", "choice", "", "what is broken"),
        Field::optional("odd", "boolean", "", "false", "whether an odd number is valid instead"),
    ];
    const ANSWER: Option<Answer<Self>> = Some(|verifier, _, response| match verifier.fault {
        Fault::EmptyAnswer => Some(String::new()),
        Fault::CountedAnswer => Some(verifier.calls.fetch_add(1, Ordering::Relaxed).to_string()),
        _ => Some(response.len().to_string()),
    });

    fn new(Config { fault, odd }: Config) -> Result<Self, PluginError> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        // What is listed as the default is not what is done where it is left out.
        let odd = odd.unwrap_or(fault == Fault::Default);
        Ok(Self { fault, odd, calls: AtomicUsize::new(0), number: MADE.fetch_add(1, Ordering::Relaxed) })
    }

    fn accepts(&self, _prompt: &str, response: &str) -> bool {
        let even = response.chars().count().is_multiple_of(2) != self.odd;
        match self.fault {
            Fault::CutsCharacters => even && (response.len() < 2 || !response[..1].is_empty()),
            Fault::Overflows => {
                let digits = !response.is_empty() && response.bytes().all(|byte| byte.is_ascii_digit());
                even && !(digits && response.parse::<u64>().map(|_| false).expect("a number"))
            }
            Fault::Recurses => even && depth(response.as_bytes()) < usize::MAX,
            Fault::Hangs if response == "日本語" => loop {
                std::thread::park();
            },
            Fault::Counts => even != (self.calls.fetch_add(1, Ordering::Relaxed) % 100 == 99),
            Fault::Instance => even != self.number.is_multiple_of(2),
            Fault::Process => {
                // Any two numbers differ in about half of these bits, and responses ask about all of them.
                let bits = u64::from(std::process::id()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                even != ((bits >> (response.bytes().map(u32::from).sum::<u32>() % 64)) & 1 == 1)
            }
            _ => even,
        }
    }

    fn prompts(&self, count: usize, _: StreamKey) -> Option<Vec<String>> {
        let count = if self.fault == Fault::FewPrompts { count - 1 } else { count };
        Some((0..count).map(|i| format!("{i}=")).collect())
    }

    fn incremental(&self, _: &str) -> Option<Incremental> {
        let views = matches!(self.fault, Fault::None | Fault::IncrementalForgets | Fault::IncrementalGivesUp);
        views.then(|| Incremental::new(Parity { fault: self.fault, odd: self.odd }))
    }
}

#[inline(never)]
fn depth(text: &[u8]) -> usize {
    // Room that a real parser takes as well.
    let room = std::hint::black_box([0u8; 4096]);
    match text.split_first() {
        Some((b'(', rest)) => 1 + depth(rest) + usize::from(room[text.len() % 4096]),
        _ => 0,
    }
}

struct Parity {
    fault: Fault,
    odd: bool,
}

impl Recognizer for Parity {
    /// Whether the number of symbols is even, and how many there were up to three.
    type State = (bool, u8);

    fn start(&self) -> Option<(bool, u8)> {
        Some((true, 0))
    }

    fn next(&self, &(even, count): &(bool, u8), symbol: &str) -> Option<(bool, u8)> {
        let forgets = self.fault == Fault::IncrementalForgets && symbol == "*";
        Some((even == forgets, (count + 1).min(3)))
    }

    fn accepts(&self, &(even, _): &(bool, u8)) -> bool {
        even != self.odd
    }

    fn can_accept_within(&self, state: &(bool, u8), remaining: usize) -> bool {
        let early = self.fault == Fault::IncrementalGivesUp && state.1 == 2;
        !early && (remaining > 0 || self.accepts(state))
    }
}
