#!/usr/bin/env python3
"""Writes `golden.json`: `python3 make.py` (the same bytes each time).

A list of {name, plugin, config, batch, coefficients}, and `log_partition_gradients` by group where log Z is learned;
`batch` as `host probe objective` reads it. Cases of presets have `preset` besides: the name whose defaults, with
`override` where a field has no default, are this configuration of `policy-gradient`. One has `steps` for `batch`:
successive steps of one objective that keeps its state, with a table of coefficients a step.

Every case of `policy-gradient` is checked by differentiating the scalar of `losses`, and the names of `formulas` by
those. Every name of the plugins has a case, by which the program is asked with that name's own defaults."""

import json
from pathlib import Path

import blocks
import losses
from batches import (
    ALIKE,
    BASED,
    BASED_NEAR,
    BASED_ON,
    BATCHES,
    COVARIANCES_1,
    COVARIANCES_5,
    EDGES,
    EIGHTS,
    EVERY,
    EVERY_OF_FIVE,
    FIVES,
    FOURS,
    KNOWN,
    KNOWN_MIXED,
    KNOWN_ON,
    LONE,
    NAMED,
    ONE,
    PIECES,
    POWERED,
    POWERED_ON,
    RIGHT,
    RIGHT_NEAR,
    RIGHT_ON,
    SHORT,
    SIZES,
    TWO_OF_8,
    Batch,
)
from families import FAMILIES
from formulas import FORMULAS
from presets import HORIZON, OTHERS, OWN, PRESETS, clipped, penalty, std
from ron import Tag, ron

ANY = [ONE, TWO_OF_8, ALIKE, SIZES, BASED, BASED_NEAR, EIGHTS, BASED_ON, PIECES, SHORT, FOURS]
WITH_BASE = [BASED, BASED_NEAR, EIGHTS, BASED_ON, PIECES, SHORT, RIGHT, NAMED]
OFF_POLICY = [ALIKE, SIZES, BASED, BASED_NEAR, EIGHTS, PIECES, SHORT]


class Cases:
    def __init__(self):
        self.entries, self.turn = [], 0

    def some(self, batches, count):
        """Batches in turn, so that all are used."""
        self.turn += 1
        return [batches[(self.turn * count + i) % len(batches)] for i in range(count)]

    def add(self, what, plugin, config, batch_name, answer, **more):
        for row in answer["coefficients"]:
            assert all(x == x and abs(x) < 1e12 for x in row), what
        self.entries.append(
            {
                "name": f"{what}, {batch_name}",
                "plugin": plugin,
                "config": ron(config),
                **more,
                "batch": BATCHES[batch_name],
                **{
                    key: [[x + 0.0 for x in row] for row in value] if key == "coefficients" else value
                    for key, value in answer.items()
                },
            }
        )

    def policy_gradient(self, what, config, batches, **more):
        for batch_name in batches:
            c = blocks.coefficients(config, BATCHES[batch_name])
            losses.check_policy_gradient(config, BATCHES[batch_name], c, (what, batch_name))
            check_edges(config, BATCHES[batch_name])
            self.add(what, "policy-gradient", config, batch_name, {"coefficients": c}, **more)

    def family(self, plugin, config, batches, **more):
        for batch_name in batches:
            answer = FAMILIES[plugin](config, BATCHES[batch_name])
            self.add(f"{plugin} {ron(config)}", plugin, config, batch_name, answer, **more)


def check_edges(config, batch_json):
    """No ratio on the edge of a clip, where another exp might decide otherwise."""
    batch, clip = Batch(batch_json), config.get("clip")
    if clip is None:
        return
    edges = [clip.get(x) for x in ("min", "max", "cap", "dual") if clip.get(x)]
    edges += [1 - clip.get("low"), 1 + clip.get("high")] if clip.get("low") is not None else []
    for i in range(batch.n):
        for r in blocks.ratios(config, batch, i):
            assert all(abs(r - x) > 1e-6 for x in edges), (ron(clip), r)


