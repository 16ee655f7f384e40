"""The objectives that are not made of blocks: functions of (config, json) that give `{"coefficients": …}` and, where
the objective learns log Z, `"log_partition_gradients"`.

Per sequence: log q, log b, log a are sums over its tokens, R = q/b. Targets: Filtered p* = a v / Z; Tilted(β) p_β = a
e^(v/β) / Z_β; Power(α) p_α = a^α v / Z_α. Z Exact is the batch's `log_partition`, from which Z_β = 1 − Z + Z e^(1/β), and
Z_α its `log_power_partition`; by Group it is the mean of a v / b, of a e^(v/β) / b or of a^α v / b over the group."""

from math import exp, expm1, fsum, inf, log, log1p

import blocks
import losses
from batches import Batch
from blocks import deviation, mean
from ron import Tag, name


def totals(batch, rows):
    return [fsum(row) for row in rows]


def log_mean_exp(values):
    top = max(values)
    return -inf if top == -inf else top + log(mean(exp(x - top) for x in values))


def per_token(batch, c):
    return [[x] * t for x, t in zip(c, batch.t)]


def centred(values, batch, baseline):
    out = []
    for i, x in enumerate(values):
        members = batch.members(batch.groups[i])
        if baseline == "GroupMean":
            x -= mean(values[j] for j in members)
        elif baseline == "LeaveOneOut":
            x -= mean(values[j] for j in members if j != i)
        out.append(x)
    return out


def log_scores(target, batch, log_a):
    """log of a v, of a e^(v/β), or of a^α v."""
    if name(target) == "Tilted":
        beta = tilt(target)
        return [x + v / beta for x, v in zip(log_a, batch.v)]
    power = target.get("alpha") if name(target) == "Power" else 1.0
    return [power * x if v > 0 else -inf for x, v in zip(log_a, batch.v)]


def tilt(target):
    return target.get("beta") or target.arguments[0]


def log_partitions(target, partition, batch, scores, log_b):
    """log Z, log Z_β or log Z_α, by group."""
    out = {}
    for g in batch.group_ids():
        if partition == "Group":
            out[g] = log_mean_exp([scores[i] - log_b[i] for i in batch.members(g)])
        elif name(target) == "Power":
            out[g] = batch.log_power_partition[g]
        else:
            z = exp(batch.log_partition[g])
            out[g] = log(1 - z + z * exp(1 / tilt(target))) if name(target) == "Tilted" else log(z)
    return out


# f-divergences (f-DPG, 2302.08215).


def pseudo_reward(divergence, u):
    """−f'(t) of D(q‖p) = E_p f(t), t = q/p, at u = log 1/t, −∞ for what p excludes.

    JensenShannon has disco's scale, twice the mean of the two KLs to the midpoint; Hellinger is the α-divergence at ½,
    4 (1 − Σ sqrt(p q)); TotalVariation is half the L1 distance, 0 at t = 1."""
    if divergence == "ForwardKl":
        return exp(u)
    if divergence == "ReverseKl":
        return u - 1
    if divergence == "JensenShannon":
        return (u if u > 0 else 0.0) + log1p(exp(-abs(u))) - log(2)
    if divergence == "TotalVariation":
        return ((u > 0) - (u < 0)) / 2
    if divergence == "ChiSquared":
        return exp(2 * u) - 1
    if divergence == "ReverseChiSquared":
        return -2 * expm1(-u)
    if divergence == "Hellinger":
        return 2 * expm1(u / 2)
    raise ValueError(divergence)


def distances(config, json):
    """log p/q of every sequence, and R."""
    batch = Batch(json)
    log_q, log_b, log_a = (totals(batch, rows) for rows in (batch.q, batch.b, batch.a))
    scores = log_scores(config["target"], batch, log_a)
    z = log_partitions(config["target"], config["partition"], batch, scores, log_b)
    u = [-inf if s == -inf else s - z[g] - x for s, g, x in zip(scores, batch.groups, log_q)]
    return batch, u, [exp(x - y) for x, y in zip(log_q, log_b)]


