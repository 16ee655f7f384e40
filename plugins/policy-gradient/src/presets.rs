//! The named objectives: what they say differently from `policy-gradient`.

pub(crate) mod diversity;
pub(crate) mod grpo;
pub(crate) mod pass_at_k;
pub(crate) mod plain;
pub(crate) mod prompt;
pub(crate) mod ratio;

/// Declares presets: `Type = "name": "what it is, and whose" { field: "RON", … }`.
macro_rules! presets {
    ($($preset:ident = $name:literal: $doc:literal { $($field:ident: $text:literal),* $(,)? })+) => {
        $(
            #[doc = $doc]
            pub(crate) struct $preset;

            impl crate::objective::NamedPreset for $preset {
                const NAME: &'static str = $name;
                const DOC: &'static str = $doc;
                const FIELDS: pstar_blocks::Preset =
                    &[$((stringify!($field), $text)),*];
            }
        )+
    };
}
pub(crate) use presets;
