"""The second way: the scalar that a library maximises, differentiated numerically in each log q.

`objective(config, batch, q)` is its value where the policy's log-probabilities are `q`, everything behind a
stop-gradient taken at the batch. Only what is differentiated is written again here; advantages are constants, and come
from `blocks`. N times its central difference must be c_it."""

from math import exp, fsum, inf, log

import blocks
from batches import Batch
from ron import name


def clamped(x, low, high):
    return min(max(x, low), high)


def sequence_terms(config, batch, i, a, q):
    """(term, weight) pairs: the share of a token is weight 1."""
    clip, kind = config["clip"], name(config["clip"])
    now, then = q[i], batch.q[i]
    lengths = len(now)
    logs = [x - b for x, b in zip(now, batch.b[i])]
    fixed = [x - b for x, b in zip(then, batch.b[i])]
    level = config["ratio"]
    if kind == "GeometricOfClipped":
        low, high = -clip.get("low"), clip.get("high")
        cut = [
            min(x, clamped(x, low, high)) if y > 0 else max(x, clamped(x, low, high)) if y < 0 else x
            for x, y in zip(logs, a)
        ]
        return [(fsum(a) / lengths * exp(fsum(cut) / lengths), float(lengths))]
    plain = kind in (None, "Ppo") and len(set(a)) == 1 and not config["importance"] and not config["sequence_mask"]
    if level in ("Sequence", "Geometric") and plain:
        # one term a sequence, its ratio's whole derivative
        total = fsum(logs) / (lengths if level == "Geometric" else 1)
        return [(surrogate(clip, a[0], exp(total)), float(lengths) if level == "Geometric" else 1.0)]
    out = []
    for t in range(lengths):
        if level == "Token" or level is None:
            r, constant = exp(logs[t]), exp(fixed[t])
        else:
            value = fsum(fixed) / (lengths if level == "Geometric" else 1)
            r, constant = exp(value + now[t] - then[t]), exp(value)
        p, b = exp(then[t]), exp(batch.b[i][t])
        y = a[t]
        if level is None and kind != "Gamma":
            assert clip is None
            term = y * now[t]
        elif kind in (None, "Ppo", "Covariance"):
            term = surrogate(clip, y, r)
        elif kind == "Truncate":
            term = clamped(constant, clip.get("min"), clip.get("max")) * y * now[t]
        elif kind == "ZeroOutside" and "probability" in clip.fields:
            term = y * r * (-clip.get("probability") <= p - b <= clip.get("probability"))
        elif kind == "ZeroOutside":
            inside = -clip.get("low") < constant - 1 < clip.get("high")
            term = y * inside * (now[t] - batch.b[i][t] if "weight" in clip.fields else r)
        elif kind == "Divergence":
            up, down = y > 0, y <= 0
            if clip.get("divergence") == "Tv":
                blocked = (up and p > b + clip.get("high")) or (down and p < b - clip.get("low"))
            else:
                kl = blocks.bernoulli_kl(b, p)
                blocked = (up and p > b and kl > clip.get("high")) or (down and p < b and kl > clip.get("low"))
            term = 0.0 if blocked else min(constant, clip.get("cap", inf)) * y * now[t]
        elif kind == "Sigmoid":
            tau = clip.get("positive") if y > 0 else clip.get("negative")
            term = y * (4 / tau) / (1 + exp(-tau * (r - 1)))
        elif kind == "Gamma":
            k, rate = clip.get("positive") if y >= 0 else clip.get("negative")
            w = exp(clamped(fsum(fixed), log(1e-8), 20.0))
            term = exp(rate) * w**k * exp(-rate * w) * y * now[t]
        elif kind == "Taper":
            right = batch.v[i] == 1 if clip.get("by") == "Reward" else y > 0
            weight = clip.get("positive", 1.0) if right else clip.get("negative", 1.0) * clamped(constant, 0.0, 1.0)
            term = weight * y * now[t]
        else:
            raise ValueError(kind)
        out.append((term, 1.0))
    return out


def surrogate(clip, a, r):
    if clip is None:
        return a * r
    low, high, dual = (clip.get(x) for x in ("low", "high", "dual"))
    value = min(a * r, a * clamped(r, 1 - low, 1 + high))
    return max(value, dual * a) if dual is not None and a < 0 else value


def kl(kind, x):
    if kind == "K3":
        return exp(-x) - (-x) - 1
    return {"K1": x, "K2": 0.5 * x**2, "Abs": abs(x)}[kind]