def f_divergence(config, json):
    """c = R (−f'(q/p) − baseline)."""
    batch, u, ratio = distances(config, json)
    rewards = centred([pseudo_reward(config["divergence"], x) for x in u], batch, config["baseline"])
    return {"coefficients": per_token(batch, [r * x for r, x in zip(ratio, rewards)])}


def alpha(config, json):
    """c = R (min((p/q)^(1−α) − 1, clip) − baseline) / (1 − α) (2512.05962)."""
    batch, u, ratio = distances(config, json)
    order = 1 - config["alpha"]
    rewards = [min(expm1(order * x), config.get("clip") or inf) for x in u]
    rewards = centred(rewards, batch, config["baseline"])
    return {"coefficients": per_token(batch, [r * x / order for r, x in zip(ratio, rewards)])}


def alpha_dpg(config, json):
    """As released (2512.05962): p/b, not p/q; no R, no 1/(1−α); leave-one-out; Z by group is at most 1, and 1e-4 where
    nothing is right, for Tilted too, of which the true Z exceeds 1; a power below 1, of which it does so by far, was not
    released, and has no bound. divisor: the loss is divided by it."""
    batch = Batch(json)
    log_b, log_a = totals(batch, batch.b), totals(batch, batch.a)
    scores = log_scores(config["target"], batch, log_a)
    z = log_partitions(config["target"], config["partition"], batch, scores, log_b)
    if config["partition"] == "Group":
        most = inf if name(config["target"]) == "Power" and config["target"].get("alpha") < 1 else 0.0
        z = {g: log(1e-4) if x == -inf else min(x, most) for g, x in z.items()}
    order = 1 - config["alpha"]
    rewards = [
        -1.0 if s == -inf else min(expm1(order * (s - z[g] - x)), config["clip"])
        for s, g, x in zip(scores, batch.groups, log_b)
    ]
    rewards = centred(rewards, batch, "LeaveOneOut")
    return {"coefficients": per_token(batch, [x / config["divisor"] for x in rewards])}


# Balances.


def trajectory_balance(config, json):
    """c = −factor δ, δ = log Z + log q − log a − v/β, no importance weights.

    Learned: one log Z a group, here at its start, 0; its gradient is −(factor/N) Σ δ over the group. GroupMean
    (VarGrad): log Z makes the group's mean of δ 0, the sequence itself included (torchgfn). LogMeanExp(β₁) (A*-PO,
    2505.20686): log Z = V*/β with V* = β₁ log mean e^(v/β₁) over the group; the factor 2 β² gives the paper's c."""
    batch, beta, partition = Batch(json), config["beta"], config["partition"]
    log_q, log_a = totals(batch, batch.q), totals(batch, batch.a)
    delta = [x - y - v / beta for x, y, v in zip(log_q, log_a, batch.v)]
    gradients = None
    for g in batch.group_ids():
        members = batch.members(g)
        if partition == "GroupMean":
            log_z = -mean(delta[i] for i in members)
        elif name(partition) == "LogMeanExp":
            (first,) = partition.arguments
            log_z = first / beta * log_mean_exp([batch.v[i] / first for i in members])
        else:
            log_z = 0.0
        for i in members:
            delta[i] += log_z
        if partition == "Learned":
            gradients = gradients or {}
            gradients[str(g)] = -config["factor"] / batch.n * fsum(delta[i] for i in members)
    out = {"coefficients": per_token(batch, [-config["factor"] * x for x in delta])}
    # The scalar: −factor/2 Σ δ²/N; of GroupMean the mean is moved too, whose share sums to 0.
    constants = [d - x + y for d, x, y in zip(delta, log_q, log_a)]

    def value(q):
        now = [fsum(row) - y + k for row, y, k in zip(q, log_a, constants)]
        if partition == "GroupMean":
            now = centred(now, batch, "GroupMean")
        return -config["factor"] / 2 * fsum(x * x for x in now) / batch.n

    losses.check(value, batch.n, batch.q, out["coefficients"], "trajectory-balance")
    if gradients:
        out["log_partition_gradients"] = gradients
    return out


