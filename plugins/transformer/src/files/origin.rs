//! Where in a file the numbers of a parameter tensor stand. Reading gathers them by it, and writing puts them there.

use pstar_neural::network::Tensor;

/// Where a parameter tensor comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    /// The name of the file's tensor.
    pub(super) name: String,
    /// The sizes that it must have.
    pub(super) sizes: Vec<usize>,
    /// What of it is taken.
    pub(super) take: Take<'a>,
}

/// What is taken of a tensor, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Take<'a> {
    /// All of it as it stands.
    All,
    /// These rows.
    Rows(&'a [usize]),
    /// As many columns from this one on, as rows.
    Columns(usize, usize),
    /// As many numbers from this one on.
    Span(usize, usize),
}

impl<'a> Origin<'a> {
    /// A tensor of the same name and sizes.
    pub(super) fn same(tensor: Tensor) -> Self {
        Self { name: tensor.name, sizes: tensor.sizes, take: Take::All }
    }

    /// Rows of a matrix.
    pub(super) fn rows(name: impl Into<String>, sizes: [usize; 2], rows: &'a [usize]) -> Self {
        Self { name: name.into(), sizes: sizes.to_vec(), take: Take::Rows(rows) }
    }

    /// The places in the file's tensor, in row-major order, of the parameters in their order.
    pub(super) fn places(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        let columns = self.sizes.last().copied().unwrap_or(0);
        match self.take {
            Take::All => Box::new(0..self.sizes.iter().product()),
            Take::Rows(rows) => Box::new(rows.iter().flat_map(move |row| row * columns..(row + 1) * columns)),
            Take::Columns(from, count) => {
                let rows = self.sizes[0];
                Box::new((from..from + count).flat_map(move |c| (0..rows).map(move |r| r * columns + c)))
            }
            Take::Span(from, count) => Box::new(from..from + count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(sizes: &[usize], take: Take<'_>) -> Vec<usize> {
        Origin { name: "w".into(), sizes: sizes.to_vec(), take }.places().collect()
    }

    /// The matrix of rows 0 1 2 and 3 4 5.
    #[test]
    fn columns_are_taken_as_rows() {
        assert_eq!(places(&[2, 3], Take::Columns(0, 3)), [0, 3, 1, 4, 2, 5]);
        assert_eq!(places(&[2, 3], Take::Columns(1, 2)), [1, 4, 2, 5]);
    }

    #[test]
    fn rows_are_taken_in_the_order_asked_for() {
        assert_eq!(places(&[3, 2], Take::Rows(&[2, 0, 2])), [4, 5, 0, 1, 4, 5]);
        assert_eq!(places(&[4], Take::Span(1, 2)), [1, 2]);
        assert_eq!(places(&[2, 2], Take::All), [0, 1, 2, 3]);
    }
}
