//! What becomes of the ratio to what sampled.

use pstar_blocks::{Arguments, Value, unknown};
use pstar_blocks::{Block, Ratio};
use pstar_core::{Field, PluginError, math};

/// What becomes of the ratio x of a token or sequence to what sampled it, for an advantage A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Clip {
    /// x.
    None,
    /// x, and 0 once it has gone far enough in the direction of A (Schulman et al. 2017, arXiv 1707.06347); with `dual`
    /// also where A < 0 and x is above it (Ye et al. 2020, arXiv 1912.09729).
    Ppo { low: f64, high: f64, dual: Option<f64> },
    /// x within these bounds, never zero (CISPO, arXiv 2506.13585).
    Truncate { min: f64, max: f64 },
    /// x within 1 − low … 1 + high and 0 outside, for both signs of A; 1 in its place where it is not `weighted`.
    ZeroOutside { low: f64, high: f64, weighted: bool },
    /// x where the token's probability has moved by no more than this, 0 otherwise.
    ZeroBeyond { probability: f64 },
    /// x, and 0 once the divergence of the token in the direction of A is too large; x at most `cap` (DPPO, arXiv 2602.04879).
    Divergence { kind: Kind, low: f64, high: f64, cap: Option<f64> },
    /// x · 4σ(1 − σ) with σ = sigmoid(τ(x − 1)) and one τ a sign of A (SAPO, arXiv 2511.20347).
    Sigmoid { positive: f64, negative: f64 },
    /// e^λ x^k e^−λx with one (k, λ) a sign of A (VESPO).
    Gamma { positive: [f64; 2], negative: [f64; 2] },
    /// One factor for what is right; x up to 1 times another for what is wrong (TOPR, arXiv 2503.14286).
    Taper { by: Taper, positive: f64, negative: f64 },
    /// The geometric mean of token ratios that are clipped in logarithms (GMPO, arXiv 2507.20673).
    GeometricOfClipped { low: f64, high: f64 },
    /// Ppo, and 0 for a share of all tokens, drawn among those whose covariance of A and log q is between these bounds
    /// (Clip-Cov, arXiv 2505.22617).
    Covariance { low: f64, high: f64, above: f64, below: f64, fraction: f64 },
}

/// A divergence of two distributions from what they give one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// |q − b|.
    Tv,
    /// KL between the token and all others.
    Kl,
}

/// What decides whether a sequence is tapered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taper {
    /// Its reward.
    Reward,
    /// Its advantage.
    Advantage,
}

impl Block for Clip {
    const FIELD: Field = Field::optional(
        "clip",
        "None | Ppo(low, high, dual: None) | Truncate(min, max) | ZeroOutside(low, high, weight: Ratio | None) | \
         ZeroOutside(probability) | Divergence(divergence: Tv | Kl, low, high, cap: None) | \
         Sigmoid(positive, negative) | Gamma(positive: [k, lambda], negative: [k, lambda]) | \
         Taper(by: Reward | Advantage, positive: 1, negative: 1) | GeometricOfClipped(low, high) | \
         Covariance(low, high, above, below, fraction: 1)",
        "low in [0, 1], high >= 0, dual > 1, 0 <= min <= max, fraction in (0, 1]",
        "None",
        "what becomes of the ratio to what sampled",
    );

