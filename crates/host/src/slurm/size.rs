//! How many workers a run is worth.
//!
//! Slurm starts some ten tasks a second and a task costs a second or two to begin, so that a task an arm is hopeless where arms
//! are short: an element of the array is a worker, which takes arms until none is left.

/// Seconds that a worker should have to do, at least.
const WORTH: f64 = 300.0;

/// Workers at a time, at most, where nothing else is said: sites limit how many jobs a user may have.
const MOST_WORKERS: u32 = 500;

/// Minutes before its end at which a worker is told to stop.
pub(super) const NOTICE: u32 = 3;

/// What is left of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Work {
    /// Arms without a result.
    pub(crate) arms: u64,
    /// Seconds of processor time of all of them, as estimated.
    pub(crate) seconds: f64,
}

/// How many workers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// At a time.
    pub(crate) at_once: u32,
    /// Elements of the array: those that stand in for workers whose time is up included.
    pub(crate) elements: u32,
}

impl Size {
    /// Of the workers of `cpus` processors for some work, each of which lives so many minutes at most, where that is limited.
    pub(crate) fn of(work: Work, cpus: u32, minutes: Option<u32>, asked: Option<u32>) -> Self {
        let whole = |value: f64| {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "saturates; whole and not negative"
            )]
            let value = value.max(1.0).ceil() as u32;
            value
        };
        let share = work.seconds / f64::from(cpus);
        let by_arms = whole((work.arms as f64 / f64::from(cpus)).ceil());
        let at_once = match asked {
            Some(asked) => asked,
            None => whole(share / WORTH).min(MOST_WORKERS),
        };
        let at_once = at_once.min(by_arms);
        let rounds = minutes.map_or(1, |minutes| {
            let lives = 60.0 * f64::from(minutes.saturating_sub(NOTICE).max(1));
            // Estimates err, and what is requeued begins late: one round more than it takes.
            whole(share / f64::from(at_once) / lives).saturating_add(1)
        });
        Self { at_once, elements: at_once.saturating_mul(rounds) }
    }

    /// The elements as arrays, of which none has an index beyond what the site allows.
    pub(crate) fn arrays(self, max_array_size: u32) -> Vec<String> {
        let most = max_array_size.saturating_sub(1).max(1);
        let mut arrays = Vec::new();
        let mut left = self.elements;
        while left > 0 {
            let elements = left.min(most);
            arrays.push(format!("1-{elements}%{}", self.at_once.min(elements)));
            left -= elements;
        }
        arrays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_has_minutes_to_do_and_no_more_workers_than_arms() {
        let size = |arms, seconds, cpus, asked| Size::of(Work { arms, seconds }, cpus, None, asked).at_once;
        assert_eq!(size(200, 60.0, 1, None), 1, "a minute in all");
        assert_eq!(size(200, 3000.0, 1, None), 10);
        assert_eq!(size(200, 3000.0, 4, None), 3);
        assert_eq!(size(4, 1e6, 1, None), 4);
        assert_eq!(size(10, 1e6, 4, None), 3);
        assert_eq!(size(1 << 40, 1e12, 1, None), 500);
        assert_eq!(size(1 << 40, 1e12, 1, Some(2000)), 2000);
        assert_eq!(size(3, 1.0, 1, Some(2000)), 3);
        assert_eq!(size(0, 0.0, 1, None), 1, "somebody writes the summary");
        assert_eq!(size(10, f64::NAN, 1, None), 1);
    }

    #[test]
    fn spare_elements_stand_in_where_time_is_limited() {
        let of = |seconds, minutes| Size::of(Work { arms: 100, seconds }, 1, minutes, Some(10)).elements;
        assert_eq!(of(36_000.0, None), 10);
        // An hour each; 57 minutes of it count.
        assert_eq!(of(36_000.0, Some(60)), 30);
        assert_eq!(of(34_000.0, Some(60)), 20);
    }

    #[test]
    fn no_array_is_larger_than_the_site_takes() {
        let size = |at_once, elements| Size { at_once, elements };
        assert_eq!(size(8, 16).arrays(1001), ["1-16%8"]);
        assert_eq!(size(8, 2500).arrays(1001), ["1-1000%8", "1-1000%8", "1-500%8"]);
        assert_eq!(size(8, 5).arrays(1), ["1-1%1"; 5]);
    }
}
