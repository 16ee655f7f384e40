//! Which outputs the verifier accepts.

/// The valid outputs of an enumerated space, as a mask and as a sorted list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidSet {
    mask: Vec<bool>,
    indices: Vec<u32>,
}

impl ValidSet {
    /// The set that holds the outputs marked `true`; one mark an output, in canonical order.
    ///
    /// # Panics
    /// If there are 2^32 outputs or more.
    pub fn new(mask: Vec<bool>) -> Self {
        let outputs = u32::try_from(mask.len()).expect("an enumerated space has fewer than 2^32 outputs");
        let indices = (0..outputs).zip(&mask).filter(|&(_, &valid)| valid).map(|(index, _)| index).collect();
        Self { mask, indices }
    }

    /// One mark an output.
    pub fn mask(&self) -> &[bool] {
        &self.mask
    }

    /// Indices of the valid outputs, increasing.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// Number of valid outputs.
    pub fn count(&self) -> usize {
        self.indices.len()
    }

    /// Number of outputs, valid or not.
    pub fn outputs(&self) -> usize {
        self.mask.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_where_the_mask_is_true() {
        let set = ValidSet::new(vec![false, true, true, false, true]);
        assert_eq!(set.indices(), [1, 2, 4]);
        assert_eq!((set.count(), set.outputs()), (3, 5));
        assert_eq!(ValidSet::new(Vec::new()).count(), 0);
    }
}
