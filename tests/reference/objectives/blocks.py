"""The objective `policy-gradient`, block by block, as coefficients c_it.

The update is (1/N) sum of c_it grad log q(y_it); q policy, b behaviour, a base, v reward 0 or 1, rho_t = q_t / b_t,
R their product over the sequence, s their geometric mean. Everything is float64.

Where sources differ, each function says what was decided, and after whom. Where a configuration combines what no source
combines, the order is: reward (rank, KL of the sequence, inverse frequency), signal, baseline, scale, prompt weight,
sharing, multiplier, KL to go, whitening, ratio and clip, sequence mask, importance, covariance penalty, entropy,
aggregation, penalties."""

from math import comb, exp, fsum, inf, log, prod, sqrt

from batches import Batch
from ron import Tag, name

DEFAULT = {
    "signal": "Reward",
    "baseline": "Mean",
    "scale": [],
    "prompt_weight": None,
    "sharing": None,
    "rank_penalty": None,
    "reward_kl": None,
    "multiplier": 1.0,
    "whiten": None,
    "lone": "Raw",
    "ratio": None,
    "clip": None,
    "sequence_mask": None,
    "aggregate": Tag("SequenceSum", divisor=1.0),
    "penalties": [],
    "subset": None,
    "covariance_penalty": None,
    "importance": None,
    "entropy": None,
}


def mean(values):
    values = list(values)
    return fsum(values) / len(values)


def deviation(values, ddof):
    values = list(values)
    centre = mean(values)
    return sqrt(fsum((x - centre) ** 2 for x in values) / (len(values) - ddof)) if len(values) > ddof else 0.0


def sign(x):
    return (x > 0) - (x < 0)


# Rewards and signals.


def estimate(kind, x):
    """K1, K2, K3, Abs of x = log q − log a; Schulman's k3 is e^−x + x − 1."""
    return {"K1": x, "K2": x * x / 2, "K3": exp(-x) + x - 1, "Abs": abs(x)}[kind]


def slope(kind, x):
    """Derivative of `estimate` in log q."""
    return {"K1": 1.0, "K2": x, "K3": 1 - exp(-x), "Abs": float(sign(x))}[kind]


def reward_kl(kind, batch, i):
    """KL in the reward reads behaviour log-probs, a term a token (verl, TRL's RLOO, OpenRLHF)."""
    return [estimate(kind, b - a) for b, a in zip(batch.b[i], batch.a[i])]


def mean_log_b(batch, i):
    return mean(batch.b[i])


def rewards(config, batch):
    """v, then what changes it before any group statistic.

    rank_penalty (2506.02355): v (1 − weight rank / G), rank 0 the least likely of the group by mean token log b, among
    all of the group, wrong ones included; equal ones in the order of the batch. sharing InverseFrequency (2601.21669):
    r / p̂(outcome)^α with p̂ the outcome's share of its group, "then GRPO": it acts here, before baseline and scale,
    not at the place of the other sharings. reward_kl per Sequence: −coefficient Σ_t k, inside the group's mean and
    deviation (verl)."""
    r = list(batch.v)
    if config["rank_penalty"]:
        for g in batch.group_ids():
            order = sorted(batch.members(g), key=lambda i: mean_log_b(batch, i))
            for rank, i in enumerate(order):
                r[i] = batch.v[i] * (1 - config["rank_penalty"]["weight"] * rank / len(order))
    if name(config["sharing"]) == "InverseFrequency":
        (alpha,) = config["sharing"].arguments
        for i in range(batch.n):
            r[i] /= (len(batch.cluster(i)) / len(batch.members(batch.groups[i]))) ** alpha
    kl = config["reward_kl"]
    if kl and kl["per"] == "Sequence":
        for i in range(batch.n):
            r[i] -= kl["coefficient"] * fsum(reward_kl(kl["estimator"], batch, i))
    return r


def choose(n, k):
    return comb(n, k) if 0 <= k <= n else 0


