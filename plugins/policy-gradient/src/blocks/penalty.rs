//! Penalties in the loss that pull to another distribution.

use super::{Aggregate, Block};
use crate::value::{Arguments, Value, word};
use pstar_core::{Field, PluginError, math};

/// An estimate of a KL from one token, x = log q − log r to the reference r.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Estimator {
    /// x
    K1,
    /// x²/2
    K2,
    /// e^−x − 1 + x
    K3,
    /// |x|
    Abs,
}

impl Estimator {
    pub(crate) const WORDS: [(&'static str, Self); 4] =
        [("K1", Self::K1), ("K2", Self::K2), ("K3", Self::K3), ("Abs", Self::Abs)];

    /// Its value.
    pub(crate) fn value(self, x: f64) -> f64 {
        match self {
            Self::K1 => x,
            Self::K2 => 0.5 * x * x,
            Self::K3 => math::exp_m1(-x) + x,
            Self::Abs => x.abs(),
        }
    }

    /// Its slope in log q.
    pub(crate) fn slope(self, x: f64) -> f64 {
        match self {
            Self::K1 => 1.0,
            Self::K2 => x,
            Self::K3 => -math::exp_m1(-x),
            Self::Abs if x == 0.0 => 0.0,
            Self::Abs => x.signum(),
        }
    }
}

/// Which distribution a penalty pulls to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The base.
    Base,
    /// What sampled.
    Behaviour,
}

/// What a penalty's estimate is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighted {
    /// Nothing.
    None,
    /// The ratio to what sampled, with its derivative.
    Ratio,
    /// 1, with the derivative of the ratio.
    OwnScore,
}

/// A penalty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Penalty {
    pub(crate) estimator: Estimator,
    pub(crate) coefficient: f64,
    pub(crate) to: Reference,
    /// How its tokens add up; as the surrogate's by default.
    pub(crate) aggregate: Option<Aggregate>,
    /// Largest size of the estimate times its weight, beyond which it has no slope.
    pub(crate) clamp: Option<f64>,
    pub(crate) weighted: Weighted,
}

/// The penalties.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Penalties(pub(crate) Vec<Penalty>);

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

impl Penalty {
    /// The estimate for a token and its slope.
    pub(crate) fn estimate(&self, x: f64) -> (f64, f64) {
        (self.estimator.value(x), self.estimator.slope(x))
    }

    /// Whether an estimate, with its weight, is still below the clamp.
    pub(crate) fn is_open(&self, weighted: f64) -> bool {
        self.clamp.is_none_or(|most| weighted.abs() <= most)
    }
}
