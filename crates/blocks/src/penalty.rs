//! Penalties in the loss that pull to another distribution.

use crate::value::{Arguments, Value, word};
use crate::{Aggregate, Block, Counts, Estimator, Ratio, Run};
use pstar_core::data::Ragged;
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

/// The log-probabilities of the tokens of a run.
#[derive(Clone, Copy, Debug)]
pub struct LogProbs<'a> {
    /// Under the policy.
    pub policy: &'a [f64],
    /// Under what sampled.
    pub behaviour: &'a [f64],
    /// Under the base; empty where no penalty is to it.
    pub base: &'a [f64],
}

/// Room for a run's tokens that is used again.
#[derive(Clone, Debug, Default)]
pub struct PenaltyScratch {
    /// −x, then values.
    minus: Vec<f64>,
    slopes: Vec<f64>,
    /// Their weights.
    weights: Vec<f64>,
}

impl Penalties {
    /// Whether one is to the base.
    pub fn needs_base(&self) -> bool {
        self.0.iter().any(|penalty| penalty.to == Reference::Base)
    }

    /// The log-probabilities of a run that they need.
    ///
    /// # Errors
    /// If the batch lacks those under the base.
    pub fn log_probs<'a>(
        &self,
        batch: &ObjectiveBatch<'a>,
        run: Run<'_>,
    ) -> Result<LogProbs<'a>, PluginError> {
        let of_run = |column: Ragged<'a, f64>| &column.values()[run.tokens()];
        let base = if self.needs_base() { of_run(batch.base_log_probs()?) } else { &[] };
        let (policy, behaviour) = (of_run(batch.log_probs()), of_run(batch.behaviour_log_probs()));
        Ok(LogProbs { policy, behaviour, base })
    }

    /// Subtracts them from the coefficients of a run's tokens, which add up by `aggregate` and are multiplied by `ratio`. Tokens
    /// that the policy cannot produce have no gradient.
    pub fn subtract(
        &self,
        (run, log_probs): (Run<'_>, LogProbs<'_>),
        (aggregate, ratio): (Aggregate, Ratio),
        counts: &Counts,
        scratch: &mut PenaltyScratch,
        c: &mut [f64],
    ) {
        for penalty in &self.0 {
            let aggregate = penalty.aggregate.unwrap_or(aggregate);
            let factor = |length| -penalty.coefficient * aggregate.factor(length, counts);
            penalty.add(run, log_probs, ratio, factor, scratch, c);
        }
    }
}

impl Penalty {
    /// Adds the factor of a sequence's length times the slope in log q of weight · value, for every token.
    fn add(
        &self,
        run: Run<'_>,
        log_probs: LogProbs<'_>,
        ratio: Ratio,
        factor: impl Fn(usize) -> f64,
        scratch: &mut PenaltyScratch,
        c: &mut [f64],
    ) {
        let LogProbs { policy, behaviour, base } = log_probs;
        let reference = if self.to == Reference::Base { base } else { behaviour };
        let PenaltyScratch { minus, slopes, weights } = scratch;
        minus.clear();
        math::widest(|| minus.extend(policy.iter().zip(reference).map(|(q, r)| r - q)));
        if self.weighted == Weighted::None && self.clamp.is_none() {
            if self.estimator == Estimator::K3 {
                math::exp_m1_all(minus);
            }
            for (_, of) in run.sequences() {
                let (log_q, values) = (&policy[of.clone()], &minus[of.clone()]);
                self.estimator.add_slopes(factor(of.len()), log_q, values, &mut c[of]);
            }
            return;
        }
        self.estimator.values_and_slopes(minus, slopes);
        self.weigh(run, log_probs, ratio, weights);
        for (_, of) in run.sequences() {
            let factor = factor(of.len());
            let [log_q, values, slopes] = [policy, minus, slopes].map(|column| &column[of.clone()]);
            let tokens = Tokens { log_q, values, slopes, weights: &weights[of.clone()] };
            self.add_weighted(factor, tokens, ratio, &mut c[of]);
        }
    }

    /// The weights of a run's tokens.
    fn weigh(&self, run: Run<'_>, log_probs: LogProbs<'_>, ratio: Ratio, weights: &mut Vec<f64>) {
        weights.clear();
        let LogProbs { policy, behaviour, .. } = log_probs;
        if self.weighted != Weighted::Ratio {
            return weights.resize(policy.len(), 1.0);
        }
        math::widest(|| weights.extend(policy.iter().zip(behaviour).map(|(q, b)| q - b)));
        if matches!(ratio, Ratio::None | Ratio::Token) {
            return math::exp_all(weights);
        }
        for (_, of) in run.sequences() {
            let weight = math::exp(ratio.of_sequence(&weights[of.clone()]));
            weights[of].fill(weight);
        }
    }

    /// The same for a sequence whose tokens have weights or bounds.
    fn add_weighted(&self, factor: f64, tokens: Tokens<'_>, ratio: Ratio, c: &mut [f64]) {
        let Tokens { log_q, values, slopes, weights } = tokens;
        let most = self.clamp;
        let is_open = move |weight: f64, value: f64| most.is_none_or(|most| (weight * value).abs() <= most);
        // A weight that is common to all tokens has a slope that multiplies the values of all.
        let of_all = || {
            let open = values.iter().zip(weights).filter(|&(&value, &weight)| is_open(weight, value));
            open.map(|(value, _)| value).sum::<f64>()
        };
        let common_value = match (self.weighted, ratio) {
            (Weighted::Ratio, Ratio::Geometric) => Some(of_all() / c.len() as f64),
            (Weighted::Ratio, Ratio::Sequence) => Some(of_all()),
            _ => None,
        };
        let is_weighted = self.weighted != Weighted::None;
        let common = common_value.unwrap_or(0.0);
        let has_own_values = is_weighted && common_value.is_none();
        math::widest(move || {
            let tokens = log_q.iter().zip(weights).zip(values.iter().zip(slopes));
            for (c, ((&log_q, &weight), (&value, &slope))) in c.iter_mut().zip(tokens) {
                let open = is_open(weight, value);
                let of_weight = if has_own_values { if open { value } else { 0.0 } } else { common };
                let added = factor * weight * (of_weight + if open { slope } else { 0.0 });
                *c += if log_q == f64::NEG_INFINITY { 0.0 } else { added };
            }
        });
    }
}

/// Tokens of which some weigh more than others.
#[derive(Clone, Copy)]
struct Tokens<'a> {
    log_q: &'a [f64],
    values: &'a [f64],
    slopes: &'a [f64],
    weights: &'a [f64],
}
