//! How long a pass takes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::Automaton;

/// Times the pass that `prepare` makes of the automaton, and prints the mean processor time, after a warm-up.
///
/// `prepare` gives the number of transitions and the pass, which returns the log-mass.
pub fn report<P: FnMut() -> f64>(peer: &str, prepare: impl FnOnce(&Automaton) -> (usize, P)) {
    let mut args = std::env::args().skip(1);
    let path: PathBuf = args.next().expect("the automaton's file").into();
    let seconds = args.next().and_then(|text| text.parse().ok()).expect("how many seconds to measure");
    let automaton = Automaton::read(&path);
    let (transitions, mut pass) = prepare(&automaton);
    let log_mass = pass();
    let limit = Duration::from_secs_f64(seconds);
    let start = Instant::now();
    let before = processor_ms(start);
    let mut passes = 0;
    while start.elapsed() < limit {
        assert!(pass() == log_mass, "the same bits every time");
        passes += 1;
    }
    let ms = (processor_ms(start) - before) / f64::from(passes);
    println!(r#"{{"peer": "{peer}", "ms": {ms}, "log_mass": {log_mass}, "transitions": {transitions}}}"#);
}

/// Milliseconds of processor time that this thread has used, where Linux tells them; else of time.
fn processor_ms(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let used = told.as_deref().and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    used.map_or_else(|| start.elapsed().as_secs_f64() * 1e3, |nanoseconds| nanoseconds / 1e6)
}
