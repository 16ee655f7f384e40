//! The result of an arm, as it is kept.

use pstar_core::files::sha256;
use pstar_record::{ArmRecord, ArmStatus, Failure, to_json};
use serde::{Deserialize, Serialize};

/// The version of the format. It grows where a reader of an older one would misunderstand.
const VERSION: u32 = 1;

/// What stands in the place of a text's own hash while it is hashed.
const UNHASHED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// `result.json`: the arm's record, and what the files beside it must be. What an arm is called is a run's matter.
#[derive(Debug, Serialize)]
struct ResultFile {
    version: u32,
    /// SHA-256 of this text, with zeros in the place of these digits.
    sha256: String,
    /// SHA-256 of `metrics.jsonl`.
    metrics_sha256: String,
    /// SHA-256 of `parameters.safetensors`; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_sha256: Option<String>,
    /// SHA-256 of `prompts.json`; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts_sha256: Option<String>,
    arm: ArmRecord,
}

/// The text of a result, beside the texts of the other files.
pub(super) fn write(
    arm: &ArmRecord,
    metrics: &[u8],
    parameters: Option<&[u8]>,
    prompts: Option<&[u8]>,
) -> String {
    let mut arm = arm.clone();
    (arm.policy, arm.objective) = (String::new(), String::new());
    let text = to_json(&ResultFile {
        version: VERSION,
        sha256: UNHASHED.into(),
        metrics_sha256: sha256(metrics),
        parameters_sha256: parameters.map(sha256),
        prompts_sha256: prompts.map(sha256),
        arm,
    });
    text.replacen(UNHASHED, &sha256(text.as_bytes()), 1)
}

/// The record in a text whose [`Seal`] was checked.
pub(super) fn arm(text: &[u8]) -> Result<ArmRecord, String> {
    #[derive(Deserialize)]
    struct Content {
        arm: ArmRecord,
    }
    serde_json::from_slice(text).map(|Content { arm }| arm).map_err(|error| unreadable(&error))
}

/// How an arm ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) status: ArmStatus,
    /// Why it failed, if it did.
    pub(crate) message: String,
}

/// How the arm of a text ended, if that is a result.
pub(super) fn ending(text: &[u8]) -> Option<Ending> {
    #[derive(Deserialize)]
    struct Content {
        arm: Arm,
    }
    #[derive(Deserialize)]
    struct Arm {
        status: ArmStatus,
        #[serde(default)]
        failure: Option<Failure>,
    }
    let Content { arm } = serde_json::from_slice(text).ok()?;
    let message = arm.failure.map(|failure| failure.message).unwrap_or_default();
    Some(Ending { status: arm.status, message })
}

/// What tells whether a result is whole: what is read of it without understanding the record.
#[derive(Debug, Deserialize)]
pub(super) struct Seal {
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    metrics_sha256: String,
    #[serde(default)]
    parameters_sha256: Option<String>,
    #[serde(default)]
    prompts_sha256: Option<String>,
    arm: Whose,
}

#[derive(Debug, Deserialize)]
struct Whose {
    #[serde(default)]
    id: String,
}

impl Seal {
    /// Of a text that is what was written, and why it is not.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } = serde_json::from_slice(text).map_err(|error| unreadable(&error))?;
        if version != VERSION {
            return Err(format!("its result is of version {version}, expected {VERSION}"));
        }
        let seal: Self = serde_json::from_slice(text).map_err(|error| unreadable(&error))?;
        // Read as JSON, it is text.
        let unhashed = String::from_utf8_lossy(text).replacen(&seal.sha256, UNHASHED, 1);
        if sha256(unhashed.as_bytes()) != seal.sha256 {
            return Err("its result is not what was written".into());
        }
        Ok(seal)
    }

    /// Checks that it is of this arm.
    pub(super) fn check_arm(&self, id: &str) -> Result<(), String> {
        if self.arm.id == id { Ok(()) } else { Err(format!("its result is of the arm `{}`", self.arm.id)) }
    }

    /// Checks that it is of this arm, and that the files beside it are those that it was written with.
    pub(super) fn check(
        &self,
        id: &str,
        metrics: &[u8],
        parameters: Option<&[u8]>,
        prompts: Option<&[u8]>,
    ) -> Result<(), String> {
        self.check_arm(id)?;
        if sha256(metrics) != self.metrics_sha256 {
            return Err("its `metrics.jsonl` is not what was written".into());
        }
        if parameters.map(sha256) != self.parameters_sha256 {
            return Err("its `parameters.safetensors` is not what was written".into());
        }
        if prompts.map(sha256) != self.prompts_sha256 {
            return Err("its `prompts.json` is not what was written".into());
        }
        Ok(())
    }
}

fn unreadable(error: &serde_json::Error) -> String {
    format!("its result cannot be read: {error}")
}
