#!/usr/bin/env python3
"""Reference class optima: reads tasks (`DIR/NAME.json` of `tasks.py`), writes `RESULTS/NAME.json`.

    python3 optimum.py RESULTS TASK.json... [--starts 300] [--seed 1]

A task whose result has that seed already is left alone, so that an interrupted run can be taken up again; another seed
searches once more and keeps the better of each objective. A result is

    {"name", "starts", "seeds", "seconds", "outputs", "edges",
     "optima": {objective: {"value", "distinct", "hits", "table"}}}

"value" is summed here from the definitions (`space.py`), over every output, at the table found; "distinct" counts the
local optima met, "hits" the full descents that ended in the best; "table" is {context: [probability]}, as the
host writes it. Values may be "inf" (no policy stays within the base's support).
KL-control at a
validity rate has a second entry, NAME + " by beta", where prompts have different beta: the optimum of mean(E_q[v] -
beta KL(q||a)) rather than of mean(KL(q||p_beta)), its value that of KL averaged in proportion to weight * beta. The search
is `search.cpp`; forward KL has a closed form. A line a task on standard output.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from pathlib import Path

from space import Space

HERE = Path(__file__).parent


def program():
    """The search, compiled when it is older than its source."""
    source, made = HERE / "search.cpp", HERE / "search"
    if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["g++", "-O3", "-march=native", "-std=c++17", "-o", made, source], check=True)
    return made


def forward(space):
    """The maximum-likelihood policy of p*: expected counts, normalised. Rows without p*-mass are uniform."""
    counts = [[0.0] * space.width for _ in space.rows]
    for p in space.prompts:
        for o in p.outputs:
            for r, k in o.choices if o.valid else []:
                counts[r][k] += p.weight * o.base / p.valid
    return [[c / sum(row) if sum(row) > 0 else 1 / space.width for c in row] for row in counts]


def problem(space, objectives):
    """The search's input."""
    lines = [
        f"{prompt} {o.base!r} {int(o.valid)} {o.base / p.valid if o.valid else 0.0!r} {len(o.choices)} "
        + " ".join(str(r * space.width + k) for r, k in o.choices)
        for prompt, p in enumerate(space.prompts)
        for o in p.outputs
    ]
    head = f"{len(space.rows)} {space.width} {len(lines)} {len(space.prompts)} {len(objectives)}"
    lines.insert(0, " ".join(repr(p.weight) for p in space.prompts))
    for o in objectives:
        if o["kind"] == "kl":
            strengths, weights = [space.strength(o, p) for p in space.prompts], space.weights(o)
            parts = [math.log(p.valid * math.exp(s) + p.invalid) for p, s in zip(space.prompts, strengths)]
            constant = math.fsum(w * x for w, x in zip(weights, parts))
            lines.append("kl " + " ".join(map(repr, [constant, *strengths, *weights])))
        elif "clip" in o:
            lines.append(f"clip 1 {o['alpha']} {o['clip']}")
        else:
            lines.append(f"alpha {1 / (o['alpha'] * (1 - o['alpha']))!r} {o['alpha']}")
    return "\n".join([head, *lines, ""])


def key(space, row):
    """A row's name in tables, the host's too: its context; `POSITION:CONTEXT` of a position-dependent policy."""
    position, context = row
    return f"{position}:{context}" if space.task["policy"]["position_dependent"] else context


def by_context(space, table):
    return {key(space, row): table[number] for row, number in space.rows.items()}


def by_number(space, table):
    """The inverse of `by_context`."""
    return [table[key(space, row)] for row in space.rows]


def optima(task, starts, seed):
    began = time.time()
    space = Space(task)
    searched = {name: o for name, o in task["objectives"].items() if o["kind"] != "forward"}
    if len(space.prompts) > 1:
        searched |= {f"{name} by beta": o | {"by_beta": True} for name, o in searched.items() if "mu" in o}
    text = problem(space, searched.values())
    answer = subprocess.run([program(), str(starts), str(seed)], input=text, capture_output=True, text=True, check=True)
    found = {}
    for (name, o), line in zip(searched.items(), answer.stdout.splitlines()):
        value, distinct, hits, *flat = line.split()
        if value == "inf":
            found[name] = {"value": "inf"}
            continue
        table = [list(map(float, flat[i : i + space.width])) for i in range(0, len(flat), space.width)]
        exact = space.value(o, table)
        assert abs(exact - float(value)) <= 1e-10 * max(1, abs(exact)), (task["name"], name, exact, value)
        found[name] = {"value": exact, "distinct": int(distinct), "hits": int(hits), "table": by_context(space, table)}
    for name, o in task["objectives"].items():
        if o["kind"] == "forward":
            table = forward(space)
            found[name] = {"value": space.value(o, table), "table": by_context(space, table)}
    return {
        "name": task["name"],
        "starts": starts,
        "seeds": [seed],
        "seconds": round(time.time() - began, 2),
        "outputs": sum(len(p.outputs) for p in space.prompts),
        "edges": len(space.rows) * space.width,
        "optima": found,
    }


def better(known, fresh):
    """Both results in one; tells what became better."""
    for name, old in known["optima"].items():
        before, now = float(old["value"]), float(fresh["optima"][name]["value"])
        if before <= now:
            fresh["optima"][name] = old
        elif now < before - 1e-8 * max(1e-3, abs(before)):
            print(fresh["name"], name, "improved from", before, "to", now)
    return fresh | {"seeds": known["seeds"] + fresh["seeds"]}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("results", type=Path)
    arguments.add_argument("tasks", type=Path, nargs="+")
    arguments.add_argument("--starts", type=int, default=300)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    given.results.mkdir(parents=True, exist_ok=True)
    for path in given.tasks:
        to = given.results / path.name
        known = json.loads(to.read_text()) if to.exists() else {"seeds": [], "optima": {}}
        if given.seed in known["seeds"]:
            continue
        result = better(known, optima(json.loads(path.read_text()), given.starts, given.seed))
        part = to.with_suffix(".part")
        part.write_text(json.dumps(result) + "\n")
        part.rename(to)
        print(result["name"], result["outputs"], result["edges"], result["seconds"], flush=True)


if __name__ == "__main__":
    sys.exit(main())
