//! How much every sequence, or token, of a batch counts before its ratio to what sampled.

mod baseline;
mod lone;
mod multiplier;
mod prompt_weight;
mod rank_penalty;
mod reward_kl;
mod scale;
mod sharing;
mod signal;
mod whiten;

pub use baseline::Baseline;
pub use lone::Lone;
pub use multiplier::Multiplier;
pub use prompt_weight::{PromptWeight, Reference as RateReference, Window};
pub use rank_penalty::RankPenalty;
pub use reward_kl::{Per, RewardKl};
pub use scale::{Over, Scale, Scales};
pub use sharing::Sharing;
pub use signal::{PassForm, Signal, TupleBaseline};
pub use whiten::Whiten;

use crate::sum::to_go;
use prompt_weight::Standing;
use pstar_core::objective::ObjectiveBatch;
use pstar_core::{PluginError, math};
use scale::deviation;
use sharing::Member;
use std::ops::Range;

crate::blocks! {
    /// What makes the advantage of a sequence, in the order of evaluation.
    pub struct Advantage {
        /// What its reward is worth.
        pub signal: Signal,
        /// What is subtracted.
        pub baseline: Baseline,
        /// What divides.
        pub scale: Scales,
        /// The factor of its prompt.
        pub prompt_weight: PromptWeight,
        /// What right answers share.
        pub sharing: Sharing,
        /// How much less likely answers get.
        pub rank_penalty: RankPenalty,
        /// A KL to the base within the reward.
        pub reward_kl: Option<RewardKl>,
        /// A factor of all.
        pub multiplier: Multiplier,
        /// Whitening over tokens.
        pub whiten: Option<Whiten>,
        /// What becomes of a group of one.
        pub lone: Lone,
    }
}

/// The advantages of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Advantages {
    /// One a sequence.
    pub sequences: Vec<f64>,
    /// One a token, where tokens of a sequence differ.
    pub tokens: Option<Vec<f64>>,
}

/// The signals of the whole batch, and what of it a group is held against.
struct Signals {
    values: Vec<f64>,
    lengths: Vec<f64>,
    mean: f64,
}

impl Advantage {
    /// Refuses blocks that do not fit together.
    ///
    /// # Errors
    /// Naming the field.
    pub fn check(&self) -> Result<(), PluginError> {
        self.multiplier.check(self.signal)
    }

    /// Least number of samples in a group of which something is left.
    pub fn minimum_group(&self) -> usize {
        let others = self.scale.0.iter().any(|scale| scale.needs_others());
        self.baseline.minimum_group().max(self.signal.minimum_group()).max(1 + usize::from(others))
    }

