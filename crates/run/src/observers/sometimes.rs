//! Observers that are told of some points of a curve only.

use super::{ArmName, ArmObserver, Observer};
use crate::files::Unwritable;
use pstar_lab::training::ArmEvent;
use pstar_record::CurvePoint;
use std::path::Path;

/// Which points of a curve an observer is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// None: only that the arm begins and ends.
    Never,
    /// Every n-th point from the first, n at least 1, and the last one.
    Every(u32),
    /// The last one.
    End,
}

impl When {
    /// Whether the point of a number, from 0, is told before it is known to be the last.
    fn tells(self, number: usize) -> bool {
        matches!(self, Self::Every(n) if number.is_multiple_of(n.max(1) as usize))
    }
}

/// An observer that is told of some points only.
#[allow(missing_debug_implementations, reason = "holds an observer")]
pub struct Sometimes {
    observer: Box<dyn Observer>,
    when: When,
}

impl Sometimes {
    /// Tells an observer of some points.
    pub fn new(observer: Box<dyn Observer>, when: When) -> Self {
        Self { observer, when }
    }
}

impl Observer for Sometimes {
    fn begin(
        &self,
        arm: ArmName<'_>,
        folder: &Path,
        curve: &[CurvePoint],
    ) -> Result<Box<dyn ArmObserver>, Unwritable> {
        let told = curve.iter().enumerate().filter(|(number, _)| self.when.tells(*number));
        let told: Vec<CurvePoint> = told.map(|(_, point)| point.clone()).collect();
        let inner = self.observer.begin(arm, folder, &told)?;
        let number = curve.len();
        let last = curve.last().filter(|_| number > 0 && !self.when.tells(number - 1)).cloned();
        Ok(Box::new(SometimesArm { inner, when: self.when, number, last }))
    }
}

struct SometimesArm {
    inner: Box<dyn ArmObserver>,
    when: When,
    /// Points so far.
    number: usize,
    /// The last one, if it was not told.
    last: Option<CurvePoint>,
}

impl ArmObserver for SometimesArm {
    fn tell(&mut self, event: &ArmEvent<'_>) -> Result<(), Unwritable> {
        match event {
            ArmEvent::Point(point) => {
                self.number += 1;
                if self.when.tells(self.number - 1) {
                    self.last = None;
                    return self.inner.tell(event);
                }
                self.last = Some((*point).clone());
                Ok(())
            }
            ArmEvent::End(_) => {
                if let Some(last) = self.last.take().filter(|_| self.when != When::Never) {
                    self.inner.tell(&ArmEvent::Point(&last))?;
                }
                self.inner.tell(event)
            }
            _ => self.inner.tell(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_record::{ArmStatus, Measures};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<Vec<u32>>>);

    impl Observer for Notes {
        fn begin(
            &self,
            _arm: ArmName<'_>,
            _folder: &Path,
            curve: &[CurvePoint],
        ) -> Result<Box<dyn ArmObserver>, Unwritable> {
            self.0.lock().unwrap().extend(curve.iter().map(|point| point.step));
            Ok(Box::new(self.clone()))
        }
    }

    impl ArmObserver for Notes {
        fn tell(&mut self, event: &ArmEvent<'_>) -> Result<(), Unwritable> {
            if let ArmEvent::Point(point) = event {
                self.0.lock().unwrap().push(point.step);
            }
            Ok(())
        }
    }

    /// Seven points, of which the first `before` are there when the observer comes.
    fn told(when: When, before: usize) -> Vec<u32> {
        let point =
            |step| CurvePoint { step, measures: Measures::default(), signals: std::iter::empty().collect() };
        let curve: Vec<CurvePoint> = (0..7).map(|i| point(10 * i)).collect();
        let notes = Notes::default();
        let arm = ArmName { id: "", policy: "", objective: "", learning_rate: None, seed: 1 };
        let observer = Sometimes::new(Box::new(notes.clone()), when);
        let mut own = observer.begin(arm, Path::new(""), &curve[..before]).unwrap();
        for point in &curve[before..] {
            own.tell(&ArmEvent::Point(point)).unwrap();
        }
        own.tell(&ArmEvent::End(ArmStatus::Complete)).unwrap();
        notes.0.lock().unwrap().clone()
    }

    #[test]
    fn points_are_counted_across_parts_of_a_run() {
        for before in 0..=7 {
            assert_eq!(told(When::Every(1), before), [0, 10, 20, 30, 40, 50, 60]);
            assert_eq!(told(When::Every(3), before), [0, 30, 60]);
            assert_eq!(told(When::Every(4), before), [0, 40, 60]);
            assert_eq!(told(When::End, before), [60]);
            assert!(told(When::Never, before).is_empty());
        }
    }
}
