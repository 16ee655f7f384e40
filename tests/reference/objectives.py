#!/usr/bin/env python3
"""Reference coefficients of objectives on hand-made batches: writes `objectives.json`.

The update is sum_i (1/N) sum_t c_it grad log q(y_it | ...), ascent. For every objective here the
coefficient is the same for all tokens of a sequence, so c_i is worked out once, in 60-digit decimal
arithmetic, and repeated for each token.

    q, b, a   sequence probabilities under policy, behaviour policy and base: exp of the summed tokens
    R_i       q(y_i) / b(y_i)                 v_i  the reward, 0 or 1            Z  the base's validity rate

    reinforce    c = R (v - baseline of v)
    kl-control   r = v - beta log(q/a);  c = R (r - baseline of r)
                 lambda: beta = 1/lambda;  mu: beta of a group = 1 / (logit mu - logit Z)
    forward-kl   g = a v / (Z q);  c = R (g - baseline of g), baseline One by default
    alpha        g = (a v / (Z q))^(1 - alpha) - 1, cut at `clip` from above;  c = R (g - baseline of g) / (1 - alpha)
    alpha, as_released   b in place of q; Z = min(1, mean over the group of a v / b), 1e-4 if that is 0;
                 g = min((a v / (Z b))^(1 - alpha) - 1, 10);  c = g - leave-one-out mean of g; no R, no 1/(1 - alpha)

Baselines: LeaveOneOut is the mean over the other rows of the group, GroupMean the mean over all its rows,
One is 1, None is 0. The quantity itself is averaged, not its product with R; `clip` acts before the baseline.
Partition: Exact is exp(log_partition of the group); Group is the mean over the group of a v / b, with no cap;
Running is the mean of all a v / b that the prompt has had so far, the current batch included, with equal
weight. If an estimate is zero, p*/q is taken as zero (g = 0 for forward-kl, -1 for alpha).

The group stands for the prompt: group 0 of successive steps is the same prompt. Numbers mean the decimals
written. `log_partition` is in the batch only where the objective needs it.
"""

import json
from decimal import Decimal, getcontext
from pathlib import Path

getcontext().prec = 60
D = Decimal
LOG_PARTITION = {0: "-1.2", 1: "-0.35", 2: "-2.5"}


def sequence(group, reward, log_probs, base, behaviour=None, ended=True):
    """Token log-probs as words; the behaviour's default to the policy's."""
    row = {
        "group": group,
        "reward": reward,
        "ended": ended,
        "log_probs": log_probs.split(),
        "behaviour_log_probs": (behaviour or log_probs).split(),
        "base_log_probs": base.split(),
    }
    assert len(row["log_probs"]) == len(row["behaviour_log_probs"]) == len(row["base_log_probs"])
    return row