    fn read(value: &Value) -> Result<Self, PluginError> {
        let arguments = |names| Arguments::of("clip", value, names);
        let positive = |found: &Arguments<'_>, name| {
            found.number(name, None, "a number of at least 0", |n| n >= 0.0 && !n.is_nan())
        };
        // Beyond 1 below there is nothing to clip, which libraries allow.
        let (low, high) =
            (|found: &Arguments<'_>| positive(found, "low"), |found: &Arguments<'_>| positive(found, "high"));
        match value.name() {
            Some("None") => arguments(&[]).map(|_| Self::None),
            Some("Ppo") => {
                let found = arguments(&["low", "high", "dual"])?;
                let dual = found.number_or_none("dual", "a number above 1", |n| n > 1.0 && n.is_finite())?;
                Ok(Self::Ppo { low: low(&found)?, high: high(&found)?, dual })
            }
            Some("Truncate") => {
                let found = arguments(&["min", "max"])?;
                let (min, max) = (positive(&found, "min")?, positive(&found, "max")?);
                if min > max {
                    let message = format!("`min` must be at most `max`, found `{min}` and `{max}`");
                    return Err(PluginError::config("clip", message));
                }
                Ok(Self::Truncate { min, max })
            }
            Some("ZeroOutside") => {
                let found = arguments(&["low", "high", "weight", "probability"])?;
                if found.given("probability").is_some() {
                    let none = ["low", "high", "weight"].iter().find(|name| found.given(name).is_some());
                    if let Some(other) = none {
                        let message = format!("`ZeroOutside` takes `probability` or `{other}`, not both");
                        return Err(PluginError::config("clip", message));
                    }
                    return Ok(Self::ZeroBeyond { probability: positive(&found, "probability")? });
                }
                let weighted = found.word("weight", true, &[("Ratio", true), ("None", false)])?;
                Ok(Self::ZeroOutside { low: low(&found)?, high: high(&found)?, weighted })
            }
            Some("Divergence") => {
                let found = arguments(&["divergence", "low", "high", "cap"])?;
                let kind = found.word("divergence", Kind::Tv, &[("Tv", Kind::Tv), ("Kl", Kind::Kl)])?;
                let cap = found.number_or_none("cap", "a positive number", |n| n > 0.0)?;
                Ok(Self::Divergence { kind, low: low(&found)?, high: high(&found)?, cap })
            }
            Some("Sigmoid") => {
                let found = arguments(&["positive", "negative"])?;
                Ok(Self::Sigmoid {
                    positive: positive(&found, "positive")?,
                    negative: positive(&found, "negative")?,
                })
            }
            Some("Gamma") => {
                let found = arguments(&["positive", "negative"])?;
                Ok(Self::Gamma { positive: pair(&found, "positive")?, negative: pair(&found, "negative")? })
            }
            Some("Taper") => {
                let found = arguments(&["by", "positive", "negative"])?;
                let by = [("Reward", Taper::Reward), ("Advantage", Taper::Advantage)];
                let factor =
                    |name| found.number(name, 1.0, "a number of at least 0", |n| n >= 0.0 && n.is_finite());
                Ok(Self::Taper {
                    by: found.word("by", Taper::Reward, &by)?,
                    positive: factor("positive")?,
                    negative: factor("negative")?,
                })
            }
            Some("GeometricOfClipped") => {
                let found = arguments(&["low", "high"])?;
                Ok(Self::GeometricOfClipped { low: low(&found)?, high: high(&found)? })
            }
            Some("Covariance") => {
                let found = arguments(&["low", "high", "above", "below", "fraction"])?;
                Ok(Self::Covariance {
                    low: low(&found)?,
                    high: high(&found)?,
                    above: found.number("above", None, "a number", |n| !n.is_nan())?,
                    below: found.number("below", None, "a number", |n| !n.is_nan())?,
                    fraction: found.number("fraction", 1.0, "in (0, 1]", |n| n > 0.0 && n <= 1.0)?,
                })
            }
            _ => Err(unknown(
                "clip",
                value,
                &[
                    "None",
                    "Ppo",
                    "Truncate",
                    "ZeroOutside",
                    "Divergence",
                    "Sigmoid",
                    "Gamma",
                    "Taper",
                    "GeometricOfClipped",
                    "Covariance",
                ],
            )),
        }
    }
}

fn pair(found: &Arguments<'_>, name: &str) -> Result<[f64; 2], PluginError> {
    let number = |value: &Value| match value {
        Value::Number(number) if *number >= 0.0 && number.is_finite() => Some(*number),
        _ => None,
    };
    let pair = match found.given(name) {
        Some(Value::List(pair)) if pair.len() == 2 => number(&pair[0]).zip(number(&pair[1])),
        _ => None,
    };
    let fault =
        || PluginError::config("clip", format!("`{name}` must be two numbers of at least 0, `[k, lambda]`"));
    pair.map(|(k, lambda)| [k, lambda]).ok_or_else(fault)
}

/// A token as a clip sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    /// A.
    pub(crate) advantage: f64,
    /// v > 0.
    pub(crate) right: bool,
    /// x.
    pub(crate) ratio: f64,
    /// log q and log b of the token.
    pub(crate) log_probs: [f64; 2],
}

