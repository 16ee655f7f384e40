//! An objective that ends its process, in each way there is, at each moment there is; a policy and a base model too.
#![allow(unsafe_code, clippy::unsafe_derive_deserialize, reason = "reaches for memory that is not its own")]
#![allow(clippy::print_stderr, reason = "what it says last is told")]

use pstar_core::author::{GradientBatch, SampleRequest, Samples, ShapedParameters};
use pstar_core::data::SequenceBatch;
use pstar_core::objective::{Declaration, ObjectiveBatch, ObjectiveStep, PromptFacts};
use pstar_core::rng::StreamKey;
use pstar_core::{BaseModel, Objective, PluginError, Policy, SequenceModel, Task};
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
    /// A signal to the whole process, which any of its threads may get.
    Signal,
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
            Self::Signal => {
                // SAFETY: takes numbers alone.
                unsafe { libc::kill(libc::getpid(), libc::SIGSEGV) };
                // Until another thread has got it.
                thread::sleep(std::time::Duration::from_secs(1));
            }
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

/// A uniform model that ends its process.
struct DeadlyModel {
    config: ModelConfig,
    choices: usize,
    length: usize,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelConfig {
    at: ModelMoment,
    how: How,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
enum ModelMoment {
    Creation,
    /// Which evaluation comes to first.
    Score,
    /// Which training comes to first.
    Sample,
}

impl DeadlyModel {
    fn of(config: ModelConfig, task: &Task) -> Self {
        let model = Self { config, choices: task.choices(), length: task.horizon };
        model.meet(ModelMoment::Creation);
        model
    }

    fn meet(&self, moment: ModelMoment) {
        if self.config.at == moment {
            self.config.how.end();
        }
    }

    fn log_prob(&self) -> f64 {
        -(self.choices as f64).ln()
    }
}

impl SequenceModel for DeadlyModel {
    fn sample(&self, request: &SampleRequest<'_>, _: StreamKey) -> Result<Samples, PluginError> {
        self.meet(ModelMoment::Sample);
        let mut samples = Samples::default();
        for _ in 0..request.prompt_of.len() {
            samples.tokens.push(&vec![0; self.length]);
            samples.log_probs.extend(vec![self.log_prob(); self.length]);
        }
        Ok(samples)
    }

    fn score(&self, _: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Result<(), PluginError> {
        self.meet(ModelMoment::Score);
        log_probs.fill(self.log_prob());
        Ok(())
    }

    fn parameters(&self) -> Option<ShapedParameters> {
        Some(ShapedParameters::new("one", vec![0.0]))
    }
}

impl BaseModel for DeadlyModel {
    const NAME: &'static str = "deadly";
    const DOC: &'static str = "ends its process";
    type Config = ModelConfig;

    fn new(config: ModelConfig, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::of(config, task))
    }
}

impl Policy for DeadlyModel {
    const NAME: &'static str = "deadly";
    const DOC: &'static str = "ends its process";
    type Config = ModelConfig;

    fn new(config: ModelConfig, task: &Task) -> Result<Self, PluginError> {
        Ok(Self::of(config, task))
    }

    fn parameter_count(&self) -> usize {
        1
    }

    fn set_parameters(&mut self, _: &[f64]) -> Result<(), PluginError> {
        Ok(())
    }

    fn randomise(&mut self, _: StreamKey) {}

    fn gradient(&self, _: &GradientBatch<'_>, gradient: &mut [f64]) -> Result<(), PluginError> {
        gradient[0] = 0.0;
        Ok(())
    }
}

pstar_core::export_plugin!(base_models: [DeadlyModel], policies: [DeadlyModel], objectives: [Deadly]);
