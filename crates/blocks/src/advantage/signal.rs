//! What a sequence gets for its reward and for the number of right answers in its group.

use crate::Block;
use crate::value::{Arguments, Value, unknown};
use pstar_core::{Field, PluginError};

/// The signal of a sequence of reward v in a group of G, of which C are right and F = G − C wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal {
    /// v.
    Reward,
    /// positive · v − negative · (1 − v) (Zhu et al. 2025, arXiv 2506.01347).
    Signed {
        /// Of a right answer.
        positive: f64,
        /// Of a wrong one, less than 0 by so much.
        negative: f64,
    },
    /// An unbiased estimate of the gradient of pass@k.
    PassAtK {
        /// k.
        k: usize,
        /// Which estimate.
        form: PassForm,
    },
    /// The log-likelihood of a right answer, cut after `order` terms (Tajwar et al. 2026, arXiv 2602.02710).
    MaxLikelihood {
        /// The number of terms.
        order: usize,
        /// What is subtracted from a tuple's score.
        baseline: TupleBaseline,
    },
    /// The same from all subsets of `order` samples, less 1.
    SubsetMaxLikelihood {
        /// The number of samples.
        order: usize,
    },
    /// 1 for the only right answer of a group (Tang et al. 2025, arXiv 2503.19595).
    BestMinusSecond,
    /// (v − fp) / (1 − fp − fn): the reward that a verifier of these error rates hides (arXiv 2510.00915).
    NoiseCorrected {
        /// The share of wrong answers that it takes for right.
        false_positive: f64,
        /// The share of right answers that it takes for wrong.
        false_negative: f64,
    },
}

/// Which estimate of the gradient of pass@k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassForm {
    /// Sums to 0 over a group, k times the others' size.
    Centred,
    /// Nothing for wrong answers (Walder & Karkhanis 2025, arXiv 2505.15201).
    Loo1,
    /// The share of the subsets of k with this sample that hold a right answer (the same).
    Plain,
    /// Divided by the deviation over subsets (Chen et al. 2025, arXiv 2508.10751).
    Standardised,
}

/// What is subtracted from a tuple's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TupleBaseline {
    /// Nothing.
    None,
    /// The mean of the other tuples, which share samples with it: biased.
    LeaveOneOut,
    /// The mean of the tuples that share none.
    CrossFitted,
}

