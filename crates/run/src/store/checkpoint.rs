//! How far an arm is, as it is kept: the state of its training, below a line that says whose it is and what it must be.

use pstar_core::files::sha256;
use serde::{Deserialize, Serialize};

/// The version of the format.
const VERSION: u32 = 1;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_arms_own_whole_state_is_taken() {
        let whole = write("a", "{\"step\": 7}\n{}");
        assert_eq!(read("a", whole.clone()).unwrap(), "{\"step\": 7}\n{}");
        assert_eq!(read("b", whole.clone()).unwrap_err(), "its checkpoint is of the arm `a`");
        for end in 0..whole.len() {
            assert!(read("a", whole[..end].to_vec()).is_err(), "cut at {end}");
            let mut flipped = whole.clone();
            flipped[end] ^= 1;
            assert!(read("a", flipped).is_err(), "a bit of byte {end}");
        }
    }
}
