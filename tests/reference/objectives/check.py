#!/usr/bin/env python3
"""Checks the formulas by exact sums: `python3 check.py` prints a line a fact, and fails at the first that does not
hold.

κ(V) = E φ(1, 1 + C′) − E φ(0, C′), C′ ~ Bin(G − 1, V), where c = φ(v, C): the update for one prompt is κ(V) ∇V.
Divergences: the mean of c ∇log q over a small space against the divergence's own gradient."""

import json as files
import re
from math import comb, exp, fsum, log, sqrt
from pathlib import Path

import blocks
import families
from ron import Tag

G = 8
GRID = [0.01, 0.05, 0.3, 0.5, 0.9, 0.99]


def group(right, size=G):
    rows = [{"group": 0, "reward": int(i < right), "log_probs": [-0.5]} for i in range(size)]
    return {"step": 0, "sequences": rows}


def kappas(config, size=G):
    """κ as a function of V."""
    tables = []
    for c in range(size + 1):
        rows = blocks.coefficients(config, group(c, size))
        tables.append((rows[0][0] if c else None, rows[-1][0] if c < size else None))

    def kappa(v):
        weights = [comb(size - 1, c) * v**c * (1 - v) ** (size - 1 - c) for c in range(size)]
        return fsum(w * (tables[c + 1][0] - tables[c][1]) for c, w in enumerate(weights))

    return kappa


def order(m):
    return lambda v: (1 - (1 - v) ** m) / v


def says(what, found, expected, tolerance):
    for v in GRID:
        assert abs(found(v) - expected(v)) <= tolerance * max(1.0, abs(expected(v))), (what, v, found(v), expected(v))
    print(f"pass  {what}")


def number(what, found, expected, digits):
    assert abs(found - expected) <= 0.51 * 10**-digits, (what, found, expected)
    print(f"pass  {what}: {found:.5g}")