ON_POLICY = [
    sequence(0, 1, "-0.5 -1.25 -0.75", "-0.75 -1.0 -1.5"),
    sequence(0, 0, "-1.5", "-0.9"),
    sequence(0, 1, "-0.2 -0.3 -2.1 -0.4 -0.1", "-0.6 -0.8 -1.1 -0.7 -0.3", ended=False),
    sequence(0, 0, "-2.0 -0.05", "-1.75 -0.4"),
    sequence(1, 1, "-0.1 -0.2 -0.3 -0.4", "-0.4 -0.3 -0.2 -0.1"),
    sequence(1, 1, "-1.1 -2.2", "-0.7 -1.3"),
    sequence(1, 1, "-3.0 -0.01 -0.5", "-2.2 -0.6 -0.9"),
    sequence(1, 0, "-0.69 -0.69 -0.69 -0.69 -0.69", "-1.1 -0.4 -1.6 -0.35 -0.2", ended=False),
]
OFF_POLICY = [
    sequence(0, 1, "-0.5 -1.25", "-0.75 -1.0", "-0.65 -1.4"),
    sequence(0, 0, "-1.5 -0.2 -0.1", "-0.9 -0.7 -0.3", "-1.2 -0.35 -0.1"),
    sequence(0, 1, "-2.3", "-1.6", "-1.9"),
    sequence(0, 0, "-0.05 -0.15 -0.25 -0.35", "-0.5 -0.5 -0.5 -0.5", "-0.1 -0.2 -0.3 -0.4", ended=False),
    sequence(1, 0, "-0.8 -0.9", "-1.0 -1.1", "-0.6 -0.7"),
    sequence(1, 1, "-1.3 -0.6 -0.7", "-1.2 -0.8 -0.2", "-1.3 -0.6 -0.7"),
    sequence(1, 0, "-4.0", "-3.5", "-3.0"),
    sequence(1, 0, "-0.3 -0.3 -0.3 -0.3", "-0.2 -0.6 -0.2 -0.6", "-0.45 -0.15 -0.4 -0.25", ended=False),
]
NONE_AND_ALL = [
    sequence(0, 0, "-0.4 -0.9", "-0.5 -0.6", "-0.45 -1.0"),
    sequence(0, 0, "-1.7", "-1.2", "-1.6"),
    sequence(0, 0, "-0.6 -0.6 -0.6", "-0.3 -1.1 -0.9", "-0.5 -0.7 -0.8", ended=False),
    sequence(0, 0, "-2.2 -0.3", "-1.9 -0.4", "-2.2 -0.3"),
    sequence(1, 1, "-0.25 -0.5", "-0.35 -0.45", "-0.3 -0.4"),
    sequence(1, 1, "-1.4", "-1.1", "-1.5"),
    sequence(1, 1, "-0.9 -1.9 -0.2", "-0.7 -1.2 -0.6", "-0.8 -1.7 -0.35"),
    sequence(1, 1, "-0.15 -0.15 -0.15", "-0.5 -0.1 -0.4", "-0.2 -0.1 -0.15", ended=False),
]
HEAVY = [  # a/q up to e^4.5: the clip acts on rows 0 and 2, and the released estimate of Z is capped at 1
    sequence(0, 1, "-3.0 -3.5", "-0.9 -1.1", "-3.1 -3.2"),
    sequence(0, 1, "-0.4 -0.3", "-0.8 -0.5"),
    sequence(0, 1, "-2.5 -2.25 -1.75", "-0.5 -0.75 -1.0", "-2.0 -2.5 -1.5"),
    sequence(0, 0, "-0.1 -0.2", "-1.0 -0.9", "-0.15 -0.25"),
    sequence(1, 1, "-1.5 -0.5", "-1.0 -0.25"),
    sequence(1, 0, "-5.0", "-0.5", "-4.5"),
    sequence(1, 1, "-0.6 -0.7", "-1.4 -1.2", "-0.5 -0.9"),
    sequence(1, 0, "-0.9 -0.1", "-1.1 -0.6"),
]
INTERLEAVED = [  # three groups of 2, 3 and 4 rows, mixed, group 2 first
    sequence(2, 1, "-1.0 -0.4", "-1.3 -0.7", "-0.9 -0.5"),
    sequence(0, 0, "-0.7", "-0.4", "-0.8"),
    sequence(1, 1, "-0.3 -1.1 -0.6", "-0.2 -1.5 -0.3", "-0.4 -1.0 -0.55"),
    sequence(2, 0, "-0.2 -0.2 -0.2 -0.2", "-0.4 -0.1 -0.7 -0.3", ended=False),
    sequence(0, 1, "-1.9 -0.8", "-1.5 -1.2", "-2.1 -0.6"),
    sequence(2, 0, "-2.6", "-1.8", "-2.4"),
    sequence(1, 0, "-1.2", "-0.95", "-1.2"),
    sequence(1, 1, "-0.55 -0.65", "-0.85 -0.45", "-0.5 -0.75"),
    sequence(2, 1, "-1.6 -0.9 -0.3", "-2.0 -1.0 -0.8", "-1.5 -1.0 -0.25"),
]
BATCHES = {
    "on-policy": ON_POLICY,
    "off-policy": OFF_POLICY,
    "none and all valid": NONE_AND_ALL,
    "heavy": HEAVY,
    "interleaved": INTERLEAVED,
}
RUNNING = [NONE_AND_ALL, OFF_POLICY, HEAVY]  # group 0 has no valid row in the first step