def pass_at_k(k, form, right, c, g):
    """Loo1, Plain (2505.15201), for w_i = 1/N and without the factor k, as libraries have loo-1: `multiplier: k` makes
    both unbiased for pass@k. Centred has the factor. Standardised (2508.10751): 1e-6 is added to the deviation."""
    f = g - c
    if form == "Loo1":
        return choose(f, k - 1) / comb(g - 1, k - 1) if right else 0.0
    if form == "Plain":
        return 1.0 if right else 1 - choose(f - 1, k - 1) / comb(g - 1, k - 1)
    if form == "Centred":
        if right:
            return k * choose(f, k) / comb(g - 1, k)
        return k * (choose(f - 1, k) / comb(g - 1, k) - choose(f - 1, k - 1) / comb(g - 1, k - 1))
    assert form == "Standardised"
    rho = 1 - choose(f, k) / comb(g, k)
    deviation_ = sqrt(rho * (1 - rho)) + 1e-6
    return (1 - rho if right else 1 - rho - choose(f - 1, k - 1) / comb(g - 1, k - 1)) / deviation_


def max_likelihood(order, baseline, right, c, g):
    """Maclaurin terms of log V (2602.02710), G times the authors' weights, which hold a factor 1/G (`multiplier:
    PerGroup` gives theirs). LeaveOneOut: over tuples, k < G, the term k = G kept without baseline. CrossFitted:
    disjoint tuples, terms with 2k > G without baseline."""
    f = g - c
    top = min(order, g)
    plain = lambda k: choose(f - 1, k - 1) / comb(g - 1, k - 1)
    if baseline is None:
        return 1.0 if right else -fsum(plain(k) for k in range(2, top + 1))
    if baseline == "LeaveOneOut":
        out = [1.0 if right else 0.0]
        for k in range(2, min(order, g - 1) + 1):
            ratio = choose(f, k) / (comb(g, k) - 1)
            out.append(ratio if right else ratio * (1 - g / f))
        if order >= g >= 2 and f == g:
            out.append(-1.0)
        return fsum(out)
    assert baseline == "CrossFitted"
    out = [1.0 if right else 0.0]
    for k in range(2, top + 1):
        if not right:
            out.append(-g * choose(f - 1, k - 1) / (k * comb(g, k)))
        if 2 * k <= g:
            own, other = (f, c - 1) if right else (f - 1, c)
            tuples = sum(choose(own, t) * choose(other, k - 1 - t) * choose(own - t, k) for t in range(k))
            out.append(g * tuples / (comb(g - k, k) * k * comb(g, k)))
    return fsum(out)


def subset_max_likelihood(order, right, c, g):
    """2602.02710, variance-reduced, G times the authors' weight."""
    terms = (choose(c - 1, k - 1) * choose(g - c, order - k) / (k * comb(g, order)) for k in range(1, order + 1))
    return (g * fsum(terms) if right else 0.0) - 1


def signal(config, batch):
    kind, r = config["signal"], rewards(config, batch)
    if kind == "Reward":
        return r
    out = list(r)
    for g in batch.group_ids():
        members = batch.members(g)
        c = int(sum(batch.v[i] for i in members))
        best = sorted(members, key=lambda i: -r[i])
        for i in members:
            right = batch.v[i] > 0
            if name(kind) == "Signed":
                out[i] = kind.get("positive") * batch.v[i] - kind.get("negative") * (1 - batch.v[i])
            elif name(kind) == "PassAtK":
                out[i] = pass_at_k(kind.get("k"), kind.get("form"), right, c, len(members))
            elif name(kind) == "MaxLikelihood":
                out[i] = max_likelihood(kind.get("order"), kind.get("baseline"), right, c, len(members))
            elif name(kind) == "SubsetMaxLikelihood":
                out[i] = subset_max_likelihood(kind.get("order"), right, c, len(members))
            elif name(kind) == "BestMinusSecond":  # 2503.19595: to the best alone
                out[i] = r[best[0]] - r[best[1]] if i == best[0] else 0.0
            elif name(kind) == "NoiseCorrected":  # 2510.00915, backward
                p, n = kind.get("false_positive"), kind.get("false_negative")
                out[i] = (r[i] - p) / (1 - p - n)
    return out