PASS_AT_K = ("pkpo", "max-at-k", "pass-at-k")


def presets(cases):
    for name, config in PRESETS.items():
        chosen, override = cases.some(WITH_BASE if "penalties" in config or "reward_kl" in config else ANY, 3), {}
        if name in ("ips-grpo", "cue-grpo", "uniqueness-aware"):
            chosen = [EIGHTS, FOURS, NAMED, ALIKE]
        if name in PASS_AT_K:  # k is the user's choice
            chosen = [ONE, TWO_OF_8, FIVES]
            override = {"signal": Tag("PassAtK", k=3, form=config["signal"].get("form"))}
            override.update({"multiplier": 3.0} if name == "pkpo" else {})
        if name == "clip-cov":  # all that are between, where a draw has no part
            override = {"clip": config["clip"]}
        if name == "dr-grpo":
            override = {"aggregate": Tag("SequenceSum", divisor=HORIZON)}
        more = {"preset": name, **({"override": ron(override)} if override else {})}
        cases.policy_gradient(name, {**config, **override}, chosen, **more)


# Batches of names that not every batch fits: k, the horizon, a token that a draw cannot choose.
FITTING = {
    **dict.fromkeys(PASS_AT_K, [EVERY_OF_FIVE, EDGES]),
    **dict.fromkeys(("dr-grpo", "dr-grpo-roll"), [EVERY, EVERY_OF_FIVE]),
    "maclaurin": [EVERY, EVERY_OF_FIVE, LONE],
    "grpo-pass-at-k": [EVERY, EDGES],
    "clip-cov": [EVERY, COVARIANCES_5, COVARIANCES_1],
}


def by_formula(cases):
    """Names with their own numbers, against a formula written out for each."""
    for name, config in {**OTHERS, **OWN}.items():
        chosen = FITTING.get(name) or ([EVERY, EVERY_OF_FIVE, LONE] if "penalties" in config else [EVERY, EDGES, LONE])
        first = len(cases.entries)
        cases.policy_gradient(f"{name} by its formula", config, chosen, preset=name)
        check_formula(name, cases.entries[first:])
        check_numbers(name, config, chosen)
    tilted = {"beta": 0.5, "partition": "GroupMean", "factor": 2.0}
    value = {"beta": 0.001, "partition": Tag("LogMeanExp", 0.5), "factor": 2e-6}
    for name, config, more in (("vargrad", tilted, {"override": "(beta: 0.5)"}), ("a-star-po", value, {})):
        first = len(cases.entries)
        cases.family("trajectory-balance", config, [EVERY, EVERY_OF_FIVE], preset=name, **more)
        check_formula(name, cases.entries[first:])


def check_formula(name, entries):
    """The formula's own numbers, but for rounding."""
    for entry in entries:
        expected, found = FORMULAS[name](Batch(entry["batch"])), entry["coefficients"]
        scale = max([1e-3] + [abs(x) for row in expected for x in row])
        for pair in zip(expected, found, strict=True):
            assert all(abs(x - y) <= 1e-12 * scale for x, y in zip(*pair, strict=True)), (entry["name"], pair)


def others_of(value):
    """The same value with one number in it made a quarter more, or a fifth less, or smaller by 1 where it counts."""
    if isinstance(value, Tag):
        for key, x in value.fields.items():
            yield from ((f"{key} {what}", Tag(value.name, **{**value.fields, key: y})) for what, y in others_of(x))
    elif isinstance(value, dict):
        for key, x in value.items():
            yield from ((f"{key} {what}", {**value, key: y}) for what, y in others_of(x))
    elif isinstance(value, list):
        for i, x in enumerate(value):
            yield from ((what, [*value[:i], y, *value[i + 1 :]]) for what, y in others_of(x))
    elif isinstance(value, bool):
        yield "other", not value
    elif isinstance(value, int):
        yield "less", value - 1
    elif isinstance(value, float):
        yield "more", 1.25 * value or 0.2
        yield "less", 0.8 * value or 0.1


