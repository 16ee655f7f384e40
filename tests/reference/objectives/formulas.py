"""Named objectives once more, each from its formula alone: no block, and no configuration, has a part in these numbers.

c_it as in `blocks`. A group of one keeps its reward as it is, over 1 + epsilon where a deviation divides, unless a
formula says otherwise. Expectations over subsets of a group are taken by listing the subsets."""

from itertools import combinations
from math import exp, inf, log, sqrt
from statistics import fmean, stdev

# How tokens add up: the factor of a token of sequence i, times N.


def token_mean(batch, i):
    return batch.n / sum(batch.t)


def token_sum(batch, i):
    return batch.n


def sequence_mean(batch, i):
    return 1 / batch.t[i]


def sequence_sum(batch, i):
    return 1.0


def over_longest(batch, i):
    return 1 / max(batch.t)


def over_horizon(batch, i):
    return 1 / batch.json["horizon"]


def summed_over_horizon(batch, i):
    return batch.n / batch.json["horizon"]


# Advantages: of v, and of the rewards of its group.


def centred(v, rewards):
    return v - fmean(rewards) if len(rewards) > 1 else v


def over_deviation(epsilon):
    def advantage(v, rewards):
        return (v - fmean(rewards)) / (stdev(rewards) + epsilon) if len(rewards) > 1 else v / (1 + epsilon)

    return advantage


def over_root(v, rewards):
    """2602.02710's one-sided GRPO: (v − p̂)/√p̂."""
    p = fmean(rewards)
    return v if len(rewards) == 1 else (v - p) / (sqrt(p) + 1e-6) if p else 0.0


def over_share(v, rewards):
    """SkyRL's MaxRL: (v − p̂)/(p̂ + 1e-6)."""
    p = fmean(rewards)
    return v if len(rewards) == 1 else (v - p) / (p + 1e-6) if p else 0.0


def over_share_alone(v, rewards):
    """prime-rl's MaxRL: (v − p̂)/p̂, nothing for a group of one."""
    p = fmean(rewards)
    return (v - p) / p if p else 0.0


def asymmetric(v, rewards):
    """AsymRE: v − (p̂ − 0.1)."""
    return v - (fmean(rewards) - 0.1) if len(rewards) > 1 else v


# Pass@k and likelihoods: of i, and of the rewards of its group.

K = 4


def without(i, rewards):
    return [v for j, v in enumerate(rewards) if j != i]


def share_of_subsets(holds, rewards, size):
    return fmean(float(holds(subset)) for subset in combinations(rewards, size))


def pkpo(i, rewards):
    """loo-1 (2505.15201), unbiased under a mean over the group: k where i alone of its subset is right."""
    return K * rewards[i] * share_of_subsets(lambda subset: not any(subset), without(i, rewards), K - 1)


def max_at_k(i, rewards):
    """k times what i adds: the best of i and k − 1 others, less the best of k others."""
    others = without(i, rewards)
    with_i = share_of_subsets(lambda subset: rewards[i] or any(subset), others, K - 1)
    return K * (with_i - share_of_subsets(any, others, K))


def pass_at_k(i, rewards):
    """2508.10751: the mean of the subsets of i less that of all subsets, over their deviation."""
    of_i = share_of_subsets(lambda subset: rewards[i] or any(subset), without(i, rewards), K - 1)
    of_all = share_of_subsets(any, rewards, K)
    return (of_i - of_all) / (sqrt(of_all * (1 - of_all)) + 1e-6)


def best_alone(i, rewards):
    """2503.19595, verl: best less second best to the best, over the deviation."""
    order = sorted(range(len(rewards)), key=lambda j: -rewards[j])
    lead = rewards[order[0]] - rewards[order[1]]
    return lead / (stdev(rewards) + 1e-6) if i == order[0] else 0.0


def maclaurin(i, rewards):
    """2602.02710: log V = −Σ (1 − V)^k / k up to k = 4. A k-subset that is all wrong is an estimate of (1 − V)^k; what
    it gives its members is less the share of all-wrong ones among the k-subsets disjoint from it, if there are any."""
    places, total = range(len(rewards)), rewards[i]
    for k in range(2, min(4, len(rewards)) + 1):
        terms = []
        for subset in combinations(places, k):
            rest = [rewards[j] for j in places if j not in subset]
            baseline = share_of_subsets(lambda of: not any(of), rest, k) if len(rest) >= k else 0.0
            terms.append((not any(rewards[j] for j in subset)) - baseline if i in subset else 0.0)
        total -= len(rewards) / k * fmean(terms)
    return total


def by_rewards(advantage):
    """For every sequence, from its own reward."""
    return lambda i, rewards: advantage(rewards[i], rewards)


# What multiplies an advantage: of A, log q and log b.


def without_ratio(a, q, b):
    return 1.0


def ratio(a, q, b):
    return exp(q - b)


def clip(low, high, dual=inf):
    def factor(a, q, b):
        r = exp(q - b)
        return 0.0 if (a > 0 and r > 1 + high) or (a < 0 and not 1 - low <= r <= dual) else r

    return factor


def truncated(least, most):
    return lambda a, q, b: min(max(exp(q - b), least), most)


def total_variation(a, q, b):
    """2602.04879: not where probability has moved by more than 0.2 the way that A pulls."""
    moved = exp(q) - exp(b)
    return 0.0 if (moved > 0.2 if a > 0 else moved < -0.2) else exp(q - b)


def binary_kl(a, q, b):
    """2602.04879: not where the token has moved the way that A pulls, by a KL of more than 0.2 nats of token or not."""
    kl = exp(b) * (b - q) + (1 - exp(b)) * log((1 - exp(b)) / (1 - exp(q)))
    return 0.0 if kl > 0.2 and (q > b if a > 0 else q < b) else exp(q - b)


