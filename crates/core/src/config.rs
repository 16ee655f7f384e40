//! How text that crosses the boundary is read.

mod dialect;
mod fault;
mod place;
mod plain;
mod unique_map;
mod unnamed;
mod wording;

pub use dialect::options;
pub use fault::{Fault, read, with_found};
pub use place::{byte_offset, line_and_column, skip_space, token_end};
pub use plain::value_text;
pub use unique_map::UniqueMap;
pub use unnamed::{as_written, with_unnamed, with_unnamed_of};
pub use wording::{describe, suggest};

use crate::error::{ErrorKind, PluginError};
use serde::de::DeserializeOwned;

/// Reads a configuration. A missing one is `()`.
///
/// # Errors
/// Of kind [`ErrorKind::Config`], with the place in `text`.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, PluginError> {
    read(text).map_err(|Fault { message, hint, place }| {
        let mut error = PluginError::new(ErrorKind::Config, message);
        error.hint = hint;
        error.position = Some(line_and_column(text, place.start));
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Config {
        alpha: f64,
        #[serde(default)]
        clip: Option<f64>,
    }

    #[test]
    fn some_may_be_left_out() {
        let config = Config { alpha: 1.0, clip: Some(2.0) };
        assert_eq!(parse::<Config>("(alpha: 1, clip: 2.0)").unwrap(), config);
        assert_eq!(parse::<Config>("(alpha: 1.0, clip: Some(2.0))").unwrap(), config);
    }

    #[test]
    fn faults_are_in_words_and_located() {
        let fault = |text| parse::<Config>(text).unwrap_err();
        let error = fault("(alpha: 1.0,\n clap: 3)");
        assert_eq!(error.message, "unknown field `clap`");
        assert_eq!(error.hint.unwrap(), "did you mean `clip`? expected one of `alpha`, `clip`");
        assert_eq!(error.position, Some((2, 2)));
        assert_eq!(fault("(alpha: 1.0, alpha: 2.0)").message, "the field `alpha` is given twice");
        assert_eq!(fault("()").message, "the field `alpha` is missing");
        assert_eq!(fault("(alpha: \"x\")").message, "expected a number, found `\"x\"`");
    }
}
