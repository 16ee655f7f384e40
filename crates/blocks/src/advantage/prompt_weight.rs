//! How much a prompt counts for the share of its right answers.

use crate::Block;
use crate::value::{Arguments, Value, unknown};
use pstar_core::{Field, PluginError, math};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The factor of a prompt of which p̂ = C/G of the samples are right.
#[derive(Clone, Debug, PartialEq)]
pub enum PromptWeight {
    /// 1.
    None,
    /// (1 − p̂)^γ (F-GRPO, arXiv 2602.06717).
    Focal(f64),
    /// p̂^−Q, 0 where nothing is right (Tsallis/GARL, arXiv 2604.25907).
    Power(f64),
    /// u(C)/u(1) with u(m) the expectation of k(1 − p)^(k−1) under Beta(m + 1, G − m + 1) (BBG, arXiv 2606.15455).
    Beta {
        /// k.
        k: usize,
        /// The weight is 0 where u(C) is below this times G + 1.
        threshold: f64,
    },
    /// mass/cdf of the bin of p̂ among the pass rates of recent batches (CurveRL, arXiv 2605.24331).
    Curve(Reference),
    /// N over the number of right answers of the batch (GPG, Chu et al. 2025, arXiv 2504.02546).
    PerSuccess,
}

/// Against which pass rates a prompt is held.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    /// Those of so many batches before this one; this one's where there are none.
    Batches(usize),
    /// These.
    Window(Vec<f64>),
}

impl Block for PromptWeight {
    const FIELD: Field = Field::optional(
        "prompt_weight",
        "None | Focal(gamma) | Power(q) | Beta(k, threshold: 0) | Curve(batches: 10) | Curve(window: [numbers]) | \
         PerSuccess",
        "gamma, q and threshold >= 0, k and batches >= 1",
        "None",
        "the factor of a prompt for the share of its right answers",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let arguments = |names| Arguments::of("prompt_weight", value, names);
        let range = "a number of at least 0";
        let fits = |n: f64| n >= 0.0 && n.is_finite();
        match value.name() {
            Some("None") => arguments(&[]).map(|_| Self::None),
            Some("PerSuccess") => arguments(&[]).map(|_| Self::PerSuccess),
            Some("Focal") => Ok(Self::Focal(arguments(&["gamma"])?.number("gamma", None, range, fits)?)),
            Some("Power") => Ok(Self::Power(arguments(&["q"])?.number("q", None, range, fits)?)),
            Some("Beta") => {
                let found = arguments(&["k", "threshold"])?;
                let threshold = found.number("threshold", 0.0, range, fits)?;
                Ok(Self::Beta { k: found.count("k", 16, 1)?, threshold })
            }
            Some("Curve") => {
                let found = arguments(&["batches", "window"])?;
                match found.given("window") {
                    None => Ok(Self::Curve(Reference::Batches(found.count("batches", 10, 1)?))),
                    Some(Value::List(rates)) => {
                        let rates = rates.iter().map(|rate| match rate {
                            Value::Number(rate) if (0.0..=1.0).contains(rate) => Ok(*rate),
                            _ => Err(PluginError::config(
                                "prompt_weight",
                                "`window` must hold pass rates in [0, 1]",
                            )),
                        });
                        Ok(Self::Curve(Reference::Window(rates.collect::<Result<_, _>>()?)))
                    }
                    Some(_) => {
                        Err(PluginError::config("prompt_weight", "`window` must be a list of pass rates"))
                    }
                }
            }
            _ => Err(unknown(
                "prompt_weight",
                value,
                &["None", "Focal", "Power", "Beta", "Curve", "PerSuccess"],
            )),
        }
    }
}

/// The pass rates that prompts are held against: what an objective with `Curve` remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Of the batches before the last one that was observed, oldest first.
    reference: Vec<f64>,
    /// Of every batch that counts from now on, oldest first.
    batches: VecDeque<Vec<f64>>,
}

impl Window {
    /// Takes in a batch's pass rates, of which the batches before it are the reference.
    pub(crate) fn observe(&mut self, rates: Vec<f64>, length: usize) {
        self.reference = self.batches.iter().flatten().copied().collect();
        self.batches.push_back(rates);
        while self.batches.len() > length {
            self.batches.pop_front();
        }
    }
}

impl Reference {
    /// The pass rates that a batch of these is held against.
    pub(crate) fn rates<'a>(
        &'a self,
        window: &'a Window,
        own: &'a [f64],
    ) -> impl Iterator<Item = f64> + Clone {
        let before = match self {
            Self::Batches(_) => &window.reference,
            Self::Window(rates) => rates,
        };
        let mixed = |rate: &f64| 0.0 < *rate && *rate < 1.0;
        let rates = if before.iter().any(mixed) { before } else { own };
        rates.iter().copied().filter(move |rate| mixed(rate))
    }
}

/// A group as its prompt's weight sees it, in a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing<'a> {
    /// G.
    pub group: usize,
    /// C.
    pub right: usize,
    /// The largest G of the batch.
    pub largest_group: usize,
    /// N.
    pub rows: usize,
    /// Number of right answers of the batch.
    pub all_right: usize,
    /// The pass rates of the batch.
    pub rates: &'a [f64],
}

impl PromptWeight {
    /// The weight of a group.
    pub(crate) fn of(&self, at: Standing<'_>, window: &Window) -> f64 {
        let (g, c) = (at.group as f64, at.right as f64);
        let rate = c / g;
        match self {
            Self::None => 1.0,
            Self::Focal(gamma) => math::pow(1.0 - rate, *gamma),
            Self::Power(_) if at.right == 0 => 0.0,
            Self::Power(q) => math::pow(rate, -q),
            Self::PerSuccess if at.all_right == 0 => 0.0,
            Self::PerSuccess => at.rows as f64 / at.all_right as f64,
            Self::Beta { k, threshold } => {
                let u = |m: f64| {
                    let factors = (1..*k).map(|j| (g - m + j as f64) / (g + 1.0 + j as f64));
                    *k as f64 * factors.product::<f64>()
                };
                if u(c) < threshold * (g + 1.0) { 0.0 } else { u(c) / u(1.0) }
            }
            Self::Curve(_) if at.right == 0 || at.right == at.group => 0.0,
            Self::Curve(reference) => {
                let rates = reference.rates(window, at.rates);
                curve(rates, rate, at.largest_group + 1)
            }
        }
    }
}

/// mass/cdf of the bin of a rate among others, 0 where its bin is empty.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are in [0, 1]")]
fn curve(rates: impl Iterator<Item = f64> + Clone, rate: f64, bins: usize) -> f64 {
    let bin = |rate: f64| ((rate * bins as f64) as usize).min(bins - 1);
    let own = bin(rate);
    let mass = rates.clone().filter(|&other| bin(other) == own).count();
    let below = rates.filter(|&other| bin(other) <= own).count();
    if mass == 0 { 0.0 } else { mass as f64 / below as f64 }
}
