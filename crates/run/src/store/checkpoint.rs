//! How far an arm is, as it is kept: the state of its training, below a line that says whose it is and what it must be.

use pstar_core::files::sha256;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read};

/// The version of the format.
const VERSION: u32 = 1;

/// Greatest number of bytes of the first line.
const MOST_HEAD_BYTES: u64 = 1000;

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    /// The arm, by its content's name.
    arm: String,
    /// SHA-256 of the state.
    sha256: String,
}

/// The checkpoint of an arm.
pub(super) fn write(arm: &str, state: &str) -> Vec<u8> {
    let head = Head { version: VERSION, arm: arm.into(), sha256: sha256(state.as_bytes()) };
    let mut text =
        serde_json::to_vec(&head).unwrap_or_else(|error| unreachable!("records serialise: {error}"));
    text.push(b'\n');
    text.extend(state.as_bytes());
    text
}

/// The state in a checkpoint, and why there is none that this arm can go on from: a state of another one would often fit.
pub(super) fn read(arm: &str, bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|_| "its checkpoint is no text")?;
    let (head, state) = text.split_once('\n').ok_or("its checkpoint is cut short")?;
    let head: Head =
        serde_json::from_str(head).map_err(|error| format!("its checkpoint cannot be read: {error}"))?;
    if head.version != VERSION {
        return Err(format!("its checkpoint is of version {}, expected {VERSION}", head.version));
    }
    if head.arm != arm {
        return Err(format!("its checkpoint is of the arm `{}`", head.arm));
    }
    if head.sha256 != sha256(state.as_bytes()) {
        return Err("its checkpoint is not what was written".into());
    }
    Ok(state.into())
}

/// What tells the state in a checkpoint from others, from its first line alone; empty where it does not say.
pub(super) fn mark(from: impl Read) -> String {
    let mut head = String::new();
    let line = BufReader::new(from.take(MOST_HEAD_BYTES)).read_line(&mut head);
    line.ok()
        .and_then(|_| serde_json::from_str(&head).ok())
        .map_or_else(String::new, |head: Head| head.sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_arms_own_whole_state_is_taken() {
        let whole = write("a", "{\"step\": 7}\n{}");
        assert_eq!(read("a", whole.clone()).unwrap(), "{\"step\": 7}\n{}");
        assert_eq!(read("b", whole.clone()).unwrap_err(), "its checkpoint is of the arm `a`");
        assert_eq!(mark(&whole[..]), sha256(b"{\"step\": 7}\n{}"));
        assert_eq!((mark(&b""[..]), mark(&whole[10..])), (String::new(), String::new()));
        for end in 0..whole.len() {
            assert!(read("a", whole[..end].to_vec()).is_err(), "cut at {end}");
            let mut flipped = whole.clone();
            flipped[end] ^= 1;
            assert!(read("a", flipped).is_err(), "a bit of byte {end}");
        }
    }
}
