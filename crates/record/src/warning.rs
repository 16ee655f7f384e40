//! What the user should know of a run, by kind: the text is made from the fields, never the other way.

use crate::number;
use pstar_core::shown;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// What the user should know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Warning {
    /// Most groups of an arm gave no signal.
    IdleGroups {
        /// Their share, in percent.
        #[serde(with = "number")]
        percent: f64,
    },
    /// Prompts of an arm that no sample solved.
    Unsolved {
        /// The prompts.
        prompts: Vec<String>,
    },
    /// An objective's clip did nothing.
    ClipNeverActed,
    /// An arm's parameters are those that it began with.
    DidNotMove,
    /// An arm ended above the best point of its curve.
    Overshoot {
        /// KL(p*‖q) at the end, in nats.
        #[serde(with = "number")]
        last: f64,
        /// The least of the curve.
        #[serde(with = "number")]
        best: f64,
        /// Where that was.
        step: u32,
        /// What helps.
        advice: Advice,
    },
    /// A prompt without p*.
    Unsolvable {
        /// The prompt, as shown.
        prompt: String,
    },
    /// A policy whose figures are estimates, where the task's are not.
    EstimatedPolicy {
        /// The policy, as shown.
        policy: String,
        /// Why.
        reason: String,
        /// Samples a prompt.
        samples: u64,
    },
    /// A task whose figures are estimates.
    EstimatedTask {
        /// The most outputs that would be enumerated.
        limit: u64,
        /// Why dynamic programming does not do.
        reason: String,
        /// Samples a prompt.
        samples: u64,
    },
    /// Too few samples of the base were valid.
    TooFewValid {
        /// The prompt.
        prompt: String,
        /// Samples of the base.
        samples: u64,
    },
    /// coverage@k and pass@k that samples cannot tell.
    BeyondSamples {
        /// The k, as written in the experiment.
        k: Vec<String>,
        /// Samples a prompt.
        samples: u64,
    },
    /// Seeds that change nothing.
    SeedsWithoutEffect {
        /// Number of seeds.
        seeds: usize,
        /// Whose.
        which: Which,
    },
    /// An objective whose learning rate is not that of the others.
    UnequalRate {
        /// The objective.
        objective: String,
        /// Its own rate.
        #[serde(with = "number")]
        rate: f64,
        /// Those of the others.
        others: Vec<f64>,
    },
    /// A learning rate of `training` at which nothing is trained.
    UnusedRate {
        /// The rate.
        #[serde(with = "number")]
        rate: f64,
    },
    /// Steps are matched under an optimizer that divides them by their own length.
    MatchUnderAdam,
    /// Responses that the verifier had no verdict on.
    NoVerdicts {
        /// How many.
        count: u64,
        /// Of how many that an arm trained on; absent where they are samples that a model is measured by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u64>,
    },
    /// Scores that were neither 0 nor 1.
    BetweenScores {
        /// How many.
        count: u64,
        /// Of how many.
        of: u64,
    },
    /// Optima that could not be had.
    NoOptimum {
        /// Why, and of what.
        why: String,
    },
    /// Something that an objective does not do.
    Caution {
        /// What, and why.
        message: String,
    },
    /// Anything else.
    Text {
        /// What is said.
        message: String,
    },
}

/// What helps an arm that ends above the best point of its curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Advice {
    /// A smaller learning rate.
    SmallerRate,
    /// That or a larger batch.
    SmallerRateOrLargerBatch,
    /// A bound on gradients that no learning rate makes up for.
    BoundGradient {
        /// The greatest norm that was met.
        #[serde(with = "number")]
        norm: f64,
    },
}

/// Policies and objectives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Which {
    /// All.
    All,
    /// Some.
    Some {
        /// The first of them, as shown.
        names: Vec<String>,
        /// How many more there are.
        more: usize,
    },
}

