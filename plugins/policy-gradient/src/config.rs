//! A configuration: the texts of some fields, over those of a preset, read into blocks.

use crate::blocks::{
    Aggregate, Baseline, Block, Clip, CovariancePenalty, Entropy, Group, Importance, Lone, Multiplier,
    Penalties, PromptWeight, RankPenalty, Ratio, RewardKl, Scales, SequenceMask, Sharing, Signal, Subset,
    Whiten,
};
use crate::value::Value;
use pstar_core::{Field, PluginError};
use ron::value::RawValue;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;

/// Declares the blocks: their order, how they are read, and the fields that configure them.
macro_rules! blocks {
    ($($field:ident: $block:ty),+ $(,)?) => {
        /// All blocks of an objective, checked.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct Blocks {
            $(pub(crate) $field: $block,)+
        }

        /// The fields, with the defaults of `policy-gradient`.
        pub(crate) const FIELDS: &[Field] = &[$(<$block as Block>::FIELD),+];

        const NAMES: &[&str] = &[$(stringify!($field)),+];

        impl Blocks {
            /// Reads every field.
            ///
            /// # Errors
            /// Naming the first one at fault.
            fn read(text_of: impl Fn(&str) -> String) -> Result<Self, PluginError> {
                Ok(Self {
                    $($field: {
                        let name = stringify!($field);
                        <$block as Block>::read(&Value::parse(name, &text_of(name))?)?
                    },)+
                })
            }
        }
    };
}

blocks! {
    signal: Signal,
    baseline: Baseline,
    scale: Scales,
    prompt_weight: PromptWeight,
    sharing: Sharing,
    rank_penalty: RankPenalty,
    reward_kl: Option<RewardKl>,
    multiplier: Multiplier,
    whiten: Option<Whiten>,
    lone: Lone,
    ratio: Ratio,
    clip: Clip,
    sequence_mask: SequenceMask,
    aggregate: Aggregate,
    penalties: Penalties,
    subset: Subset,
    covariance_penalty: Option<CovariancePenalty>,
    importance: Option<Importance>,
    entropy: Option<Entropy>,
    group: Group,
}

/// The fields that a configuration gives, as they are written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(Vec<(&'static str, String)>);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Given;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a configuration")
            }

            fn visit_unit<E: Error>(self) -> Result<Given, E> {
                Ok(Given::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
                let mut given: Vec<(&'static str, String)> = Vec::new();
                while let Some(FieldName(name)) = map.next_key()? {
                    if given.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::duplicate_field(name));
                    }
                    let text: Box<RawValue> = map.next_value()?;
                    given.push((name, text.get_ron().into()));
                }
                Ok(Given(given))
            }
        }
        deserializer.deserialize_struct("PolicyGradient", NAMES, Fields)
    }
}

/// The name of a field.
struct FieldName(&'static str);

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = FieldName;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a field")
            }

            fn visit_str<E: Error>(self, found: &str) -> Result<FieldName, E> {
                let known = NAMES.iter().find(|name| **name == found);
                known.map(|name| FieldName(name)).ok_or_else(|| E::unknown_field(found, NAMES))
            }
        }
        deserializer.deserialize_identifier(Name)
    }
}

impl Blocks {
    /// The blocks of a preset, some of whose fields are given instead.
    ///
    /// # Errors
    /// For a field that cannot be read, or blocks that do not fit together.
    pub(crate) fn of(preset: &[(&'static str, &'static str)], given: &Given) -> Result<Self, PluginError> {
        let blocks = Self::read(|name| match given.0.iter().find(|(field, _)| *field == name) {
            Some((_, text)) => text.clone(),
            None => default_of(preset, name).into_owned(),
        })?;
        blocks.check()?;
        Ok(blocks)
    }

    fn check(&self) -> Result<(), PluginError> {
        self.clip.check(self.ratio)?;
        self.multiplier.check(self.signal)?;
        let together = |field: &str, message: &str, advice: &str| {
            Err(PluginError::config(field, message).with_hint(advice))
        };
        if self.whiten.is_some() && matches!(self.clip, Clip::GeometricOfClipped { .. }) {
            return together(
                "whiten",
                "`whiten` gives tokens advantages of their own, `GeometricOfClipped` has one a sequence",
                "set `whiten: None`, or another `clip`",
            );
        }
        if let Some(RewardKl { per: crate::blocks::Per::ToGo, .. }) = self.reward_kl
            && matches!(self.clip, Clip::GeometricOfClipped { .. })
        {
            return together(
                "reward_kl",
                "`per: ToGo` gives tokens advantages of their own, `GeometricOfClipped` has one a sequence",
                "set `per: Sequence`, or another `clip`",
            );
        }
        Ok(())
    }

    /// Whether it reads log-probs under the base.
    pub(crate) fn needs_base(&self) -> bool {
        let to_base = |penalty: &crate::blocks::Penalty| penalty.to == crate::blocks::Reference::Base;
        self.reward_kl.is_some() || self.penalties.0.iter().any(to_base)
    }

    /// Whether a sequence's coefficient on the policy depends on its reward and the number of right answers of its group
    /// alone: then its expected gradient for a prompt is κ(V)·∇V.
    pub(crate) fn is_of_counts(&self) -> bool {
        let constant = Aggregate::is_constant(self.aggregate);
        constant
            && !matches!(self.baseline, Baseline::LengthWeighted | Baseline::BatchMean)
            && self.scale.0.iter().all(|scale| !scale.is_of_batch())
            && !matches!(self.prompt_weight, PromptWeight::PerSuccess | PromptWeight::Curve(_))
            && self.sharing == Sharing::None
            && self.rank_penalty.0.is_none()
            && self.reward_kl.is_none()
            && self.whiten.is_none()
            && self.sequence_mask.0.is_none()
            && self.penalties.0.is_empty()
            && self.subset == Subset::None
            && self.covariance_penalty.is_none()
            && !matches!(self.clip, Clip::Covariance { .. })
            && self.importance.is_none()
            && self.entropy.is_none()
    }

    /// Least number of samples in a group in a run.
    pub(crate) fn minimum_group(&self) -> usize {
        let others = self.scale.0.iter().any(|scale| scale.needs_others());
        self.baseline.minimum_group().max(self.signal.minimum_group()).max(1 + usize::from(others))
    }
}

/// The text of a field of a preset.
fn default_of(preset: &[(&'static str, &'static str)], name: &str) -> Cow<'static, str> {
    if let Some((_, text)) = preset.iter().find(|(field, _)| *field == name) {
        return Cow::Borrowed(text);
    }
    let field = FIELDS.iter().find(|field| field.name == name);
    field.and_then(|field| field.default.clone()).unwrap_or_default()
}

/// The fields of a preset, with its defaults: the preset in full.
pub(crate) fn fields_of(preset: &[(&'static str, &'static str)]) -> Vec<Field> {
    let mut fields = FIELDS.to_vec();
    for field in &mut fields {
        field.default = Some(default_of(preset, &field.name));
    }
    fields
}