# Without effect: no advantage is below 0, where the bound acts; no ratio is below 1 − 1.25.
IDLE = {"grpo-pass-at-k": {"clip low more", "clip low less"}, "clip-cov": {"clip low more"}}


def check_numbers(name, config, batches):
    """Every number of the configuration decides something in one of the batches, or a wrong one would pass."""
    table = lambda config: [x for b in batches for row in blocks.coefficients(config, BATCHES[b]) for x in row]
    expected = table(config)
    most = 1e-9 * max(map(abs, expected))
    for what, other in others_of(config):
        if what not in IDLE.get(name, set()):
            assert any(abs(x - y) > most for x, y in zip(expected, table(other))), (name, what)


VALUES = {
    "signal": [
        "Reward",
        Tag("Signed", positive=0.5, negative=2.0),
        Tag("NoiseCorrected", false_positive=0.1, false_negative=0.25),
        "BestMinusSecond",
    ],
    "baseline": ["Mean", Tag("Mean", shift=-0.1), None, "LeaveOneOut", "LengthWeighted", "BatchMean"],
    "scale": [
        [],
        [std(1e-6)],
        [std(1e-4, 0)],
        [Tag("Std", epsilon=1e-6)],
        [Tag("Std", epsilon=1e-6, ddof=1, over="Others", zero="Skip")],
        [Tag("Std", epsilon=1e-3, ddof=0, over="Others", zero="Divide")],
        [Tag("Std", epsilon=1e-6, ddof=1, over="Batch")],
        [Tag("Std", epsilon=1e-6, ddof=1, zero="Skip")],
        [Tag("Mean", epsilon=1e-6)],
        [Tag("Mean", epsilon=0.0, minimum=0.4)],
        [Tag("RootMean", epsilon=1e-6)],
        [std(1e-6, 0), Tag("Mean", epsilon=1e-6)],
    ],
    "prompt_weight": [
        None,
        Tag("Focal", 2.0),
        Tag("Power", 0.75),
        Tag("Power", 0.0),
        Tag("Beta", k=4, threshold=0.0),
        Tag("Beta", k=16, threshold=0.05),
        Tag("Curve", batches=10),
        Tag("Curve", window=[0.21, 0.3, 0.62, 0.9]),
        "PerSuccess",
    ],
    "multiplier": [1.0, 2.5, "PerGroup"],
    "subset": [None, "Correct", "Wrong"],
}