# Pulls: of log q and what it is pulled to.


def half_square(x):
    return -x


def k3_up_to_10(x):
    return exp(-x) - 1 if exp(-x) - 1 + x <= 10 else 0.0


def group_rewards(batch, i):
    members = [j for j in range(batch.n) if batch.groups[j] == batch.groups[i]]
    return members.index(i), [batch.v[j] for j in members]


def made_of(advantage, factor, share, pull=None):
    """A · factor · share, plus (coefficient, slope, to, share) of a pull to the base or to what sampled."""

    def coefficients(batch):
        table = []
        for i in range(batch.n):
            a = advantage(*group_rewards(batch, i))
            row = [a * factor(a, q, b) * share(batch, i) for q, b in zip(batch.q[i], batch.b[i])]
            if pull:
                coefficient, slope, to, its_share = pull
                other = batch.a[i] if to == "base" else batch.b[i]
                by = coefficient * its_share(batch, i)
                row = [c + by * slope(q - x) for c, q, x in zip(row, batch.q[i], other)]
            table.append(row)
        return table

    return coefficients


def clip_cov(batch):
    """2505.22617: a token whose covariance is between 1 and 5 is dropped, where there is one that the clip leaves."""
    a = [over_deviation(1e-6)(batch.v[i], group_rewards(batch, i)[1]) for i in range(batch.n)]
    every = [(i, t) for i in range(batch.n) for t in range(batch.t[i])]
    mean_a, mean_q = fmean(a[i] for i, _ in every), fmean(batch.q[i][t] for i, t in every)
    table = made_of(by_rewards(over_deviation(1e-6)), clip(1.0, 1.0), token_mean)(batch)
    between = [(i, t) for i, t in every if 1 < (a[i] - mean_a) * (batch.q[i][t] - mean_q) < 5 and table[i][t]]
    assert len(between) <= max(1, int(2e-4 * len(every))), "which one depends on a draw"
    for i, t in between:
        table[i][t] = 0.0
    return table


def sequences(of_group):
    """One number a sequence, of its group's (log q, log a, v)."""

    def coefficients(batch):
        table = []
        for i in range(batch.n):
            place, _ = group_rewards(batch, i)
            members = [j for j in range(batch.n) if batch.groups[j] == batch.groups[i]]
            group = [(sum(batch.q[j]), sum(batch.a[j]), batch.v[j]) for j in members]
            table.append([of_group(place, group)] * batch.t[i])
        return table

    return coefficients


def vargrad(i, group, beta=0.5):
    """2010.10436: −2 (δ − mean δ), δ = log q − log a − v/β."""
    delta = [q - a - v / beta for q, a, v in group]
    return -2 * (delta[i] - fmean(delta))


def a_star_po(i, group):
    """2505.20686, TRL: −2 β₂ (β₂ log(q/a) − v + V*), V* = β₁ log mean e^(v/β₁), β₁ = 0.5, β₂ = 0.001."""
    q, a, v = group[i]
    value = 0.5 * log(fmean(exp(reward / 0.5) for _, _, reward in group))
    return -2 * 0.001 * (0.001 * (q - a) - v + value)


GRPO = by_rewards(over_deviation(1e-6))
PPO = clip(0.2, 0.2)

FORMULAS = {
    "policy-gradient": made_of(by_rewards(centred), without_ratio, sequence_sum),
    "asymre": made_of(by_rewards(asymmetric), without_ratio, sequence_sum),
    "grpo-roll": made_of(GRPO, PPO, sequence_mean),
    "grpo-trinity": made_of(GRPO, clip(0.2, 0.2, 3.0), token_mean, (0.001, half_square, "base", token_mean)),
    "grpo-tinker": made_of(by_rewards(centred), ratio, token_sum),
    "dr-grpo-verl": made_of(by_rewards(centred), PPO, over_longest),
    "dr-grpo-roll": made_of(by_rewards(centred), PPO, summed_over_horizon),
    "one-sided-grpo": made_of(by_rewards(over_root), without_ratio, sequence_sum),
    "maxrl-prime-rl": made_of(
        by_rewards(over_share_alone), total_variation, token_mean, (0.002, half_square, "behaviour", token_mean)
    ),
    "maxrl-skyrl": made_of(by_rewards(over_share), PPO, token_mean, (0.001, k3_up_to_10, "base", sequence_mean)),
    "maclaurin": made_of(maclaurin, without_ratio, sequence_sum),
    "grpo-pass-at-k": made_of(best_alone, PPO, token_mean),
    "cispo-trl": made_of(by_rewards(over_deviation(1e-4)), truncated(0.0, 5.0), token_mean),
    "cispo-skyrl": made_of(GRPO, truncated(0.0, 5.0), token_mean),
    "cispo-roll": made_of(GRPO, truncated(0.9, 1.1), sequence_mean),
    "cispo-open-instruct": made_of(by_rewards(centred), truncated(0.0, 1.272), token_mean),
    "cispo-trinity": made_of(GRPO, truncated(0.0, 1.28), token_mean),
    "dppo-kl": made_of(GRPO, binary_kl, token_mean),
    "dr-grpo": made_of(by_rewards(centred), PPO, over_horizon),
    "pkpo": made_of(pkpo, without_ratio, sequence_sum),
    "max-at-k": made_of(max_at_k, without_ratio, sequence_sum),
    "pass-at-k": made_of(pass_at_k, without_ratio, sequence_sum),
    "clip-cov": clip_cov,
    "vargrad": sequences(vargrad),
    "a-star-po": sequences(a_star_po),
}
