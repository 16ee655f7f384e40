//! The coefficients of tokens that have ratios of their own: a loop without branches for every clip that has one.

#![allow(clippy::needless_bitwise_bool, reason = "loops that skip nothing are compiled for vectors")]

use super::each::{each, none_negative, product};
use super::surrogate::RunTokens;
use crate::blocks::{At, Clip, Kind, PolicyGradientBlocks as Blocks, Taper};
use crate::rough_exp::{self, RANGE, all_below, rough_exp};
use crate::rough_ln::{self, rough_ln};
use pstar_core::math;

/// What rounding may move a probability by, relative to it, and some more.
const ROUNDING: f64 = 1e-14;

/// The least probability of all other tokens whose logarithm a difference from 1 leaves enough digits of.
const LEFT: f64 = 1e-6;

/// Room for a run's tokens that is used again.
#[derive(Default)]
pub(super) struct Room {
    others: Vec<f64>,
    kl: Vec<f64>,
    /// Tokens that rough functions cannot decide, with their ratios.
    doubtful: Vec<(usize, f64)>,
}

/// How far tokens of bad and of good advantage may go with it, and the most that a ratio counts.
#[derive(Clone, Copy)]
struct Bounds {
    low: f64,
    high: f64,
    cap: f64,
}

impl Blocks {
    /// The coefficients, in the place of ratios; says how many a clip changed.
    pub(super) fn of_token_ratios(&self, tokens: RunTokens<'_>, c: &mut [f64], room: &mut Room) -> u64 {
        let RunTokens { log_b, advantages, .. } = tokens;
        match self.clip {
            Clip::None => each(advantages, c, log_b, |_, x, _| x),
            Clip::Ppo { low, high, dual } => ppo([low, high], dual, advantages, c),
            Clip::Covariance { low, high, .. } => ppo([low, high], None, advantages, c),
            Clip::Truncate { min, max } => each(advantages, c, log_b, move |_, x, _| x.clamp(min, max)),
            Clip::ZeroOutside { low, high, weighted } => {
                let (least, most) = (1.0 - low, 1.0 + high);
                each(advantages, c, log_b, move |_, x, _| {
                    let kept = if weighted { x } else { 1.0 };
                    if (x < least) | (x > most) { 0.0 } else { kept }
                })
            }
            Clip::Divergence { kind, low, high, cap } => {
                let bounds = Bounds { low, high, cap: cap.unwrap_or(f64::INFINITY) };
                match kind {
                    Kind::Tv => self.within_total_variation(bounds, tokens, c, room),
                    Kind::Kl => self.within_kl(bounds, tokens, c, room),
                }
            }
            Clip::Sigmoid { positive, negative } => {
                let room = &mut room.others;
                // The exponentials of all logistic functions at once.
                room.clear();
                math::widest(|| {
                    let (positive, negative) = (positive, negative);
                    room.extend(c.iter().zip(advantages).map(move |(x, a)| {
                        let (good, bad) = (-positive * (x - 1.0), -negative * (x - 1.0));
                        if *a > 0.0 { good } else { bad }
                    }));
                });
                math::exp_all(room);
                each(advantages, c, room, move |_, x, exp| {
                    let sigmoid = 1.0 / (1.0 + exp);
                    // Far out, 0 · ∞.
                    if sigmoid < 1.0 { x * 4.0 * sigmoid * (1.0 - sigmoid) } else { 0.0 }
                })
            }
            Clip::Taper { by, positive, negative } => {
                let room = &mut room.others;
                // 1 for tokens that are good.
                room.clear();
                match by {
                    Taper::Advantage => room.extend(advantages.iter().map(|a| f64::from(u8::from(*a > 0.0)))),
                    Taper::Reward => {
                        for (i, of) in tokens.run.sequences() {
                            room.resize(of.end, f64::from(u8::from(tokens.is_right(i))));
                        }
                    }
                }
                each(
                    advantages,
                    c,
                    room,
                    move |_, x, good| {
                        if good == 1.0 { positive } else { negative * x.min(1.0) }
                    },
                )
            }
            Clip::ZeroBeyond { .. } | Clip::Gamma { .. } | Clip::GeometricOfClipped { .. } => {
                self.one_by_one(tokens, c)
            }
        }
    }

