#!/usr/bin/env python3
"""Compares `HOST optimum FILE --json` with the reference's results, objective by objective.

    python3 compare.py HOST TASKS RESULTS [--out comparison.json] [--only NAME...] [--timeout 300] [--boxes N]

Every task of RESULTS (`optimum.py`) is run. A row is an objective of a task:

    {"task", "objective", "reference", "host", "at_table", "difference", "lower_bound", "proved", "verdict", "marks"}

"difference" is (host - reference) / max(|reference|, 1e-3); "at_table" the reference's own sum at the host's table;
"proved": the host's `lower_bound` is there and value <= lower_bound + 1e-3 |value|. "verdict" is "equal" (within 1e-6),
"missed" (the reference is better), "beaten" (the host is better), "refused" (an error where a finite
value exists; an error where all are infinite is "equal"), "by beta" (the host is at the
reference's "by beta" optimum, see `optimum.py`), or "by prompts" (some prompt has no valid output: the
reference leaves it out, the host's KL-control does not). "marks" name what is wrong
however good the value: "unsound bound" (lower_bound above the best value known by more than 1e-9), "false proof" (proved,
yet missed by more than 1e-3), "value" (the host's value is not that of its table).
Exit code 1 if a row has a mark, or a task of the host's failed.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from optimum import by_number
from space import Space
from tasks import ron

SAME = 1e-6


def number(x):
    return None if x is None else float(x)


def run(host, task, timeout, more):
    """The host's rows by objective, None for those that it refused; or what it said. And its seconds."""
    began, refused = time.time(), {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{task['name']}.ron"
        while len(refused) < len(task["objectives"]):
            left = {name: o for name, o in task["objectives"].items() if name not in refused}
            path.write_text(ron(task | {"objectives": left}))
            try:
                answer = subprocess.run([host, "optimum", path, "--json", *more], capture_output=True, text=True, timeout=timeout)
            except subprocess.TimeoutExpired:
                return f"more than {timeout} s", time.time() - began
            if answer.returncode == 0:
                rows = {row["objective"]: row for row in json.loads(answer.stdout)["optima"]}
                return rows | refused, time.time() - began
            named = [name for name in left if f"objective `{name}`" in answer.stderr]
            if not named:
                return f"exit code {answer.returncode}: {answer.stderr.strip()}", time.time() - began
            refused |= dict.fromkeys(named)
            print(task["name"], "refused:", answer.stderr.strip().splitlines()[0].strip(), flush=True)
    return refused, time.time() - began


def compare(space, objective, reference, row):
    """A row of the comparison."""
    value = number(reference["value"])
    if row is None:
        return {"reference": reference["value"], "verdict": "equal" if value == math.inf else "refused", "marks": []}
    host, bound = number(row["value"]), number(row.get("lower_bound"))
    at_table = space.value(objective, by_number(space, row["table"]))
    best = min(value, host, at_table)
    difference = 0.0 if host == value else -math.inf if value == math.inf else (host - value) / max(abs(value), 1e-3)
    proved = bound is not None and host <= bound + 1e-3 * abs(host)
    marks = []
    if bound is not None and bound > best + 1e-9:
        marks.append("unsound bound")
    if proved and difference > 1e-3:
        marks.append("false proof")
    if at_table != host and not abs(at_table - host) <= 1e-9 * max(1, abs(host)):
        marks.append("value")
    return {
        "reference": reference["value"],
        "host": row["value"],
        "at_table": at_table,
        "difference": difference,
        "lower_bound": row.get("lower_bound"),
        "proved": proved,
        "verdict": "missed" if difference > SAME else "beaten" if difference < -SAME else "equal",
        "marks": marks,
    }


def all_count(task, space):
    """Whether every prompt of positive weight has a valid output."""
    weights = task["weights"] or [1.0] * len(task["prompts"])
    return len(space.prompts) == sum(weight > 0 for weight in weights)


def show(row):
    told = f"{row['task']} {row['objective']:16} {row['verdict']:7} reference {row['reference']} host {row.get('host')}"
    if row["verdict"] in ("missed", "beaten", "by beta"):
        told += f" ({row['difference']:+.2e})"
    bound = row.get("lower_bound")
    told += "" if bound is None else f" bound {bound}" + (" proved" if row["proved"] else "")
    return told + "".join(f"  *** {mark.upper()} ***" for mark in row["marks"])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("host")
    arguments.add_argument("tasks", type=Path)
    arguments.add_argument("results", type=Path)
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--only", nargs="*")
    arguments.add_argument("--timeout", type=float, default=300)
    arguments.add_argument("--boxes", help="what the host's proofs may look at")
    given = arguments.parse_args()
    rows, failures, seconds = [], [], {}
    for path in sorted(given.results.glob("*.json")):
        if given.only and path.stem not in given.only:
            continue
        task = json.loads((given.tasks / path.name).read_text())
        result = json.loads(path.read_text())
        answer, seconds[path.stem] = run(given.host, task, given.timeout, ["--boxes", given.boxes] if given.boxes else [])
        if isinstance(answer, str):
            failures.append({"task": path.stem, "message": answer})
            print(path.stem, "FAILED", answer, flush=True)
            continue
        space = Space(task)
        for name, reference in result["optima"].items():
            if name not in task["objectives"]:
                continue
            row = {"task": path.stem, "objective": name}
            row |= compare(space, task["objectives"][name], reference, answer[name])
            other = result["optima"].get(f"{name} by beta")
            if other and row["verdict"] == "missed":
                there = space.value(task["objectives"][name] | {"by_beta": True}, by_number(space, answer[name]["table"]))
                if there - other["value"] <= SAME * max(abs(other["value"]), 1e-3):
                    row["verdict"], row["marks"] = "by beta", [m for m in row["marks"] if m != "false proof"]
            # The host's KL-control also pays for the prompts that nothing solves, as training does.
            if row["verdict"] in ("missed", "refused") and name.startswith("kl") and not all_count(task, space):
                row["verdict"] = "by prompts"
            rows.append(row)
            if row["verdict"] != "equal" or row["marks"]:
                print(show(row), flush=True)
    tally = Counter(row["verdict"] for row in rows)
    marks = Counter(mark for row in rows for mark in row["marks"])
    proved = sum(row.get("proved", False) for row in rows)
    bounds = sum(row.get("lower_bound") is not None for row in rows)
    print(f"{len(seconds)} tasks, {len(failures)} failed, {len(rows)} rows: " + ", ".join(f"{n} {v}" for v, n in tally.most_common()))
    print(f"lower bounds: {bounds}, proved within 1e-3: {proved}; marks: " + (", ".join(f"{n} {m}" for m, n in marks.items()) or "none"))
    missed = [row for row in rows if row["verdict"] == "missed"]
    print(f"missed by more than 1e-6: {len(missed)}, 1e-4: {sum(r['difference'] > 1e-4 for r in missed)}, 1e-2: {sum(r['difference'] > 1e-2 for r in missed)}; in {len({r['task'] for r in missed})} tasks; of them proved: {sum(r['proved'] for r in missed)}")
    for objective in dict.fromkeys(row["objective"] for row in rows):
        of = [row for row in rows if row["objective"] == objective]
        print(f"  {objective:16} " + ", ".join(f"{n} {v}" for v, n in Counter(r["verdict"] for r in of).most_common()))
    print(f"host's seconds: {sum(seconds.values()):.1f} in all, {max(seconds.values(), default=0):.1f} at most")
    if given.out:
        given.out.write_text(json.dumps({"rows": rows, "failures": failures, "seconds": seconds}, indent=1) + "\n")
    return 1 if marks or failures else 0


if __name__ == "__main__":
    sys.exit(main())
