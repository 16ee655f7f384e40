//! A configuration: the texts of some fields, over those of a preset.

use crate::block::Blocks;
use pstar_core::{Field, PluginError};
use ron::value::RawValue;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// The fields in which a preset differs from its blocks' own defaults, as RON.
pub type Preset = &'static [(&'static str, &'static str)];

/// The fields that a configuration gives, as they are written.
pub struct Given<B> {
    texts: Vec<(&'static str, String)>,
    blocks: PhantomData<fn() -> B>,
}

impl<B> fmt::Debug for Given<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Given").field(&self.texts).finish()
    }
}

impl<B: Blocks> Given<B> {
    /// The blocks of a preset, with the given fields in place of its own.
    ///
    /// # Errors
    /// For the first field that cannot be read.
    pub fn over(&self, preset: Preset) -> Result<B, PluginError> {
        let fields = B::fields();
        B::read_all(&|name| match self.texts.iter().find(|(field, _)| *field == name) {
            Some((_, text)) => text.clone(),
            None => default_of(&fields, preset, name).into_owned(),
        })
    }
}

/// The text of a field of a preset.
fn default_of(fields: &[Field], preset: Preset, name: &str) -> Cow<'static, str> {
    if let Some((_, text)) = preset.iter().find(|(field, _)| *field == name) {
        return Cow::Borrowed(text);
    }
    fields.iter().find(|field| field.name == name).and_then(|field| field.default.clone()).unwrap_or_default()
}

/// The fields of blocks with the defaults of a preset: the preset in full.
pub fn fields_of<B: Blocks>(preset: Preset) -> Vec<Field> {
    let mut fields = B::fields();
    for field in &mut fields {
        if let Some((_, text)) = preset.iter().find(|(name, _)| *name == field.name) {
            field.default = Some(Cow::Borrowed(text));
        }
    }
    fields
}

impl<'de, B: Blocks> Deserialize<'de> for Given<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = deserializer.deserialize_struct("Blocks", B::NAMES, Fields(B::NAMES))?;
        Ok(Self { texts, blocks: PhantomData })
    }
}

/// Reads fields of these names, whatever their values.
struct Fields(&'static [&'static str]);

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<(&'static str, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a configuration")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut given: Self::Value = Vec::new();
        while let Some(name) = map.next_key_seed(Name(self.0))? {
            if given.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::duplicate_field(name));
            }
            let text: Box<RawValue> = map.next_value()?;
            given.push((name, text.get_ron().into()));
        }
        Ok(given)
    }
}

/// Reads one of these names.
struct Name(&'static [&'static str]);

impl<'de> serde::de::DeserializeSeed<'de> for Name {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<Self::Value, E> {
        self.0.iter().find(|name| **name == found).copied().ok_or_else(|| E::unknown_field(found, self.0))
    }
}
