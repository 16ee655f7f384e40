//! REINFORCE with the mean of the group, broken in one way.

use pstar_core::objective::{
    Claim, Declaration, Divergence, ObjectiveBatch, ObjectiveStep, PopulationForm, restored, saved,
};
use pstar_core::{Field, Objective, PluginError};
use serde::Deserialize;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Broken {
    fault: Fault,
    scale: f64,
    /// What was learnt of all samples, and their number.
    seen: (f64, u64),
    /// Which instance of this process it is.
    number: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    fault: Fault,
    #[serde(default)]
    scale: Option<f64>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
pub(crate) enum Fault {
    None,
    /// Reads the base without having said so.
    ReadsBase,
    /// One coefficient too few.
    TooFew,
    /// Hangs on which instance it is.
    Instance,
    /// The first group counts twice.
    FirstGroup,
    /// The first sequence of a group is its baseline.
    FirstSequence,
    /// Divides by the standard deviation of the group.
    StandardDeviation,
    /// Divides by the number of tokens but one.
    OneToken,
    /// Takes the ratio to the base without a word.
    InfiniteRatio,
    /// Panics where there are many tokens.
    ManyTokens,
    /// Saves nothing of what it learns.
    Forgets,
    /// Saves digits that are too few.
    Rounds,
    /// Declares what it does not follow.
    Declares,
    /// Goes the other way.
    Descends,
    /// A default that is not the listed one.
    Default,
}

impl Objective for Broken {
    const NAME: &'static str = "broken-objective";
    const DOC: &'static str = "maximises the expected reward, but for one fault";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::required("fault", "choice", "", "what is broken"),
        Field::optional("scale", "number", "> 0", "2.0", "multiplies the coefficients"),
    ];

    fn new(Config { fault, scale }: Config) -> Result<Self, PluginError> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let scale = scale.unwrap_or(if fault == Fault::Default { 3.0 } else { 2.0 });
        Ok(Self { fault, scale, seen: (0.0, 0), number: MADE.fetch_add(1, Ordering::Relaxed) })
    }

    fn declaration(&self) -> Declaration {
        let declaration = Declaration::default().minimum_group(2);
        match self.fault {
            Fault::InfiniteRatio => declaration.base_log_probs(),
            Fault::Declares => declaration
                .base_log_probs()
                .population(PopulationForm::PerSequence)
                .divergence(Divergence::KlFromFiltered),
            Fault::Descends | Fault::None => declaration.claim(Claim::ValidityRate),
            _ => declaration,
        }
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Result<(), PluginError> {
        let learnt: f64 = (0..batch.len()).map(|i| batch.reward(i) * batch.log_prob(i)).sum();
        self.seen = (self.seen.0 + learnt, self.seen.1 + batch.len() as u64);
        Ok(())
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        let mut c = vec![0.0; batch.len()];
        for g in 0..batch.groups() {
            let group = batch.group(g);
            let mean = group.clone().map(|i| batch.reward(i)).sum::<f64>() / group.len() as f64;
            let variance = group.clone().map(|i| (batch.reward(i) - mean).powi(2)).sum::<f64>();
            for i in group.clone() {
                c[i] = self.scale * (batch.reward(i) - mean);
                let tokens = batch.log_probs().row(i).len();
                match self.fault {
                    Fault::ReadsBase => c[i] += batch.base_log_prob(i)?,
                    Fault::Instance => c[i] *= 1.0 + 1e-12 * self.number as f64,
                    Fault::FirstGroup if g == 0 => c[i] *= 2.0,
                    Fault::FirstSequence => c[i] = batch.reward(i) - batch.reward(group.start),
                    Fault::StandardDeviation => c[i] /= variance.sqrt(),
                    Fault::OneToken if batch.log_probs().values().len() < 16 => c[i] /= (tokens - 1) as f64,
                    Fault::InfiniteRatio => c[i] -= batch.log_prob(i) - batch.base_log_prob(i)?,
                    Fault::ManyTokens => assert!(tokens < 1000, "too many tokens"),
                    Fault::Forgets | Fault::Rounds => c[i] += self.seen.0 / self.seen.1 as f64,
                    Fault::Descends => c[i] = -c[i],
                    _ => {}
                }
            }
        }
        let mut step = ObjectiveStep::per_sequence(batch, &c);
        if self.fault == Fault::TooFew {
            step.coefficients.pop();
        }
        Ok(step)
    }

    fn save(&self) -> Result<String, PluginError> {
        match self.fault {
            Fault::Forgets => Ok(String::new()),
            Fault::Rounds => saved(&((self.seen.0 * 1e3).round() / 1e3, self.seen.1)),
            _ => saved(&self.seen),
        }
    }

    fn restore(&mut self, state: &str) -> Result<(), PluginError> {
        if self.fault != Fault::Forgets {
            self.seen = restored(state)?;
        }
        Ok(())
    }
}