impl Block for Signal {
    const FIELD: Field = Field::optional(
        "signal",
        "Reward | Signed(positive, negative) | PassAtK(k, form: Centred | Loo1 | Plain | Standardised) | \
         MaxLikelihood(order, baseline: None | LeaveOneOut | CrossFitted) | SubsetMaxLikelihood(order) | \
         BestMinusSecond | NoiseCorrected(false_positive, false_negative)",
        "k and order at least 1 and at most the size of groups",
        "Reward",
        "what a sequence gets for its reward in its group",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let arguments = |names| Arguments::of("signal", value, names);
        let finite = |found: &Arguments<'_>, name| found.number(name, None, "a number", f64::is_finite);
        match value.name() {
            Some("Reward") => arguments(&[]).map(|_| Self::Reward),
            Some("BestMinusSecond") => arguments(&[]).map(|_| Self::BestMinusSecond),
            Some("Signed") => {
                let found = arguments(&["positive", "negative"])?;
                Ok(Self::Signed {
                    positive: finite(&found, "positive")?,
                    negative: finite(&found, "negative")?,
                })
            }
            Some("PassAtK") => {
                let found = arguments(&["k", "form"])?;
                let forms = [
                    ("Centred", PassForm::Centred),
                    ("Loo1", PassForm::Loo1),
                    ("Plain", PassForm::Plain),
                    ("Standardised", PassForm::Standardised),
                ];
                let form = found.word("form", PassForm::Centred, &forms)?;
                Ok(Self::PassAtK { k: found.count("k", None, 1)?, form })
            }
            Some("MaxLikelihood") => {
                let found = arguments(&["order", "baseline"])?;
                let baselines = [
                    ("None", TupleBaseline::None),
                    ("LeaveOneOut", TupleBaseline::LeaveOneOut),
                    ("CrossFitted", TupleBaseline::CrossFitted),
                ];
                let baseline = found.word("baseline", TupleBaseline::None, &baselines)?;
                Ok(Self::MaxLikelihood { order: found.count("order", None, 1)?, baseline })
            }
            Some("SubsetMaxLikelihood") => {
                Ok(Self::SubsetMaxLikelihood { order: arguments(&["order"])?.count("order", None, 1)? })
            }
            Some("NoiseCorrected") => {
                let found = arguments(&["false_positive", "false_negative"])?;
                let rate = |name| found.number(name, None, "in [0, 1)", |n| (0.0..1.0).contains(&n));
                let (false_positive, false_negative) = (rate("false_positive")?, rate("false_negative")?);
                if false_positive + false_negative >= 1.0 {
                    let message = format!(
                        "`false_positive` and `false_negative` must add up to less than 1, found `{}`",
                        false_positive + false_negative
                    );
                    return Err(PluginError::config("signal", message));
                }
                Ok(Self::NoiseCorrected { false_positive, false_negative })
            }
            _ => Err(unknown(
                "signal",
                value,
                &[
                    "Reward",
                    "Signed",
                    "PassAtK",
                    "MaxLikelihood",
                    "SubsetMaxLikelihood",
                    "BestMinusSecond",
                    "NoiseCorrected",
                ],
            )),
        }
    }
}

/// C(a, k)/C(b, k), 0 where a < k, for k ≤ b.
pub(super) fn falling(a: usize, b: usize, k: usize) -> f64 {
    if a < k { 0.0 } else { (0..k).map(|j| (a - j) as f64 / (b - j) as f64).product() }
}

impl Signal {
    /// Least number of samples in a group for which it is defined.
    pub(crate) fn minimum_group(self) -> usize {
        match self {
            Self::PassAtK { k, form: PassForm::Centred | PassForm::Standardised } => k + 1,
            Self::PassAtK { k, .. } => k,
            Self::SubsetMaxLikelihood { order } => order,
            Self::BestMinusSecond => 2,
            _ => 1,
        }
    }

    /// Refuses groups that are too small.
    ///
    /// # Errors
    /// Naming the field.
    pub(crate) fn check_group(self, found: usize) -> Result<(), PluginError> {
        let expected = self.minimum_group();
        if found >= expected {
            return Ok(());
        }
        let message =
            format!("`signal: {self}` needs groups of at least {expected} samples, found a group of {found}");
        let advice = match self {
            Self::BestMinusSecond => "sample larger groups",
            Self::SubsetMaxLikelihood { .. } => "sample larger groups, or lower `order`",
            _ => "sample larger groups, or lower `k`",
        };
        Err(PluginError::config("signal", message).with_hint(advice))
    }

    /// Its values for a wrong and for a right answer, of which there are `right` among `group`.
    pub(crate) fn values(self, group: usize, right: usize) -> [f64; 2] {
        let (g, c, f) = (group, right, group - right);
        match self {
            Self::Reward => [0.0, 1.0],
            Self::Signed { positive, negative } => [-negative, positive],
            Self::BestMinusSecond => [0.0, f64::from(u8::from(c == 1))],
            Self::NoiseCorrected { false_positive, false_negative } => {
                let scale = 1.0 - false_positive - false_negative;
                [-false_positive / scale, (1.0 - false_positive) / scale]
            }
            Self::PassAtK { k, form } => pass_at_k(k, form, g, f),
            Self::MaxLikelihood { order, baseline } => max_likelihood(order, baseline, g, c),
            Self::SubsetMaxLikelihood { order } => {
                let terms = (1..=order.min(c)).filter(|k| order - k <= f);
                let sum: f64 = terms
                    .map(|k| {
                        let pick = hypergeometric(c - 1, f, k - 1, order - 1);
                        // C(C−1,k−1) C(F,T−k) / C(G,T) = pick · C(G−1,T−1)/C(G,T) = pick · T/G
                        pick * order as f64 / g as f64 / k as f64
                    })
                    .sum();
                [-1.0, g as f64 * sum - 1.0]
            }
        }
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PassAtK { k, form } => write!(f, "PassAtK(k: {k}, form: {form:?})"),
            Self::SubsetMaxLikelihood { order } => write!(f, "SubsetMaxLikelihood(order: {order})"),
            other => write!(f, "{other:?}"),
        }
    }
}

