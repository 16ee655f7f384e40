//! What a run's directory costs a file server, by simulation: up to a million arms and a thousand workers.
//!
//!     cargo bench -p pstar-run --bench many_workers
//!
//! Discrete events, virtual time, no file system. Workers do what `pstar-run` does: each goes through blocks of 1024 arms in an
//! order of its own, passes over blocks that are noted as ended, looks at arms, claims those that nobody has, trains, writes,
//! notes, and waits for the last ones. Operations are those that `tests/cluster/operations.py` counts. A server answers after
//! a latency, and does so many operations a second in all, in their order; nothing is cached, which is the worst case.
//! Everything is a function of a seed.
//!
//! Held against real workers whose calls strace counted, 3,000 arms of some 5 ms: 4 workers asked 37.8 times an arm (simulated 40.4),
//! 8 workers 44.5 times (43.8), the record aside.
//!
//! Columns: operations an arm and a second, the share of the server's time, claims that came too late, the share of the workers'
//! time in which they waited for the server, hours until the last arm has ended, and minutes to put the record together with
//! 16 threads.
#![allow(clippy::print_stdout, reason = "prints a table")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Operations that change or look up names, as counted; reads and writes of open files are not among them.
mod operations {
    /// A look at an arm without a result, or at a note.
    pub(super) const LOOK: f64 = 1.0;
    /// A look at an arm that has ended.
    pub(super) const ENDED: f64 = 2.0;
    /// A look at an arm of another: its result, the names of its folder, the claim.
    pub(super) const BUSY: f64 = 5.0;
    /// From the look to the result.
    pub(super) const ARM: f64 = 34.0;
    /// From the look to the claim.
    pub(super) const ARM_TO_CLAIM: f64 = 8.0;
    /// A checkpoint: a temporary file, its name, its folder, and whether the claim still counts.
    pub(super) const CHECKPOINT: f64 = 5.0;
    /// A beat: a temporary file, and its name.
    pub(super) const BEAT: f64 = 2.0;
    /// A note of a block, likewise.
    pub(super) const NOTE: f64 = 2.0;
    /// An arm when the record is put together: its result, curve, parameters and prompts; its curve and its prompts again; what
    /// is tidied.
    pub(super) const MERGE: f64 = 15.0;
}

const BLOCK: usize = 1024;
const CHECKPOINT_SECONDS: f64 = 30.0;
const BEAT_SECONDS: f64 = 10.0;
const LINGER: f64 = 60.0;

/// Seconds of a processor to put an arm's record together, measured at 100,000 arms.
const MERGE_SECONDS: f64 = 0.0004;

/// Files that are read at once meanwhile.
const MERGE_THREADS: f64 = 16.0;

#[derive(Clone, Copy)]
struct Server {
    name: &'static str,
    /// Seconds to an answer.
    latency: f64,
    /// Operations a second.
    capacity: f64,
}

const SERVERS: [Server; 2] = [
    Server { name: "0.5 ms, 20 000/s", latency: 0.0005, capacity: 20_000.0 },
    Server { name: "3 ms, 3 000/s", latency: 0.003, capacity: 3_000.0 },
];

/// Arms, workers, and seconds that an arm trains, on average.
const SIZES: [(usize, usize, f64); 7] = [
    (10_000, 1, 1.0),
    (10_000, 8, 1.0),
    (10_000, 100, 10.0),
    (100_000, 100, 10.0),
    (100_000, 1_000, 60.0),
    (1_000_000, 1_000, 10.0),
    (1_000_000, 1_000, 60.0),
];