impl Clip {
    /// Refuses a ratio that it does not fit.
    ///
    /// # Errors
    /// Naming the field.
    pub(crate) fn check(self, ratio: Ratio) -> Result<(), PluginError> {
        let fault =
            |message: String, advice: &str| Err(PluginError::config("clip", message).with_hint(advice));
        match self {
            Self::None => Ok(()),
            Self::GeometricOfClipped { .. } => match ratio {
                Ratio::Token | Ratio::Geometric => Ok(()),
                _ => fault(
                    format!(
                        "`GeometricOfClipped` is a mean of the ratios of tokens, found `ratio: {ratio:?}`"
                    ),
                    "set `ratio: Token` or `Geometric`",
                ),
            },
            Self::Divergence { .. } | Self::ZeroBeyond { .. } | Self::Covariance { .. }
                if ratio != Ratio::Token =>
            {
                let name = self.name();
                fault(format!("`{name}` is of tokens, found `ratio: {ratio:?}`"), "set `ratio: Token`")
            }
            _ if ratio == Ratio::None => fault(
                format!("`{}` needs a ratio, found `ratio: None`", self.name()),
                "set `ratio: Token`, `Sequence` or `Geometric`, or `clip: None`",
            ),
            _ => Ok(()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Ppo { .. } => "Ppo",
            Self::Truncate { .. } => "Truncate",
            Self::ZeroOutside { .. } | Self::ZeroBeyond { .. } => "ZeroOutside",
            Self::Divergence { .. } => "Divergence",
            Self::Sigmoid { .. } => "Sigmoid",
            Self::Gamma { .. } => "Gamma",
            Self::Taper { .. } => "Taper",
            Self::GeometricOfClipped { .. } => "GeometricOfClipped",
            Self::Covariance { .. } => "Covariance",
        }
    }

    /// Whether a clip of the policy-gradient kind takes the gradient away.
    pub(crate) fn cuts(low: f64, high: f64, dual: Option<f64>, advantage: f64, x: f64) -> bool {
        if advantage > 0.0 {
            x > 1.0 + high
        } else {
            advantage < 0.0 && (x < 1.0 - low || dual.is_some_and(|dual| x > dual))
        }
    }

    /// What the advantage is multiplied by.
    pub(crate) fn factor(self, at: At) -> f64 {
        let At { advantage, right, ratio: x, log_probs: [log_q, log_b] } = at;
        let where_kept = |kept: bool, factor: f64| if kept { factor } else { 0.0 };
        match self {
            Self::None | Self::GeometricOfClipped { .. } => x,
            Self::Ppo { low, high, dual } => where_kept(!Self::cuts(low, high, dual, advantage, x), x),
            Self::Covariance { low, high, .. } => where_kept(!Self::cuts(low, high, None, advantage, x), x),
            Self::Truncate { min, max } => x.clamp(min, max),
            Self::ZeroOutside { low, high, weighted } => {
                where_kept((1.0 - low..=1.0 + high).contains(&x), if weighted { x } else { 1.0 })
            }
            Self::ZeroBeyond { probability } => {
                where_kept((math::exp(log_q) - math::exp(log_b)).abs() <= probability, x)
            }
            Self::Divergence { kind, low, high, cap } => {
                let (q, b) = (math::exp(log_q), math::exp(log_b));
                let moved = match kind {
                    Kind::Tv => (q - b).abs(),
                    Kind::Kl => binary_kl(b, q),
                };
                let kept = if advantage > 0.0 { q <= b || moved <= high } else { q >= b || moved <= low };
                where_kept(kept, cap.map_or(x, |cap| x.min(cap)))
            }
            Self::Sigmoid { positive, negative } => {
                let tau = if advantage > 0.0 { positive } else { negative };
                let sigmoid = 1.0 / (1.0 + math::exp(-tau * (x - 1.0)));
                // Far out, 0 · ∞.
                where_kept(sigmoid < 1.0, x * 4.0 * sigmoid * (1.0 - sigmoid))
            }
            Self::Gamma { positive, negative } => {
                let [k, lambda] = if advantage > 0.0 { positive } else { negative };
                where_kept(x.is_finite(), math::exp(lambda * (1.0 - x)) * math::pow(x, k))
            }
            Self::Taper { by, positive, negative } => {
                let good = if by == Taper::Reward { right } else { advantage > 0.0 };
                if good { positive } else { negative * x.min(1.0) }
            }
        }
    }
}

/// KL(b‖q) between one token and all others.
pub(crate) fn binary_kl(b: f64, q: f64) -> f64 {
    let term = |p: f64, r: f64| if p == 0.0 { 0.0 } else { p * math::ln(p / r) };
    term(b, q) + term(1.0 - b, 1.0 - q)
}