def flow_rl(config, json):
    """As released (2509.15207): δ = log Z + mean_t log q − scale Â − mean_t log a, Â the group's reward less its mean
    over its deviation; loss = mean R δ², R the unclipped ratio of the sequence, a constant (1 without
    importance_weight); c = −2 R δ / T. log Z starts at 0."""
    batch = Batch(json)
    advantage = {"baseline": "Mean", "scale": [Tag("Std", epsilon=1e-6, ddof=1)]}
    advantage.update({k: v for k, v in config.items() if k in ("baseline", "scale")})
    a = [row[0] for row in blocks.advantages({**blocks.DEFAULT, **advantage}, batch)]
    weights = [1.0] * batch.n
    if config["importance_weight"]:
        weights = [exp(fsum(q) - fsum(b)) for q, b in zip(batch.q, batch.b)]

    def residuals(q):
        return [mean(x) - config["reward_scale"] * y - mean(z) for x, y, z in zip(q, a, batch.a)]

    delta = residuals(batch.q)
    c = [-2 * w * d / t for w, d, t in zip(weights, delta, batch.t)]
    value = lambda q: -fsum(w * d * d for w, d in zip(weights, residuals(q))) / batch.n
    out = {"coefficients": per_token(batch, c)}
    losses.check(value, batch.n, batch.q, out["coefficients"], "flow-rl")
    sums = {str(g): fsum(weights[i] * delta[i] for i in batch.members(g)) for g in batch.group_ids()}
    return {**out, "log_partition_gradients": {g: -2 / batch.n * x for g, x in sums.items()}}


# Token-wise distances from the base.


def rehearsal(config, json):
    """DPH-RL (2509.07430), u = q/a a token, losses times eta. Forward: k3 of a over q; Js: k3 of a over the midpoint;
    clamp: no gradient where that k3 exceeds it (released: 10). Alpha: (u^(1−α) − (1−α) u − α) / (α (α−1)).
    JsLowVariance: u log u − (1 + u) log((1 + u)/2). The right answers alone rehearse, and are all that is counted."""
    batch, eta, order, kind = Batch(json), config["eta"], config.get("alpha"), name(config["divergence"])
    clamp = config.get("clamp") or inf
    kept = blocks.kept_rows({"subset": "Correct"}, batch)
    out = [[0.0] * t for t in batch.t]
    for i in kept:
        for t in range(batch.t[i]):
            x = batch.q[i][t] - batch.a[i][t]
            u = exp(x)
            if kind == "Forward":
                c = 1 - u if u - x - 1 <= clamp else 0.0
            elif kind == "Js":
                c = u / (1 + u) - u / 2 if (1 + u) / 2 - log((1 + u) / 2) - 1 <= clamp else 0.0
            elif kind == "Alpha":
                c = (u ** (1 - order) - u) / order
            else:
                c = -u * log(2 * u / (1 + u))
            out[i][t] = eta * c * blocks.share(config["aggregate"], kept, batch, i)

    def term(x):
        u = exp(x)
        if kind == "Forward":
            return min(exp(x) - x - 1, clamp)
        if kind == "Js":
            middle = log((1 + u) / 2)
            return min(exp(middle) - middle - 1, clamp)
        if kind == "Alpha":
            return (u ** (1 - order) - (1 - order) * u - order) / (order * (order - 1))
        return u * log(u) - (u + 1) * log((u + 1) / 2)

    counted = {"rows": len(kept), "tokens": sum(batch.t[i] for i in kept), "longest": max(batch.t)}

    def value(q):
        return -eta * fsum(
            losses.mean_weight(config["aggregate"], counted, batch.t[i]) * term(x - a)
            for i in kept
            for x, a in zip(q[i], batch.a[i])
        )

    losses.check(value, batch.n, batch.q, out, "rehearsal")
    return {"coefficients": out}


