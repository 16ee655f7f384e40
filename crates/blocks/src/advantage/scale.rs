//! What an advantage is divided by.

use crate::Block;
use crate::value::{Arguments, Value, unknown};
use pstar_core::{Field, PluginError};

/// A divisor of advantages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// The standard deviation of the signals.
    Std {
        /// Added to it.
        epsilon: f64,
        /// 1 for the unbiased one, 0 for the biased.
        ddof: usize,
        /// Of which signals.
        over: Over,
        /// Whether advantages stay as they are where it is 0.
        skip_zero: bool,
    },
    /// The mean of the group's signals, at least `minimum`; advantages are 0 where it is 0.
    Mean {
        /// Added to it.
        epsilon: f64,
        /// Its least value.
        minimum: f64,
    },
    /// The square root of that mean.
    RootMean {
        /// Added to it.
        epsilon: f64,
    },
}

/// Of which signals a deviation is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The group's.
    Group,
    /// Those of the others of the group.
    Others,
    /// The batch's.
    Batch,
}

/// The divisors, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scales(pub Vec<Scale>);

impl Block for Scales {
    const FIELD: Field = Field::optional(
        "scale",
        "list of Std(epsilon, ddof: 1, over: Group | Others | Batch, zero: Divide | Skip), \
         Mean(epsilon, minimum: 0), RootMean(epsilon)",
        "epsilon and minimum >= 0, ddof 0 or 1",
        "[]",
        "what the advantage is divided by",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        match value {
            Value::List(items) => items.iter().map(one).collect::<Result<_, _>>().map(Self),
            other if other.is_none() => Ok(Self::default()),
            other => one(other).map(|only| Self(vec![only])),
        }
    }
}

fn one(value: &Value) -> Result<Scale, PluginError> {
    let arguments = |names| Arguments::of("scale", value, names);
    let at_least_zero = |found: &Arguments<'_>, name| {
        found.number(name, 0.0, "a number of at least 0", |n| n >= 0.0 && n.is_finite())
    };
    match value.name() {
        Some("Std") => {
            let found = arguments(&["epsilon", "ddof", "over", "zero"])?;
            let ddof = found.count("ddof", 1, 0)?;
            if ddof > 1 {
                return Err(PluginError::config("scale", format!("`ddof` must be 0 or 1, found `{ddof}`")));
            }
            let over = [("Group", Over::Group), ("Others", Over::Others), ("Batch", Over::Batch)];
            Ok(Scale::Std {
                epsilon: at_least_zero(&found, "epsilon")?,
                ddof,
                over: found.word("over", Over::Group, &over)?,
                skip_zero: found.word("zero", false, &[("Divide", false), ("Skip", true)])?,
            })
        }
        Some("Mean") => {
            let found = arguments(&["epsilon", "minimum"])?;
            Ok(Scale::Mean {
                epsilon: at_least_zero(&found, "epsilon")?,
                minimum: at_least_zero(&found, "minimum")?,
            })
        }
        Some("RootMean") => {
            Ok(Scale::RootMean { epsilon: at_least_zero(&arguments(&["epsilon"])?, "epsilon")? })
        }
        _ => Err(unknown("scale", value, &["Std", "Mean", "RootMean"])),
    }
}

/// Standard deviation of values, of which there must be more than `ddof`; 0 otherwise.
pub(super) fn deviation(values: impl Iterator<Item = f64> + Clone, ddof: usize) -> f64 {
    let (n, sum) = values.clone().fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value));
    let (mean, freedom) = (sum / n, n - ddof as f64);
    let squares: f64 = values.map(|value| (value - mean) * (value - mean)).sum();
    if freedom > 0.0 { (squares / freedom).sqrt() } else { 0.0 }
}

impl Scale {
    /// Whether a group of one has no such divisor.
    pub(crate) fn needs_others(self) -> bool {
        matches!(self, Self::Std { over: Over::Group | Over::Others, .. })
    }

    /// Whether it is the same for all groups of a batch.
    pub fn is_of_batch(self) -> bool {
        matches!(self, Self::Std { over: Over::Batch, .. })
    }

    /// Divides advantages of a group by it, given its signals and the deviation of the batch's.
    pub(crate) fn divide(self, advantages: &mut [f64], signals: &[f64], batch: impl Fn(usize) -> f64) {
        let mean = signals.iter().sum::<f64>() / signals.len() as f64;
        match self {
            // A deviation of one counts as 1, and its mean as nothing to divide by.
            Self::Std { epsilon, over: Over::Group | Over::Others, .. } if signals.len() == 1 => {
                by(&mut advantages[0], 1.0, epsilon, false);
            }
            Self::Mean { .. } | Self::RootMean { .. } if signals.len() == 1 => {}
            Self::Std { epsilon, ddof, over: Over::Others, skip_zero } => {
                for (i, advantage) in advantages.iter_mut().enumerate() {
                    let others =
                        signals.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, signal)| *signal);
                    by(advantage, deviation(others, ddof), epsilon, skip_zero);
                }
            }
            Self::Std { epsilon, ddof, over, skip_zero } => {
                let deviation = match over {
                    Over::Batch => batch(ddof),
                    _ => deviation(signals.iter().copied(), ddof),
                };
                all_by(advantages, deviation, epsilon, skip_zero);
            }
            Self::Mean { .. } | Self::RootMean { .. } if mean == 0.0 => advantages.fill(0.0),
            Self::Mean { epsilon, minimum } => all_by(advantages, mean.max(minimum), epsilon, false),
            Self::RootMean { epsilon } => all_by(advantages, mean.max(0.0).sqrt(), epsilon, false),
        }
    }
}

fn all_by(advantages: &mut [f64], divisor: f64, epsilon: f64, skip_zero: bool) {
    for advantage in advantages {
        by(advantage, divisor, epsilon, skip_zero);
    }
}

fn by(advantage: &mut f64, divisor: f64, epsilon: f64, skip_zero: bool) {
    if skip_zero && divisor == 0.0 {
        return;
    }
    let divisor = divisor + epsilon;
    *advantage = if divisor == 0.0 { 0.0 } else { *advantage / divisor };
}