def penalty_value(penalty, config, batch, i, q):
    """Sum over the tokens."""
    other = batch.a[i] if penalty["to"] == "Base" else batch.b[i]
    weights = [1.0] * len(other)
    if penalty.get("weighted") == "Self":
        weights = [exp(x - y) for x, y in zip(q[i], batch.q[i])]
    elif penalty.get("weighted") == "Ratio":
        logs = [x - b for x, b in zip(q[i], batch.b[i])]
        if config["ratio"] in ("Sequence", "Geometric"):
            logs = [fsum(logs) / (len(logs) if config["ratio"] == "Geometric" else 1)] * len(logs)
        weights = [exp(x) for x in logs]
    clamp = penalty.get("clamp") or inf
    terms = (w * kl(penalty["estimator"], x - o) for w, x, o in zip(weights, q[i], other))
    return fsum(clamped(x, -clamp, clamp) for x in terms)


def objective(config, batch, q):
    config = {**blocks.DEFAULT, **config}
    a, rows = blocks.advantages(config, batch), blocks.kept_rows(config, batch)
    counted = {
        "rows": len(rows),
        "tokens": sum(batch.t[i] for i in rows),
        "longest": max(batch.t[i] for i in rows or [0]),
    }
    extra, cov = config["covariance_penalty"], blocks.covariances(a, batch)
    chosen = blocks.largest(extra["fraction"], cov) if extra else set()
    total = 0.0
    for i in rows:
        own = []
        terms = sequence_terms(config, batch, i, a[i], q)
        for t, (term, weight) in enumerate(terms):
            if name(config["clip"]) == "Covariance":
                bounds = config["clip"]
                term *= not bounds.get("above") < cov[i][t] < bounds.get("below")
            if config["sequence_mask"] and a[i][t] < 0:
                drift = fsum(b - x for b, x in zip(batch.b[i], batch.q[i])) / batch.t[i]
                term *= drift <= config["sequence_mask"]["delta"]
            if config["importance"]:
                logs = [x - b for x, b in zip(batch.q[i], batch.b[i])]
                value = fsum(logs) if config["importance"]["level"] == "Sequence" else logs[t]
                term *= min(exp(value), config["importance"].get("max", inf))
            own.append(term * weight)
        if extra:
            own += [-extra["coefficient"] * abs(q[i][t] - batch.b[i][t]) for t in range(batch.t[i]) if (i, t) in chosen]
        if config["entropy"]:
            # the score-function form: −log q is a constant
            own += [-config["entropy"]["coefficient"] * y * x for x, y in zip(q[i], batch.q[i])]
        total += fsum(own) * mean_weight(config["aggregate"], counted, batch.t[i])
        for penalty in config["penalties"]:
            weight = mean_weight(penalty.get("aggregate") or config["aggregate"], counted, batch.t[i])
            total -= penalty["coefficient"] * weight * penalty_value(penalty, config, batch, i, q)
    return total


def mean_weight(aggregate, counted, length):
    """The weight of a token's term in the scalar."""
    kind = name(aggregate)
    if kind == "TokenMean":
        return 1 / counted["tokens"]
    if kind == "TokenSum":
        return 1.0
    if kind == "SequenceMean":
        return 1 / counted["rows"] / length
    divisor = aggregate.get("divisor", 1.0)
    divisor = counted["longest"] if divisor == "Longest" else divisor
    return 1 / divisor / (1 if aggregate.get("batch_mean") is False else counted["rows"])


def derivative(value, log_probs, i, t, h=1e-5):
    """Of `value(q)` in q_it: central, of fourth order."""

    def at(offset):
        q = [list(row) for row in log_probs]
        q[i][t] += offset
        return value(q)

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def check(value, n, log_probs, c, what):
    """Asserts that c is N times the gradient of `value`."""
    scale = max([1e-3] + [abs(x) for row in c for x in row])
    for i, row in enumerate(c):
        for t, x in enumerate(row):
            found = n * derivative(value, log_probs, i, t)
            assert abs(found - x) <= 2e-7 * scale, (what, i, t, x, found)


def check_policy_gradient(config, json, c, what):
    batch = Batch(json)
    # On-policy |log q − log b| has a corner, where a subgradient of 0 is meant.
    if config.get("covariance_penalty") and batch.q == batch.b:
        return
    if any(p["estimator"] == "Abs" and p["to"] == "Behaviour" for p in config.get("penalties", [])):
        return
    check(lambda q: objective(config, batch, q), batch.n, batch.q, c, what)
