//! What becomes of freed memory.
#![allow(unsafe_code, reason = "asks the C library")]

/// Keeps freed memory for the next step instead of giving it back to the system.
///
/// A step frees vectors of the size that the next one asks for; where the system takes them back in between, every
/// page is faulted in anew, which can cost more than sampling. Concerns this process, plugins included; does nothing
/// where the C library is not glibc.
pub fn keep_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `mallopt` only sets thresholds, and is called before threads are started.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}