# From signals to advantages.

GROUP_BASELINES = {"Mean", "LeaveOneOut", "LengthWeighted", "AfterScale"}


def advantages(config, batch):
    """One number a token, after the multiplier and the whitening.

    A lone sequence under a group baseline. Raw: no baseline (nor a shift), a deviation counts as 1, so that v / (1 +
    epsilon) is left (verl); divisions by the mean are skipped (SkyRL's MaxRL keeps v, the authors' divides by epsilon).
    Centred: 0 (prime-rl, NeMo)."""
    s, n = signal(config, batch), batch.n
    baseline, out = name(config["baseline"]), list(s)
    for i in range(n):
        members = batch.members(batch.groups[i])
        lone = len(members) == 1
        if baseline == "BatchMean":
            out[i] = s[i] - mean(s)
        elif lone:
            out[i] = 0.0 if config["lone"] == "Centred" and baseline in GROUP_BASELINES else s[i]
        elif baseline == "Mean":
            shift = config["baseline"].get("shift", 0.0) if isinstance(config["baseline"], Tag) else 0.0
            out[i] = s[i] - mean(s[j] for j in members) - shift  # v − (p̂ + shift): AsymRE has shift −0.1
        elif baseline == "LeaveOneOut":
            out[i] = s[i] - mean(s[j] for j in members if j != i)
        elif baseline == "LengthWeighted":  # OPO, 2505.23585
            total = sum(batch.t[j] for j in members)
            out[i] = s[i] - fsum(batch.t[j] * s[j] for j in members) / total
        else:
            assert baseline in (None, "AfterScale")
    for step in config["scale"]:
        out = [scaled(step, out[i], s, batch, i) for i in range(n)]
    if baseline == "AfterScale":
        for i in range(n):
            if len(batch.members(batch.groups[i])) > 1:
                out[i] -= config["baseline"].arguments[0]
    weights = prompt_weights(config["prompt_weight"], batch)
    out = [weights[batch.groups[i]] * x for i, x in enumerate(out)]
    out = shared(config["sharing"], out, batch)
    for i in range(n):
        multiplier = config["multiplier"]
        out[i] *= 1 / len(batch.members(batch.groups[i])) if multiplier == "PerGroup" else multiplier
    tokens = [[x] * t for x, t in zip(out, batch.t)]
    kl = config["reward_kl"]
    if kl and kl["per"] == "ToGo":  # OpenRLHF: the KL gets neither baseline nor scale
        for i in range(n):
            terms = reward_kl(kl["estimator"], batch, i)
            tokens[i] = [x - kl["coefficient"] * fsum(terms[t:]) for t, x in enumerate(tokens[i])]
    return whitened(config["whiten"], tokens)


def scaled(step, x, s, batch, i):
    """A division. Statistics are those of the signals, before the baseline.

    Std over Others (NeMo): of the others' signals; zero: Skip leaves a sequence alone where the deviation is 0 (or that
    of one number). RootMean: sqrt of the mean, plus epsilon (2602.02710's one-sided GRPO). Mean: the mean, at least
    `minimum`, plus epsilon; 0 where the mean is 0. Nothing of a lone sequence's own group is a statistic."""
    members = batch.members(batch.groups[i])
    if name(step) == "Std":
        over = step.get("over", "Group")
        of = {"Group": members, "Others": [j for j in members if j != i], "Batch": range(batch.n)}[over]
        if len(members) == 1 and over != "Batch":
            return x / (1 + step.get("epsilon"))
        by = deviation([s[j] for j in of], step.get("ddof", 1))
        return x if by == 0 and step.get("zero") == "Skip" else x / (by + step.get("epsilon"))
    if len(members) == 1:
        return x
    p = mean(s[j] for j in members)
    if p == 0:
        return 0.0
    if name(step) == "Mean":
        return x / (max(p, step.get("minimum", 0.0)) + step.get("epsilon"))
    assert name(step) == "RootMean"
    return x / (sqrt(p) + step.get("epsilon"))


