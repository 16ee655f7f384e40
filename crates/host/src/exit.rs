//! The exit code of the program, as a number that other front ends can read too.

use std::process::{ExitCode as Code, Termination};

/// What a command ended with: 0 done, 2 bad experiment or usage, 3 plugin not loaded, 4 an arm or a check failed, 5 results
/// could not be written, 128 + N ended by signal N.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// All was done.
    pub const SUCCESS: Self = Self(0);

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl From<u8> for ExitCode {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

impl Termination for ExitCode {
    fn report(self) -> Code {
        self.0.into()
    }
}
