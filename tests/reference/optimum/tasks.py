#!/usr/bin/env python3
"""Random small tasks for attacking `host optimum`: writes `DIR/NAME.ron` and `DIR/NAME.json` for each.

    python3 tasks.py DIR COUNT [FIRST]

Task number i is the same for every COUNT: its generator is seeded by i. From 5000 on tasks are of the sorts that proved
hard: zeros in most bases, more symbols, more position-dependent policies. NAME is `t0000`, `t0001`, ...
The RON file is what the host reads; the JSON file says the same for `optimum.py`:

    {"name", "alphabet": [symbol], "prompt_alphabet": [symbol], "horizon", "end": bool,
     "truncated_is_invalid": bool, "prompts": [string], "weights": [number] | null,
     "base": {"order", "tables": [{context: [number]}]},       one table, or one a position
     "pattern": regular expression, "kind": what sort of verifier,
     "policy": {"order", "position_dependent": bool},
     "objectives": {name: {"kind": "kl", "lambda" | "mu"} | {"kind": "alpha", "alpha", "clip"?} | {"kind": "forward"}}}
"""

import json
import random
import sys
from itertools import product
from pathlib import Path

from space import Space


def pick(rng, weights):
    """A key of `weights`, by weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def size(symbols, horizon, end):
    return sum(symbols**n for n in range(horizon + 1)) if end else symbols**horizon


def row(rng, width, style):
    """Probabilities in thousandths that sum to one."""
    if style == "uniform":
        parts = [1] * width
    elif style == "ties":
        parts = [rng.choice([1, 1, 2, 4]) for _ in range(width)]
    else:
        shape = rng.choice([0.4, 1.0, 3.0])
        parts = [rng.gammavariate(shape, 1) + 0.02 for _ in range(width)]
    if style == "zeros":
        parts = [0 if rng.random() < 0.3 else p for p in parts]
        if not any(parts):
            parts[rng.randrange(width)] = 1
    total = sum(parts)
    whole = [round(1000 * p / total) for p in parts]
    whole[whole.index(max(whole))] += 1000 - sum(whole)
    return [w / 1000 for w in whole]


def words(rng, letters, horizon, end):
    """A random output."""
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, horizon) if end else horizon))


def alternation(words_):
    return "|".join(sorted(set(words_)))


def random_regex(rng, letters, depth):
    if depth == 0:
        return rng.choice([*letters, ".", "[" + "".join(rng.sample(letters, rng.randint(1, len(letters)))) + "]"])
    inner = [random_regex(rng, letters, depth - 1) for _ in range(3)]
    return rng.choice([
        inner[0] + inner[1],
        inner[0] + inner[1] + inner[2],
        f"({inner[0]}|{inner[1]})",
        f"({inner[0]})*",
        f"({inner[0]})?{inner[1]}",
        f"({inner[0]}|{inner[1]})*{inner[2]}",
    ])


def pattern(rng, letters, horizon, end):
    """The sort of a verifier, and its regular expression."""
    s = rng.choice(letters)
    other = "[" + "".join(c for c in letters if c != s) + "]"
    kind = rng.choice(["parity", "modulo3", "count", "substring", "words", "palindromes", "squares", "ends", "random", "random"])
    if kind == "parity":
        odd = rng.choice(["", f"{other}*{s}"])
        return kind, f"{odd}({other}|{s}{other}*{s})*"
    if kind == "modulo3":
        return kind, f"({other}*{s}{other}*{s}{other}*{s})*{other}*"
    if kind == "count":
        k = rng.randint(1, horizon - 1)
        return kind, f"{other}*({s}{other}*)" + rng.choice([f"{{{k}}}", f"{{0,{k}}}", f"{{{k},}}"])
    if kind == "substring":
        w = "".join(rng.choice(letters) for _ in range(rng.randint(1, 3)))
        return kind, f".*{w}.*"
    if kind == "words":
        return kind, alternation([words(rng, letters, horizon, end) for _ in range(rng.choice([1, 2, 3, 5, 8, 16]))])
    if kind == "palindromes" or kind == "squares":
        mirror = -1 if kind == "palindromes" else 1
        lengths = range(1, horizon + 1) if end else [horizon]
        found = []
        for n in lengths:
            for half in product(letters, repeat=(n + 1) // 2):
                h = "".join(half)
                found.append(h + h[: n // 2][::mirror])
        return kind, alternation(rng.sample(found, min(len(found), 60)))
    if kind == "ends":
        return kind, "|".join(f"{c}.*{c}" for c in letters) + "|" + "|".join(letters)
    return kind, random_regex(rng, letters, 3)


def prompts(rng, letters):
    """Prompts, symbols that only they use, weights."""
    if rng.random() >= 0.3:
        return [""], [], None
    extra = rng.choice([[], ["x"], ["x", "y"]])
    found = set()
    for _ in range(rng.randint(2, 4)):
        found.add("".join(rng.choice(letters + extra) for _ in range(rng.randint(0, 3))))
    found = sorted(found)
    weights = None
    if rng.random() < 0.33:
        weights = [rng.choice([0.0, 0.5, 1.0, 2.0, 5.0]) for _ in found]
        weights = weights if any(weights) else None
    return found, extra, weights


def propose(rng, hard):
    letters = list("abcd"[: pick(rng, {2: 0.3, 3: 0.4, 4: 0.3} if hard else {2: 0.5, 3: 0.33, 4: 0.17})])
    end = rng.random() < 0.4
    most = pick(rng, {150: 0.3, 500: 0.35, 1500: 0.23, 3000: 0.12})
    horizon = rng.choice([t for t in range(3, 9) if size(len(letters), t, end) <= max(most, size(len(letters), 3, end))])
    base_order = pick(rng, {1: 0.12, 2: 0.45, 3: 0.43})
    orders = range(1, base_order) if base_order > 1 and rng.random() < 0.65 else range(base_order, 4)
    zeros = 0.6 if hard else 0.18
    style = pick(rng, {"plain": 0.85 - zeros, "zeros": zeros, "uniform": 0.07, "ties": 0.08})
    found, extra, weights = prompts(rng, letters)
    kind, regex = pattern(rng, letters, horizon, end)
    task = {
        "alphabet": letters,
        "prompt_alphabet": extra,
        "horizon": horizon,
        "end": end,
        "truncated_is_invalid": end and rng.random() < 0.25,
        "prompts": found,
        "weights": weights,
        "base": {"order": base_order, "tables": [{}] * (horizon if rng.random() < 0.1 else 1)},
        "pattern": regex,
        "kind": kind,
        "policy": {"order": rng.choice(orders), "position_dependent": rng.random() < (0.35 if hard else 0.1)},
    }
    reached = Space.contexts(task, task["base"]["order"], len(task["base"]["tables"]) > 1)
    width = len(letters) + end
    task["base"]["tables"] = [{context: row(rng, width, style) for context in sorted(table)} for table in reached]
    return task


def objectives(space):
    """The objectives; KL-control by validity rate only where every prompt allows it."""
    found = {f"kl {x}": {"kind": "kl", "lambda": float(x)} for x in (2, 5, 10, 20)}
    if all(0 < p.valid < 0.94 for p in space.prompts) and len(space.prompts) == len(space.task["prompts"]):
        found["kl mu"] = {"kind": "kl", "mu": 0.95}
    found |= {f"alpha {x}": {"kind": "alpha", "alpha": x} for x in (0.25, 0.5, 0.75, 0.9)}
    found |= {f"alpha {x} clip": {"kind": "alpha", "alpha": x, "clip": 10.0} for x in (0.5, 0.75)}
    return found | {"forward": {"kind": "forward"}}


def task_of(index):
    """Task number `index`: the first proposal of its generator with something to solve."""
    rng = random.Random(index)
    while True:
        task = {"name": f"t{index:04}"} | propose(rng, index >= 5000)
        space = Space(task)
        everything = all(p.invalid == 0 for p in space.prompts)
        if space.prompts and (not everything or rng.random() < 0.03):
            return task | {"objectives": objectives(space)}


def ron_objective(o):
    if o["kind"] == "forward":
        return '(plugin: "forward-kl")'
    plugin = {"kl": "kl-control", "alpha": "alpha"}[o["kind"]]
    config = ", ".join(f"{k}: {v!r}" for k, v in o.items() if k != "kind")
    return f'(plugin: "{plugin}", config: ({config}))'


def ron(task):
    """The experiment file."""
    def quoted(values):
        return "[" + ", ".join(json.dumps(v) for v in values) + "]"

    def table(rows):
        return "{" + ", ".join(f'"{c}": {r}' for c, r in rows.items()) + "}"

    base = task["base"]
    tables = [table(t) for t in base["tables"]]
    model = f"table: {tables[0]}" if len(tables) == 1 else "tables: [" + ", ".join(tables) + "]"
    lines = ["(", f'    name: "{task["name"]}",', "    task: ("]
    lines.append(f'        alphabet: Chars("{"".join(task["alphabet"])}"),')
    if task["prompt_alphabet"]:
        lines.append(f'        prompt_alphabet: Chars("{"".join(task["prompt_alphabet"])}"),')
    lines.append(f"        horizon: {task['horizon']},")
    lines.append(f"        ending: {'EndSymbol' if task['end'] else 'FixedLength'},")
    if task["truncated_is_invalid"]:
        lines.append("        truncated_is_invalid: true,")
    if task["prompts"] != [""]:
        lines.append(f"        prompts: List({quoted(task['prompts'])}),")
    if task["weights"]:
        lines.append(f"        weights: {task['weights']},")
    lines.append(f'        base: (plugin: "ngram", config: (order: {base["order"]}, {model})),')
    lines.append(f'        verifier: (plugin: "regex", config: (pattern: {json.dumps(task["pattern"])})),')
    lines.append("    ),")
    by_position = ", position_dependent: true" if task["policy"]["position_dependent"] else ""
    lines.append("    policies: {")
    lines.append(f'        "q": (plugin: "ngram", config: (order: {task["policy"]["order"]}{by_position}), start: FitBase),')
    lines.append("    },")
    lines.append("    objectives: {")
    lines += [f'        "{name}": {ron_objective(o)},' for name, o in task["objectives"].items()]
    lines += ["    },", ")", ""]
    return "\n".join(lines)


def main():
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(first, first + count):
        task = task_of(index)
        (folder / f"{task['name']}.ron").write_text(ron(task))
        (folder / f"{task['name']}.json").write_text(json.dumps(task) + "\n")


if __name__ == "__main__":
    main()
