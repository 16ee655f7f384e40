//! Prompts by how hard they are for the base.

/// The upper ends of the bins: validity rates of the base from above the one before to this one.
const ENDS: [f64; 6] = [0.0, 0.01, 0.1, 0.5, 0.9, 1.0];

/// The validity rates of one prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PromptRates {
    /// Of the base, which says how hard it is.
    pub base: f64,
    /// Of a policy before training.
    pub before: f64,
    /// Of it after training.
    pub after: f64,
}

/// Prompts of one difficulty, and how a policy fares on them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DifficultyBin {
    /// The base's validity rates are above this one; equal to 0 in the first bin, of what the base never gets right.
    pub above: f64,
    /// And at most this one.
    pub at_most: f64,
    /// Number of prompts.
    pub prompts: usize,
    /// The mean validity rate before training; absent of no prompts.
    pub before: Option<f64>,
    /// The mean validity rate after training; absent of no prompts.
    pub after: Option<f64>,
}

/// Prompts in bins by the base's validity rate: 0, (0, 0.01], (0.01, 0.1], (0.1, 0.5], (0.5, 0.9] and (0.9, 1], each prompt
/// in one; those whose rate is no number are left out. One prompt's rates may come several times, once a seed.
pub fn difficulty_bins(prompts: &[PromptRates]) -> Vec<DifficultyBin> {
    let bin = |(i, &at_most): (usize, &f64)| {
        let above = if i == 0 { 0.0 } else { ENDS[i - 1] };
        let is_last = i + 1 == ENDS.len();
        // A rate may be above 1 by a rounding.
        let holds = |rate: f64| {
            if i == 0 { rate <= 0.0 } else { rate > above && (rate <= at_most || is_last) }
        };
        let own: Vec<&PromptRates> = prompts.iter().filter(|rates| holds(rates.base)).collect();
        let mean = |rate: fn(&PromptRates) -> f64| {
            let sum: f64 = own.iter().map(|rates| rate(rates)).sum();
            (!own.is_empty()).then(|| sum / own.len() as f64)
        };
        let (before, after) = (mean(|rates| rates.before), mean(|rates| rates.after));
        DifficultyBin { above, at_most, prompts: own.len(), before, after }
    };
    ENDS.iter().enumerate().map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_is_in_one_bin() {
        let rates = |base: f64| PromptRates { base, before: base / 2.0, after: 1.0 - base };
        let bases = [
            0.0,
            1e-300,
            0.01,
            0.010_000_001,
            0.1,
            0.3,
            0.5,
            0.9,
            0.900_001,
            1.0,
            1.0 + f64::EPSILON,
            f64::NAN,
        ];
        let bins = difficulty_bins(&bases.map(rates));
        assert_eq!(bins.iter().map(|bin| bin.prompts).collect::<Vec<_>>(), [1, 2, 2, 2, 1, 3]);
        assert_eq!((bins[3].above, bins[3].at_most), (0.1, 0.5));
        assert_eq!((bins[3].before, bins[3].after), (Some(0.2), Some(0.6)));
        assert_eq!((bins[0].before, bins[0].after), (Some(0.0), Some(1.0)));
        let none = difficulty_bins(&[]);
        assert!(none.len() == 6 && none.iter().all(|bin| bin.prompts == 0 && bin.after.is_none()));
    }
}