impl Warning {
    /// Whether another says the same of another arm, if with other figures.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            // An end at infinity is another thing than a worse one.
            (Self::Overshoot { last: a, .. }, Self::Overshoot { last: b, .. }) => {
                a.is_infinite() == b.is_infinite()
            }
            (Self::IdleGroups { .. }, Self::IdleGroups { .. })
            | (Self::Unsolved { .. }, Self::Unsolved { .. })
            | (Self::BetweenScores { .. }, Self::BetweenScores { .. }) => true,
            (Self::NoVerdicts { of: a, .. }, Self::NoVerdicts { of: b, .. }) => a.is_some() == b.is_some(),
            _ => self == other,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdleGroups { percent } => write!(
                f,
                "{percent:.0} % of its groups gave no signal: all their coefficients were 0, as they are where all \
                 rewards of a group are equal"
            ),
            Self::Unsolved { prompts } => {
                let prompts: Vec<String> = prompts.iter().map(|prompt| format!("`{prompt}`")).collect();
                write!(f, "no sample ever solved prompt {}", prompts.join(", "))
            }
            Self::ClipNeverActed => f.write_str("its clip never acted: no pseudo-reward reached it"),
            Self::DidNotMove => f.write_str(
                "its parameters did not move: every gradient was 0, or the learning rate is too small to count",
            ),
            Self::Overshoot { last, best, step, advice } => write!(
                f,
                "{last:.3} nats of KL(p*‖q), which it minimises, at the end, after {best:.3} at step {step}: {advice}"
            ),
            Self::Unsolvable { prompt } => write!(
                f,
                "prompt `{prompt}` has no valid output that the base reaches: its targets do not exist, and it is left out \
                 of all means"
            ),
            Self::EstimatedPolicy { policy, reason, samples } => write!(
                f,
                "policy `{policy}`: {reason}: its figures are estimated from {samples} samples a prompt of its own and of \
                 p*, with standard errors in summary.json"
            ),
            Self::EstimatedTask { limit, reason, samples } => write!(
                f,
                "there are more than {limit} outputs (`evaluation.enumerate_up_to`), and {reason}: figures are estimated \
                 from {samples} samples a prompt, with standard errors in summary.json, and no objective is handed the \
                 exact Z"
            ),
            Self::TooFewValid { prompt, samples } => write!(
                f,
                "fewer than two of {samples} samples of the base were valid for prompt `{prompt}`: it is left out of \
                 KL(p*‖q)"
            ),
            Self::BeyondSamples { k, samples } => {
                let names: Vec<String> = k.iter().map(|k| format!("coverage@{k} and pass@{k}")).collect();
                write!(
                    f,
                    "{} cannot be estimated from {samples} samples a prompt: raise `evaluation.samples` to k for them",
                    names.join(", ")
                )
            }
            Self::SeedsWithoutEffect { seeds, which } => write!(
                f,
                "the seeds change nothing: under all {seeds} of them {which} ends in the same parameters to the bit; one \
                 seed says as much"
            ),
            Self::UnequalRate { objective, rate, others } => {
                let others: Vec<String> = others.iter().map(|rate| format!("{rate:?}")).collect();
                write!(
                    f,
                    "objective `{}` has a learning rate of its own, {rate:?}, the others {}: not an equal setting",
                    shown(objective),
                    others.join(", ")
                )
            }
            Self::UnusedRate { rate } => write!(
                f,
                "nothing is trained at the learning rate {rate:?} of `training`: others are given instead of it"
            ),
            Self::MatchUnderAdam => f.write_str(
                "`training.match` changes next to nothing under `Adam`, which divides gradients by their own size: `Sgd` takes \
                 steps as they are",
            ),
            Self::NoVerdicts { count, of: Some(of) } => write!(
                f,
                "its verifier had no verdict on {count} of {of} responses: they are left out of their groups, and none of \
                 them counts as invalid"
            ),
            Self::NoVerdicts { count, of: None } => write!(
                f,
                "the verifier had no verdict on {count} samples that figures are estimated from: they are left out"
            ),
            Self::BetweenScores { count, of } => write!(
                f,
                "{count} of {of} scores were neither 0 nor 1: the verifier's threshold decided"
            ),
            Self::NoOptimum { why } => f.write_str(why),
            Self::Caution { message } | Self::Text { message } => f.write_str(message),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallerRate => f.write_str("a smaller learning rate would do better"),
            Self::SmallerRateOrLargerBatch => {
                f.write_str("a smaller learning rate or a larger batch would do better")
            }
            Self::BoundGradient { norm } => {
                write!(f, "its gradient grew to a norm of {norm:.1e}, which `training.clip_norm` bounds")
            }
        }
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("every policy and objective"),
            Self::Some { names, more } => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                f.write_str(&names.join(", "))?;
                if *more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
        }
    }
}

