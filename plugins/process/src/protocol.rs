//! The lines that host and child exchange. `README.md` beside this package is the contract.

use crate::fault::Fault;
use pstar_core::shown;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// The version of the protocol.
pub(crate) const VERSION: u64 = 1;

/// A child's first line.
pub(crate) const READY: &str = r#"{"pstar": "verifier", "version": 1, "ready": true}"#;

/// A child's answer.
pub(crate) const ANSWER: &str = r#"{"verdicts": [[ID, VERDICT], …]}"#;

/// Greatest number of bytes of a line from a child: a batch of the greatest size with short errors.
pub(crate) const MOST_BYTES: usize = 1 << 24;

/// The host's first line.
pub(crate) fn hello(config: &str) -> Vec<u8> {
    line(json!({"pstar": "verifier", "version": VERSION, "config": config}).to_string().into_bytes())
}

/// Asks for verdicts on pairs of prompt and response, whose ids count from `first` on.
pub(crate) fn request(first: u64, pairs: &[(&str, &str)]) -> Vec<u8> {
    let texts: usize = pairs.iter().map(|(prompt, response)| prompt.len() + response.len() + 20).sum();
    let mut bytes = Vec::with_capacity(texts + 20);
    bytes.extend(br#"{"pairs":["#);
    for (id, (prompt, response)) in (first..).zip(pairs) {
        if id > first {
            bytes.push(b',');
        }
        serde_json::to_writer(&mut bytes, &(id, prompt, response))
            .unwrap_or_else(|error| unreachable!("numbers and texts are JSON: {error}"));
    }
    bytes.extend(b"]}");
    line(bytes)
}

fn line(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.push(b'\n');
    bytes
}

/// Whether a child's first line says that it is ready.
pub(crate) fn read_ready(line: &[u8]) -> Result<(), Fault> {
    let not_ready = || Fault::NotReady { found: shown(&String::from_utf8_lossy(line)) };
    let said: Value = serde_json::from_slice(line).map_err(|_| not_ready())?;
    if said["pstar"] != "verifier" {
        return Err(not_ready());
    }
    if let Some(reason) = said["refused"].as_str() {
        return Err(Fault::Refused { reason: shown(reason) });
    }
    match &said["version"] {
        version if version.as_u64() == Some(VERSION) => {}
        Value::Null => return Err(not_ready()),
        version => return Err(Fault::Version { found: shown(&version.to_string()) }),
    }
    if said["ready"] == true { Ok(()) } else { Err(not_ready()) }
}

/// What a child said of pairs. Other entries are for later versions.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    /// The id of each pair, and a verdict, a score or an error.
    pub(crate) verdicts: Vec<(u64, Value)>,
    /// Whether the other verdicts follow, on a line of their own.
    #[serde(default)]
    pub(crate) more: bool,
}

/// Reads a child's answer.
pub(crate) fn read_answer(line: &[u8]) -> Result<Answer, Fault> {
    serde_json::from_slice(line).map_err(|_| {
        // Ids differ from run to run, so that what may hold some is not quoted.
        let found = match std::str::from_utf8(line) {
            Err(_) => "a line that is not UTF-8".into(),
            Ok(text) if serde_json::from_str::<IgnoredAny>(text).is_ok() => "JSON of another form".into(),
            Ok(text) if text.starts_with('{') => "a line that is not JSON, such as one with NaN".into(),
            Ok(text) => format!("`{}`", shown(text)),
        };
        Fault::NoAnswer { found }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_of_json_whatever_the_texts_hold() {
        let bytes = request(7, &[("a\nb", "\"\\\u{2028}"), ("", "")]);
        assert_eq!(bytes.iter().position(|&byte| byte == b'\n'), Some(bytes.len() - 1));
        let read: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read, json!({"pairs": [[7, "a\nb", "\"\\\u{2028}"], [8, "", ""]]}));
        let hello: Value = serde_json::from_slice(&hello("x\n")).unwrap();
        assert_eq!(hello, json!({"pstar": "verifier", "version": 1, "config": "x\n"}));
    }

    #[test]
    fn the_first_line_says_ready_in_this_version() {
        assert!(read_ready(READY.as_bytes()).is_ok());
        assert!(read_ready(br#"{"ready":true,"version":1,"pstar":"verifier","name":"mine"}"#).is_ok());
        let fault = |line: &str| read_ready(line.as_bytes()).unwrap_err();
        assert!(
            matches!(fault(r#"{"pstar": "verifier", "version": 2, "ready": true}"#), Fault::Version { found } if found == "2")
        );
        assert!(
            matches!(fault(r#"{"pstar": "verifier", "version": 2, "refused": "no"}"#), Fault::Refused { reason } if reason == "no")
        );
        for line in [
            "",
            "ready",
            "[]",
            "null",
            r#"{"pstar": "verifier", "version": 1}"#,
            r#"{"version": 1, "ready": true}"#,
        ] {
            assert!(matches!(fault(line), Fault::NotReady { found } if found == line), "{line}");
        }
    }

    #[test]
    fn an_answer_has_ids_and_verdicts() {
        let read = read_answer(br#"{"verdicts": [[3, true], [2, 0.5]], "later": 1}"#).unwrap();
        assert_eq!((read.verdicts, read.more), (vec![(3, json!(true)), (2, json!(0.5))], false));
        let found = |line: &[u8]| match read_answer(line) {
            Err(Fault::NoAnswer { found }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(b"debug"), "`debug`");
        assert_eq!(found(b"\xff"), "a line that is not UTF-8");
        for form in [
            "[]",
            "{}",
            "7",
            r#"{"verdicts": [true]}"#,
            r#"{"verdicts": [[1, true, 2]]}"#,
            r#"{"verdicts": [[-1, true]]}"#,
        ] {
            assert_eq!(found(form.as_bytes()), "JSON of another form", "{form}");
        }
        for text in [r#"{"verdicts": [[1, NaN]]}"#, r#"{"verdicts": [[1, Infinity]]}"#, r#"{"verdicts": "#] {
            assert!(found(text.as_bytes()).contains("not JSON"), "{text}");
        }
        // A number beyond all that are known.
        found(br#"{"verdicts": [[1, 1e999]]}"#);
    }
}