    /// Whether tokens of a sequence may have advantages of their own, and by which field.
    pub fn of_tokens(&self) -> Option<&'static str> {
        let to_go = self.reward_kl.is_some_and(|kl| kl.per == Per::ToGo);
        if self.whiten.is_some() { Some("whiten") } else { to_go.then_some("reward_kl") }
    }

    /// How many batches of pass rates it remembers, if any.
    pub fn remembers(&self) -> Option<usize> {
        match self.prompt_weight {
            PromptWeight::Curve(RateReference::Batches(batches)) => Some(batches),
            _ => None,
        }
    }

    /// Whether it reads which answers are equal.
    pub fn needs_outcomes(&self) -> bool {
        self.sharing.needs_clusters()
    }

    /// Takes in a batch, where it remembers any.
    pub fn observe(&self, batch: &ObjectiveBatch<'_>, window: &mut Window) {
        let Some(length) = self.remembers() else { return };
        let rates = (0..batch.groups()).map(|g| pass_rate(batch, g));
        window.observe(rates.filter(|rate| 0.0 < *rate && *rate < 1.0).collect(), length);
    }

    /// The advantages of all groups of a batch, by the steps of the configuration in their order.
    ///
    /// # Errors
    /// If a group is too small, or the batch lacks a column.
    pub fn of(&self, batch: &ObjectiveBatch<'_>, window: &Window) -> Result<Advantages, PluginError> {
        let signals = self.signals(batch)?;
        let right = |rows: Range<usize>| rows.filter(|&i| batch.reward(i) > 0.0).count();
        let all_right = right(0..batch.len());
        let largest_group = (0..batch.groups()).map(|g| batch.group(g).len()).max().unwrap_or(0);
        let rates: Vec<f64> = (0..batch.groups()).map(|g| pass_rate(batch, g)).collect();
        let mut sequences = signals.values.clone();
        for g in 0..batch.groups() {
            let rows = batch.group(g);
            let advantages = &mut sequences[rows.clone()];
            if rows.len() == 1 && self.lone == Lone::Centred {
                advantages.fill(0.0);
                continue;
            }
            let own = &signals.values[rows.clone()];
            if rows.len() >= self.baseline.minimum_group() {
                self.baseline.subtract(advantages, &signals.lengths[rows.clone()], signals.mean);
            }
            for scale in &self.scale.0 {
                scale.divide(advantages, own, |ddof| deviation(signals.values.iter().copied(), ddof));
            }
            if let Baseline::AfterScale(subtracted) = self.baseline {
                for advantage in advantages.iter_mut() {
                    *advantage -= subtracted;
                }
            }
            let (group, rows_in_all) = (rows.len(), batch.len());
            let standing = Standing {
                group,
                right: right(rows.clone()),
                largest_group,
                rows: rows_in_all,
                all_right,
                rates: &rates,
            };
            let factor = self.prompt_weight.of(standing, window);
            for advantage in advantages.iter_mut() {
                *advantage *= factor;
            }
            self.sharing.share(advantages, &self.members(batch, rows)?);
            let factor = self.multiplier.of(group, self.signal);
            for advantage in advantages.iter_mut() {
                *advantage *= factor;
            }
        }
        let mut tokens = self.to_go(batch, &sequences)?;
        if let Some(whiten) = self.whiten {
            whiten.apply(tokens.get_or_insert_with(|| spread(batch, &sequences)));
        }
        Ok(Advantages { sequences, tokens })
    }

    fn signals(&self, batch: &ObjectiveBatch<'_>) -> Result<Signals, PluginError> {
        let mut values = Vec::with_capacity(batch.len());
        for g in 0..batch.groups() {
            let rows = batch.group(g);
            if rows.len() == 1 && self.lone == Lone::Refuse {
                let message = "`lone: Refuse` takes groups of at least 2 samples, found a group of 1";
                return Err(PluginError::config("lone", message).with_hint("sample larger groups"));
            }
            self.signal.check_group(rows.len())?;
            let right = rows.clone().filter(|&i| batch.reward(i) > 0.0).count();
            let of_reward = self.signal.values(rows.len(), right);
            let members = self.members(batch, rows.clone())?;
            for (place, i) in rows.clone().enumerate() {
                let mut signal = of_reward[usize::from(batch.reward(i) > 0.0)];
                signal -= match self.reward_kl {
                    Some(kl) if kl.per == Per::Sequence => kl.coefficient * kl.sum(batch, i)?,
                    _ => 0.0,
                };
                values.push(match members.get(place) {
                    Some(member) => signal * self.sharing.of_signal(*member, rows.len()),
                    None => signal,
                });
            }
            self.rank_penalty
                .apply(&mut values[rows.clone()], |place| mean_log_prob(batch, rows.start + place));
        }
        let lengths = batch.log_probs().rows().map(|row| row.len() as f64).collect();
        let mean = if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 };
        Ok(Signals { values, lengths, mean })
    }

    /// A group as sharing sees it; empty where nothing is shared.
    fn members(&self, batch: &ObjectiveBatch<'_>, rows: Range<usize>) -> Result<Vec<Member>, PluginError> {
        if self.sharing == Sharing::None {
            return Ok(Vec::new());
        }
        let clusters = self.sharing.needs_clusters();
        let outcome = |i| if clusters { batch.outcome(i) } else { Ok(0) };
        let outcomes = rows.clone().map(outcome).collect::<Result<Vec<u64>, _>>()?;
        let member = |(place, i)| Member {
            right: batch.reward(i) > 0.0,
            cluster: outcomes.iter().filter(|other| **other == outcomes[place]).count() as f64,
            mean_log_prob: mean_log_prob(batch, i),
        };
        Ok(rows.enumerate().map(member).collect())
    }

    /// The advantages of tokens that pay for the KL to the base from themselves on.
    fn to_go(&self, batch: &ObjectiveBatch<'_>, sequences: &[f64]) -> Result<Option<Vec<f64>>, PluginError> {
        let Some(kl) = self.reward_kl.filter(|kl| kl.per == Per::ToGo) else { return Ok(None) };
        let (base, behaviour) = (batch.base_log_probs()?, batch.behaviour_log_probs());
        let mut tokens = Vec::with_capacity(base.values().len());
        kl.estimator.append_values(behaviour.values(), base.values(), &mut tokens);
        let mut rest = &mut tokens[..];
        for (row, &value) in base.rows().zip(sequences) {
            let (own, others) = rest.split_at_mut(row.len());
            rest = others;
            to_go(own);
            math::widest(|| own.iter_mut().for_each(|rest| *rest = value - kl.coefficient * *rest));
        }
        Ok(Some(tokens))
    }
}

impl RewardKl {
    /// The estimate for a sequence.
    fn sum(&self, batch: &ObjectiveBatch<'_>, i: usize) -> Result<f64, PluginError> {
        let base = batch.base_log_probs()?;
        let tokens = batch.behaviour_log_probs().row(i).iter().zip(base.row(i));
        Ok(tokens.map(|(b, a)| self.estimator.value(b - a)).sum())
    }
}

/// The share of right answers of a group.
fn pass_rate(batch: &ObjectiveBatch<'_>, g: usize) -> f64 {
    let rows = batch.group(g);
    let count = rows.len();
    rows.filter(|&i| batch.reward(i) > 0.0).count() as f64 / count as f64
}

/// Mean token log-prob under what sampled, 0 of the empty sequence.
fn mean_log_prob(batch: &ObjectiveBatch<'_>, i: usize) -> f64 {
    let row = batch.behaviour_log_probs().row(i);
    if row.is_empty() { 0.0 } else { row.iter().sum::<f64>() / row.len() as f64 }
}

/// Values of sequences for each of their tokens.
fn spread(batch: &ObjectiveBatch<'_>, sequences: &[f64]) -> Vec<f64> {
    let mut tokens = Vec::with_capacity(batch.log_probs().values().len());
    for (row, &value) in batch.log_probs().rows().zip(sequences) {
        tokens.resize(tokens.len() + row.len(), value);
    }
    tokens
}
