//! What a component says of its configuration.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A field of a component's configuration, as `host plugins` shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
// What an older plugin does not say of a field is empty.
#[serde(default)]
#[non_exhaustive]
pub struct Field {
    /// The field's name.
    pub name: Cow<'static, str>,
    /// Its type in words: `number`, `text`, or the choices.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The values that are allowed, in words.
    pub range: Cow<'static, str>,
    /// The default as RON; `None` for a field that must be given.
    pub default: Option<Cow<'static, str>>,
    /// What it means.
    pub doc: Cow<'static, str>,
}

impl Field {
    /// A field that must be given.
    pub const fn required(
        name: &'static str,
        kind: &'static str,
        range: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::new(name, kind, range, None, doc)
    }

    /// A field with a default.
    pub const fn optional(
        name: &'static str,
        kind: &'static str,
        range: &'static str,
        default: &'static str,
        doc: &'static str,
    ) -> Self {
        Self::new(name, kind, range, Some(Cow::Borrowed(default)), doc)
    }

    /// The same field with another default.
    #[must_use]
    pub const fn with_default(mut self, default: &'static str) -> Self {
        // What was there is written in the program too: forgetting it frees nothing.
        std::mem::forget(self.default.replace(Cow::Borrowed(default)));
        self
    }

    const fn new(
        name: &'static str,
        kind: &'static str,
        range: &'static str,
        default: Option<Cow<'static, str>>,
        doc: &'static str,
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            kind: Cow::Borrowed(kind),
            range: Cow::Borrowed(range),
            default,
            doc: Cow::Borrowed(doc),
        }
    }
}