def check_kappas():
    std = lambda ddof, **more: [Tag("Std", epsilon=1e-6, ddof=ddof, **more)]
    inverse = Tag("Mean", epsilon=0.0)
    signal = lambda kind, **fields: {"signal": Tag(kind, **fields), "baseline": None}
    says("reward alone, leave-one-out: 1", kappas({"baseline": "LeaveOneOut"}), lambda v: 1, 1e-12)
    says("no baseline: 1", kappas({"baseline": None}), lambda v: 1, 1e-12)
    says("group mean: (G-1)/G", kappas({}), lambda v: (G - 1) / G, 1e-12)
    shifted = kappas({"baseline": Tag("Mean", shift=-0.1)})
    says("group mean with a shift: (G-1)/G", shifted, lambda v: (G - 1) / G, 1e-12)
    says(
        "positive and negative alone are the same",
        kappas(signal("Signed", positive=1.0, negative=0.0)),
        kappas(signal("Signed", positive=0.0, negative=1.0)),
        1e-12,
    )
    shipped = kappas({"scale": [inverse]})
    says("MaxRL shipped: order G-1", shipped, order(G - 1), 1e-12)
    says("MaxRL of successes: order G", kappas({"baseline": None, "scale": [inverse]}), order(G), 1e-12)
    says("MaxRL less 1: order G", kappas({"baseline": Tag("AfterScale", 1.0), "scale": [inverse]}), order(G), 1e-12)
    says("MaxRL with epsilon 1e-6: order G-1", kappas({"scale": [Tag("Mean", epsilon=1e-6)]}), order(G - 1), 1e-4)
    floored = kappas({"scale": [Tag("Mean", epsilon=0.0, minimum=0.125)]})
    says("mean at least 1/8 at G = 8: order G-1", floored, order(G - 1), 1e-12)
    misc = kappas({"scale": [*std(0), Tag("Mean", epsilon=1e-6)]})
    number("MaxRL with deviation and mean at V = .01", misc(0.01), 20.4, 1)
    number("MaxRL with deviation and mean at V = .9", misc(0.9), 2.9, 1)
    for t in (1, 2, 4, 8):
        says(f"Maclaurin({t}): order {t}", kappas(signal("MaxLikelihood", order=t, baseline=None)), order(t), 1e-12)
        crossed = kappas(signal("MaxLikelihood", order=t, baseline="CrossFitted"))
        says(f"Maclaurin({t}), cross-fitted: order {t}", crossed, order(t), 1e-12)
        says(f"subset({t}): order {t}", kappas(signal("SubsetMaxLikelihood", order=t)), order(t), 1e-12)
    biased = kappas(signal("MaxLikelihood", order=4, baseline="LeaveOneOut"))
    number("Maclaurin(4), leave-one-out, at V = .01 (unbiased: 3.94)", biased(0.01), 2.89, 2)
    says("Tsallis, Q = 0: group mean", kappas({"prompt_weight": Tag("Power", 0.0)}), lambda v: (G - 1) / G, 1e-12)
    says("Tsallis, Q = 1: MaxRL shipped", kappas({"prompt_weight": Tag("Power", 1.0)}), shipped, 1e-12)
    for k in (1, 2, 4, 7):
        passes = lambda v, k=k: k * (1 - v) ** (k - 1)
        multiplied = lambda form: kappas({**signal("PassAtK", k=k, form=form), "multiplier": float(k)})
        says(f"PKPO loo-1, k = {k}: k(1-V)^(k-1)", multiplied("Loo1"), passes, 1e-12)
        says(f"PKPO plain, k = {k}: k(1-V)^(k-1)", multiplied("Plain"), passes, 1e-12)
        says(f"max@k centred, k = {k}: k(1-V)^(k-1)", kappas(signal("PassAtK", k=k, form="Centred")), passes, 1e-12)
        for c in range(G + 1):
            total = fsum(x[0] for x in blocks.coefficients(signal("PassAtK", k=k, form="Centred"), group(c)))
            assert abs(total) < 1e-12
            total = fsum(x[0] for x in blocks.coefficients(signal("PassAtK", k=k, form="Standardised"), group(c)))
            assert abs(total) < 1e-9
    says(
        "loo-1 at k = G: best minus second",
        kappas(signal("PassAtK", k=G, form="Loo1")),
        kappas(signal("BestMinusSecond")),
        1e-12,
    )
    loo = kappas({**signal("PassAtK", k=4, form="Loo1"), "baseline": "LeaveOneOut"})
    for v, ratio, digits in ((0.01, 1.00, 2), (0.5, 1.43, 2), (0.9, 4.9, 1), (0.99, 43, 0)):
        number(f"leave-one-out over loo-1, over the truth, V = {v}", 4 * loo(v) / (4 * (1 - v) ** 3), ratio, digits)
    noisy = kappas({"signal": Tag("NoiseCorrected", false_positive=0.1, false_negative=0.2), "baseline": "LeaveOneOut"})
    says("noise-corrected: 1/(1 - fp - fn)", noisy, lambda v: 1 / 0.7, 1e-12)
    others = kappas({"baseline": "LeaveOneOut", "scale": std(1, over="Others", zero="Skip")})
    number("deviation of the others, V = .01", others(0.01), 1.1, 1)
    number("deviation of the others, V = .3", others(0.3), 2.05, 2)
    number("deviation of the others, V = .99", others(0.99), 1.1, 1)
    alone = blocks.coefficients({"baseline": "LeaveOneOut", "scale": std(1, over="Others", zero="Skip")}, group(1))
    assert alone[0][0] == 1.0
    unbiased = kappas({"scale": std(1)})
    number("deviation of the group, V = .01", unbiased(0.01), 2.4, 1)
    number("deviation of the group, V = .5", unbiased(0.5), 1.7, 1)
    beta = kappas({"prompt_weight": Tag("Beta", k=16, threshold=0.0), "scale": std(0)})
    number("Beta weights on GRPO of the biased deviation, k = 16, V = .01", beta(0.01), 2.53, 2)
    number("Beta weights on GRPO of the biased deviation, k = 16, V = .99", beta(0.99), 0.0003, 4)
    size = 400
    large = kappas({"scale": std(0)}, size)
    for v in (0.1, 0.5, 0.8):  # the derivative of 2 asin sqrt V, G to infinity
        assert abs(large(v) - 1 / sqrt(v * (1 - v))) < 0.02 / sqrt(v * (1 - v))
    print("pass  deviation of the group, G = 400: near 1/sqrt(V(1-V))")


