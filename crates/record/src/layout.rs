//! Figures that were written one by one under their full names, put together again.

use crate::names::Names;
use crate::{Means, Measures};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Stands behind each name of a list: no text holds it.
const END: u8 = 0xff;

/// The figures that a record knows, by their full names.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// For a figure of a family the family's name and its key.
    by_name: HashMap<String, Option<(String, String)>>,
    lists: Vec<Arc<Names>>,
}

impl Known {
    /// Of the figures of some rows.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a Measures>) -> Self {
        let mut known = Self::default();
        for row in rows {
            let names = row.list();
            // Rows of the same figures share one list.
            if known.lists.iter().any(|list| Arc::ptr_eq(list, names)) {
                continue;
            }
            for scalar in &names.scalars {
                known.by_name.insert(scalar.to_string(), None);
            }
            for (family, keys) in &names.families {
                let own = keys.iter().map(|key| {
                    let place = Some((family.to_string(), key.clone()));
                    (Names::full_of(family, key), place)
                });
                known.by_name.extend(own);
            }
            known.lists.push(Arc::clone(names));
        }
        known
    }
}

/// Where a value of a list goes.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Figure(usize),
    Signal(usize),
    /// Its name was met before.
    Again,
}

/// What a list of names stands for.
#[derive(Debug)]
struct Layout {
    slots: Vec<Slot>,
    names: Arc<Names>,
    figures: usize,
    signals: Vec<String>,
}

impl Layout {
    fn of(list: &[u8], known: &Known) -> Self {
        /// A family, and for each key its place in the list.
        type Family = (String, Vec<(String, usize)>);
        let names: Vec<String> =
            list.split(|&byte| byte == END).map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let names = &names[..names.len() - 1];
        let mut slots = vec![Slot::Again; names.len()];
        let (mut scalars, mut signals) = (Vec::new(), Vec::new());
        let mut families: Vec<Family> = Vec::new();
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                continue;
            }
            match known.by_name.get(name) {
                None => {
                    slots[i] = Slot::Signal(signals.len());
                    signals.push(name.clone());
                }
                Some(None) => {
                    slots[i] = Slot::Figure(scalars.len());
                    scalars.push(name.clone().into());
                }
                Some(Some((family, key))) => {
                    let entry = (key.clone(), i);
                    match families.iter_mut().find(|(known, _)| known == family) {
                        Some((_, keys)) => keys.push(entry),
                        None => families.push((family.clone(), vec![entry])),
                    }
                }
            }
        }
        let mut figures = scalars.len();
        for &(_, place) in families.iter().flat_map(|(_, keys)| keys) {
            slots[place] = Slot::Figure(figures);
            figures += 1;
        }
        let families = families
            .into_iter()
            .map(|(family, keys)| (family.into(), keys.into_iter().map(|(key, _)| key).collect()));
        let names = Arc::new(Names { scalars, families: families.collect() }).remembered();
        Self { slots, names, figures, signals }
    }
}

/// Puts values together that come one by one, each under its full name.
#[derive(Debug)]
pub(crate) struct Gathered<'a> {
    known: &'a Known,
    layouts: HashMap<Vec<u8>, Layout>,
    list: Vec<u8>,
    values: Vec<f64>,
}

/// What was put together.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) measures: Measures,
    /// What is no figure of the record's.
    pub(crate) signals: Means,
    /// Whether some name came twice; the first value counts.
    pub(crate) repeats: bool,
}

impl<'a> Gathered<'a> {
    pub(crate) fn new(known: &'a Known) -> Self {
        Self { known, layouts: HashMap::new(), list: Vec::new(), values: Vec::new() }
    }

    pub(crate) fn push(&mut self, name: &[u8], value: f64) {
        self.list.extend_from_slice(name);
        self.list.push(END);
        self.values.push(value);
    }

    /// What came since the last time; nothing if nothing did.
    pub(crate) fn take(&mut self) -> Option<Row> {
        if self.values.is_empty() {
            return None;
        }
        if !self.layouts.contains_key(&self.list) {
            let layout = Layout::of(&self.list, self.known);
            if let Entry::Vacant(free) = self.layouts.entry(self.list.clone()) {
                free.insert(layout);
            }
        }
        let layout = self.layouts.get(&self.list)?;
        let mut figures = vec![None; layout.figures];
        let mut signals: Vec<f64> = vec![f64::NAN; layout.signals.len()];
        let mut repeats = false;
        for (&slot, &value) in layout.slots.iter().zip(&self.values) {
            match slot {
                Slot::Figure(i) => figures[i] = Some(value),
                Slot::Signal(i) => signals[i] = value,
                Slot::Again => repeats = true,
            }
        }
        self.list.clear();
        self.values.clear();
        let signals = layout.signals.iter().cloned().zip(signals).collect();
        Some(Row { measures: Measures::of_values(&layout.names, figures), signals, repeats })
    }
}