/// Warnings: texts under the key `warnings`, and under `typed_warnings`, where there are any, the same by kind.
///
/// A text whose typed form is missing, of an unknown kind or says something else is read as [`Warning::Text`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Warnings(pub Vec<Warning>);

impl Deref for Warnings {
    type Target = Vec<Warning>;

    fn deref(&self) -> &Vec<Warning> {
        &self.0
    }
}

impl DerefMut for Warnings {
    fn deref_mut(&mut self) -> &mut Vec<Warning> {
        &mut self.0
    }
}

impl FromIterator<Warning> for Warnings {
    fn from_iter<I: IntoIterator<Item = Warning>>(warnings: I) -> Self {
        Self(warnings.into_iter().collect())
    }
}

impl Serialize for Warnings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            warnings: Vec<String>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            typed_warnings: &'a [Warning],
        }
        let warnings = self.0.iter().map(ToString::to_string).collect();
        Written { warnings, typed_warnings: &self.0 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Warnings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            #[serde(default)]
            warnings: Vec<String>,
            #[serde(default)]
            typed_warnings: Vec<Value>,
        }
        let Written { warnings, typed_warnings } = Written::deserialize(deserializer)?;
        let mut typed = typed_warnings.into_iter();
        let warning = |text: String| {
            let typed = typed.next().and_then(|value| serde_json::from_value::<Warning>(value).ok());
            typed.filter(|typed| typed.to_string() == text).unwrap_or(Warning::Text { message: text })
        };
        Ok(warnings.into_iter().map(warning).collect())
    }
}

/// Warnings as objects: their kind, what they say under `message`, and their fields. For `#[serde(with = "objects")]`.
///
/// A text, as older records have them, and an object of an unknown kind are read as [`Warning::Text`].
pub(crate) mod objects {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Value, Warning, Warnings};
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde_json::Map;

    /// The key of what is said.
    const MESSAGE: &str = "message";

    pub(crate) fn serialize<S: Serializer>(warnings: &Warnings, serializer: S) -> Result<S::Ok, S::Error> {
        let object = |warning: &Warning| -> serde_json::Result<Value> {
            let Value::Object(fields) = serde_json::to_value(warning)? else { return Ok(Value::Null) };
            let mut object = Map::new();
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if index == 1 {
                    object.insert(MESSAGE.into(), warning.to_string().into());
                }
                object.insert(name, value);
            }
            object.entry(MESSAGE).or_insert_with(|| warning.to_string().into());
            Ok(object.into())
        };
        let objects: serde_json::Result<Vec<Value>> = warnings.iter().map(object).collect();
        objects.map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Warnings, D::Error> {
        let warning = |value: Value| {
            if let Value::String(message) = value {
                return Ok(Warning::Text { message });
            }
            let message = value.get(MESSAGE).and_then(Value::as_str).map(String::from);
            serde_json::from_value(value)
                .or_else(|error| message.map(|message| Warning::Text { message }).ok_or(error))
                .map_err(D::Error::custom)
        };
        Vec::<Value>::deserialize(deserializer)?.into_iter().map(warning).collect()
    }
}