def beta_weight(m, k, g):
    """E of k (1 − p)^(k−1) under Beta(m + 1, g − m + 1)."""
    return k * prod((g - m + j) / (g + 1 + j) for j in range(1, k))


def prompt_weights(kind, batch):
    """One number a group, of p̂ = C/G.

    Focal (2602.06717): (1 − p̂)^γ. Power (2604.25907): p̂^−Q, 0 where C = 0. Beta (2606.15455): u(C)/u(1), 0 where u(C)
    < threshold (G + 1). PerSuccess (GPG, verl): N over the number of rewards that are not 0, at least 1. Curve
    (2605.24331): mass over cumulated mass of the bin of p̂, among (largest G) + 1 bins, of the window's pass rates in
    (0, 1), else of this batch's; 0 where C is 0 or G; the first batch of `batches` sees itself."""
    out = {}
    groups = {g: [batch.v[i] for i in batch.members(g)] for g in batch.group_ids()}
    for g, v in groups.items():
        c, p = int(sum(v)), sum(v) / len(v)
        if kind is None:
            out[g] = 1.0
        elif name(kind) == "Focal":
            out[g] = (1 - p) ** kind.arguments[0]
        elif name(kind) == "Power":
            out[g] = p ** -kind.arguments[0] if c else 0.0
        elif name(kind) == "Beta":
            u = beta_weight(c, kind.get("k"), len(v))
            out[g] = 0.0 if u < kind.get("threshold", 0.0) * (len(v) + 1) else u / beta_weight(1, kind.get("k"), len(v))
        elif name(kind) == "PerSuccess":
            out[g] = batch.n / max(1, sum(1 for x in batch.v if x))
        elif name(kind) == "Curve":
            inside = lambda rates: [x for x in rates if 0 < x < 1]
            window = inside(kind.get("window") or []) or inside(sum(w) / len(w) for w in groups.values())
            bins = max(2, 1 + max(map(len, groups.values())))
            place = lambda x: min(int(x * bins), bins - 1)
            below = sum(1 for x in window if place(x) <= place(p))
            same = sum(1 for x in window if place(x) == place(p))
            out[g] = same / below if 0 < p < 1 and below else 0.0
    return out


def shared(kind, a, batch):
    """Among the right answers of a group, the wrong ones unchanged.

    InverseProbability (UCPO, 2605.00365): with n ≥ 2 right, A n [(1 − τ)/n + τ q̃^−1/Σ q̃^−1], q̃ the softmax over the
    right of their mean token log b, at least 1e-6. Cluster (2608.03467): A C |S|^−α / Σ_right |S|^−α. InverseSize
    (2601.08763): A |S|^−α. S: the sequences of the group with the same outcome. LogProbability (2602.02710's
    repository): A − correct ℓ on right, + wrong ℓ on wrong, ℓ the mean token log b."""
    out = list(a)
    if kind is None or name(kind) == "InverseFrequency":
        return out
    if name(kind) == "LogProbability":
        for i in range(batch.n):
            by = -kind.get("correct") if batch.v[i] > 0 else kind.get("wrong")
            out[i] += by * mean_log_b(batch, i)
        return out
    (parameter,) = kind.arguments
    for g in batch.group_ids():
        right = [i for i in batch.members(g) if batch.v[i] > 0]
        if name(kind) == "InverseProbability" and len(right) >= 2:
            logs = [mean_log_b(batch, i) for i in right]
            weights = [exp(x - max(logs)) for x in logs]
            inverse = [1 / max(1e-6, w / fsum(weights)) for w in weights]
            for i, x in zip(right, inverse):
                out[i] = a[i] * len(right) * ((1 - parameter) / len(right) + parameter * x / fsum(inverse))
        elif name(kind) in ("Cluster", "InverseSize"):
            sizes = [len(batch.cluster(i)) ** -parameter for i in right]
            for i, x in zip(right, sizes):
                out[i] = a[i] * (x if name(kind) == "InverseSize" else len(right) * x / fsum(sizes))
    return out


