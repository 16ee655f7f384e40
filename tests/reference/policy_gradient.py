#!/usr/bin/env python3
"""Reference values of clipped policy gradients: writes `ppo_clip.json` and `ppo_runs.json` beside itself.

    python3 policy_gradient.py

Coefficients of `ppo-clip`, for N sequences that weigh 1/N, of which sequence i has T_i tokens:

    A_i     v_i less the mean of its group (`baseline: Mean`), less the mean of the others of its group
            (`LeaveOneOut`), or v_i itself (`None`)
    rho_it  exp(log q_it - log b_it)
    x_it    A_i rho_it, but 0 where clipped: A_i > 0 and rho > 1 + high, or A_i < 0 and rho < 1 - low, or, with
            `dual: d`, A_i < 0 and rho > d
    c_it    x_it / d (`SequenceSum(divisor: d)`, by default d = 1), x_it / T_i (`SequenceMean`), or
            x_it N / sum of all T (`TokenMean`)

`clipped_fraction` is the share of all tokens whose coefficient is 0 because of the clip; tokens with A_i = 0 are not
clipped. A `$` that was emitted is a token like any other.

Training, for the seed of a run. A step samples P groups of G outputs each; its prompts are the places sP..(s+1)P of an
endless list of passes over all prompts, pass p in the order of `shuffled` under the key (PROMPT_ORDER, step p). Groups
that have their prompt in common stay groups of their own, but their sample numbers go on counting. Epoch e goes over
the groups in the order of `shuffled` under the key (MINIBATCH, step s, epoch e); minibatch m is the places
mP/M..(m+1)P/M of it. Every minibatch makes one optimizer step: log-probs under the policy as it is then, the
behaviour's from when the outputs were sampled, N and the sum of all T counted in the minibatch.

What is checked here: Philox by the authors' vectors; every gradient of a run by central differences of the objective
whose gradient it is, (1/N) sum of min(A rho, A clip(rho)) (with `dual`, of max(that, d A) where A < 0), aggregated
likewise; and that no draw and no clip hangs on a rounding error. Numbers are float64 with the exp and log of the C
library: another may change last digits.
"""

import json
import re
from fractions import Fraction
from itertools import product
from math import exp, log, sqrt
from pathlib import Path
from random import Random

# What random numbers are drawn for.
ROLLOUT = 0
PROMPT_ORDER = 1
MINIBATCH = 11  # the first number that no other purpose has

FOLDER = Path(__file__).parent


# Random numbers: a function of what they are for.