    /// Those of tokens whose probability has not moved too far with their advantage.
    fn within_total_variation(
        &self,
        bounds: Bounds,
        tokens: RunTokens<'_>,
        c: &mut [f64],
        room: &mut Room,
    ) -> u64 {
        let RunTokens { log_b, advantages, .. } = tokens;
        if !all_below(log_b, RANGE) {
            return self.one_by_one(tokens, c);
        }
        let b = &mut room.others;
        b.clear();
        math::widest(|| b.extend(log_b.iter().map(|log_b| rough_exp(*log_b))));
        let Bounds { low, high, cap } = bounds;
        // How much farther both bounds are than a rough probability may be wrong.
        let margins = move |x: f64, b: f64| {
            let up = b * (x - 1.0);
            let doubt = 2.0 * rough_exp::ERROR * up.abs() + ROUNDING * b;
            [(up - high).abs() - doubt, (up + low).abs() - doubt]
        };
        take_doubtful(c, b, margins, &mut room.doubtful);
        let changed = each(advantages, c, b, move |a, x, b| {
            let (is_good, up) = (a > 0.0, b * (x - 1.0));
            let is_within = (is_good & (up <= high)) | (!is_good & (-up <= low));
            if is_within { x.min(cap) } else { 0.0 }
        });
        changed + self.decide(tokens, &room.doubtful, c)
    }

    /// Those of tokens that have not gone too far in KL with their advantage.
    fn within_kl(&self, bounds: Bounds, tokens: RunTokens<'_>, c: &mut [f64], room: &mut Room) -> u64 {
        let RunTokens { log_q, log_b, advantages, .. } = tokens;
        let Room { others: b, kl, doubtful } = room;
        b.clear();
        b.extend_from_slice(log_b);
        math::exp_all(b);
        let Bounds { low, high, cap } = bounds;
        kl.clear();
        kl.extend(log_q);
        let ratios = &*c;
        math::widest(|| {
            let tokens = ratios.iter().zip(b.iter().zip(log_b));
            for (kl, (&x, (&b, &log_b))) in kl.iter_mut().zip(tokens) {
                let others = 1.0 - b * x;
                let rough = b * (log_b - *kl) + (1.0 - b) * rough_ln((1.0 - b) / others);
                // Where nothing is left for others, what is left is rounding; b = 0 has no ratio.
                *kl = if (others > LEFT) & (b > 0.0) { rough } else { high };
            }
        });
        let doubt = 2.0 * rough_ln::ERROR;
        let margins = move |_: f64, kl: f64| [(kl - high).abs() - doubt, (kl - low).abs() - doubt];
        take_doubtful(c, kl, margins, doubtful);
        let changed = each(advantages, c, kl, move |a, x, kl| {
            let is_good = a > 0.0;
            let is_within = (is_good & ((x <= 1.0) | (kl <= high))) | (!is_good & ((x >= 1.0) | (kl <= low)));
            if is_within { x.min(cap) } else { 0.0 }
        });
        changed + self.decide(tokens, doubtful, c)
    }

    /// Sets the coefficients of tokens that loops left out; says how many of them the clip changed.
    fn decide(&self, tokens: RunTokens<'_>, doubtful: &[(usize, f64)], c: &mut [f64]) -> u64 {
        let mut changed = 0;
        for &(t, ratio) in doubtful {
            let advantage = tokens.advantages[t];
            let log_probs = [tokens.log_q[t], tokens.log_b[t]];
            // These clips do not ask whether an answer is right.
            let factor = self.clip.factor(At { advantage, right: false, ratio, log_probs });
            changed += u64::from(factor != ratio && advantage != 0.0);
            c[t] = product(advantage, factor);
        }
        changed
    }

