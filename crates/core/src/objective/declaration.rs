//! What an objective needs and where it heads.

use super::{Claim, Source, Target};
use crate::error::PluginError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What an objective needs and where it heads, so that the host can provide, check and say it.
///
/// ```
/// use pstar_core::objective::{Declaration, Divergence, PopulationForm};
///
/// let declaration = Declaration::default()
///     .minimum_group(2)
///     .population(PopulationForm::PerSequence)
///     .divergence(Divergence::InvalidityRate);
/// assert!(!declaration.base_log_probs);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Declaration {
    /// Whether it reads log-probabilities under the base.
    pub base_log_probs: bool,
    /// Whether it reads which answers are equal.
    pub outcomes: bool,
    /// What it needs to know of log Z.
    pub partition: PartitionNeed,
    /// The power α of the base in its target a^α v / Z_α: the Z that it needs is this Z_α. `None` where it is the base itself.
    pub power: Option<f64>,
    /// Least number of samples in a group.
    pub minimum_group: usize,
    /// What its samples may be drawn from; anything if empty.
    pub sources: Vec<Source>,
    /// How its expected gradient can be had without sampling, if at all.
    pub population: Option<PopulationForm>,
    /// The form that holds where all outputs are of one length, if it has none otherwise.
    pub equal_lengths: Option<PopulationForm>,
    /// The parts of its configuration, such as `aggregate: TokenMean`, for which its expected gradient for a prompt is no
    /// multiple κ(V) of ∇V; empty where it is one, or where it does not say.
    pub beyond_counts: Vec<String>,
    /// What it claims its expected gradient to be, if anything beyond its divergence.
    pub claim: Option<Claim>,
    /// The divergence whose gradient it estimates, if there is one, at whatever positive scale: where there are too many
    /// outputs to list, the host asks for the scale and takes the exact gradient of the divergence instead.
    pub divergence: Option<Divergence>,
    /// What it does not do, and where.
    pub cautions: Vec<Caution>,
    /// What it declares beyond the knowledge of this version, by name: read as if it were not declared.
    pub unknown: Vec<String>,
}

impl Default for Declaration {
    fn default() -> Self {
        Self {
            base_log_probs: false,
            outcomes: false,
            partition: PartitionNeed::Unused,
            power: None,
            minimum_group: 1,
            sources: Vec::new(),
            population: None,
            equal_lengths: None,
            beyond_counts: Vec::new(),
            claim: None,
            divergence: None,
            cautions: Vec::new(),
            unknown: Vec::new(),
        }
    }
}

impl Declaration {
    /// It reads log-probabilities under the base.
    #[must_use]
    pub fn base_log_probs(self) -> Self {
        Self { base_log_probs: true, ..self }
    }

    /// It reads which answers are equal.
    #[must_use]
    pub fn outcomes(self) -> Self {
        Self { outcomes: true, ..self }
    }

    /// It needs to know log Z.
    #[must_use]
    pub fn partition(self, partition: PartitionNeed) -> Self {
        Self { partition, ..self }
    }

    /// The Z that it needs is that of a power of the base; hosts that do not know of such leave it to its estimates.
    #[must_use]
    pub fn power(self, power: impl Into<Option<f64>>) -> Self {
        Self { power: power.into(), ..self }
    }

    /// It needs groups of at least so many samples.
    #[must_use]
    pub fn minimum_group(self, samples: usize) -> Self {
        Self { minimum_group: samples, ..self }
    }

    /// Its samples must be drawn from one of these.
    #[must_use]
    pub fn sources(self, sources: &[Source]) -> Self {
        Self { sources: sources.to_vec(), ..self }
    }

    /// Its expected gradient can be had without sampling, by this form.
    #[must_use]
    pub fn population(self, form: impl Into<Option<PopulationForm>>) -> Self {
        Self { population: form.into(), ..self }
    }

