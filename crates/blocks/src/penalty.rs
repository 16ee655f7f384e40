//! Penalties in the loss that pull to another distribution.

use crate::value::{Arguments, Value, word};
use crate::{Aggregate, Block, Counts, Estimator, Ratio};
use pstar_core::objective::ObjectiveBatch;
use pstar_core::{Field, PluginError, math};

/// Which distribution a penalty pulls to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The base.
    Base,
    /// What sampled.
    Behaviour,
}

/// What a penalty's estimate is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighted {
    /// Nothing.
    None,
    /// The ratio to what sampled, with its derivative.
    Ratio,
    /// 1, with the derivative of the ratio.
    OwnScore,
}

/// A penalty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Penalty {
    /// The estimate.
    pub estimator: Estimator,
    /// What it is multiplied by.
    pub coefficient: f64,
    /// Which distribution it pulls to.
    pub to: Reference,
    /// How its tokens add up; as the surrogate's by default.
    pub aggregate: Option<Aggregate>,
    /// Largest size of the estimate times its weight, beyond which it has no slope.
    pub clamp: Option<f64>,
    /// What the estimate is multiplied by.
    pub weighted: Weighted,
}

/// The penalties.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Penalties(pub Vec<Penalty>);

impl Block for Penalties {
    const FIELD: Field = Field::optional(
        "penalties",
        "list of (estimator: K1 | K2 | K3 | Abs, coefficient, to: Base | Behaviour, aggregate: as `aggregate`, \
         clamp: None, weighted: None | Ratio | Self)",
        "coefficient a number, clamp > 0",
        "[]",
        "estimates of a divergence that are subtracted in the loss",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        match value {
            Value::List(items) => items.iter().map(one).collect::<Result<_, _>>().map(Self),
            other if other.is_none() => Ok(Self::default()),
            other => one(other).map(|only| Self(vec![only])),
        }
    }
}

fn one(value: &Value) -> Result<Penalty, PluginError> {
    let names = &["estimator", "coefficient", "to", "aggregate", "clamp", "weighted"];
    let found = Arguments::of("penalties", value, names)?;
    let weighted = [("None", Weighted::None), ("Ratio", Weighted::Ratio), ("Self", Weighted::OwnScore)];
    let to = [("Base", Reference::Base), ("Behaviour", Reference::Behaviour)];
    let aggregate = match found.given("aggregate") {
        None => None,
        Some(value) => Some(Aggregate::read_in("penalties", value)?),
    };
    Ok(Penalty {
        estimator: found.word("estimator", None, &Estimator::WORDS)?,
        coefficient: found.number("coefficient", None, "a number", f64::is_finite)?,
        to: found.word("to", Reference::Base, &to)?,
        aggregate,
        clamp: found.number_or_none("clamp", "a positive number", |n| n > 0.0 && n.is_finite())?,
        weighted: match found.given("weighted") {
            None => Weighted::None,
            Some(value) => word("penalties", "weighted", value, &weighted)?,
        },
    })
}

/// The log-probabilities of a sequence's tokens.
#[derive(Clone, Copy, Debug)]
pub struct LogProbs<'a> {
    /// Under the policy.
    pub policy: &'a [f64],
    /// Under what sampled.
    pub behaviour: &'a [f64],
    /// Under the base; empty where no penalty is to it.
    pub base: &'a [f64],
}

impl Penalties {
    /// Whether one is to the base.
    pub fn needs_base(&self) -> bool {
        self.0.iter().any(|penalty| penalty.to == Reference::Base)
    }

    /// The log-probabilities of sequence `i` that they need.
    ///
    /// # Errors
    /// If the batch lacks those under the base.
    pub fn log_probs<'a>(&self, batch: &ObjectiveBatch<'a>, i: usize) -> Result<LogProbs<'a>, PluginError> {
        let base = if self.needs_base() { batch.base_log_probs()?.row(i) } else { &[] };
        Ok(LogProbs { policy: batch.log_probs().row(i), behaviour: batch.behaviour_log_probs().row(i), base })
    }

    /// Subtracts them from the coefficients of a sequence's tokens, which add up by `aggregate` and are multiplied by `ratio`.
    /// Tokens that the policy cannot produce have no gradient. `scratch` is room that is used again.
    pub fn subtract(
        &self,
        row: LogProbs<'_>,
        (aggregate, ratio): (Aggregate, Ratio),
        counts: &Counts,
        scratch: &mut Vec<f64>,
        c: &mut [f64],
    ) {
        for penalty in &self.0 {
            let aggregate = penalty.aggregate.unwrap_or(aggregate);
            let factor = -penalty.coefficient * aggregate.factor(c.len(), counts);
            penalty.add(row, ratio, factor, scratch, c);
        }
    }
}

impl Penalty {
    /// Adds the factor times the slope in log q of weight · value, for every token.
    fn add(&self, row: LogProbs<'_>, ratio: Ratio, factor: f64, scratch: &mut Vec<f64>, c: &mut [f64]) {
        let reference = match self.to {
            Reference::Base => row.base,
            Reference::Behaviour => row.behaviour,
        };
        if self.weighted == Weighted::None && self.clamp.is_none() {
            return self.estimator.add_slopes(factor, row.policy, reference, scratch, c);
        }
        let values = || row.policy.iter().zip(reference).map(|(q, r)| self.estimator.value(q - r));
        // The weight is common to all tokens or a token's own; its slope is the weight's times the values that it is common to.
        let mut common_weight = 1.0;
        let is_own = self.weighted == Weighted::Ratio && matches!(ratio, Ratio::None | Ratio::Token);
        if self.weighted == Weighted::Ratio {
            scratch.clear();
            scratch.extend(row.policy.iter().zip(row.behaviour).map(|(q, b)| q - b));
            if is_own {
                math::exp_all(scratch);
            } else {
                common_weight = math::exp(ratio.of_sequence(scratch));
            }
        }
        let weight = |t: usize| if is_own { scratch[t] } else { common_weight };
        let is_open = |t: usize, value: f64| self.clamp.is_none_or(|most| (weight(t) * value).abs() <= most);
        let open_values =
            || values().enumerate().filter(|&(t, value)| is_open(t, value)).map(|(_, value)| value);
        let common_value = match (self.weighted, ratio) {
            (Weighted::Ratio, Ratio::Geometric) => Some(open_values().sum::<f64>() / c.len() as f64),
            (Weighted::Ratio, Ratio::Sequence) => Some(open_values().sum::<f64>()),
            _ => None,
        };
        for (t, (c, value)) in c.iter_mut().zip(values()).enumerate() {
            if row.policy[t] == f64::NEG_INFINITY {
                continue;
            }
            let open = is_open(t, value);
            let of_weight = match self.weighted {
                Weighted::None => 0.0,
                Weighted::OwnScore | Weighted::Ratio => {
                    common_value.unwrap_or(if open { value } else { 0.0 })
                }
            };
            let slope = if open { self.estimator.slope(row.policy[t] - reference[t]) } else { 0.0 };
            *c += factor * weight(t) * (of_weight + slope);
        }
    }
}
