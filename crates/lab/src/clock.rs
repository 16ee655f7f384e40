//! Processor time: what work takes, however many others the machine works for.
#![allow(unsafe_code, reason = "asks the system's clock")]

/// Seconds of processor time that this thread has taken.
pub fn thread_seconds() -> f64 {
    #[cfg(unix)]
    {
        seconds(libc::CLOCK_THREAD_CPUTIME_ID)
    }
    #[cfg(not(unix))]
    {
        since_start()
    }
}

/// Seconds of processor time that all threads of this process have taken.
pub fn process_seconds() -> f64 {
    #[cfg(unix)]
    {
        seconds(libc::CLOCK_PROCESS_CPUTIME_ID)
    }
    #[cfg(not(unix))]
    {
        since_start()
    }
}

#[cfg(unix)]
fn seconds(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the system writes to a timespec that lives until after the call.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Where there is no such clock: the time of day's.
#[cfg(not(unix))]
fn since_start() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_takes_no_processor_time() {
        let (thread, process) = (thread_seconds(), process_seconds());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(thread_seconds() - thread < 0.04);
        let mut sum = 0.0f64;
        while thread_seconds() - thread < 0.01 {
            sum += sum.sin() + 1.0;
        }
        assert!(process_seconds() - process >= 0.009, "{sum}");
    }
}
