//! Rows of different lengths in one flat buffer.

/// Rows of different lengths: row i is `values[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Copy, Debug)]
pub struct Ragged<'a, T> {
    offsets: &'a [u64],
    values: &'a [T],
}

impl<'a, T> Ragged<'a, T> {
    /// A view of `values` cut at `offsets`.
    ///
    /// Returns `None` unless the offsets start at 0, never fall, and end at the number of values.
    pub fn new(offsets: &'a [u64], values: &'a [T]) -> Option<Self> {
        let whole = offsets.first() == Some(&0) && offsets.last() == Some(&(values.len() as u64));
        (whole && offsets.is_sorted()).then_some(Self { offsets, values })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`len`](Self::len).
    #[allow(clippy::cast_possible_truncation, reason = "offsets index a slice in memory")]
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.values[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    /// The rows in order.
    pub fn rows(self) -> impl Iterator<Item = &'a [T]> {
        (0..self.len()).map(move |i| self.row(i))
    }

    /// Where each row starts, and behind the last the number of values.
    pub fn offsets(&self) -> &'a [u64] {
        self.offsets
    }

    /// The values of all rows, one row after another.
    pub fn values(&self) -> &'a [T] {
        self.values
    }
}

/// An owned, growable [`Ragged`].
#[derive(Clone, Debug, PartialEq)]
pub struct RaggedBuffer<T> {
    offsets: Vec<u64>,
    values: Vec<T>,
}

impl<T> Default for RaggedBuffer<T> {
    fn default() -> Self {
        Self { offsets: vec![0], values: Vec::new() }
    }
}

impl<T: Clone> RaggedBuffer<T> {
    /// A buffer from its parts; `None` where [`Ragged::new`] would refuse them.
    pub fn from_parts(offsets: Vec<u64>, values: Vec<T>) -> Option<Self> {
        Ragged::new(&offsets, &values)?;
        Some(Self { offsets, values })
    }

    /// The offsets and the values.
    pub fn into_parts(self) -> (Vec<u64>, Vec<T>) {
        (self.offsets, self.values)
    }

    /// Makes room for so many more rows and values.
    pub fn reserve(&mut self, rows: usize, values: usize) {
        self.offsets.reserve(rows);
        self.values.reserve(values);
    }

    /// Appends a row.
    pub fn push(&mut self, row: &[T]) {
        self.values.extend_from_slice(row);
        self.end_row();
    }

    /// Appends a value to the row under construction; [`end_row`](Self::end_row) completes it.
    pub fn push_value(&mut self, value: T) {
        self.values.push(value);
    }

    /// Completes the row under construction.
    pub fn end_row(&mut self) {
        self.offsets.push(self.values.len() as u64);
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.truncate(1);
        self.values.clear();
    }

    /// The view.
    pub fn view(&self) -> Ragged<'_, T> {
        Ragged { offsets: &self.offsets, values: &self.values }
    }
}

impl<'r, T: Clone + 'r> FromIterator<&'r [T]> for RaggedBuffer<T> {
    fn from_iter<I: IntoIterator<Item = &'r [T]>>(rows: I) -> Self {
        let mut buffer = Self::default();
        for row in rows {
            buffer.push(row);
        }
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_pushed() {
        let buffer: RaggedBuffer<u32> = [&[1, 2][..], &[], &[3]].into_iter().collect();
        assert_eq!(buffer.view().rows().collect::<Vec<_>>(), [&[1, 2][..], &[], &[3]]);
    }

    #[test]
    fn offsets_that_do_not_fit_are_refused() {
        assert!(Ragged::new(&[0, 2], &[1]).is_none());
        assert!(Ragged::new(&[0, 2, 1, 2], &[1, 2]).is_none());
        assert!(Ragged::<u32>::new(&[], &[]).is_none());
        assert!(Ragged::<u32>::new(&[0], &[]).is_some());
    }
}
