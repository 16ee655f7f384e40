//! Room for what a function in C has to say.

use pstar_core::escaped;
use std::ffi::c_char;

/// The bytes that a function may write.
const CAP: usize = 1024;
/// The bytes behind, which tell whether it wrote more.
const GUARD: usize = 4096;
/// What they hold.
const UNTOUCHED: u8 = 0xA5;

/// A buffer that a function writes a message to.
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new() -> Self {
        let mut bytes = vec![0; CAP];
        bytes.resize(CAP + GUARD, UNTOUCHED);
        Self(bytes)
    }

    /// What a function is handed: where to write, and how much at most.
    pub(super) fn room(&mut self) -> (*mut c_char, usize) {
        (self.0.as_mut_ptr().cast(), CAP)
    }

    /// What was written, up to the first NUL; what is no UTF-8, as where a character was cut in two, is replaced.
    ///
    /// # Errors
    /// If more was written than there was room for, in words.
    pub(super) fn text(&self) -> Result<String, String> {
        let (room, guard) = self.0.split_at(CAP);
        if guard.iter().any(|&byte| byte != UNTOUCHED) {
            return Err(format!("wrote a message of more than the {CAP} bytes that there is room for"));
        }
        let end = room.iter().position(|&byte| byte == 0).unwrap_or(CAP);
        Ok(escaped(&String::from_utf8_lossy(&room[..end])))
    }
}