def check_divergences():
    """A softmax over four outputs, two of which are right; p the base's filtered or tilted distribution, or a power of it."""
    base, right, logits = [0.4, 0.1, 0.3, 0.2], [1, 0, 1, 0], [0.3, -0.2, -0.7, 0.5]
    z = 0.7
    tilted = [a * exp(v / 0.6) for a, v in zip(base, right)]
    targets = {"Filtered": [a * v / z for a, v in zip(base, right)], "Tilted": [x / fsum(tilted) for x in tilted]}
    tags = {"Filtered": "Filtered", "Tilted": Tag("Tilted", beta=0.6)}
    powers = {power: [a**power * v for a, v in zip(base, right)] for power in (0.0, 0.4, 3.0)}
    for power, weights in powers.items():
        targets[f"Power({power})"] = [x / fsum(weights) for x in weights]
        tags[f"Power({power})"] = Tag("Power", alpha=power)

    def softmax(x):
        weights = [exp(y) for y in x]
        return [y / fsum(weights) for y in weights]

    def kl(p, q):
        return fsum(x * log(x / y) for x, y in zip(p, q) if x)

    distance = {
        "ForwardKl": lambda p, q: kl(p, q),
        "ReverseKl": lambda p, q: kl(q, p),
        "JensenShannon": lambda p, q: fsum(kl(x, [(y + w) / 2 for y, w in zip(p, q)]) for x in (p, q)),
        "TotalVariation": lambda p, q: fsum(abs(x - y) for x, y in zip(p, q)) / 2,
        "ChiSquared": lambda p, q: fsum(x * x / y for x, y in zip(p, q)) - 1,
        "ReverseChiSquared": lambda p, q: fsum(y * y / x for x, y in zip(p, q)) - 1,
        "Hellinger": lambda p, q: 4 * (1 - fsum(sqrt(x * y) for x, y in zip(p, q))),
    }
    behaviour = [0.25, 0.3, 0.2, 0.25]
    q = softmax(logits)
    rows = [
        {"group": 0, "reward": v, "log_probs": [log(x)], "behaviour_log_probs": [log(y)], "base_log_probs": [log(a)]}
        for v, x, y, a in zip(right, q, behaviour, base)
    ]
    json = {"step": 0, "sequences": rows, "log_partition": {"0": log(z)}}

    def known(target):
        """The batch, with log Z of a power where that is the target."""
        if blocks.name(target) != "Power":
            return json
        return {**json, "log_power_partition": {"0": log(fsum(powers[target.get("alpha")]))}}

    alpha = lambda p, x: (1 - fsum(y**0.75 * w**0.25 for y, w in zip(p, x))) / (0.25 * 0.75)

    def gradient(value):
        out = []
        for i in range(4):
            ends = []
            for h in (1e-6, -1e-6):
                moved = [x + h * (i == j) for j, x in enumerate(logits)]
                ends.append(value(softmax(moved)))
            out.append((ends[0] - ends[1]) / 2e-6)
        return out

    def compare(what, c, value):
        expected = [-x for x in gradient(value)]
        found = [fsum(b * x[0] * ((i == j) - q[j]) for i, (b, x) in enumerate(zip(behaviour, c))) for j in range(4)]
        assert all(abs(x - y) < 1e-8 for x, y in zip(found, expected)), (what, found, expected)
        print(f"pass  {what}")

    for kind, value in distance.items():
        for target, p in targets.items():
            if target != "Tilted" and kind.startswith("Reverse"):
                continue
            config = {
                "divergence": kind,
                "partition": "Exact",
                "baseline": None,
                "target": tags[target],
            }
            c = families.f_divergence(config, known(tags[target]))["coefficients"]
            compare(f"{kind} to {target}", c, lambda x, p=p, value=value: value(p, x))
    for target, p in targets.items():
        config = {
            "alpha": 0.25,
            "partition": "Exact",
            "baseline": None,
            "target": tags[target],
        }
        compare(f"alpha to {target}", families.alpha(config, known(tags[target]))["coefficients"], lambda x, p=p: alpha(p, x))
    for row, x in zip(rows, q):  # on-policy
        row["behaviour_log_probs"] = row["log_probs"]
    behaviour[:] = q
    c = families.trajectory_balance({"beta": 0.6, "partition": "Learned", "factor": 2.0}, json)["coefficients"]
    compare("trajectory balance: twice the reverse KL to Tilted", c, lambda x: 2 * kl(x, targets["Tilted"]))
    c = families.mara({"beta": 0.6, "anchor": "Batch"}, json)["coefficients"]
    top = [0.4 * exp(1 / 0.6) if v else a for a, v in zip(base, right)]
    compare(
        "mara: beta times the reverse KL to uniform on right", c, lambda x: 0.6 * kl(x, [y / fsum(top) for y in top])
    )