def fields(cases):
    """Every value of every field, others at their defaults but where a field means nothing without them."""
    for field, values in VALUES.items():
        for value in values:
            text = f"{field}: {ron(value)}"
            cases.policy_gradient(text, {field: value}, cases.some(ANY, 3))
    for baseline in (Tag("AfterScale", 1.0), Tag("AfterScale", 0.5)):
        config = {"baseline": baseline, "scale": [Tag("Mean", epsilon=1e-6)]}
        cases.policy_gradient(f"baseline: {ron(baseline)}", config, [ALIKE, SIZES, TWO_OF_8])
    none = {"baseline": None}
    for form in ("Centred", "Loo1", "Plain", "Standardised"):
        for k, batches in ((2, [ALIKE, TWO_OF_8, ONE]), (4, [EIGHTS, FIVES]), (1, [SIZES])):
            config = {"signal": Tag("PassAtK", k=k, form=form), **none}
            cases.policy_gradient(f"signal: {ron(config['signal'])}", config, batches)
    for baseline in (None, "LeaveOneOut", "CrossFitted"):
        for order, batches in ((1, [ALIKE]), (2, [SIZES, ALIKE]), (4, [TWO_OF_8, SIZES]), (9, [EIGHTS, FIVES])):
            config = {"signal": Tag("MaxLikelihood", order=order, baseline=baseline), **none}
            cases.policy_gradient(f"signal: {ron(config['signal'])}", config, batches)
    for order, batches in ((2, [ALIKE, SIZES, EIGHTS]), (3, [ALIKE, TWO_OF_8]), (5, [FIVES, EIGHTS])):
        config = {"signal": Tag("SubsetMaxLikelihood", order=order), **none}
        cases.policy_gradient(f"signal: {ron(config['signal'])}", config, batches)
    config = {"signal": Tag("MaxLikelihood", order=4, baseline=None), **none, "multiplier": "PerGroup"}
    cases.policy_gradient("signal: MaxLikelihood as the authors weigh it", config, [EIGHTS, SIZES, TWO_OF_8])
    config = {"signal": "BestMinusSecond", **none, "scale": [std(1e-6)]}
    cases.policy_gradient("signal: BestMinusSecond over the deviation", config, [ONE, EIGHTS, SIZES])
    sharings = [
        Tag("InverseProbability", 0.2),
        Tag("InverseProbability", 1.0),
        Tag("InverseFrequency", 1.0),
        Tag("InverseFrequency", 0.5),
        Tag("Cluster", 1.0),
        Tag("Cluster", 0.5),
        Tag("InverseSize", 1.0),
        Tag("InverseSize", 0.5),
        Tag("LogProbability", correct=0.05, wrong=0.05),
        Tag("LogProbability", correct=0.1, wrong=0.02),
    ]
    for sharing in sharings:
        config = {"sharing": sharing, "scale": [std(1e-6)]}
        cases.policy_gradient(
            f"sharing: {ron(sharing)}", config, [EIGHTS, FOURS, *cases.some([ALIKE, NAMED, SIZES], 1)]
        )
    for weight in (0.25, 1.0):
        config = {"rank_penalty": {"weight": weight}, "scale": [std(1e-6)]}
        cases.policy_gradient(f"rank_penalty: {weight}", config, [SIZES, BASED, EIGHTS, RIGHT_NEAR])
    for kind in ("K1", "K2", "K3", "Abs"):
        for per in ("Sequence", "ToGo"):
            kl = {"estimator": kind, "coefficient": 0.05, "per": per}
            config = {"reward_kl": kl, "baseline": "LeaveOneOut"}
            cases.policy_gradient(f"reward_kl: {ron(kl)}", config, cases.some(WITH_BASE, 1))
            config = {"reward_kl": kl, "scale": [std(1e-6)]}
            cases.policy_gradient(f"reward_kl: {ron(kl)}, over the deviation", config, cases.some(WITH_BASE, 1))
    for whiten in ({"ddof": 1, "epsilon": 1e-8}, {"ddof": 0, "floor": 1e-8}, {"ddof": 0, "floor": 0.5}):
        cases.policy_gradient(f"whiten: {ron(whiten)}", {"whiten": whiten}, cases.some(ANY, 3))
        config = {
            "whiten": whiten,
            "reward_kl": {"estimator": "K1", "coefficient": 0.1, "per": "ToGo"},
            "baseline": None,
        }
        cases.policy_gradient(f"whiten: {ron(whiten)}, KL to go", config, cases.some(WITH_BASE, 2))
    for lone in ("Raw", "Centred"):
        for baseline in ("Mean", "LeaveOneOut"):
            config = {"lone": lone, "baseline": baseline, "scale": [std(1e-6)]}
            cases.policy_gradient(f"lone: {lone}, {baseline}", config, [LONE])
        config = {"lone": lone, "baseline": "LengthWeighted"}
        cases.policy_gradient(f"lone: {lone}, LengthWeighted", config, [LONE])