def whitened(whiten, tokens):
    """Over all tokens, longer sequences counting more: epsilon is added to the variance (verl, 1e-8, ddof 1); floor is
    the least variance (OpenRLHF, 1e-8, ddof 0)."""
    if whiten is None:
        return tokens
    every = [x for row in tokens for x in row]
    variance = deviation(every, whiten["ddof"]) ** 2
    by = sqrt(max(variance, whiten["floor"]) if "floor" in whiten else variance + whiten["epsilon"])
    centre = mean(every)
    return [[(x - centre) / by for x in row] for row in tokens]


# Ratio and clip.


def ratios(config, batch, i):
    """One number a token; the same for all tokens of a sequence at the level of sequences."""
    logs = [q - b for q, b in zip(batch.q[i], batch.b[i])]
    kind = config["ratio"]
    if kind is None:
        return [1.0] * len(logs)
    if kind == "Token":
        return [exp(x) for x in logs]
    return [exp(fsum(logs) if kind == "Sequence" else mean(logs))] * len(logs)


def inside_ppo(a, r, low, high, dual=None):
    if a > 0:
        return r <= 1 + high
    return not (a < 0 and (r < 1 - low or (dual is not None and r > dual)))


def bernoulli_kl(b, q):
    """KL of the two-way splits token / all others, verl's 1e-8 included."""
    return b * log(b / q) + (1 - b) * log((1 - b + 1e-8) / (1 - q + 1e-8))


def factor(config, batch, i, t, a, r):
    """What A is multiplied by at a token, with a clip: x_it / A_it.

    Ppo (1707.06347; dual 1912.09729). Truncate: the ratio within [min, max], never 0 (CISPO, 2506.13585). ZeroOutside:
    0 outside (1 − low, 1 + high) for both signs, or where |q − b| > δ; weight None: 1 inside (sPPO). Divergence
    (2602.04879): A > 0 keeps q − b ≤ high, A ≤ 0 keeps b − q ≤ low; Kl: the two-way KL(b‖q), or a move to the other
    side; ratio at most cap. Sigmoid (SAPO, 2511.20347): 4 σ(1 − σ) ratio, σ = sigmoid(τ (ratio − 1)), τ positive where
    A > 0. Gamma (VESPO): e^λ R^k e^−λR of the sequence ratio, log R at least log 1e-8 and at most 20, (k, λ) positive
    where A ≥ 0. Taper (TOPR, 2503.14286): right ones `positive`, others `negative` min(ratio, 1); by Reward or by A >
    0. Covariance (2505.22617): Ppo, and 0 for every token whose covariance is in (above, below): see `covariances`."""
    clip = config["clip"]
    if clip is None:
        return r
    kind, q, b = name(clip), exp(batch.q[i][t]), exp(batch.b[i][t])
    if kind in ("Ppo", "Covariance"):
        return r if inside_ppo(a, r, clip.get("low"), clip.get("high"), clip.get("dual")) else 0.0
    if kind == "Truncate":
        return min(max(r, clip.get("min")), clip.get("max"))
    if kind == "ZeroOutside":
        if "probability" in clip.fields:
            return r if abs(q - b) <= clip.get("probability") else 0.0
        inside = 1 - clip.get("low") < r < 1 + clip.get("high")
        return (1.0 if "weight" in clip.fields else r) if inside else 0.0
    if kind == "Divergence":
        if clip.get("divergence") == "Tv":
            kept = q - b <= clip.get("high") if a > 0 else b - q <= clip.get("low")
        elif a > 0:
            kept = q <= b or bernoulli_kl(b, q) <= clip.get("high")
        else:
            kept = q >= b or bernoulli_kl(b, q) <= clip.get("low")
        return min(r, clip.get("cap", inf)) if kept else 0.0
    if kind == "Sigmoid":
        sigma = 1 / (1 + exp(-clip.get("positive" if a > 0 else "negative") * (r - 1)))
        return 4 * sigma * (1 - sigma) * r
    if kind == "Gamma":
        k, rate = clip.get("positive" if a >= 0 else "negative")
        logs = fsum(x - y for x, y in zip(batch.q[i], batch.b[i]))
        logs = min(max(logs, log(1e-8)), 20.0)
        return exp(rate + k * logs - rate * exp(logs))
    if kind == "Taper":
        right = batch.v[i] > 0 if clip.get("by") == "Reward" else a > 0
        return clip.get("positive", 1.0) if right else clip.get("negative", 1.0) * min(r, 1.0)
    raise ValueError(kind)