def philox4x32_10(counter, key):
    """Salmon, Moraes, Dror, Shaw (2011)."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        mask = 0xFFFFFFFF
        c = [p1 >> 32 ^ c[1] ^ k0, p1 & mask, p0 >> 32 ^ c[3] ^ k1, p0 & mask]
        k0, k1 = k0 + 0x9E3779B9 & mask, k1 + 0xBB67AE85 & mask
    return c


def check_philox():
    """The known answers published with Random123."""
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0]
    assert philox4x32_10([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert philox4x32_10([2**32 - 1] * 4, [2**32 - 1] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    assert philox4x32_10(pi[:4], pi[4:]) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def uniform(seed, purpose, step, prompt, sample, position, epoch=0):
    counter = [position // 2 | epoch << 16, sample, prompt | purpose << 24, step]
    block = philox4x32_10(counter, [seed & 0xFFFFFFFF, seed >> 32])
    low, high = block[2:] if position % 2 else block[:2]
    return ((high << 32 | low) >> 11) / 2**53


def shuffled(n, seed, purpose, step, epoch=0):
    """Fisher-Yates, from the last place down."""
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = int(uniform(seed, purpose, step, 0, i, 0, epoch) * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


# The objective.

def advantages(rewards, groups, baseline):
    """One number a sequence; means as fractions, so that a group all alike has 0 exactly."""
    out = []
    for i, (v, g) in enumerate(zip(rewards, groups)):
        others = [w for j, w in enumerate(rewards) if groups[j] == g and j != i]
        subtracted = {
            "Mean": lambda: Fraction(v + sum(others), 1 + len(others)),
            "LeaveOneOut": lambda: Fraction(sum(others), len(others)),
            "None": lambda: Fraction(0),
        }[baseline]()
        out.append(float(v - subtracted))
    return out


def is_clipped(advantage, rho, clip):
    edges = [1 + clip["high"]] if advantage > 0 else [1 - clip["low"]]
    edges += [clip["dual"]] if advantage < 0 and "dual" in clip else []
    assert all(abs(rho / edge - 1) > 1e-7 for edge in edges if edge), "a ratio on the edge of the clip"
    if advantage > 0:
        return rho > 1 + clip["high"]
    return advantage < 0 and (rho < 1 - clip["low"] or rho > clip.get("dual", rho))


def share(aggregate, lengths, i):
    """The factor of the terms of sequence i, as a share of 1/N."""
    kind, divisor = aggregate
    if kind == "SequenceSum":
        return 1 / divisor
    return 1 / lengths[i] if kind == "SequenceMean" else len(lengths) / sum(lengths)


def ppo_clip(config, rewards, groups, log_probs, behaviour):
    """Coefficients, a row a sequence; and the clipped fraction."""
    lengths = [len(row) for row in log_probs]
    coefficients, clipped = [], 0
    for i, a in enumerate(advantages(rewards, groups, config["baseline"])):
        row = []
        for q, b in zip(log_probs[i], behaviour[i]):
            rho = exp(q - b)
            cut = is_clipped(a, rho, config["clip"])
            clipped += cut
            row.append(0.0 if cut or a == 0 else a * rho * share(config["aggregate"], lengths, i))
        coefficients.append(row)
    return coefficients, clipped / sum(lengths)


def surrogate(config, rewards, groups, log_probs, behaviour):
    """The objective whose gradient the coefficients give."""
    lengths, clip, total = [len(row) for row in log_probs], config["clip"], 0.0
    for i, a in enumerate(advantages(rewards, groups, config["baseline"])):
        for q, b in zip(log_probs[i], behaviour[i]):
            rho = exp(q - b)
            term = min(a * rho, a * min(max(rho, 1 - clip["low"]), 1 + clip["high"]))
            if a < 0 and "dual" in clip:
                term = max(term, clip["dual"] * a)
            total += term * share(config["aggregate"], lengths, i)
    return total / len(rewards)


def config_ron(config, written=("baseline", "clip", "aggregate")):
    """The fields that are `written`; the others must have their defaults."""
    assert all(config[field] == DEFAULT[field] for field in DEFAULT if field not in written)
    kind, divisor = config["aggregate"]
    texts = {
        "baseline": config["baseline"],
        "clip": "Ppo(" + ", ".join(f"{k}: {v}" for k, v in config["clip"].items()) + ")",
        "aggregate": f"SequenceSum(divisor: {divisor})" if kind == "SequenceSum" else kind,
    }
    return "(" + ", ".join(f"{field}: {texts[field]}" for field in texts if field in written) + ")"


DEFAULT = {"baseline": "Mean", "clip": {"low": 0.2, "high": 0.2}, "aggregate": ("SequenceSum", 1)}
CLIPS = [
    {"low": 0.2, "high": 0.2},
    {"low": 0.2, "high": 0.28},
    {"low": 0.1, "high": 0.4},
    {"low": 0.2, "high": 0.28, "dual": 3.0},
    {"low": 0.3, "high": 0.2, "dual": 1.5},
    {"low": 1.0, "high": 1.0},  # nothing is below 1 - low
    {"low": 0.0003, "high": 0.0004},
]
AGGREGATES = [("SequenceSum", 1), ("SequenceSum", 4), ("SequenceSum", 2.5), ("SequenceMean", None), ("TokenMean", None)]
BASELINES = ["Mean", "LeaveOneOut", "None"]


# Batches.

# How far log q - log b goes; None is on-policy.
DRIFTS = {"on-policy": None, "near": 0.1, "about the clip": 0.4, "far": 2.0, "very far": 9.0}
OUTCOMES = ["mixed", "mixed", "mixed", "one all right", "one all wrong", "all right", "all wrong"]
SIZES = [[2, 2], [4], [3, 5], [2, 3, 4], [8], [6, 2], [2, 2, 2, 2], [5]]


def below(random, n):
    return int(random.random() * n)  # the one method of Random whose numbers no version of Python changes


def token(random, drift):
    """log q and log b, of four decimals."""
    first = -round(0.01 + 3.0 * random.random(), 4)
    if drift is None:
        return first, first
    second = round(first + drift * (2.0 * random.random() - 1.0), 4)
    pair = [min(x - max(first, second, -0.0001) - 0.0001, -0.0001) if second > 0 else x for x in (first, second)]
    pair = [round(x, 4) for x in pair]
    return tuple(pair if random.random() < 0.5 else reversed(pair))


def random_batch(random, step, sizes, drift, outcome, lone):
    sequences = []
    for group, size in enumerate(sizes):
        rewards = [below(random, 2) for _ in range(size)]
        rewards[:2] = [1, 0]
        if outcome.startswith("all") or (outcome.startswith("one") and group == 0):
            rewards = [int(outcome.endswith("right"))] * size
        if lone:
            rewards = rewards[:1]
        for reward in rewards:
            pairs = [token(random, drift) for _ in range(1 + below(random, 6))]
            sequences.append({
                "group": group,
                "reward": reward,
                "log_probs": [q for q, _ in pairs],
                "behaviour_log_probs": [b for _, b in pairs],
            })
    if step % 4 == 3:  # groups that are not in one piece
        for i in range(len(sequences) - 1, 0, -1):
            j = below(random, i + 1)
            sequences[i], sequences[j] = sequences[j], sequences[i]
    return {"step": step, "sequences": sequences}


def clip_entries():
    random, entries, seen = Random(20), [], {}
    for n, (baseline, aggregate, clip) in enumerate(product(BASELINES, AGGREGATES, CLIPS)):
        config = {"baseline": baseline, "clip": clip, "aggregate": aggregate}
        written = [field for field in config if n % 2 or config[field] != DEFAULT[field]]
        drift = list(DRIFTS)[(n + n // 5) % 5]
        outcome, lone = OUTCOMES[(n + n // 7) % 7], baseline == "None" and n % 9 == 0
        batch = random_batch(random, n, SIZES[(n + n // 8) % 8], DRIFTS[drift], outcome, lone)
        keys = ["reward", "group", "log_probs", "behaviour_log_probs"]
        columns = [[sequence[key] for sequence in batch["sequences"]] for key in keys]
        coefficients, fraction = ppo_clip(config, *columns)
        for a, q, b in zip(advantages(columns[0], columns[1], baseline), columns[2], columns[3]):
            for rho in (exp(x - y) for x, y in zip(q, b)):
                side = "below" if rho < 1 - clip["low"] else "above" if rho > 1 + clip["high"] else "inside"
                side = "beyond dual" if rho > clip.get("dual", rho) else side
                key = ((a > 0) - (a < 0), side, is_clipped(a, rho, clip))
                seen[key] = seen.get(key, 0) + 1
        check_coefficients(config, columns, coefficients)
        entries.append({
            "name": f"{n}: {drift}, {outcome}",
            "objective": "ppo-clip",
            "config": config_ron(config, written),
            "batch": batch,
            "expected": {"coefficients": coefficients, "diagnostics": {"clipped_fraction": fraction}},
        })
    wanted = {
        (1, "above", True), (1, "inside", False), (1, "below", False), (1, "beyond dual", True),
        (-1, "above", False), (-1, "inside", False), (-1, "below", True), (-1, "beyond dual", True),
        (0, "above", False), (0, "inside", False), (0, "below", False), (0, "beyond dual", False),
    }
    assert set(seen) == wanted and min(seen.values()) >= 5, seen
    return entries


def check_coefficients(config, columns, coefficients):
    """c_it is N times the derivative of the surrogate in log q_it."""
    rewards, groups, log_probs, behaviour = columns
    for i, row in enumerate(log_probs):
        for t, here in enumerate(row):
            ends = []
            for moved in (here + 1e-6, here - 1e-6):
                row[t] = moved
                ends.append(surrogate(config, rewards, groups, log_probs, behaviour))
            row[t] = here
            slope = (ends[0] - ends[1]) / 2e-6 * len(rewards)
            # The differences lose the digits of the whole sum.
            close = 1e-6 * max(1, abs(ends[0]) * len(rewards), abs(coefficients[i][t]))
            assert abs(slope - coefficients[i][t]) < close, (i, t, slope, coefficients[i][t])


# The policy: a softmax n-gram over a, b.

SYMBOLS = "ab"
BOUNDARY = "^"  # behind the symbols in the order of contexts
END = "$"  # behind the symbols in a row
PATTERN = "a*(ba*ba*)*"


class Ngram:
    """Logits by context, in the order of contexts as numbers whose digits are the symbols, oldest first."""

    def __init__(self, order, ends, table):
        self.order = order
        self.choices = SYMBOLS + END * ends
        self.contexts = ["".join(c) for c in product(SYMBOLS + BOUNDARY, repeat=order - 1)]
        rows = [table.get(context) for context in self.contexts]
        self.logits = [[0.0] * len(self.choices) if row is None else [log(p) for p in row] for row in rows]

    def flat(self):
        return [x for row in self.logits for x in row]

    def set_flat(self, values):
        k = len(self.choices)
        self.logits = [list(values[r * k:(r + 1) * k]) for r in range(len(self.contexts))]

    def row(self, text):
        """Number of the row of what has been read."""
        return self.contexts.index((BOUNDARY * self.order + text)[-(self.order - 1):] if self.order > 1 else "")

    def log_softmax(self, row):
        logits = self.logits[row]
        top = max(logits)
        norm = top + log(sum(exp(x - top) for x in logits))
        return [x - norm for x in logits]

    def tokens(self, prompt, output):
        """Row and choice of every token."""
        return [(self.row(prompt + output[:t]), self.choices.index(k)) for t, k in enumerate(output)]

    def score(self, prompt, output):
        return [self.log_softmax(row)[choice] for row, choice in self.tokens(prompt, output)]

    def sample(self, prompt, horizon, uniforms):
        output = ""
        while len(output) < horizon and not output.endswith(END):
            u, total = uniforms(len(output)), 0.0
            for choice, log_prob in zip(self.choices, self.log_softmax(self.row(prompt + output))):
                total += exp(log_prob)
                assert abs(u - total) > 1e-9, "a draw on the edge of a symbol"
                if u < total:
                    break
            output += choice
        return output


def is_valid(output):
    return int(re.fullmatch(PATTERN, output.removesuffix(END)) is not None)


# Training.

class Sgd:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def step(self, parameters, gradient):
        return [x + self.learning_rate * g for x, g in zip(parameters, gradient)]


class Adam:
    """Kingma and Ba (2015), ascending: bias-corrected moments, epsilon outside of the root."""

    def __init__(self, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.learning_rate, self.betas, self.epsilon = learning_rate, (beta1, beta2), epsilon
        self.steps, self.moments = 0, None

    def step(self, parameters, gradient):
        self.steps += 1
        first, second = self.moments or ([0.0] * len(gradient), [0.0] * len(gradient))
        b1, b2 = self.betas
        first = [b1 * m + (1 - b1) * g for m, g in zip(first, gradient)]
        second = [b2 * v + (1 - b2) * g * g for v, g in zip(second, gradient)]
        self.moments = first, second
        return [
            x + self.learning_rate * (m / (1 - b1**self.steps)) / (sqrt(v / (1 - b2**self.steps)) + self.epsilon)
            for x, m, v in zip(parameters, first, second)
        ]


def gradient_of(policy, rows, coefficients):
    """(1/N) sum of c_it grad log q_it, in the flat order."""
    k = len(policy.choices)
    gradient = [0.0] * (k * len(policy.contexts))
    for row, c_row in zip(rows, coefficients):
        for (context, choice), c in zip(policy.tokens(row["prompt"], row["output"]), c_row):
            for j, log_prob in enumerate(policy.log_softmax(context)):
                gradient[context * k + j] += c / len(rows) * ((j == choice) - exp(log_prob))
    return gradient


def check_gradient(policy, config, rows, gradient):
    """Central differences of the surrogate in every logit."""
    rewards, groups = [r["reward"] for r in rows], [r["group"] for r in rows]
    behaviour, here = [r["behaviour"] for r in rows], policy.flat()

    def value(p, by):
        policy.set_flat(here[:p] + [here[p] + by] + here[p + 1:])
        scores = [policy.score(r["prompt"], r["output"]) for r in rows]
        return surrogate(config, rewards, groups, scores, behaviour)

    for p, g in enumerate(gradient):
        # Of fourth order: the error of the step is some 1e-13, that of rounding some 1e-12.
        h = 1e-4 if all(far_from_kinks(policy, config, r) for r in rows) else 1e-7
        slope = (8 * (value(p, h) - value(p, -h)) - value(p, 2 * h) + value(p, -2 * h)) / (12 * h)
        assert abs(slope - g) < (1e-10 if h == 1e-4 else 1e-7) * max(1.0, abs(g)), (p, slope, g)
    policy.set_flat(here)


def far_from_kinks(policy, config, row):
    clip = config["clip"]
    edges = [1 + clip["high"], 1 - clip["low"], clip.get("dual", 2.0)]
    rhos = [exp(q - b) for q, b in zip(policy.score(row["prompt"], row["output"]), row["behaviour"])]
    return all(abs(log(rho / edge)) > 5e-4 for rho in rhos for edge in edges if edge > 0)


def train(run, tally):
    policy = Ngram(run["order"], run["ends"], run["policy"])
    kind, numbers = run["optimizer"]
    optimizer = {"Sgd": Sgd, "Adam": Adam}[kind](**numbers)
    prompts, seed = run["prompts"], run["seed"]
    p, g, epochs, minibatches = run["groups"], run["group"], run["epochs"], run["minibatches"]
    assert p % minibatches == 0
    steps, passes = [], {}
    for s in range(run["steps"]):
        batch, counts = [], [0] * len(prompts)
        for place in range(s * p, (s + 1) * p):
            turn, at = divmod(place, len(prompts))
            if turn not in passes:
                passes[turn] = shuffled(len(prompts), seed, PROMPT_ORDER, turn)
            prompt, group = passes[turn][at], []
            for _ in range(g):
                number = counts[prompt]
                counts[prompt] += 1
                text = prompts[prompt]
                output = policy.sample(text, run["horizon"], lambda t: uniform(seed, ROLLOUT, s, prompt, number, t))
                group.append({
                    "group": place - s * p,
                    "prompt": text,
                    "output": output,
                    "reward": is_valid(output),
                    "behaviour": policy.score(text, output),
                })
            batch.append(group)
        updates = []
        for e in range(epochs):
            order = shuffled(p, seed, MINIBATCH, s, e)
            for m in range(minibatches):
                chosen = order[m * p // minibatches:(m + 1) * p // minibatches]
                rows = [row for group in chosen for row in batch[group]]
                fraction, scaled = update(policy, optimizer, run, rows)
                tally["updates"] += 1
                tally["clipping"] += fraction > 0
                tally["scaled"] += scaled
                tally["still"] += all(len({r["reward"] for r in batch[group]}) == 1 for group in chosen)
                updates.append({
                    "epoch": e,
                    "minibatch": m,
                    "groups": chosen,
                    "clipped_fraction": fraction,
                    "parameters": policy.flat(),
                })
        groups = [{"prompt": group[0]["prompt"], "outputs": [row["output"] for row in group]} for group in batch]
        steps.append({"groups": groups, "updates": updates})
    return policy.contexts, steps


def update(policy, optimizer, run, rows):
    """One optimizer step; the clipped fraction, and whether the gradient was scaled down."""
    scores = [policy.score(r["prompt"], r["output"]) for r in rows]
    columns = [[r[key] for r in rows] for key in ("reward", "group")]
    coefficients, fraction = ppo_clip(run["objective"], *columns, scores, [r["behaviour"] for r in rows])
    gradient = gradient_of(policy, rows, coefficients)
    check_gradient(policy, run["objective"], rows, gradient)
    norm, most = sqrt(sum(x * x for x in gradient)), run["clip_norm"]
    scaled = most is not None and norm > most
    if scaled:
        gradient = [x * (most / norm) for x in gradient]
    policy.set_flat(optimizer.step(policy.flat(), gradient))
    return fraction, scaled


# Runs.

def table(random, order, ends):
    """A row for every context that some string has, in hundredths."""
    rows = {}
    for context in ("".join(c) for c in product(SYMBOLS + BOUNDARY, repeat=order - 1)):
        if re.fullmatch(r"\^*[ab]*", context):
            parts = [20 + below(random, 41), 20 + below(random, 41)] if ends else [25 + below(random, 51)]
            parts = [min(parts[0], 45), min(parts[1], 35)] if ends else parts
            rows[context] = [n / 100 for n in (*parts, 100 - sum(parts))]
    return rows


def table_ron(rows):
    return "{" + ", ".join(f'"{context}": {row}' for context, row in rows.items()) + "}"


def experiment_ron(run):
    kind, numbers = run["optimizer"]
    optimizer = f"{kind}({', '.join(f'{k}: {v}' for k, v in numbers.items())})"
    clip_norm = "" if run["clip_norm"] is None else f", clip_norm: {run['clip_norm']}"
    sampled = ", ".join([
        f"prompts: {run['groups']}", f"group: {run['group']}",
        f"epochs: {run['epochs']}", f"minibatches: {run['minibatches']}",
    ])
    base, policy = (f"(order: {run['order']}, table: {table_ron(run[model])})" for model in ("base", "policy"))
    return f"""(
    name: "{run['name']}",
    task: (
        alphabet: Chars("{SYMBOLS}"),
        horizon: {run['horizon']},
        ending: {"EndSymbol" if run["ends"] else "FixedLength"},
        prompts: List({json.dumps(run["prompts"])}),
        base: (plugin: "ngram", config: {base}),
        verifier: (plugin: "regex", config: (pattern: "{PATTERN}")),
    ),
    policies: {{
        "ngram": (plugin: "ngram", config: {policy}, start: AsConfigured),
    }},
    objectives: {{
        "ppo": (plugin: "ppo-clip", config: {config_ron(run["objective"])}),
    }},
    training: (gradient: Sampled({sampled}), steps: {run['steps']}, optimizer: {optimizer}{clip_norm}),
    evaluation: (optima: false),
    seeds: [{run['seed']}],
)
"""


ONE = [""]
FOUR = ["a", "b", "aa", "ab"]
SGD = [("Sgd", {"learning_rate": rate}) for rate in (2.0, 4.0, 0.5)]
ADAM = [
    ("Adam", {"learning_rate": 0.1}),
    ("Adam", {"learning_rate": 0.25}),
    ("Adam", {"learning_rate": 0.15, "beta1": 0.8, "beta2": 0.99, "epsilon": 0.001}),
]
# order, ends, horizon, prompts, groups, group, epochs, minibatches, steps, optimizer, clip_norm
PLANS = [
    (1, False, 3, ONE, 1, 8, 1, 1, 6, SGD[0], None),
    (1, True, 4, ONE, 2, 6, 2, 1, 5, SGD[1], None),
    (2, False, 5, ONE, 4, 4, 1, 4, 4, SGD[0], None),
    (2, True, 4, ONE, 4, 4, 2, 2, 4, SGD[1], None),
    (2, False, 4, FOUR, 4, 4, 3, 1, 4, SGD[1], None),
    (2, True, 3, FOUR, 4, 5, 2, 4, 3, SGD[1], 0.05),
    (2, True, 5, FOUR, 6, 4, 3, 2, 3, SGD[0], None),
    (1, False, 5, FOUR, 2, 8, 3, 2, 4, SGD[1], 0.2),
    (1, True, 3, FOUR, 3, 6, 2, 1, 5, SGD[2], None),
    (2, False, 3, FOUR, 8, 3, 2, 4, 3, SGD[1], None),
    (1, False, 4, ONE, 2, 8, 2, 2, 5, ADAM[0], None),
    (1, True, 5, ONE, 4, 4, 3, 4, 3, ADAM[1], None),
    (2, False, 5, ONE, 1, 8, 3, 1, 6, ADAM[1], None),
    (2, True, 3, ONE, 2, 8, 1, 2, 6, ADAM[0], 0.1),
    (2, False, 4, FOUR, 4, 6, 1, 1, 5, ADAM[2], None),
    (2, True, 4, FOUR, 4, 4, 3, 2, 3, ADAM[1], None),
    (2, True, 5, FOUR, 2, 6, 2, 2, 5, ADAM[2], 0.05),
    (1, False, 3, FOUR, 4, 4, 2, 4, 4, ADAM[1], None),
    (1, True, 4, FOUR, 8, 3, 2, 2, 3, ADAM[1], None),
    (2, False, 3, FOUR, 6, 4, 3, 1, 4, ADAM[0], 0.1),
    (3, True, 5, FOUR, 4, 4, 2, 2, 4, ADAM[1], None),
    (3, False, 5, ONE, 2, 8, 3, 2, 4, SGD[1], None),
    (2, True, 4, FOUR, 3, 5, 3, 1, 4, SGD[1], None),
    (2, False, 5, FOUR, 4, 2, 3, 4, 3, SGD[1], None),
    (1, True, 5, ONE, 4, 2, 2, 2, 4, ADAM[1], None),
    (2, False, 4, ONE, 2, 6, 3, 2, 4, ADAM[2], None),
    (2, True, 3, ONE, 4, 3, 1, 1, 6, SGD[1], 0.3),
    (2, True, 5, ["", "b", "ab"], 4, 4, 2, 4, 3, SGD[1], None),
    (2, False, 5, ["", "b", "ab"], 2, 8, 3, 2, 4, ADAM[1], None),
    (1, False, 4, ONE, 4, 8, 3, 4, 3, SGD[1], None),
]


def runs():
    random, entries, tally = Random(22), [], dict.fromkeys(["updates", "clipping", "scaled", "still"], 0)
    keys = "order ends horizon prompts groups group epochs minibatches steps optimizer clip_norm".split()
    for n, plan in enumerate(PLANS):
        run = dict(zip(keys, plan))
        run["objective"] = {
            "baseline": BASELINES[(0, 0, 1, 0, 2)[n % 5]],
            "clip": CLIPS[(0, 1, 3, 0, 2, 4)[n % 6]],
            "aggregate": AGGREGATES[(0, 4, 3, 0, 1, 4, 3)[n % 7]],
        }
        run["seed"] = n % 3 + 1
        run["base"] = table(random, run["order"], run["ends"])
        run["policy"] = table(random, run["order"], run["ends"])
        ending = "EndSymbol" if run["ends"] else "FixedLength"
        shape = f"p{run['groups']}-g{run['group']}-e{run['epochs']}-m{run['minibatches']}"
        run["name"] = f"ppo-{n:02}-order-{run['order']}-{ending}-{shape}-{run['optimizer'][0]}".lower()
        start = Ngram(run["order"], run["ends"], run["policy"]).flat()
        contexts, steps = train(run, tally)
        entries.append({
            "name": run["name"],
            "seed": run["seed"],
            "experiment": experiment_ron(run),
            "contexts": contexts,
            "choices": list(SYMBOLS + END * run["ends"]),
            "start": start,
            "steps": steps,
        })
    assert all(tally.values()), tally
    return entries, tally


def lines(entries):
    """Each entry on one line."""
    return "[\n" + ",\n".join(json.dumps(entry, allow_nan=False) for entry in entries) + "\n]"


def main():
    check_philox()
    entries = clip_entries()
    (FOLDER / "ppo_clip.json").write_text(lines(entries) + "\n", encoding="utf-8")
    print(len(entries), "batches")
    entries, tally = runs()
    text = f'{{"minibatch_purpose": {MINIBATCH}, "runs": {lines(entries)}}}\n'
    (FOLDER / "ppo_runs.json").write_text(text, encoding="utf-8")
    print(len(entries), "runs,", ", ".join(f"{name}: {count}" for name, count in tally.items()))


if __name__ == "__main__":
    main()