fn main() {
    println!(
        "{:>17} {:>9} {:>7} {:>6} {:>9} {:>9} {:>8} {:>10} {:>9} {:>8} {:>9}",
        "server",
        "arms",
        "workers",
        "arm/s",
        "ops/arm",
        "ops/s",
        "busy",
        "conflicts",
        "waiting",
        "time/h",
        "merge/min"
    );
    for server in SERVERS {
        for (arms, workers, seconds) in SIZES {
            let found = Simulation::new(server, arms, workers, seconds, true).run();
            found.print(server, arms, workers, seconds);
            assert_eq!(found.trained, arms, "an arm is trained once");
        }
    }
    println!("\nwithout notes of blocks, every worker looks at every arm:");
    for (arms, workers, seconds) in [SIZES[3], SIZES[4]] {
        Simulation::new(SERVERS[0], arms, workers, seconds, false)
            .run()
            .print(SERVERS[0], arms, workers, seconds);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Arm {
    Open,
    Claimed,
    Ended,
}

struct Found {
    operations: f64,
    conflicts: usize,
    /// Seconds of workers that waited for the server.
    waiting: f64,
    /// Seconds until the last worker has ended.
    end: f64,
    /// Seconds until the last arm has ended.
    last: f64,
    trained: usize,
}

impl Found {
    fn print(&self, server: Server, arms: usize, workers: usize, seconds: f64) {
        let asked = operations::MERGE * (server.latency / MERGE_THREADS).max(1.0 / server.capacity);
        let merge = arms as f64 * (MERGE_SECONDS + asked);
        println!(
            "{:>17} {arms:>9} {workers:>7} {seconds:>6} {:>9.1} {:>9.0} {:>7.1}% {:>10} {:>8.2}% {:>8.2} {:>9.1}",
            server.name,
            self.operations / arms as f64,
            self.operations / self.end,
            100.0 * self.operations / server.capacity / self.end,
            self.conflicts,
            100.0 * self.waiting / (self.end * workers as f64),
            self.last / 3600.0,
            merge / 60.0,
        );
    }
}

/// What a worker does next.
#[derive(Clone, Copy)]
enum Step {
    /// Looks at the next thing of its order.
    Look,
    /// Tries to claim an arm that it saw open.
    Claim(usize),
    /// Has trained an arm.
    Ended(usize),
}

struct Worker {
    number: u64,
    /// Blocks that it has not seen ended, the next one first.
    blocks: VecDeque<usize>,
    /// Arms of the block at hand that it has still to look at.
    arms: Vec<usize>,
    /// Whether an arm of the block at hand was another's.
    has_busy: bool,
    /// Blocks to look at again.
    again: Vec<usize>,
    /// Since when nothing new has ended.
    since: f64,
}

/// An event: when, in which order of equal times, whose.
#[derive(PartialEq, PartialOrd)]
struct At(f64, u64, usize);

impl Eq for At {}

#[allow(clippy::derive_ord_xor_partial_ord, reason = "times are never NaN")]
impl Ord for At {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal)
    }
}

struct Simulation {
    server: Server,
    seconds: f64,
    has_notes: bool,
    arms: Vec<Arm>,
    left: Vec<usize>,
    noted: Vec<bool>,
    workers: Vec<Worker>,
    steps: Vec<Step>,
    events: BinaryHeap<Reverse<At>>,
    count: u64,
    free: f64,
    found: Found,
}

impl Simulation {
    fn new(server: Server, arms: usize, workers: usize, seconds: f64, has_notes: bool) -> Self {
        let blocks = arms.div_ceil(BLOCK);
        let worker = |number: u64| Worker {
            number: mixed(number),
            blocks: order(0..blocks, mixed(number)).into(),
            arms: Vec::new(),
            has_busy: false,
            again: Vec::new(),
            since: 0.0,
        };
        let mut simulation = Self {
            server,
            seconds,
            has_notes,
            arms: vec![Arm::Open; arms],
            left: (0..blocks).map(|block| BLOCK.min(arms - block * BLOCK)).collect(),
            noted: vec![false; blocks],
            workers: (0..workers as u64).map(worker).collect(),
            steps: vec![Step::Look; workers],
            events: BinaryHeap::new(),
            count: 0,
            free: 0.0,
            found: Found { operations: 0.0, conflicts: 0, waiting: 0.0, end: 0.0, last: 0.0, trained: 0 },
        };
        // A scheduler starts ten a second.
        (0..workers).for_each(|worker| simulation.at(worker as f64 / 10.0, worker, Step::Look));
        simulation
    }

    fn at(&mut self, time: f64, worker: usize, step: Step) {
        self.steps[worker] = step;
        self.count += 1;
        self.events.push(Reverse(At(time, self.count, worker)));
    }

    /// When a worker's operations, one after the other, are answered.
    fn answered(&mut self, now: f64, operations: f64) -> f64 {
        self.free = self.free.max(now) + operations / self.server.capacity;
        let answered = self.free.max(now + operations * self.server.latency);
        self.found.operations += operations;
        self.found.waiting += answered - now;
        answered
    }