CLIPS = {
    "Token": [
        None,
        Tag("Ppo", low=0.2, high=0.2),
        Tag("Ppo", low=0.2, high=0.28, dual=3.0),
        Tag("Ppo", low=0.3, high=0.1, dual=1.6),
        Tag("Truncate", min=0.8, max=1.2),
        Tag("Truncate", min=0.0, max=1.28),
        Tag("ZeroOutside", low=0.2, high=0.2),
        Tag("ZeroOutside", low=1 - 1 / 1.3, high=0.3, weight=None),
        Tag("ZeroOutside", probability=0.1),
        Tag("ZeroOutside", low=0.5, high=1.0),
        Tag("ZeroOutside", probability=0.02),
        Tag("Divergence", divergence="Tv", low=0.2, high=0.2),
        Tag("Divergence", divergence="Tv", low=0.05, high=0.08, cap=1.5),
        Tag("Divergence", divergence="Kl", low=0.05, high=0.05),
        Tag("Divergence", divergence="Kl", low=0.01, high=0.02, cap=3.0),
        Tag("Sigmoid", positive=1.0, negative=1.05),
        Tag("Sigmoid", positive=2.0, negative=5.0),
        Tag("Taper", by="Reward"),
        Tag("Taper", by="Advantage"),
        Tag("Taper", by="Reward", positive=0.5, negative=2.0),
        Tag("Taper", by="Advantage", positive=2.0, negative=0.5),
        Tag("Covariance", low=1.0, high=1.0, above=1.0, below=5.0),
        Tag("Covariance", low=0.2, high=0.2, above=0.2, below=0.9),
    ],
    "Sequence": [
        None,
        Tag("Ppo", low=0.2, high=0.2),
        Tag("Ppo", low=0.2, high=0.2, dual=1.8),
        Tag("Truncate", min=0.0, max=2.0),
        Tag("ZeroOutside", low=0.5, high=1.0),
        Tag("Gamma", positive=[2.0, 3.0], negative=[3.0, 2.0]),
        Tag("Gamma", positive=[1.0, 1.0], negative=[2.0, 0.5]),
        Tag("Taper", by="Reward"),
        Tag("Sigmoid", positive=1.0, negative=1.05),
    ],
    "Geometric": [
        None,
        Tag("Ppo", low=3e-4, high=4e-4),
        Tag("Ppo", low=0.2, high=0.2),
        Tag("Truncate", min=0.8, max=1.2),
        Tag("ZeroOutside", low=0.1, high=0.1),
        Tag("GeometricOfClipped", low=0.4, high=0.4),
        Tag("GeometricOfClipped", low=0.1, high=0.2),
    ],
}

AGGREGATES = [
    Tag("SequenceSum", divisor=1.0),
    Tag("SequenceSum", divisor=12.5),
    Tag("SequenceSum", divisor="Longest"),
    Tag("SequenceSum", divisor=12.0, batch_mean=False),
    Tag("SequenceSum", divisor="Longest", batch_mean=False),
    "TokenMean",
    "SequenceMean",
    "TokenSum",
]


