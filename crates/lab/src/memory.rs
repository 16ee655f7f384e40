//! What becomes of freed memory, and how much there is.
#![allow(unsafe_code, reason = "asks the C library")]

use std::fs;

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

/// Bytes that this process can have at most: the machine's memory, or less where a limit is set on the process or on
/// the group that it runs in; `None` where nobody says.
pub fn limit() -> Option<u64> {
    [machine(), of_process(), of_group()].into_iter().flatten().min()
}

/// The machine's memory.
fn machine() -> Option<u64> {
    #[cfg(unix)]
    {
        // SAFETY: `sysconf` only looks up numbers.
        let [pages, size] =
            [libc::_SC_PHYS_PAGES, libc::_SC_PAGESIZE].map(|name| unsafe { libc::sysconf(name) });
        Some(u64::try_from(pages).ok()? * u64::try_from(size).ok()?)
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// The limit on the process's address space (`ulimit -v`).
fn of_process() -> Option<u64> {
    #[cfg(unix)]
    {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the system writes to a struct that lives until after the call.
        let answer = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) };
        (answer == 0 && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
    }
    #[cfg(not(unix))]
    {
        None
    }
}

/// The limit on the control group that a container or a job of a cluster runs in.
fn of_group() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
    let of_version_2 = || {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
        // A limit on a group holds for those below it.
        let mut folder = std::path::PathBuf::from(format!("/sys/fs/cgroup{own}"));
        let mut least = None;
        while folder.starts_with("/sys/fs/cgroup") {
            let found: Option<u64> = folder.join("memory.max").to_str().and_then(read);
            least = [least, found].into_iter().flatten().min();
            folder.pop();
        }
        least
    };
    of_version_2().or_else(|| read("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_some_memory() {
        if cfg!(unix) {
            assert!(limit().is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}
