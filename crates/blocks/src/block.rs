//! What a field configures, and sets of such fields.

use crate::value::Value;
use pstar_core::{Field, PluginError, config};
use serde::de::{Deserializer, Error};
use std::borrow::Cow;
use std::marker::PhantomData;

/// What a field configures.
pub trait Block: Sized {
    /// The field, with the block's own default.
    const FIELD: Field;

    /// Reads it.
    ///
    /// # Errors
    /// Naming the field.
    fn read(value: &Value) -> Result<Self, PluginError>;
}

impl<B: Block> Block for Option<B> {
    const FIELD: Field = B::FIELD;

    fn read(value: &Value) -> Result<Self, PluginError> {
        if value.is_none() { Ok(None) } else { B::read(value).map(Some) }
    }
}

/// A set of fields: what [`blocks!`](crate::blocks!) declares, or a single block.
pub trait Blocks: Sized {
    /// The names of the fields.
    const NAMES: &'static [&'static str];

    /// The fields, with their own defaults.
    fn fields() -> Vec<Field>;

    /// Reads every field from its text.
    ///
    /// # Errors
    /// Naming the first field at fault.
    fn read_all(text_of: &dyn Fn(&str) -> String) -> Result<Self, PluginError>;
}

struct Only<B>(PhantomData<B>);

impl<B: Block> Only<B> {
    const FIELD: &'static Field = &B::FIELD;
    const NAME: &'static str = match Self::FIELD.name {
        Cow::Borrowed(name) => name,
        Cow::Owned(_) => panic!("the name of a block's field is written in the program"),
    };
}

impl<B: Block> Blocks for B {
    const NAMES: &'static [&'static str] = &[Only::<B>::NAME];

    fn fields() -> Vec<Field> {
        vec![B::FIELD]
    }

    fn read_all(text_of: &dyn Fn(&str) -> String) -> Result<Self, PluginError> {
        let name = Only::<B>::NAME;
        B::read(&Value::parse(name, &text_of(name))?)
    }
}

/// Declares a set of blocks, in the order in which their fields are shown; a set may hold sets.
#[macro_export]
macro_rules! blocks {
    (
        $(#[$about:meta])*
        $visible:vis struct $set:ident {
            $($(#[$doc:meta])* $shown:vis $field:ident: $block:ty),+ $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        $visible struct $set {
            $($(#[$doc])* $shown $field: $block,)+
        }

        impl $crate::Blocks for $set {
            const NAMES: &'static [&'static str] = {
                const PARTS: &[&[&str]] = &[$(<$block as $crate::Blocks>::NAMES),+];
                &$crate::joined::<{ $crate::count_of(PARTS) }>(PARTS)
            };

            fn fields() -> Vec<pstar_core::Field> {
                [$(<$block as $crate::Blocks>::fields()),+].concat()
            }

            fn read_all(text_of: &dyn Fn(&str) -> String) -> Result<Self, pstar_core::PluginError> {
                Ok(Self { $($field: <$block as $crate::Blocks>::read_all(text_of)?,)+ })
            }
        }
    };
}

/// Number of names in all parts.
#[doc(hidden)]
pub const fn count_of(parts: &[&[&str]]) -> usize {
    let (mut count, mut part) = (0, 0);
    while part < parts.len() {
        count += parts[part].len();
        part += 1;
    }
    count
}

/// The names of all parts.
#[doc(hidden)]
pub const fn joined<const N: usize>(parts: &[&[&'static str]]) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut place = 0;
        while place < parts[part].len() {
            names[at] = parts[part][place];
            at += 1;
            place += 1;
        }
        part += 1;
    }
    names
}

/// Reads a block in a configuration of other fields: `#[serde(deserialize_with = "pstar_blocks::written")]`.
///
/// # Errors
/// If it is none.
pub fn written<'de, B: Block, D: Deserializer<'de>>(deserializer: D) -> Result<B, D::Error> {
    let text = config::as_written(deserializer)?;
    let block = Value::parse(Only::<B>::NAME, &text).and_then(|value| B::read(&value));
    block.map_err(|PluginError { message, hint, .. }| {
        D::Error::custom(hint.map_or(message.clone(), |hint| format!("{message}; {hint}")))
    })
}