def ratio_and_after(cases):
    turn = 0
    for ratio, clips in CLIPS.items():
        for clip in clips:
            turn += 1
            aggregate = ["TokenMean", "SequenceMean", Tag("SequenceSum", divisor=1.0)][turn % 3]
            config = {"scale": [std(1e-6)], "ratio": ratio, "clip": clip, "aggregate": aggregate}
            cases.policy_gradient(f"ratio: {ratio}, clip: {ron(clip)}", config, cases.some(OFF_POLICY, 2))
            if turn % 3 == 0:
                cases.policy_gradient(
                    f"ratio: {ratio}, clip: {ron(clip)}", config, [[ONE, BASED_ON, KNOWN_ON][turn // 3 % 3]]
                )
    for aggregate in AGGREGATES:
        cases.policy_gradient(f"aggregate: {ron(aggregate)}", {"aggregate": aggregate}, cases.some(ANY, 2))
        config = {
            "scale": [std(1e-6)],
            "ratio": "Token",
            "clip": Tag("Ppo", low=0.2, high=0.2),
            "aggregate": aggregate,
            "penalties": [penalty("K3", 0.1)],
        }
        cases.policy_gradient(f"aggregate: {ron(aggregate)}, with a penalty", config, cases.some(WITH_BASE, 2))
        if aggregate.__class__ is str or aggregate.get("divisor") != "Longest":
            config = {"signal": Tag("Signed", positive=1.0, negative=1.0), "baseline": None, "aggregate": aggregate}
            for subset in ("Correct", "Wrong"):
                what = f"subset: {subset}, aggregate: {ron(aggregate)}"
                cases.policy_gradient(what, {**config, "subset": subset}, cases.some([ALIKE, SIZES, EIGHTS, PIECES], 1))
    for delta in (0.0001, 0.1):
        for ratio in ("Token", "Geometric"):
            config = clipped([std(1e-6)], sequence_mask={"delta": delta}, ratio=ratio)
            cases.policy_gradient(f"sequence_mask: {delta}, ratio: {ratio}", config, cases.some(OFF_POLICY, 2))
    for level in ("Token", "Sequence"):
        for most in (1.1, 2.0):
            what = f"importance: (level: {level}, max: {most})"
            importance = {"importance": {"level": level, "max": most}}
            cases.policy_gradient(what, importance, cases.some(OFF_POLICY, 2))
            cases.policy_gradient(f"{what}, clipped", clipped([std(1e-6)], **importance), cases.some(OFF_POLICY, 2))
    for fraction, coefficient in ((0.0002, 1.0), (0.2, 0.1), (0.2, 1.0)):
        extra = {"fraction": fraction, "coefficient": coefficient}
        config = clipped([std(1e-6)], None, covariance_penalty=extra)
        cases.policy_gradient(f"covariance_penalty: {ron(extra)}", config, cases.some(OFF_POLICY, 2) + [BASED_ON])
    for aggregate in ("TokenMean", "SequenceMean", Tag("SequenceSum", divisor=1.0)):
        entropy = {"coefficient": 0.02, "form": "Sampled"}
        config = {"entropy": entropy, "aggregate": aggregate}
        cases.policy_gradient(f"entropy: {ron(entropy)}, {ron(aggregate)}", config, cases.some(ANY, 2))


def penalties(cases):
    for to in ("Base", "Behaviour"):
        for kind in ("K1", "K2", "K3", "Abs"):
            for weighted in (None, "Ratio", "Self"):
                if kind == "Abs" and weighted:
                    continue
                more = {"weighted": weighted} if weighted else {}
                p = penalty(kind, 0.1, to, **more)
                config = clipped([std(1e-6)], penalties=[p])
                chosen = cases.some([x for x in WITH_BASE if x != BASED_ON], 1) + ([BASED_ON] if kind == "K3" else [])
                cases.policy_gradient(f"penalties: [{ron(p)}]", config, chosen)
                if weighted == "Ratio" and to == "Base":
                    for ratio in ("Geometric", "Sequence"):
                        chosen = cases.some(WITH_BASE, 1)
                        cases.policy_gradient(
                            f"penalties: [{ron(p)}], ratio: {ratio}", {**config, "ratio": ratio}, chosen
                        )
    for weighted in (None, "Ratio", "Self"):
        for kind, clamp in (("K3", 0.1003), ("K1", 0.305), ("K2", 0.0503)):
            p = penalty(kind, 0.2, clamp=clamp, **({"weighted": weighted} if weighted else {}))
            config = clipped([std(1e-6)], penalties=[p], aggregate="SequenceMean")
            cases.policy_gradient(f"penalties: [{ron(p)}]", config, cases.some(WITH_BASE, 2))
    for aggregate in AGGREGATES[:1] + ["TokenMean", "SequenceMean", "TokenSum"]:
        p = penalty("K2", 0.1, aggregate=aggregate)
        cases.policy_gradient(f"penalties: [{ron(p)}]", {"penalties": [p]}, cases.some(WITH_BASE, 2))
    two = [penalty("K3", 0.04), penalty("K2", 0.002, "Behaviour")]
    cases.policy_gradient("two penalties", clipped([], penalties=two), [BASED, EIGHTS, PIECES])
    p = penalty("K3", 0.1, aggregate="TokenMean")
    config = {"penalties": [p], "baseline": None, "subset": "Correct", "aggregate": "SequenceMean"}
    cases.policy_gradient("penalty of a subset", config, [BASED, EIGHTS, SHORT])


def families(cases):
    exact, group = [KNOWN, KNOWN_MIXED, KNOWN_ON], [BASED, PIECES, EIGHTS, KNOWN]
    filtered, tilted = "Filtered", Tag("Tilted", beta=0.5)
    turn = 0
    kinds = [
        "ForwardKl",
        "ReverseKl",
        "JensenShannon",
        "TotalVariation",
        "ChiSquared",
        "ReverseChiSquared",
        "Hellinger",
    ]
    for kind in kinds:
        for target in (filtered, tilted):
            if target == filtered and kind.startswith("Reverse"):
                continue
            for partition, batches in (("Exact", exact), ("Group", group)):
                turn += 1
                for baseline in [None, "GroupMean", "LeaveOneOut", None][turn % 3 :][:2]:
                    config = {"divergence": kind, "target": target, "partition": partition, "baseline": baseline}
                    cases.family("f-divergence", config, cases.some(batches, 1))
    for partition, batches in (("Exact", exact), ("Group", group)):
        for clip in (None, 2.0):
            config = {"alpha": 0.25, "clip": clip, "partition": partition, "baseline": "LeaveOneOut", "target": tilted}
            cases.family("alpha", config, cases.some(batches, 2))
        for target in (filtered, tilted):
            for more in ({"alpha": 0.25, "clip": 10.0, "divisor": 1.0}, {"alpha": 0.5, "clip": 0.5, "divisor": 1024.0}):
                config = {**more, "target": target, "partition": partition}
                cases.family("alpha-dpg", config, cases.some(batches, 2))
    for beta in (0.5, 2.0):
        for partition in ("Learned", "GroupMean", Tag("LogMeanExp", 0.5)):
            for factor in (2.0, 1.0):
                config = {"beta": beta, "partition": partition, "factor": factor}
                cases.family("trajectory-balance", config, cases.some(WITH_BASE, 1))
    config = {"beta": 0.1, "partition": Tag("LogMeanExp", 0.5), "factor": 0.02}
    cases.family("trajectory-balance", config, [BASED, EIGHTS])
    for more in (
        {"reward_scale": 15.0, "importance_weight": True},
        {"reward_scale": 15.0, "importance_weight": False},
        {"reward_scale": 2.0, "importance_weight": True},
        {"reward_scale": 15.0, "importance_weight": True, "baseline": "LeaveOneOut", "scale": []},
    ):
        cases.family("flow-rl", more, cases.some(WITH_BASE, 2))
    for kind in ("Forward", "Alpha", "Js", "JsLowVariance"):
        for aggregate in ("TokenMean", "SequenceMean"):
            config = {"divergence": kind, "alpha": 0.2, "eta": 0.05, "aggregate": aggregate}
            cases.family("rehearsal", config, [RIGHT, RIGHT_NEAR, RIGHT_ON])
        if kind in ("Forward", "Js"):
            config = {"divergence": kind, "alpha": 0.2, "eta": 0.05, "clamp": 0.1, "aggregate": "TokenMean"}
            cases.family("rehearsal", config, [RIGHT, RIGHT_NEAR])
    for anchor in ("Behaviour", None):
        for eta in (1.0, 0.5):
            cases.family(
                "group-target", {"eta": eta, "anchor": anchor}, [ONE, ALIKE, *cases.some([EIGHTS, PIECES, BASED], 1)]
            )
    for beta in (0.1, 1.0):
        cases.family(
            "mara", {"beta": beta, "anchor": "Batch"}, [BASED_ON, RIGHT_ON, KNOWN_ON, *cases.some(WITH_BASE, 1)]
        )
    for weight in ("Reward", Tag("Exponential", 0.5)):
        for normalise in (None, "Group"):
            for source in ("Base", "Policy"):
                config = {"weight": weight, "normalise": normalise, "source": source}
                cases.family("imitation", config, cases.some([TWO_OF_8, ALIKE, EIGHTS, BASED_ON], 2))
    for low in (0.2, 0.02):
        for aggregate in ("TokenMean", "SequenceMean"):
            for terms in ([], [penalty("K2", 0.002, "Behaviour")]):
                config = {"teacher": "Base", "low": low, "aggregate": aggregate, "penalties": terms}
                cases.family("distillation", config, cases.some(WITH_BASE, 1))


def powers(cases):
    """Targets a^alpha v: flat, flattened and sharpened."""
    exact, group = [POWERED, POWERED_ON], [BASED, PIECES, EIGHTS, KNOWN]
    for power in (0.0, 0.5, 3.0):
        target = Tag("Power", alpha=power)
        for kind in ("ForwardKl", "JensenShannon", "TotalVariation", "ChiSquared", "Hellinger"):
            for partition, batches in (("Exact", exact), ("Group", group)):
                config = {"divergence": kind, "target": target, "partition": partition, "baseline": None}
                cases.family("f-divergence", config, cases.some(batches, 1))
        config = {"divergence": "JensenShannon", "target": target, "partition": "Group", "baseline": "LeaveOneOut"}
        cases.family("f-divergence", config, cases.some(group, 1))
        for partition, batches in (("Exact", exact), ("Group", group)):
            for clip in (None, 2.0):
                config = {"alpha": 0.25, "clip": clip, "partition": partition, "baseline": "LeaveOneOut"}
                cases.family("alpha", {**config, "target": target}, cases.some(batches, 1))
            config = {"alpha": 0.5, "clip": 10.0, "divisor": 2.0, "target": target, "partition": partition}
            cases.family("alpha-dpg", config, cases.some(batches, 1))


def curve_steps(cases):
    """Curve over successive batches: each looks its pass rates up among those before it, at most `batches` of them."""
    names, seen, table = [SIZES, EIGHTS, ONE, ALIKE], [], []
    for batch_name in names:
        window = [rate for rates in seen[-2:] for rate in rates]
        c = blocks.coefficients({"prompt_weight": Tag("Curve", batches=2, window=window)}, BATCHES[batch_name])
        table.append([[x + 0.0 for x in row] for row in c])
        batch = Batch(BATCHES[batch_name])
        seen.append([blocks.mean(batch.v[i] for i in batch.members(g)) for g in batch.group_ids()])
    steps = [{**BATCHES[batch_name], "step": step} for step, batch_name in enumerate(names)]
    config = ron({"prompt_weight": Tag("Curve", batches=2)})
    cases.entries.append(
        {
            "name": "prompt_weight: Curve over four steps",
            "plugin": "policy-gradient",
            "config": config,
            "steps": steps,
            "coefficients": table,
        }
    )


def main():
    cases = Cases()
    for part in (presets, fields, ratio_and_after, penalties, families, curve_steps, powers, by_formula):
        before = len(cases.entries)
        part(cases)
        print(f"{part.__name__}: {len(cases.entries) - before}")
    seen = {}
    for entry in cases.entries:  # the same question twice is one
        seen.setdefault((entry["name"], entry["config"], entry.get("preset")), entry)
    lines = ",\n".join(json.dumps(e, allow_nan=False, separators=(", ", ": ")) for e in seen.values())
    Path(__file__).with_name("golden.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(len(seen), "cases", len(lines), "bytes")


if __name__ == "__main__":
    main()