def check_others():
    """The older scripts beside this folder came to the same coefficients by other ways."""
    folder = Path(__file__).parent.parent
    entries = files.loads((folder / "ppo_clip.json").read_text())
    for entry in entries:
        text, config = entry["config"], {"ratio": "Token", "clip": Tag("Ppo", low=0.2, high=0.2)}
        if found := re.search(r"baseline: (\w+)", text):
            config["baseline"] = None if found[1] == "None" else found[1]
        if found := re.search(r"Ppo\(([^)]*)\)", text):
            pairs = (pair.split(": ") for pair in found[1].split(", "))
            config["clip"] = Tag("Ppo", **{key: float(x) for key, x in pairs})
        if found := re.search(r"aggregate: (\w+)(?:\(divisor: ([\d.]+)\))?", text):
            config["aggregate"] = Tag(found[1], divisor=float(found[2])) if found[2] else found[1]
        same(entry, blocks.coefficients(config, entry["batch"]), entry["expected"]["coefficients"])
    print(f"pass  ppo_clip.json: {len(entries)} entries")
    count = 0
    for entry in files.loads((folder / "objectives.json").read_text()):
        text = entry["config"]
        field = lambda name, otherwise: (re.search(name + r": ([\w.]+)", text) or [0, otherwise])[1]
        baseline = field("baseline", "LeaveOneOut" if entry["objective"] == "alpha" else "One")
        baseline, clip = None if baseline == "None" else baseline, float(field("clip", "inf"))
        config = {"alpha": float(field("alpha", "0")), "target": "Filtered", "baseline": baseline}
        config["partition"] = field("partition", "Group" if "as_released" in text else "Auto")
        if "steps" in entry or config["partition"] not in ("Exact", "Group") or baseline == "One":
            continue
        if "as_released" in text:
            answer = families.alpha_dpg({**config, "clip": min(clip, 10.0), "divisor": 1.0}, entry["batch"])
        elif entry["objective"] == "alpha":
            answer = families.alpha({**config, "clip": clip}, entry["batch"])
        elif entry["objective"] == "forward-kl":
            answer = families.f_divergence({**config, "divergence": "ForwardKl"}, entry["batch"])
        else:
            continue
        same(entry, answer["coefficients"], entry["coefficients"])
        count += 1
    print(f"pass  objectives.json: {count} entries of alpha and forward-kl")


def same(entry, found, expected):
    for x, y in zip((x for row in found for x in row), (y for row in expected for y in row)):
        assert abs(x - y) <= 1e-12 + 1e-10 * abs(y), (entry["name"], x, y)


if __name__ == "__main__":
    check_others()
    check_kappas()
    check_divergences()