    fn run(mut self) -> Found {
        while let Some(Reverse(At(now, _, worker))) = self.events.pop() {
            self.found.end = self.found.end.max(now);
            match self.steps[worker] {
                Step::Look => self.look(now, worker),
                Step::Claim(arm) => self.claim(now, worker, arm),
                Step::Ended(arm) => self.ended(now, worker, arm),
            }
        }
        self.found
    }

    fn look(&mut self, now: f64, worker: usize) {
        let mut operations = 0.0;
        loop {
            while let Some(arm) = self.workers[worker].arms.pop() {
                match self.arms[arm] {
                    Arm::Open => {
                        let answered =
                            self.answered(now, operations + operations::LOOK + operations::ARM_TO_CLAIM);
                        return self.at(answered, worker, Step::Claim(arm));
                    }
                    Arm::Claimed => {
                        operations += operations::BUSY;
                        self.workers[worker].has_busy = true;
                    }
                    Arm::Ended => operations += operations::ENDED,
                }
            }
            let Some(block) = self.workers[worker].blocks.pop_front() else { break };
            operations += operations::LOOK;
            if self.noted[block] {
                continue;
            }
            let end = ((block + 1) * BLOCK).min(self.arms.len());
            let number = self.workers[worker].number;
            self.workers[worker].arms = order(block * BLOCK..end, number);
            if self.left[block] > 0 {
                // Until it is seen to have ended.
                self.workers[worker].again.push(block);
            } else if self.has_notes {
                self.noted[block] = true;
                operations += operations::NOTE;
            }
            // What is looked at now takes its time: others go on meanwhile.
            if operations > 50.0 {
                let answered = self.answered(now, operations);
                return self.at(answered, worker, Step::Look);
            }
        }
        // Once through.
        let answered = self.answered(now, operations);
        let again = std::mem::take(&mut self.workers[worker].again);
        let again: VecDeque<usize> = again.into_iter().filter(|block| self.left[*block] > 0).collect();
        let waited = answered - self.workers[worker].since;
        if again.is_empty() || waited > LINGER {
            self.found.end = self.found.end.max(answered);
            return;
        }
        self.workers[worker].blocks = again;
        self.at(answered + (waited / 8.0).clamp(0.1, 5.0), worker, Step::Look);
    }

    fn claim(&mut self, now: f64, worker: usize, arm: usize) {
        if self.arms[arm] != Arm::Open {
            // Another was quicker.
            self.found.conflicts += 1;
            return self.at(now, worker, Step::Look);
        }
        self.arms[arm] = Arm::Claimed;
        // Exponential, by inversion.
        let uniform = (mixed(arm as u64) >> 11) as f64 / 2f64.powi(53);
        let seconds = -self.seconds * (1.0 - uniform).ln();
        let beside = (seconds / CHECKPOINT_SECONDS).floor() * operations::CHECKPOINT
            + seconds / BEAT_SECONDS * operations::BEAT;
        self.free = self.free.max(now) + beside / self.server.capacity;
        self.found.operations += beside;
        self.at(now + seconds, worker, Step::Ended(arm));
    }

    fn ended(&mut self, now: f64, worker: usize, arm: usize) {
        let mut operations = operations::ARM - operations::ARM_TO_CLAIM;
        self.arms[arm] = Arm::Ended;
        let block = arm / BLOCK;
        self.left[block] -= 1;
        self.found.trained += 1;
        if self.left[block] == 0 && self.has_notes && !self.workers[worker].has_busy {
            self.noted[block] = true;
            operations += operations::NOTE;
        }
        let answered = self.answered(now, operations);
        self.found.last = self.found.last.max(answered);
        self.workers[worker].since = answered;
        self.at(answered, worker, Step::Look);
    }
}

/// Steele, Lea, Flood (2014), Fast splittable pseudorandom number generators.
fn mixed(x: u64) -> u64 {
    let mut x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn order(range: std::ops::Range<usize>, worker: u64) -> Vec<usize> {
    let mut order: Vec<usize> = range.collect();
    order.sort_by_cached_key(|i| mixed(worker ^ *i as u64));
    order
}
