//! The most probable outputs: `outputs.json`.

use crate::Whose;
use crate::number;
use crate::prompts::point;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most probable outputs of one policy or reference at one prompt, by falling probability; of equal ones those that
/// come first in the order of their tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LikelyOutputs {
    /// Whose.
    #[serde(flatten)]
    pub whose: Whose,
    /// The prompt's text.
    pub prompt: String,
    /// Whether they are proved to be the most probable; else they are the most probable of those that were met.
    pub exact: bool,
    /// The outputs.
    pub outputs: Vec<LikelyOutput>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LikelyOutput {
    /// Its text.
    pub output: String,
    /// Its probability.
    #[serde(with = "number")]
    pub probability: f64,
    /// Its verdict.
    pub valid: bool,
}

/// What [`Whose`] is as keys of an object.
#[derive(Serialize, Deserialize)]
struct Keys {
    point: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    objective: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "number::optional")]
    learning_rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl Serialize for Whose {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = |point: &str| Keys {
            point: point.into(),
            reference: None,
            policy: None,
            objective: None,
            learning_rate: None,
            seed: None,
        };
        let keys = match self.clone() {
            Self::Reference(name) => Keys { reference: Some(name), ..none(point::REFERENCE) },
            Self::Start { policy, seed } => {
                Keys { policy: Some(policy), seed: Some(seed), ..none(point::START) }
            }
            Self::End { policy, objective, learning_rate, seed } => Keys {
                policy: Some(policy),
                objective: Some(objective),
                learning_rate: Some(learning_rate),
                seed: Some(seed),
                ..none(point::END)
            },
        };
        keys.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Whose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Keys { point, reference, policy, objective, learning_rate, seed } =
            Keys::deserialize(deserializer)?;
        let missing = D::Error::missing_field;
        let policy = || policy.ok_or_else(|| missing("policy"));
        let seed = || seed.ok_or_else(|| missing("seed"));
        Ok(match &*point {
            point::REFERENCE => Self::Reference(reference.ok_or_else(|| missing("reference"))?),
            point::START => Self::Start { policy: policy()?, seed: seed()? },
            point::END => Self::End {
                policy: policy()?,
                objective: objective.ok_or_else(|| missing("objective"))?,
                learning_rate: learning_rate.ok_or_else(|| missing("learning_rate"))?,
                seed: seed()?,
            },
            other => {
                return Err(D::Error::unknown_variant(other, &[point::REFERENCE, point::START, point::END]));
            }
        })
    }
}