    /// Where all outputs are of one length its expected gradient can be had without sampling, by this form. A host that
    /// asks shows it sequences of that length.
    #[must_use]
    pub fn equal_lengths(self, form: impl Into<Option<PopulationForm>>) -> Self {
        Self { equal_lengths: form.into(), ..self }
    }

    /// Because of these parts of its configuration its expected gradient for a prompt is no multiple of ∇V.
    #[must_use]
    pub fn beyond_counts(self, parts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { beyond_counts: parts.into_iter().map(Into::into).collect(), ..self }
    }

    /// It claims that its expected gradient is this. A divergence is a claim already.
    #[must_use]
    pub fn claim(self, claim: impl Into<Option<Claim>>) -> Self {
        Self { claim: claim.into(), ..self }
    }

    /// It does not do something where `when` holds, which the record of an arm says.
    #[must_use]
    pub fn caution(mut self, when: When, message: impl Into<String>) -> Self {
        self.cautions.push(Caution { when, message: message.into() });
        self
    }

    /// It estimates the gradient of this divergence.
    #[must_use]
    pub fn divergence(self, divergence: impl Into<Option<Divergence>>) -> Self {
        Self { divergence: divergence.into(), ..self }
    }

    /// Its entries as they cross the boundary: names with RON texts, so that one that a host does not understand costs
    /// it none of the others.
    pub(crate) fn entries(&self) -> Vec<(&'static str, String)> {
        fn text(value: &impl Serialize) -> String {
            ron::to_string(value).unwrap_or_default()
        }
        let mut entries = vec![
            ("base_log_probs", text(&self.base_log_probs)),
            ("partition", text(&self.partition)),
            ("minimum_group", text(&self.minimum_group)),
        ];
        entries.extend(self.power.iter().map(|power| ("power", text(power))));
        entries.extend(self.outcomes.then(|| ("outcomes", text(&true))));
        if !self.cautions.is_empty() {
            entries.push(("cautions", text(&self.cautions)));
        }
        if !self.sources.is_empty() {
            entries.push(("sources", text(&self.sources)));
        }
        entries.extend(self.population.iter().map(|form| ("population", text(form))));
        entries.extend(self.equal_lengths.iter().map(|form| ("equal_lengths", text(form))));
        if !self.beyond_counts.is_empty() {
            entries.push(("beyond_counts", text(&self.beyond_counts)));
        }
        entries.extend(self.claim.iter().map(|claim| ("claim", text(claim))));
        entries.extend(self.divergence.iter().map(|divergence| ("divergence", text(divergence))));
        entries
    }

    /// What a host understands of entries. What an objective *needs* must be understood; of what it offers, and of names
    /// that this version does not know, the rest is told.
    pub(crate) fn of_entries<'a>(
        entries: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, PluginError> {
        fn needed<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, PluginError> {
            ron::from_str(text).map_err(|error| {
                PluginError::contract(format!(
                    "it declares `{name}: {text}`, which this host cannot read: {error}"
                ))
            })
        }
        let mut declaration = Self::default();
        for (name, text) in entries {
            match name {
                "base_log_probs" => declaration.base_log_probs = needed(name, text)?,
                "outcomes" => declaration.outcomes = needed(name, text)?,
                "partition" => declaration.partition = needed(name, text)?,
                "minimum_group" => declaration.minimum_group = needed(name, text)?,
                "power" => declaration.power = Some(needed(name, text)?).filter(|&power| is_power(power)),
                "sources" => declaration.sources = needed(name, text)?,
                "population" => declaration.population = ron::from_str(text).ok(),
                "equal_lengths" => declaration.equal_lengths = ron::from_str(text).ok(),
                "beyond_counts" => declaration.beyond_counts = ron::from_str(text).unwrap_or_default(),
                "claim" => declaration.claim = ron::from_str(text).ok(),
                "divergence" => {
                    let divergence: Option<Divergence> = ron::from_str(text).ok();
                    declaration.divergence = divergence.filter(|found| is_power(found.without_power().1));
                }
                "cautions" => declaration.cautions = ron::from_str(text).unwrap_or_default(),
                _ => {}
            }
            let understood = match name {
                "population" => declaration.population.is_some(),
                "equal_lengths" => declaration.equal_lengths.is_some(),
                "beyond_counts" => !declaration.beyond_counts.is_empty(),
                "claim" => declaration.claim.is_some(),
                "divergence" => declaration.divergence.is_some(),
                "power" => declaration.power.is_some(),
                "cautions" => !declaration.cautions.is_empty(),
                "base_log_probs" | "outcomes" | "partition" | "minimum_group" | "sources" => true,
                _ => false,
            };
            if !understood {
                declaration.unknown.push(format!("{name}: {text}"));
            }
        }
        Ok(declaration)
    }
}

