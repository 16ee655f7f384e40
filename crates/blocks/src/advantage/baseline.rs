//! What is subtracted from a sequence's signal.

use crate::Block;
use crate::value::{Arguments, Value, unknown};
use pstar_core::{Field, PluginError};

/// What is subtracted from the signal of a sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Baseline {
    /// The mean of the group, the sequence itself included, and a shift (AsymRE: −0.1).
    Mean {
        /// The shift.
        shift: f64,
    },
    /// Nothing.
    None,
    /// The mean of the others.
    LeaveOneOut,
    /// The mean of the group by length: Σ T v / Σ T (OPO, Hao et al. 2025, arXiv 2505.23585).
    LengthWeighted,
    /// The mean of the batch.
    BatchMean,
    /// A number, once the signal has been scaled.
    AfterScale(f64),
}

impl Block for Baseline {
    const FIELD: Field = Field::optional(
        "baseline",
        "Mean | Mean(shift) | None | LeaveOneOut | LengthWeighted | BatchMean | AfterScale(number)",
        "",
        "Mean",
        "what is subtracted from the signal",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let arguments = |names| Arguments::of("baseline", value, names);
        match value.name() {
            Some("Mean") => {
                let shift = arguments(&["shift"])?.number("shift", 0.0, "a number", f64::is_finite)?;
                Ok(Self::Mean { shift })
            }
            Some("None") => arguments(&[]).map(|_| Self::None),
            Some("LeaveOneOut") => arguments(&[]).map(|_| Self::LeaveOneOut),
            Some("LengthWeighted") => arguments(&[]).map(|_| Self::LengthWeighted),
            Some("BatchMean") => arguments(&[]).map(|_| Self::BatchMean),
            Some("AfterScale") => {
                let found = arguments(&["subtracted"])?;
                Ok(Self::AfterScale(found.number("subtracted", 1.0, "a number", f64::is_finite)?))
            }
            _ => Err(unknown(
                "baseline",
                value,
                &["Mean", "None", "LeaveOneOut", "LengthWeighted", "BatchMean", "AfterScale"],
            )),
        }
    }
}

impl Baseline {
    /// Least number of samples in a group of which it leaves something.
    pub(crate) fn minimum_group(self) -> usize {
        match self {
            Self::Mean { .. } | Self::LeaveOneOut | Self::LengthWeighted => 2,
            Self::None | Self::BatchMean | Self::AfterScale(_) => 1,
        }
    }

    /// Subtracts it from the signals of a group, of these lengths, in a batch of this mean.
    pub(crate) fn subtract(self, signals: &mut [f64], lengths: &[f64], batch_mean: f64) {
        let (n, sum) = (signals.len() as f64, signals.iter().sum::<f64>());
        let common = match self {
            Self::None | Self::AfterScale(_) => return,
            Self::LeaveOneOut => {
                for signal in signals {
                    *signal -= (sum - *signal) / (n - 1.0);
                }
                return;
            }
            Self::Mean { shift } => sum / n + shift,
            Self::BatchMean => batch_mean,
            Self::LengthWeighted => {
                let total: f64 = lengths.iter().sum();
                let weighted: f64 = signals.iter().zip(lengths).map(|(signal, length)| signal * length).sum();
                if total > 0.0 { weighted / total } else { 0.0 }
            }
        };
        for signal in signals {
            *signal -= common;
        }
    }
}
