#!/usr/bin/env python3
"""Population gradients at one point of a bigram class: writes `gradient.json`.

The parity toy (two symbols, fixed length 5, even number of a's) and a softmax bigram policy q whose
probabilities are given; its logits are any theta with softmax(theta of a row) = that row. The gradient is
that of J in the logits, by enumeration of the 32 outputs:

    d log q(y) / d theta[c, k] = N_ck(y) - N_c(y) q(k | c),   N = usage counts of y,

and each component is checked against a central difference of J itself. Everything in 80-digit decimals.

    reinforce     J = E_q[v]
    kl-control    J = E_q[v] - KL(q||a) / lambda
    forward-kl    J = -KL(p*||q)
    alpha         J = -D_alpha(q||p*) = -(1 - sum p*^(1-alpha) q^alpha) / (alpha (1 - alpha))

These are the expected updates of the coefficients in objectives.py (exact Z, any baseline that does not
depend on the sample). Gradients are in the order of `contexts`, and in a row in alphabet order.
"""

import json
import re
from decimal import Decimal as D
from decimal import getcontext
from itertools import product
from pathlib import Path

getcontext().prec = 80
HORIZON = 5
PATTERN = "(b|ab*a)*"
CONTEXTS = ["^", "a", "b"]
BASE = {"^": ["0.3", "0.7"], "a": ["0.75", "0.25"], "b": ["0.25", "0.75"]}
POINTS = {
    "inner": {"^": ["0.35", "0.65"], "a": ["0.6", "0.4"], "b": ["0.3", "0.7"]},
    "base": BASE,
    "near collapse": {"^": ["0.02", "0.98"], "a": ["0.9", "0.1"], "b": ["0.001", "0.999"]},
}
OBJECTIVES = {
    "reinforce": ("reinforce", "(baseline: None)"),
    "kl-control lambda=2": ("kl-control", "(lambda: 2.0)"),
    "kl-control lambda=50": ("kl-control", "(lambda: 50.0)"),
    "forward-kl": ("forward-kl", "(partition: Exact)"),
    "alpha 0.25": ("alpha", "(alpha: 0.25, partition: Exact)"),
    "alpha 0.75": ("alpha", "(alpha: 0.75, partition: Exact)"),
}
STRINGS = ["".join(y) for y in product("ab", repeat=HORIZON)]


def mass(rows, y):
    out = D(1)
    for c, k in zip("^" + y, y):
        out *= rows[c]["ab".index(k)]
    return out


BASE_ROWS = {c: [D(x) for x in r] for c, r in BASE.items()}
A = {y: mass(BASE_ROWS, y) for y in STRINGS}
V = {y: D(re.fullmatch(PATTERN, y) is not None) for y in STRINGS}
Z = sum(A[y] for y in STRINGS if V[y])
P = {y: A[y] * V[y] / Z for y in STRINGS}
assert Z == D("0.55")


def softmax(theta):
    out = {}
    for c, row in theta.items():
        e = [x.exp() for x in row]
        out[c] = [x / sum(e) for x in e]
    return out


def value(name, q):
    if name == "reinforce":
        return sum(q[y] * V[y] for y in STRINGS)
    if name.startswith("kl-control"):
        strength = D(name.split("=")[1])
        return sum(q[y] * (V[y] - (q[y] / A[y]).ln() / strength) for y in STRINGS)
    if name == "forward-kl":
        return -sum(P[y] * (P[y] / q[y]).ln() for y in STRINGS if P[y])
    alpha = D(name.split()[1])
    return -(1 - sum(P[y] ** (1 - alpha) * q[y] ** alpha for y in STRINGS if P[y])) / (alpha * (1 - alpha))


def weight(name, q, y):
    """w with grad J = sum_y w(y) grad log q(y); terms that vanish in expectation left out."""
    if name == "reinforce":
        return q[y] * V[y]
    if name.startswith("kl-control"):
        return q[y] * (V[y] - (q[y] / A[y]).ln() / D(name.split("=")[1]))
    if name == "forward-kl":
        return P[y]
    alpha = D(name.split()[1])
    return P[y] ** (1 - alpha) * q[y] ** alpha / (1 - alpha) if P[y] else D(0)


def gradient(name, rows):
    q = {y: mass(rows, y) for y in STRINGS}
    out = {c: [D(0), D(0)] for c in CONTEXTS}
    for y in STRINGS:
        w = weight(name, q, y)
        for c, k in zip("^" + y, y):
            for j in range(2):
                out[c][j] += w * ((k == "ab"[j]) - rows[c][j])
    return out


def difference(name, rows):
    theta = {c: [x.ln() for x in r] for c, r in rows.items()}
    step, out = D("1e-15"), {}
    for c in CONTEXTS:
        out[c] = []
        for j in range(2):
            ends = []
            for sign in (1, -1):
                moved = {k: list(r) for k, r in theta.items()}
                moved[c][j] += sign * step
                at = softmax(moved)
                ends.append(value(name, {y: mass(at, y) for y in STRINGS}))
            out[c].append((ends[0] - ends[1]) / (2 * step))
    return out


def main():
    entries = []
    for point, table in POINTS.items():
        rows = {c: [D(x) for x in r] for c, r in table.items()}
        q = {y: mass(rows, y) for y in STRINGS}
        for name, (objective, config) in OBJECTIVES.items():
            g, check = gradient(name, rows), difference(name, rows)
            for c in CONTEXTS:
                for x, y in zip(g[c], check[c]):
                    assert abs(x - y) < D("1e-24"), (point, name, c, x, y)
            entries.append({
                "name": f"{name}, {point}",
                "objective": objective,
                "config": config,
                "policy": {c: [float(x) for x in r] for c, r in rows.items()},
                "value": float(value(name, q)),
                "gradient": [float(x) + 0.0 for c in CONTEXTS for x in g[c]],
            })
    out = {
        "alphabet": "ab", "horizon": HORIZON, "ending": "FixedLength", "pattern": PATTERN,
        "base": {c: [float(x) for x in r] for c, r in BASE.items()},
        "contexts": CONTEXTS,
        "points": entries,
    }
    Path(__file__).with_name("gradient.json").write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(len(entries), "gradients")


if __name__ == "__main__":
    main()