/// Whether it is a power that a base can be raised to.
fn is_power(power: f64) -> bool {
    (0.0..=Target::MOST_POWER).contains(&power)
}

/// Something that an objective does not do, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caution {
    /// Where.
    pub when: When,
    /// What, and why: "its clip cannot act: on-policy every ratio is 1".
    pub message: String,
}

/// Where a caution holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum When {
    /// Always.
    Always,
    /// Where every step is on samples of the policy as it is: one pass, one part, none of age.
    OnPolicy,
    /// In groups of up to so many samples.
    GroupsUpTo(u32),
}

/// What an objective needs to know of log Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PartitionNeed {
    /// Nothing.
    Unused,
    /// The exact value where the host knows it; it estimates otherwise.
    Welcome,
    /// The exact value.
    Exact,
}

/// How an objective's expected gradient can be had without sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PopulationForm {
    /// The coefficient of a sequence depends on that sequence alone, but for a baseline that vanishes in
    /// expectation: the objective is called once over all outputs with w_i = q(y_i).
    PerSequence,
    /// The coefficient of a sequence depends on its reward and on the number of right answers in its group, alone: the
    /// objective is called on the `group` + 1 groups there are, as one batch of sequences of one token, and the
    /// expectation over groups is binomial. Exact for any size of the group.
    BinaryGroup {
        /// Number of samples of a group, at least 1.
        group: u32,
    },
}

/// A divergence (or negative reward) that an objective minimises over the policy q.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Divergence {
    /// −E_q\[v\]: no divergence, any distribution on valid outputs is an optimum.
    InvalidityRate,
    /// KL(q‖p_\[β\]).
    KlToTilted {
        /// β.
        beta: f64,
    },
    /// KL(q‖p_\[β\]) with one β a prompt, such that the tilted distribution's validity rate is μ.
    KlToTiltedAtRate {
        /// μ.
        mu: f64,
    },
    /// KL(p*‖q).
    KlFromFiltered,
    /// D_α(q‖p*).
    Alpha {
        /// α in (0, 1).
        alpha: f64,
    },
    /// The potential whose gradient the clipped pseudo-reward min((p*/q)^(1−α) − 1, M) is.
    ClippedAlpha {
        /// α in [0, 1).
        alpha: f64,
        /// M.
        clip: f64,
    },
    /// KL(p_α‖q) of the power-filtered target p_α = a^α v / Z_α.
    KlFromPower {
        /// The power of the base.
        power: f64,
    },
    /// D_α(q‖p) to the power-filtered target.
    AlphaToPower {
        /// α in (0, 1), the order of the divergence.
        alpha: f64,
        /// The power of the base.
        power: f64,
    },
    /// The potential of [`ClippedAlpha`](Self::ClippedAlpha) with the power-filtered target in the place of p*.
    ClippedAlphaToPower {
        /// α in [0, 1), the order of the divergence.
        alpha: f64,
        /// M.
        clip: f64,
        /// The power of the base.
        power: f64,
    },
}