def distillation(config, json):
    """On-policy distillation (prime-rl): rho log(a/q) where q − b ≥ −low, 0 elsewhere, then penalties."""
    batch = Batch(json)
    kept = list(range(batch.n))
    out, masks = [], []
    for i in kept:
        by = blocks.share(config["aggregate"], kept, batch, i)
        mask = [exp(q) - exp(b) >= -config["low"] for q, b in zip(batch.q[i], batch.b[i])]
        row = [
            by * exp(q - b) * (a - q) if open_ else 0.0
            for q, b, a, open_ in zip(batch.q[i], batch.b[i], batch.a[i], mask)
        ]
        for penalty in config["penalties"]:
            weight = penalty["coefficient"] * blocks.share(
                penalty.get("aggregate") or config["aggregate"], kept, batch, i
            )
            slopes = blocks.penalty_slopes(penalty, {"ratio": "Token"}, batch, i)
            row = [x - weight * y for x, y in zip(row, slopes)]
        out.append(row)
        masks.append(mask)
    return {"coefficients": out}


# Weights of sequences.


def group_target(config, json):
    """TPO (2604.06159): cross-entropy from t to p, both over the group: p the softmax of log q, t that of u/η + log b
    (anchor Behaviour) or of u/η; u = (v − p̂)/deviation, ddof 0, without the division where the deviation is at most
    1e-6. The loss is a mean over the groups: c = (N / groups) (t − p)."""
    batch = Batch(json)
    log_q, log_b = totals(batch, batch.q), totals(batch, batch.b)
    groups, c, targets = batch.group_ids(), [0.0] * batch.n, {}

    def softmax(values):
        top = max(values)
        weights = [exp(x - top) for x in values]
        return [x / fsum(weights) for x in weights]

    for g in groups:
        members = batch.members(g)
        v = [batch.v[i] for i in members]
        by = deviation(v, 0)
        u = [(x - mean(v)) / (by if by > 1e-6 else 1.0) for x in v]
        anchors = [log_b[i] if config["anchor"] == "Behaviour" else 0.0 for i in members]
        targets[g] = softmax([x / config["eta"] + y for x, y in zip(u, anchors)])
        p = softmax([log_q[i] for i in members])
        for i, x, y in zip(members, targets[g], p):
            c[i] = batch.n / len(groups) * (x - y)
    out = per_token(batch, c)

    def value(q):
        total = 0.0
        for g in groups:
            p = softmax([fsum(q[i]) for i in batch.members(g)])
            total += fsum(x * log(y) for x, y in zip(targets[g], p)) / len(groups)
        return total

    losses.check(value, batch.n, batch.q, out, "group-target")
    return {"coefficients": out}


def mara(config, json):
    """2510.20817: right answers of a group are lifted to the base's likeliest right one, z: 1 + β (log a(z) − log q);
    the others −β log(q/a). Times R; no baseline. Second-hand formula."""
    batch, beta = Batch(json), config["beta"]
    log_q, log_b, log_a = (totals(batch, rows) for rows in (batch.q, batch.b, batch.a))
    c = []
    for i in range(batch.n):
        right = [log_a[j] for j in batch.members(batch.groups[i]) if batch.v[j] > 0]
        x = 1 + beta * (max(right) - log_q[i]) if batch.v[i] > 0 else -beta * (log_q[i] - log_a[i])
        c.append(exp(log_q[i] - log_b[i]) * x)
    return {"coefficients": per_token(batch, c)}


def imitation(config, json):
    """weight Reward: v (RFT); Exponential(β): e^(v/β) (BOLT, 2605.02469); normalise Group: over its mean in the group,
    0 where that is 0. No ratio; `source` only says who samples."""
    batch, weight = Batch(json), config["weight"]
    w = batch.v if weight == "Reward" else [exp(v / weight.arguments[0]) for v in batch.v]
    if config["normalise"] == "Group":
        means = {g: mean(w[i] for i in batch.members(g)) for g in batch.group_ids()}
        w = [x / means[g] if means[g] else 0.0 for x, g in zip(w, batch.groups)]
    return {"coefficients": per_token(batch, w)}


FAMILIES = {
    "f-divergence": f_divergence,
    "alpha": alpha,
    "alpha-dpg": alpha_dpg,
    "trajectory-balance": trajectory_balance,
    "flow-rl": flow_rl,
    "rehearsal": rehearsal,
    "group-target": group_target,
    "mara": mara,
    "imitation": imitation,
    "distillation": distillation,
}