# (objective, config text, what it means). `partition` names the estimate of Z, if one is used.
CONFIGS = [
    ("reinforce", "(baseline: LeaveOneOut)", {"baseline": "LeaveOneOut"}),
    ("reinforce", "(baseline: GroupMean)", {"baseline": "GroupMean"}),
    ("reinforce", "(baseline: None)", {"baseline": "None"}),
    ("kl-control", "(beta: 0.1)", {"beta": "0.1", "baseline": "LeaveOneOut"}),
    ("kl-control", "(lambda: 10.0)", {"lambda": "10.0", "baseline": "LeaveOneOut"}),
    ("kl-control", "(lambda: 3.0, baseline: LeaveOneOut)", {"lambda": "3.0", "baseline": "LeaveOneOut"}),
    ("kl-control", "(mu: 0.9)", {"mu": "0.9", "baseline": "LeaveOneOut", "partition": "Exact"}),
    ("kl-control", "(mu: 0.9, baseline: None)", {"mu": "0.9", "baseline": "None", "partition": "Exact"}),
    ("kl-control", "(beta: 0.1, baseline: GroupMean)", {"beta": "0.1", "baseline": "GroupMean"}),
    ("kl-control", "(beta: 0.1, baseline: None)", {"beta": "0.1", "baseline": "None"}),
    ("forward-kl", "(partition: Exact)", {"partition": "Exact", "baseline": "One"}),
    ("forward-kl", "(partition: Exact, baseline: One)", {"partition": "Exact", "baseline": "One"}),
    ("forward-kl", "(partition: Exact, baseline: LeaveOneOut)", {"partition": "Exact", "baseline": "LeaveOneOut"}),
    ("forward-kl", "(partition: Exact, baseline: None)", {"partition": "Exact", "baseline": "None"}),
    ("forward-kl", "(partition: Group)", {"partition": "Group", "baseline": "One"}),
    ("forward-kl", "(partition: Group, baseline: LeaveOneOut)", {"partition": "Group", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.5, partition: Exact)", {"alpha": "0.5", "partition": "Exact", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.5, partition: Exact, baseline: None)",
     {"alpha": "0.5", "partition": "Exact", "baseline": "None"}),
    ("alpha", "(alpha: 0.25, clip: 10.0, partition: Exact)",
     {"alpha": "0.25", "clip": "10", "partition": "Exact", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.25, clip: 10.0, partition: Exact, baseline: None)",
     {"alpha": "0.25", "clip": "10", "partition": "Exact", "baseline": "None"}),
    ("alpha", "(alpha: 0.25, partition: Exact)", {"alpha": "0.25", "partition": "Exact", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.9, partition: Exact)", {"alpha": "0.9", "partition": "Exact", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.5, partition: Group)", {"alpha": "0.5", "partition": "Group", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.25, clip: 10.0, partition: Group, baseline: None)",
     {"alpha": "0.25", "clip": "10", "partition": "Group", "baseline": "None"}),
    ("alpha", "(alpha: 0.25, as_released: true)", {"alpha": "0.25", "as_released": True}),
    ("alpha", "(alpha: 0.5, as_released: true)", {"alpha": "0.5", "as_released": True}),
]
RUNNING_CONFIGS = [
    ("forward-kl", "(partition: Running)", {"partition": "Running", "baseline": "One"}),
    ("forward-kl", "(partition: Running, baseline: LeaveOneOut)", {"partition": "Running", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.5, partition: Running)", {"alpha": "0.5", "partition": "Running", "baseline": "LeaveOneOut"}),
    ("alpha", "(alpha: 0.25, clip: 10.0, partition: Running, baseline: None)",
     {"alpha": "0.25", "clip": "10", "partition": "Running", "baseline": "None"}),
]


def log_total(row, field):
    return sum(map(D, row[field]), D(0))


def logit(x):
    return (x / (1 - x)).ln()


def mean(values):
    values = list(values)
    return sum(values, D(0)) / len(values)


def estimates(batch):
    """The terms a v / b of each group."""
    terms = {}
    for row in batch:
        term = (log_total(row, "base_log_probs") - log_total(row, "behaviour_log_probs")).exp() * row["reward"]
        terms.setdefault(row["group"], []).append(term)
    return terms


def centred(values, batch, baseline):
    out = []
    for i, row in enumerate(batch):
        mine = [j for j, other in enumerate(batch) if other["group"] == row["group"]]
        others = [j for j in mine if j != i]
        if baseline == "LeaveOneOut":
            out.append(values[i] - mean(values[j] for j in others))
            check = (values[i] - mean(values[j] for j in mine)) * len(mine) / len(others)
            assert abs(out[-1] - check) < D("1e-50")
        elif baseline == "GroupMean":
            out.append(values[i] - mean(values[j] for j in mine))
        else:
            out.append(values[i] - {"One": 1, "None": 0}[baseline])
    return out


def coefficients(objective, meaning, batch, seen, note):
    """c_i of every row; `seen` holds each group's terms a v / b up to and including this batch."""
    log_q = [log_total(row, "log_probs") for row in batch]
    log_b = [log_total(row, "behaviour_log_probs") for row in batch]
    log_a = [log_total(row, "base_log_probs") for row in batch]
    ratio = [(q - b).exp() for q, b in zip(log_q, log_b)]
    v = [D(row["reward"]) for row in batch]
    groups = [row["group"] for row in batch]

    if meaning.get("as_released"):
        alpha, terms, g = D(meaning["alpha"]), estimates(batch), []
        for i, row in enumerate(batch):
            z = min(D(1), mean(terms[groups[i]])) or D("0.0001")
            t = (log_a[i] - log_b[i]).exp() * v[i] / z
            value = (t ** (1 - alpha) if t > 0 else D(0)) - 1
            note.append("cut" if value > 10 else "kept")
            g.append(min(value, D(10)))
        return centred(g, batch, "LeaveOneOut")

    if objective == "reinforce":
        quantity = v
    elif objective == "kl-control":
        quantity = []
        for i in range(len(batch)):
            if "mu" in meaning:
                z = D(LOG_PARTITION[groups[i]]).exp()
                assert z < D(meaning["mu"])
                beta = 1 / (logit(D(meaning["mu"])) - logit(z))
            else:
                beta = D(meaning["beta"]) if "beta" in meaning else 1 / D(meaning["lambda"])
            quantity.append(v[i] - beta * (log_q[i] - log_a[i]))
    else:
        own = estimates(batch)
        z = {
            "Exact": lambda x: D(LOG_PARTITION[x]).exp(),
            "Group": lambda x: mean(own[x]),
            "Running": lambda x: mean(seen[x]),
        }[meaning["partition"]]
        quantity = []
        for i in range(len(batch)):
            zi = z(groups[i])
            t = (log_a[i] - log_q[i]).exp() / zi if v[i] and zi else D(0)
            if objective == "forward-kl":
                quantity.append(t)
                continue
            alpha = D(meaning["alpha"])
            g = (t ** (1 - alpha) if t > 0 else D(0)) - 1
            if "clip" in meaning:
                note.append("cut" if g > D(meaning["clip"]) else "kept")
                g = min(g, D(meaning["clip"]))
            quantity.append(g)
    out = [r * x for r, x in zip(ratio, centred(quantity, batch, meaning["baseline"]))]
    return [x / (1 - D(meaning["alpha"])) for x in out] if objective == "alpha" else out


def plain_batch(batch, step, exact):
    rows = []
    for row in batch:
        fields = {k: [float(x) for x in x] if isinstance(x, list) else x for k, x in row.items()}
        rows.append(fields)
    out = {"step": step, "sequences": rows}
    if exact:
        groups = sorted({row["group"] for row in batch})
        out["log_partition"] = {str(g): float(LOG_PARTITION[g]) for g in groups}
    return out


def per_token(batch, c):
    return [[float(x) + 0.0] * len(row["log_probs"]) for row, x in zip(batch, c)]


def main():
    entries, notes = [], {}
    for objective, config, meaning in CONFIGS:
        for name, batch in BATCHES.items():
            note = notes.setdefault((objective, config), [])
            c = coefficients(objective, meaning, batch, None, note)
            entries.append({
                "name": f"{objective} {config}, {name}",
                "objective": objective,
                "config": config,
                "batch": plain_batch(batch, 0, meaning.get("partition") == "Exact"),
                "coefficients": per_token(batch, c),
            })
    for objective, config, meaning in RUNNING_CONFIGS:
        seen, steps, answers = {}, [], []
        for step, batch in enumerate(RUNNING):
            for group, terms in estimates(batch).items():
                seen.setdefault(group, []).extend(terms)
            note = notes.setdefault((objective, config), [])
            steps.append(plain_batch(batch, step, False))
            answers.append(per_token(batch, coefficients(objective, meaning, batch, seen, note)))
        entries.append({
            "name": f"{objective} {config}, three steps",
            "objective": objective,
            "config": config,
            "steps": steps,
            "coefficients": answers,
        })
    for key, note in notes.items():
        if note and "Running" not in key[1] and "Group" not in key[1] and "alpha: 0.5" not in key[1]:
            assert {"cut", "kept"} == set(note), key
    # each entry on one line
    lines = ",\n".join(json.dumps(e, allow_nan=False) for e in entries)
    Path(__file__).with_name("objectives.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(len(entries), "entries")
    for (objective, config), note in notes.items():
        if note:
            print(objective, config, "cut:", note.count("cut"), "kept:", note.count("kept"))


if __name__ == "__main__":
    main()
