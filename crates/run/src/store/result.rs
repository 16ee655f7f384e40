//! The result of an arm, as it is kept.

use pstar_core::files::sha256;
use pstar_record::{ArmRecord, to_json};
use serde::{Deserialize, Serialize};

/// The version of the format. It grows where a reader of an older one would misunderstand.
const VERSION: u32 = 1;

/// What stands in the place of a text's own hash while it is hashed.
const UNHASHED: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// `result.json`: the arm's record, and what the files beside it must be. What an arm is called is a run's matter.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ResultFile {
    version: u32,
    /// SHA-256 of this text, with zeros in the place of these digits.
    sha256: String,
    /// SHA-256 of `metrics.jsonl`.
    metrics_sha256: String,
    /// SHA-256 of `parameters.safetensors`; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameters_sha256: Option<String>,
    arm: ArmRecord,
}

impl ResultFile {
    pub(super) fn new(arm: &ArmRecord, metrics: &[u8], parameters: Option<&[u8]>) -> Self {
        let mut arm = arm.clone();
        (arm.policy, arm.objective) = (String::new(), String::new());
        let parameters_sha256 = parameters.map(sha256);
        Self {
            version: VERSION,
            sha256: UNHASHED.into(),
            metrics_sha256: sha256(metrics),
            parameters_sha256,
            arm,
        }
    }

    pub(super) fn text(&self) -> String {
        let text = to_json(self);
        text.replacen(UNHASHED, &sha256(text.as_bytes()), 1)
    }

    /// What a text says, and why it cannot be taken.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let unreadable = |error| format!("its result cannot be read: {error}");
        let Versioned { version } = serde_json::from_slice(text).map_err(unreadable)?;
        if version != VERSION {
            return Err(format!("its result is of version {version}, expected {VERSION}"));
        }
        let result: Self = serde_json::from_slice(text).map_err(unreadable)?;
        // Read as JSON, it is text.
        let unhashed = String::from_utf8_lossy(text).replacen(&result.sha256, UNHASHED, 1);
        if sha256(unhashed.as_bytes()) != result.sha256 {
            return Err("its result is not what was written".into());
        }
        Ok(result)
    }

    /// The record, if it is of this arm and the files beside it are those that it was written with.
    pub(super) fn checked(
        self,
        id: &str,
        metrics: &[u8],
        parameters: Option<&[u8]>,
    ) -> Result<ArmRecord, String> {
        if self.arm.id != id {
            return Err(format!("its result is of the arm `{}`", self.arm.id));
        }
        if sha256(metrics) != self.metrics_sha256 {
            return Err("its `metrics.jsonl` is not what was written".into());
        }
        if parameters.map(sha256) != self.parameters_sha256 {
            return Err("its `parameters.safetensors` is not what was written".into());
        }
        Ok(self.arm)
    }
}
