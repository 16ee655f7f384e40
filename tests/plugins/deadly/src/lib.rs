//! An objective that ends its process, in each way there is, at each moment there is.
#![allow(unsafe_code, clippy::unsafe_derive_deserialize, reason = "reaches for memory that is not its own")]
#![allow(clippy::print_stderr, reason = "what it says last is told")]

use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep, PromptFacts};
use pstar_core::{Objective, PluginError};
use serde::Deserialize;
use std::{process, thread};

/// An objective that ends its process.
struct Deadly(Config);

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    at: Moment,
    how: How,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
enum Moment {
    Creation,
    Preparation,
    /// A step, by its number.
    Step(u64),
    Drop,
}

#[derive(Clone, Copy, Deserialize)]
enum How {
    Segfault,
    Abort,
    Overflow,
    Exit(i32),
    Sleep,
    Allocate,
}

impl How {
    fn end(self) {
        eprintln!("these are the last words");
        match self {
            // SAFETY: it is not, which is the point.
            Self::Segfault => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
            Self::Abort => process::abort(),
            Self::Overflow => {
                overflow(0);
            }
            Self::Exit(code) => process::exit(code),
            Self::Sleep => loop {
                thread::park();
            },
            Self::Allocate => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                loop {
                    all.push(vec![1; 1 << 26]);
                }
            }
        }
    }
}

#[allow(unconditional_recursion, reason = "ends with the stack")]
#[inline(never)]
fn overflow(depth: usize) -> usize {
    let room = std::hint::black_box([depth; 1024]);
    overflow(room[depth % 1024] + 1) + room[0]
}

impl Objective for Deadly {
    const NAME: &'static str = "deadly";
    const DOC: &'static str = "ends its process";
    type Config = Config;

    fn new(config: Config) -> Result<Self, PluginError> {
        if config.at == Moment::Creation {
            config.how.end();
        }
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        Declaration::default()
    }

    fn prepare(&mut self, _: &[PromptFacts]) -> Result<(), PluginError> {
        if self.0.at == Moment::Preparation {
            self.0.how.end();
        }
        Ok(())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        if self.0.at == Moment::Step(batch.step()) {
            self.0.how.end();
        }
        Ok(ObjectiveStep::per_sequence(batch, &vec![0.0; batch.len()]))
    }
}

impl Drop for Deadly {
    fn drop(&mut self) {
        if self.0.at == Moment::Drop {
            self.0.how.end();
        }
    }
}

pstar_core::export_plugin!(objectives: [Deadly]);
