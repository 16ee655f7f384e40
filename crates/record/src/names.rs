//! The names of figures, which many records share: what a run of many arms has in memory are their numbers.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// The name of a figure.
pub(crate) type Name = Cow<'static, str>;

/// How many lists of names are remembered: a run has a few, one for each kind of row.
const REMEMBERED: usize = 32;

/// The lists that were seen last, the latest one last.
static SEEN: Mutex<Vec<Arc<Names>>> = Mutex::new(Vec::new());

/// The names of figures, and of families with their keys, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) scalars: Vec<Name>,
    pub(crate) families: Vec<(Name, Vec<String>)>,
}

impl Names {
    /// A list that is the same as this one, and that every other record with these names has as well.
    pub(crate) fn remembered(self: Arc<Self>) -> Arc<Self> {
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.iter().rev().find(|known| **known == self) {
            return Arc::clone(known);
        }
        // Lists that are all different are no run's: they are not kept for ever.
        if seen.len() == REMEMBERED {
            seen.remove(0);
        }
        seen.push(Arc::clone(&self));
        self
    }

    /// The name of each figure's kind: its own, or its family's.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &str> {
        let families = self.families.iter().flat_map(|(name, keys)| keys.iter().map(move |_| &**name));
        self.scalars.iter().map(|name| &**name).chain(families)
    }

    /// The full name of each figure: `family@key` for those of a family.
    pub(crate) fn full(&self) -> impl Iterator<Item = String> {
        let families = self.families.iter();
        let families = families.flat_map(|(name, keys)| keys.iter().map(|key| Self::full_of(name, key)));
        self.scalars.iter().map(ToString::to_string).chain(families)
    }

    /// The full name of a family's figure.
    pub(crate) fn full_of(family: &str, key: &str) -> String {
        format!("{}@{key}", family.strip_suffix("_at").unwrap_or(family))
    }

    /// Where the figure `name` is.
    pub(crate) fn scalar(&self, name: &str) -> Option<usize> {
        self.scalars.iter().position(|known| known == name)
    }

    /// Where the figure `key` of the family `name` is.
    pub(crate) fn in_family(&self, name: &str, key: &str) -> Option<usize> {
        let mut before = self.scalars.len();
        for (known, keys) in &self.families {
            if known == name {
                return Some(before + keys.iter().position(|known| known == key)?);
            }
            before += keys.len();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scalar: String) -> Arc<Names> {
        Arc::new(Names { scalars: vec![scalar.into()], families: vec![("x_at".into(), vec!["2".into()])] })
    }

    #[test]
    fn the_same_names_are_one_list() {
        let (first, second) = (names("a".into()).remembered(), names("a".into()).remembered());
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &names("b".into()).remembered()));
        for other in 0..3 * REMEMBERED {
            names(format!("c{other}")).remembered();
        }
        let seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(seen.len() <= REMEMBERED);
        drop(seen);
        assert_eq!(names("a".into()).remembered(), first);
    }

    #[test]
    fn places_are_those_of_the_full_names() {
        let names = Names {
            scalars: vec!["a".into(), "b".into()],
            families: vec![("x_at".into(), vec!["1".into(), "2".into()]), ("y".into(), vec!["1".into()])],
        };
        let full: Vec<String> = names.full().collect();
        assert_eq!(full, ["a", "b", "x@1", "x@2", "y@1"]);
        assert_eq!(names.kinds().collect::<Vec<_>>(), ["a", "b", "x_at", "x_at", "y"]);
        assert_eq!((names.scalar("b"), names.scalar("x_at")), (Some(1), None));
        assert_eq!((names.in_family("x_at", "2"), names.in_family("y", "1")), (Some(3), Some(4)));
        assert_eq!((names.in_family("y", "2"), names.in_family("x", "1")), (None, None));
    }
}