fn pass_at_k(k: usize, form: PassForm, g: usize, wrong: usize) -> [f64; 2] {
    let fewer = wrong.saturating_sub(1);
    let none_of_others = |f| falling(f, g - 1, k - 1);
    match form {
        PassForm::Loo1 => [0.0, none_of_others(wrong)],
        PassForm::Plain => [1.0 - none_of_others(fewer), 1.0],
        PassForm::Centred => {
            let n = k as f64;
            [n * (falling(fewer, g - 1, k) - none_of_others(fewer)), n * falling(wrong, g - 1, k)]
        }
        PassForm::Standardised => {
            let mean = 1.0 - falling(wrong, g, k);
            let deviation = (mean * (1.0 - mean)).sqrt() + 1e-6;
            [(1.0 - mean - none_of_others(fewer)) / deviation, (1.0 - mean) / deviation]
        }
    }
}

/// The probability of `hits` of `good` among `drawn` of `good + bad`.
fn hypergeometric(good: usize, bad: usize, hits: usize, drawn: usize) -> f64 {
    if hits > good || drawn < hits || drawn - hits > bad || drawn > good + bad {
        return 0.0;
    }
    let total = good + bad;
    // The product of C(good, hits) C(bad, drawn − hits) / C(total, drawn), factor by factor.
    let first: f64 = (0..hits)
        .map(|j| (good - j) as f64 / (total - j) as f64 * (drawn - j) as f64 / (j + 1) as f64)
        .product();
    let rest: f64 = (0..drawn - hits).map(|j| (bad - j) as f64 / (total - hits - j) as f64).product();
    first * rest
}

fn max_likelihood(order: usize, baseline: TupleBaseline, g: usize, c: usize) -> [f64; 2] {
    let f = g - c;
    let (mut wrong, mut right) = (0.0, 1.0);
    match baseline {
        TupleBaseline::None => {
            for k in 2..=order.min(f) {
                wrong -= falling(f - 1, g - 1, k - 1);
            }
        }
        TupleBaseline::LeaveOneOut => {
            for k in 2..=order.min(g - 1).min(f) {
                // C(F,k) / (C(G,k) − 1)
                let all_wrong = falling(f, g, k);
                let tuples: f64 = (0..k).map(|j| (g - j) as f64 / (j + 1) as f64).product();
                let others = all_wrong / (1.0 - 1.0 / tuples);
                right += others;
                wrong += others * (1.0 - g as f64 / f as f64);
            }
            if order >= g && g >= 2 && c == 0 {
                wrong -= 1.0;
            }
        }
        TupleBaseline::CrossFitted => {
            for k in 2..=order.min(g) {
                if f >= k {
                    wrong -= falling(f - 1, g - 1, k - 1);
                }
                if g < 2 * k {
                    continue;
                }
                for t in 0..k {
                    if f > t {
                        wrong += hypergeometric(f - 1, c, t, k - 1) * falling(f - 1 - t, g - k, k);
                    }
                    if c > 0 && f >= t {
                        right += hypergeometric(f, c - 1, t, k - 1) * falling(f - t, g - k, k);
                    }
                }
            }
        }
    }
    [wrong, right]
}