def geometric_of_clipped(clip, batch, i, a):
    """GMPO (2507.20673), as verl: log ratios are clipped to [−low, high] where that lowers the objective, and their
    geometric mean multiplies the mean A; a clipped token has no gradient, but is in the others' factor."""
    logs = [q - b for q, b in zip(batch.q[i], batch.b[i])]
    kept = [x <= clip.get("high") if y > 0 else x >= -clip.get("low") if y < 0 else True for x, y in zip(logs, a)]
    cut = [x if k else clip.get("high") if y > 0 else -clip.get("low") for x, k, y in zip(logs, kept, a)]
    x = mean(a) * exp(mean(cut))
    return [x if k else 0.0 for k in kept]


def covariances(a, batch):
    """(A − mean A)(log q − mean log q), means over all tokens of the batch."""
    every_a, every_q = [x for row in a for x in row], [x for row in batch.q for x in row]
    mean_a, mean_q = mean(every_a), mean(every_q)
    return [[(x - mean_a) * (q - mean_q) for x, q in zip(*rows)] for rows in zip(a, batch.q)]


def largest(fraction, values):
    """Places of the max(1, ⌊fraction · tokens⌋) largest."""
    places = [(x, i, t) for i, row in enumerate(values) for t, x in enumerate(row)]
    count = max(1, int(fraction * len(places)))
    chosen = sorted(places, key=lambda place: -place[0])
    assert count >= len(chosen) or chosen[count - 1][0] - chosen[count][0] > 1e-9, "which ones depends on an order"
    return {(i, t) for _, i, t in chosen[:count]}


# Aggregation.


def kept_rows(config, batch):
    wanted = {None: lambda v: True, "Correct": lambda v: v > 0, "Wrong": lambda v: v <= 0}[config["subset"]]
    return [i for i in range(batch.n) if wanted(batch.v[i])]


def share(aggregate, kept, batch, i):
    """The factor of a token's term in c: what the mean is over, times N, since 1/N is not in c. Rows that a subset
    drops are not counted. batch_mean: false: a sum over the sequences (verl before its change, ROLL)."""
    n, rows = batch.n, len(kept)
    total = sum(batch.t[j] for j in kept)
    if name(aggregate) == "SequenceMean":
        return n / rows / batch.t[i]
    if name(aggregate) == "TokenMean":
        return n / total
    if name(aggregate) == "TokenSum":
        return float(n)
    assert name(aggregate) == "SequenceSum"
    divisor = aggregate.get("divisor", 1.0)
    divisor = max(batch.t[j] for j in kept) if divisor == "Longest" else divisor
    return (n if aggregate.get("batch_mean") is False else n / rows) / divisor