impl Divergence {
    /// The same divergence to or from the power-filtered target where it is one of p*; `None` where it is not.
    pub fn of_power(self, power: f64) -> Option<Self> {
        match self {
            Self::KlFromFiltered => Some(Self::KlFromPower { power }),
            Self::Alpha { alpha } => Some(Self::AlphaToPower { alpha, power }),
            Self::ClippedAlpha { alpha, clip } => Some(Self::ClippedAlphaToPower { alpha, clip, power }),
            _ => None,
        }
    }

    /// The divergence that it is where the power of the base takes the base's place, and that power: itself and 1 where its
    /// target is of the base itself.
    pub fn without_power(self) -> (Self, f64) {
        match self {
            Self::KlFromPower { power } => (Self::KlFromFiltered, power),
            Self::AlphaToPower { alpha, power } => (Self::Alpha { alpha }, power),
            Self::ClippedAlphaToPower { alpha, clip, power } => (Self::ClippedAlpha { alpha, clip }, power),
            of_the_base => (of_the_base, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(&str, &str)]) -> Result<Declaration, PluginError> {
        Declaration::of_entries(entries.iter().copied())
    }

    #[test]
    fn what_was_declared_comes_back() {
        let declared = Declaration::default()
            .base_log_probs()
            .outcomes()
            .partition(PartitionNeed::Welcome)
            .power(0.1)
            .minimum_group(3)
            .sources(&[Source::Base, Source::Filtered])
            .population(PopulationForm::BinaryGroup { group: 4 })
            .equal_lengths(PopulationForm::BinaryGroup { group: 8 })
            .beyond_counts(["aggregate: TokenMean", "penalties"])
            .claim(Claim::LogValidity { order: Some(4) })
            .caution(When::OnPolicy, "it does nothing")
            .divergence(Divergence::ClippedAlpha { alpha: 0.1, clip: 1e300 });
        for declared in [Declaration::default(), declared] {
            let entries = declared.entries();
            let entries = entries.iter().map(|(name, text)| (*name, text.as_str()));
            assert_eq!(Declaration::of_entries(entries).unwrap(), declared);
        }
    }

    #[test]
    fn a_power_is_taken_out_as_it_was_put_in() {
        for of_filtered in [
            Divergence::KlFromFiltered,
            Divergence::Alpha { alpha: 0.5 },
            Divergence::ClippedAlpha { alpha: 0.0, clip: 3.0 },
        ] {
            assert_eq!(of_filtered.of_power(2.5).unwrap().without_power(), (of_filtered, 2.5));
            assert_eq!(of_filtered.without_power(), (of_filtered, 1.0));
        }
        assert_eq!(Divergence::KlToTilted { beta: 1.0 }.of_power(2.0), None);
    }

    #[test]
    fn offers_of_a_later_version_are_told_and_survived() {
        let found = read(&[
            ("divergence", "JensenShannon(weight:0.5)"),
            ("critic", "true"),
            ("claim", "Median"),
            ("minimum_group", "2"),
            ("population", "PerSequence"),
        ])
        .unwrap();
        let expected = Declaration::default().minimum_group(2).population(PopulationForm::PerSequence);
        let unknown = vec![
            "divergence: JensenShannon(weight:0.5)".into(),
            "critic: true".into(),
            "claim: Median".into(),
        ];
        assert_eq!(found, Declaration { unknown, ..expected });
    }

    #[test]
    fn a_power_that_is_none_is_told_and_not_taken() {
        let entries =
            [("power", "-1.0"), ("power", "NaN"), ("divergence", "KlFromPower(power:inf)"), ("power", "2.0")];
        let found = read(&entries).unwrap();
        assert_eq!((found.power, found.divergence), (Some(2.0), None));
        assert_eq!(found.unknown, ["power: -1.0", "power: NaN", "divergence: KlFromPower(power:inf)"]);
    }

    #[test]
    fn a_need_that_is_not_understood_is_an_error() {
        let error = read(&[("partition", "Learned")]).unwrap_err();
        assert!(error.message.starts_with("it declares `partition: Learned`, which this host cannot read"));
    }
}
