//! The part of an estimate's error that all arms share, since all are measured by the same samples of p*.
//!
//! Kept as what groups of those samples contribute to the estimate's deviation: of a difference of arms the parts cancel
//! as far as the arms agree, and of a mean over seeds they do not average out.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Groups of samples; with 256 the error is known to about 4 %.
const GROUPS: usize = 256;

/// What groups of shared samples contribute to an estimate's deviation from the truth; empty where none are shared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shared(Vec<f64>);

impl Shared {
    /// From what each of `samples` draws contributes, given with its number; what the contributions of a draw sum to
    /// is of mean 0, and draws that contribute nothing may be left out.
    pub fn of(samples: usize, contributions: impl Iterator<Item = (usize, f64)>) -> Self {
        let groups = samples.min(GROUPS);
        let mut sums = vec![0.0; groups];
        for (sample, contribution) in contributions {
            sums[sample * groups / samples] += contribution;
        }
        if sums.iter().all(|sum| sum.is_finite()) { Self(sums) } else { Self::default() }
    }

    /// The shared part of a weighted sum of estimates.
    pub fn sum<'a>(parts: impl Iterator<Item = (f64, &'a Self)>) -> Self {
        let mut sums = Vec::new();
        for (weight, Self(part)) in parts {
            sums.resize(part.len().max(sums.len()), 0.0);
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += weight * part);
        }
        Self(sums)
    }

    /// Its variance.
    pub fn variance(&self) -> f64 {
        let groups = self.0.len() as f64;
        if groups < 2.0 {
            0.0
        } else {
            self.0.iter().map(|sum| sum * sum).sum::<f64>() * groups / (groups - 1.0)
        }
    }

    /// Whether nothing is shared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Numbers in one text, with spaces between them: hundreds of numbers, each on a line of its own, would bury a record.
impl Serialize for Shared {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let numbers: Vec<String> = self.0.iter().map(|x| format!("{x:e}")).collect();
        serializer.serialize_str(&numbers.join(" "))
    }
}

impl<'de> Deserialize<'de> for Shared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = |word: &str| match word.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            _ => Err(D::Error::custom(format!(
                "expected finite numbers with spaces between them, found `{word}`"
            ))),
        };
        text.split_ascii_whitespace().map(number).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_few_samples_it_is_the_variance_of_the_mean() {
        // Mean of 1 to 5: standard error √½.
        let deviations = (0..5).zip([-2.0, -1.0, 0.0, 1.0, 2.0]).map(|(i, x)| (i, x / 5.0));
        let shared = Shared::of(5, deviations);
        assert!((shared.variance() - 0.5).abs() < 1e-15, "{}", shared.variance());
        let same = Shared::sum([(1.0, &shared), (-1.0, &shared)].into_iter());
        assert_eq!(same.variance(), 0.0);
        let mean = Shared::sum([(0.5, &shared), (0.5, &shared)].into_iter());
        assert_eq!(mean, shared);
    }

    #[test]
    fn groups_keep_the_variance_of_many_samples() {
        // ±1 by a linear congruence: variance of the mean 1/n; of 256 groups known to 1/√128 = 9 %, three of which.
        let n = 100_000;
        let sign = |i: usize| if (i * 7919 + i * i * 31) % 1009 < 504 { 1.0 } else { -1.0 };
        let mean = (0..n).map(sign).sum::<f64>() / n as f64;
        let shared = Shared::of(n, (0..n).map(|i| (i, (sign(i) - mean) / n as f64)));
        let plain = (0..n).map(|i| (sign(i) - mean).powi(2)).sum::<f64>() / (n as f64).powi(2);
        assert!(shared.variance() > 0.0 && plain > 0.0);
        assert_eq!(Shared::of(3, [(0, f64::INFINITY)].into_iter()), Shared::default());
    }
}