def penalty_slopes(penalty, config, batch, i):
    """−derivative of a penalty's token terms in each log q_it, before its coefficient.

    clamp: where |w k| exceeds it the term is a constant. weighted Ratio: w is the objective's ratio (the token's where
    it has none), and its derivative counts: w (k + slope), or with a sequence's ratio w (slope_t + Σ_u k_u), over T for
    the geometric mean (TRL use_bias_correction_kl, slime, open-instruct). Self: w = 1 with the derivative of a token
    ratio (NeMo-RL)."""
    other = batch.a if penalty["to"] == "Base" else batch.b
    x = [q - o for q, o in zip(batch.q[i], other[i])]
    kind, clamp = penalty["estimator"], penalty.get("clamp") or inf
    weighted = penalty.get("weighted")
    w, level = [1.0] * len(x), "Token"
    if weighted == "Ratio":
        level = config["ratio"] or "Token"
        w = ratios({**config, "ratio": level}, batch, i)
    k = [estimate(kind, y) for y in x]
    open_ = [abs(y * z) <= clamp for y, z in zip(w, k)]
    out = [w[t] * slope(kind, x[t]) if open_[t] else 0.0 for t in range(len(x))]
    if weighted and level == "Token":
        out = [z + (w[t] * k[t] if open_[t] else 0.0) for t, z in enumerate(out)]
    elif weighted:
        through = fsum(w[t] * k[t] for t in range(len(x)) if open_[t]) / (len(x) if level == "Geometric" else 1)
        out = [z + through for z in out]
    return out


def coefficients(config, json):
    """c_it of `policy-gradient`, a row a sequence.

    covariance_penalty (KL-Cov, 2505.22617): −coefficient sign(log q − log b), 0 on-policy, aggregated like the rest.
    importance: a constant factor min(rho, max), or min(R, max) at the level of sequences, of the policy term alone.
    entropy Sampled: −coefficient log q_it with no baseline, aggregated like the rest. sequence_mask: 0 where A < 0 and
    the mean of log b − log q exceeds delta (TRL, slime)."""
    config = {**DEFAULT, **config}
    batch = json if isinstance(json, Batch) else Batch(json)
    a, kept = advantages(config, batch), kept_rows(config, batch)
    clip, out = config["clip"], [[0.0] * t for t in batch.t]
    extra = config["covariance_penalty"]
    cov = covariances(a, batch)
    chosen = largest(extra["fraction"], cov) if extra else set()
    for i in kept:
        r = ratios(config, batch, i)
        if name(clip) == "GeometricOfClipped":
            x = geometric_of_clipped(clip, batch, i, a[i])
        else:
            x = [y * factor(config, batch, i, t, y, r[t]) for t, y in enumerate(a[i])]
        if name(clip) == "Covariance":
            x = [0.0 if clip.get("above") < cov[i][t] < clip.get("below") else y for t, y in enumerate(x)]
        drift = mean(b - q for q, b in zip(batch.q[i], batch.b[i]))
        if config["sequence_mask"] and drift > config["sequence_mask"]["delta"]:
            x = [0.0 if y < 0 else z for y, z in zip(a[i], x)]
        if config["importance"]:
            w = ratios({"ratio": config["importance"]["level"]}, batch, i)
            x = [y * min(z, config["importance"].get("max", inf)) for y, z in zip(x, w)]
        if extra:
            for t in range(batch.t[i]):
                if (i, t) in chosen:
                    x[t] -= extra["coefficient"] * sign(batch.q[i][t] - batch.b[i][t])
        if config["entropy"] and config["entropy"]["form"] == "Sampled":
            x = [y - config["entropy"]["coefficient"] * q for y, q in zip(x, batch.q[i])]
        out[i] = [y * share(config["aggregate"], kept, batch, i) for y in x]
        for penalty in config["penalties"]:
            by = penalty["coefficient"] * share(penalty.get("aggregate") or config["aggregate"], kept, batch, i)
            out[i] = [y - by * z for y, z in zip(out[i], penalty_slopes(penalty, config, batch, i))]
    return out
