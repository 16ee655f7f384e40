//! `imitation`: samples are imitated by their weight.

use pstar_core::config::with_unnamed;
use pstar_core::objective::{Declaration, Divergence, ObjectiveBatch, ObjectiveStep, PopulationForm, Source};
use pstar_core::{Field, Objective, PluginError, math};
use serde::{Deserialize, Deserializer};

/// Maximises the weighted log-likelihood of samples: c_i = w_i with w = v, or e^{v/β} where `weight: Exponential(β)`, over the
/// group's mean of it where `normalise: Group`; a group whose weights are all 0 has none. No importance weights: who sampled is
/// who is imitated.
///
/// `()` is rejection-sampling fine-tuning (STaR, arXiv 2203.14465; RAFT, arXiv 2304.06767): of the base's samples the right
/// ones are imitated, Σ_x Z(x) KL(p*‖q), in which easy prompts weigh more. `source: Policy` is filtered behaviour cloning, with
/// the expected gradient of the validity rate. `(weight: Exponential(β), normalise: Group)` is BOLT (arXiv 2605.02469), towards
/// KL(p_\[β\]‖q) of every prompt alike: its formula is second-hand, from the abstract and algebra.
pub(crate) struct Imitation(Config);

/// `()` or `(weight: Exponential(0.5), normalise: Group, source: Base)`
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What a sample weighs.
    #[serde(default)]
    weight: Weight,
    /// Over what.
    #[serde(default)]
    normalise: Normalise,
    /// What must sample.
    #[serde(default)]
    source: Sampler,
}

/// What a sample weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Weight {
    /// v.
    #[default]
    Reward,
    /// e^{v/β}.
    Exponential { beta: f64 },
}

/// What weights are divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Normalise {
    /// Nothing.
    #[default]
    None,
    /// Their mean over the group.
    Group,
}

/// What must sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Sampler {
    /// The base.
    #[default]
    Base,
    /// The policy.
    Policy,
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        enum Written {
            Reward,
            Exponential { beta: f64 },
        }
        Ok(match with_unnamed("beta", deserializer)? {
            Written::Reward => Self::Reward,
            Written::Exponential { beta } => Self::Exponential { beta },
        })
    }
}

/// Logarithms beyond this are none of numbers.
const MOST_LOG: f64 = 700.0;

impl Objective for Imitation {
    const NAME: &'static str = "imitation";
    const DOC: &'static str = "imitates samples: c = v, or e^(v/beta); of the base towards p*, or the tilted distribution; arXiv 2304.06767, \
         2605.02469 (second-hand)";
    type Config = Config;
    const FIELDS: &'static [Field] = &[
        Field::optional("weight", "Reward | Exponential(beta)", "beta > 0", "Reward", "what a sample weighs"),
        Field::optional(
            "normalise",
            "None | Group",
            "",
            "None",
            "what weights are divided by: their mean in the group",
        ),
        Field::optional("source", "Base | Policy", "", "Base", "what must sample: `training` says what does"),
    ];

    fn new(config: Config) -> Result<Self, PluginError> {
        if let Weight::Exponential { beta } = config.weight {
            if !(beta > 0.0 && beta.is_finite()) {
                let message = format!(
                    "`beta` of `weight: Exponential(beta)` must be a positive number, found `{beta}`"
                );
                return Err(PluginError::config("weight", message)
                    .with_hint("the limit of a beta of 0 is `weight: Reward` with `normalise: Group`"));
            }
            if config.normalise == Normalise::None && beta < 1.0 / MOST_LOG {
                let message =
                    format!("e^(1/beta) is beyond the range of numbers at `weight: Exponential({beta})`");
                return Err(PluginError::config("weight", message).with_hint("set `normalise: Group`"));
            }
        }
        Ok(Self(config))
    }

    fn declaration(&self) -> Declaration {
        let Config { weight, normalise, source } = self.0;
        let sources = match (source, weight) {
            // Samples of p* are the right ones of the base.
            (Sampler::Base, Weight::Reward) => &[Source::Base, Source::Filtered][..],
            (Sampler::Base, Weight::Exponential { .. }) => &[Source::Base],
            (Sampler::Policy, _) => &[Source::Policy],
        };
        let declaration = Declaration::default().sources(sources);
        if source == Sampler::Policy && normalise == Normalise::None {
            let form = PopulationForm::PerSequence;
            return declaration.population(form).divergence(Divergence::InvalidityRate);
        }
        declaration
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
        // The logarithms of the weights.
        let mut c: Vec<f64> = (0..batch.len()).map(|i| self.log_weight(batch.reward(i))).collect();
        if self.0.normalise == Normalise::Group && !batch.is_population() {
            for group in (0..batch.groups()).map(|g| batch.group(g)) {
                let log_mean = math::log_sum_exp(&c[group.clone()]) - math::ln(group.len() as f64);
                if log_mean > f64::NEG_INFINITY {
                    c[group].iter_mut().for_each(|c| *c -= log_mean);
                }
            }
        }
        for c in &mut c {
            *c = math::exp(*c);
        }
        Ok(ObjectiveStep::per_sequence(batch, &c))
    }
}

impl Imitation {
    fn log_weight(&self, reward: f64) -> f64 {
        match self.0.weight {
            Weight::Reward => math::ln(reward),
            Weight::Exponential { beta } => reward / beta,
        }
    }
}