    /// Those of any clip, token by token.
    fn one_by_one(&self, tokens: RunTokens<'_>, c: &mut [f64]) -> u64 {
        let mut changed = 0;
        for (i, of) in tokens.run.sequences() {
            let right = tokens.is_right(i);
            for t in of {
                let (advantage, ratio) = (tokens.advantages[t], c[t]);
                let log_probs = [tokens.log_q[t], tokens.log_b[t]];
                let factor = self.clip.factor(At { advantage, right, ratio, log_probs });
                changed += u64::from(factor != ratio && advantage != 0.0);
                c[t] = product(advantage, factor);
            }
        }
        changed
    }
}

/// Those of ratios that have not gone too far with their advantage.
fn ppo([low, high]: [f64; 2], dual: Option<f64>, advantages: &[f64], c: &mut [f64]) -> u64 {
    let (least, most) = (1.0 - low, 1.0 + high);
    let most_of_bad = dual.unwrap_or(f64::INFINITY);
    each(advantages, c, advantages, move |a, x, _| {
        let is_good = a > 0.0;
        let (is_near, is_near_of_bad) = (x <= most, (x >= least) & (x <= most_of_bad));
        if (is_good & is_near) | (!is_good & is_near_of_bad) { x } else { 0.0 }
    })
}

/// Takes out the ratios of tokens at which one of two margins is negative or none: what is left for loops is a ratio of 0,
/// which no clip changes.
fn take_doubtful(
    c: &mut [f64],
    others: &[f64],
    margins: impl Fn(f64, f64) -> [f64; 2] + Copy,
    doubtful: &mut Vec<(usize, f64)>,
) {
    doubtful.clear();
    if none_negative(c, others, margins) {
        return;
    }
    for (t, (x, other)) in c.iter_mut().zip(others).enumerate() {
        let [first, second] = margins(*x, *other);
        if !(first >= 0.0 && second >= 0.0) {
            doubtful.push((t, std::mem::take(x)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::binary_kl;
    use pstar_blocks::{Advantages, Given, Rows};
    use pstar_core::objective::{Moment, ObjectiveBuffer, PromptFacts, Row};
    use pstar_core::rng::{Purpose, StreamKey};

    fn blocks(clip: &str) -> Blocks {
        let text = format!("(ratio: Token, clip: {clip})");
        let given: Given<Blocks> = pstar_core::config::parse(&text).unwrap();
        given.over(&[]).unwrap()
    }

    /// What becomes of these tokens as one right answer, and how many a clip changed.
    fn coefficients(
        log_q: &[f64],
        log_b: &[f64],
        advantages: &[f64],
        of: impl Fn(RunTokens<'_>, &mut [f64]) -> u64,
    ) -> (Vec<f64>, u64) {
        let mut buffer = ObjectiveBuffer::default();
        buffer.push_group(0, PromptFacts::default());
        buffer.push(Row::new(1.0, log_q).behaviour_log_probs(log_b));
        let batch = buffer.view(Moment::new(0, StreamKey::new(1, Purpose::Objective, 0))).unwrap();
        let advantages = Advantages { sequences: vec![0.0], tokens: Some(advantages.to_vec()) };
        let rows = Rows::of(&batch, |_| true);
        let mut room = Vec::new();
        let tokens = RunTokens::of(&batch, rows.runs().next().unwrap(), &advantages, &mut room);
        let mut c: Vec<f64> =
            log_q.iter().zip(log_b).map(|(q, b)| if q == b { 0.0 } else { q - b }).collect();
        math::exp_all(&mut c);
        let changed = of(tokens, &mut c);
        (c, changed)
    }

    /// Loops of their own say what the clip says of a token alone: to rounding, and of as many tokens.
    #[test]
    fn clips_in_loops_are_clips_of_single_tokens() {
        let wave = |n: usize, phase: f64| (n as f64 * 1.3 + phase).sin();
        let log_b: Vec<f64> = (0..200).map(|n| -1.1 - wave(n, 0.3)).collect();
        let mut log_q: Vec<f64> = (0..200).map(|n| log_b[n] + 0.6 * wave(n, 2.0)).collect();
        log_q[7] = f64::NEG_INFINITY;
        log_q[8] = log_b[8];
        let own: Vec<f64> = (0..200).map(|n| if n % 5 == 0 { 0.0 } else { wave(n, 4.0) }).collect();
        for clip in [
            "None",
            "Ppo(low: 0.2, high: 0.28)",
            "Ppo(low: 0.2, high: 0.2, dual: 1.3)",
            "Covariance(low: 0.2, high: 0.28, above: 1.0, below: 5.0)",
            "Truncate(min: 0.8, max: 1.2)",
            "ZeroOutside(low: 0.1, high: 0.3)",
            "ZeroOutside(low: 0.1, high: 0.3, weight: None)",
            "Divergence(divergence: Tv, low: 0.05, high: 0.1, cap: 1.2)",
            "Divergence(divergence: Kl, low: 0.01, high: 0.02)",
            "Sigmoid(positive: 1.0, negative: 1.05)",
            "Taper(by: Reward, positive: 0.7)",
            "Taper(by: Advantage, positive: 0.7, negative: 0.9)",
        ] {
            let blocks = blocks(clip);
            for advantages in [&[0.7; 200], &[-0.7; 200], &own[..]] {
                let (loops, changed) = coefficients(&log_q, &log_b, advantages, |tokens, c| {
                    blocks.of_token_ratios(tokens, c, &mut Room::default())
                });
                let (single, expected) =
                    coefficients(&log_q, &log_b, advantages, |tokens, c| blocks.one_by_one(tokens, c));
                assert_eq!(changed, expected, "{clip}, {}", advantages[1]);
                for (a, b) in loops.iter().zip(&single) {
                    assert!((a - b).abs() <= 1e-15, "{clip}, {}: {a} and {b}", advantages[1]);
                }
                assert!(clip == "None" || changed > 0, "{clip}, {}", advantages[1]);
            }
        }
    }

    /// Tokens that have gone a billionth to a thousandth of the way too far, or not far enough, alone and beside others that
    /// are far from it: what a rough function cannot decide is decided by a whole one.
    #[test]
    fn trust_regions_end_where_they_say() {
        for divergence in ["Tv", "Kl"] {
            let blocks = blocks(&format!("Divergence(divergence: {divergence}, low: 0.1, high: 0.2)"));
            for b in [0.25, 0.5, 0.75, 0.999] {
                for (advantage, most) in [(1.0, 0.2), (-1.0, 0.1)] {
                    for beside in [0, 40] {
                        for exponent in 3..10 {
                            for (sign, is_kept) in [(-1.0, true), (1.0, false)] {
                                let gone = most * (1.0 + sign * 10f64.powi(-exponent));
                                let Some(q) = moved(divergence, b, advantage, gone) else { continue };
                                let mut log_b = vec![math::ln(0.3); beside];
                                let mut log_q = log_b.clone();
                                log_b.push(math::ln(b));
                                log_q.push(math::ln(q));
                                let advantages = vec![advantage; beside + 1];
                                let (c, changed) = coefficients(&log_q, &log_b, &advantages, |tokens, c| {
                                    blocks.of_token_ratios(tokens, c, &mut Room::default())
                                });
                                assert_eq!(
                                    changed,
                                    u64::from(!is_kept),
                                    "{divergence} {b} {advantage} {gone}"
                                );
                                assert_eq!(c[beside] != 0.0, is_kept, "{divergence} {b} {advantage} {gone}");
                            }
                        }
                    }
                }
            }
        }
    }

    /// The probability at this divergence from b in the direction of an advantage, by bisection; none where none is so far.
    fn moved(divergence: &str, b: f64, advantage: f64, gone: f64) -> Option<f64> {
        let end = if advantage > 0.0 { 1.0 } else { 0.0 };
        let of = |q: f64| if divergence == "Tv" { (q - b).abs() } else { binary_kl(b, q) };
        let (mut near, mut far) = (b, end);
        for _ in 0..200 {
            let middle = near.midpoint(far);
            if of(middle) < gone { near = middle } else { far = middle }
        }
        (near != end && far != end && near > 1e-9).then_some(near)
    }
}
