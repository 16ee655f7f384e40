//! What the record of an arm takes in memory: a run holds those of all its arms.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may end in a panic")]
#![allow(unsafe_code, reason = "counts what is allocated")]

use pstar_record::{ArmRecord, Failure, Measures};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, which counts bytes.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Figures of one arm at one moment.
const FIGURES: usize = 30;

fn measures(arm: usize) -> Measures {
    let mut measures = Measures::default();
    for figure in 0..FIGURES - 4 {
        measures.push(format!("a figure with the name {figure}"), (arm * figure) as f64);
    }
    measures.push_family("coverage_at", ["1", "4", "16", "64"].map(String::from), [0.5; 4]);
    measures
}

#[test]
fn an_arm_is_little_more_than_its_numbers() {
    const ARMS: usize = 1000;
    let mut arm =
        ArmRecord::of_failure("0003798077449569".into(), Failure { step: 0, message: String::new() });
    (arm.policy, arm.objective) = ("bigram".into(), "forward-kl".into());
    let texts: Vec<String> = (0..ARMS)
        .map(|i| {
            (arm.initial, arm.last) = (Some(measures(i)), Some(measures(i)));
            serde_json::to_string(&arm).unwrap()
        })
        .collect();
    let before = HELD.load(Ordering::Relaxed);
    let read: Vec<ArmRecord> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let each = (HELD.load(Ordering::Relaxed) - before) / ARMS;
    assert_eq!(read.len(), ARMS);
    // The numbers of two moments, of 16 bytes each; the record; and short texts.
    let expected = 2 * FIGURES * 16 + size_of::<ArmRecord>() + 100;
    assert!(each <= expected, "{each} bytes an arm, expected at most {expected}");
    assert!(expected < 2048, "{expected}");
}
