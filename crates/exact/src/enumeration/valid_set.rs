//! Which outputs the verifier accepts.

/// The valid outputs of an enumerated space, as a mask and as a sorted list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidSet {
    mask: Vec<bool>,
    indices: Vec<u32>,
    /// The mask as bits, an eighth of its size: single outputs are looked up here and there.
    bits: Vec<u64>,
}

impl ValidSet {
    /// The set that holds the outputs marked `true`; one mark an output, in canonical order.
    ///
    /// # Panics
    /// If there are 2^32 outputs or more.
    pub fn new(mask: Vec<bool>) -> Self {
        let outputs = u32::try_from(mask.len()).expect("an enumerated space has fewer than 2^32 outputs");
        let indices = (0..outputs).zip(&mask).filter(|&(_, &valid)| valid).map(|(index, _)| index).collect();
        let word = |marks: &[bool]| marks.iter().rev().fold(0, |word, &valid| word << 1 | u64::from(valid));
        let bits = mask.chunks(64).map(word).collect();
        Self { mask, indices, bits }
    }

    /// One mark an output.
    pub fn mask(&self) -> &[bool] {
        &self.mask
    }

    /// Whether an output is valid; `None` if there is none of this index.
    pub fn get(&self, index: usize) -> Option<bool> {
        (index < self.mask.len()).then(|| self.bits[index / 64] >> (index % 64) & 1 == 1)
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
        assert_eq!((ValidSet::new(Vec::new()).count(), ValidSet::new(Vec::new()).get(0)), (0, None));
        let mask: Vec<bool> = (0..130).map(|i| i % 7 == 3 || i == 64).collect();
        let set = ValidSet::new(mask.clone());
        (0..130).for_each(|i| assert_eq!(set.get(i), Some(mask[i]), "{i}"));
        assert_eq!(set.get(130), None);
    }
}
