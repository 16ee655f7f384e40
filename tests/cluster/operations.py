#!/usr/bin/env python3
"""How often a run's directory is asked about names, an arm: by a worker that trains it, by what puts the record together, and by
what tells how far a run is. What a file server is asked; reads and writes of open files are not counted.

    operations.py HOST

Counts calls of the system with strace, in runs of two sizes: an arm costs the difference. Exits with 1 where an arm costs more than
the bounds below, on which the figures of benches/many_workers.rs rest, and with 77 where strace is not there or may not trace.
"""

import collections
import os
import re
import subprocess
import sys
import tempfile

EXPERIMENT = """(
    name: "operations",
    task: (
        alphabet: Chars("ab"), horizon: 3, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
        verifier: (plugin: "regex", config: (pattern: "a*b")),
    ),
    policies: {"unigram": (plugin: "ngram", config: (order: 1), start: FitBase)},
    objectives: {"reinforce": (plugin: "reinforce")},
    training: (gradient: Population, steps: 2, optimizer: Sgd(learning_rate: 0.01)),
    evaluation: (every: 2, k: [1], optima: false),
    seeds: SEEDS,
)"""

CALLS = (
    "open,openat,creat,mkdir,mkdirat,rmdir,rename,renameat,renameat2,link,linkat,unlink,unlinkat,stat,lstat,newfstatat,statx,"
    "access,faccessat,faccessat2,readlink,readlinkat,getdents64,fsync,fdatasync"
)
# Most of an arm.
BOUNDS = {"worker": 34, "worker over what has ended": 2, "merge": 15, "status": 3}


def count(folder, *words):
    """Calls about what is in a folder, by name. The command must end well."""
    log = os.path.join(os.path.dirname(folder), "trace")
    traced = subprocess.run(
        ["strace", "-f", "-y", "-s", "4096", "-o", log, "-e", f"trace={CALLS}", *words], capture_output=True, text=True)
    if traced.returncode != 0:
        if "ptrace" in traced.stderr or "PTRACE" in traced.stderr:
            print("left out: strace may not trace here", file=sys.stderr)
            sys.exit(77)
        sys.exit(f"{' '.join(words)} ends with {traced.returncode}: {traced.stderr}")
    calls = collections.Counter()
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = re.match(r"\d+ +(\w+)\((.*)", line)
            # What an open file is like is known without its name.
            if found and folder in found[2] and not re.search(r'<[^>]*>, "",', found[2]):
                calls[found[1]] += 1
    os.remove(log)
    return calls


def main():
    host = os.path.abspath(sys.argv[1])
    try:
        subprocess.run(["strace", "-V"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        print("left out: strace is not installed", file=sys.stderr)
        sys.exit(77)
    sizes, costs = (100, 400), {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            experiment, run = os.path.join(folder, "it.ron"), os.path.join(folder, f"run{size}")
            with open(experiment, "w") as file:
                file.write(EXPERIMENT.replace("SEEDS", str(size)))
            subprocess.run([host, "run", experiment, "--out", run, "--prepare"], capture_output=True, check=True)
            worker = [host, "worker", run, "--threads", "1"]
            costs["worker", size] = count(run, *worker)
            # What the summary takes is that of `merge`.
            costs["worker over what has ended", size] = count(run, *worker)
            os.remove(os.path.join(run, "summary.json"))
            costs["merge", size] = count(run, host, "merge", run, "--threads", "1")
            costs["status", size] = count(run, host, "status", run)
    few, many = sizes
    wrong = 0
    for what, most in BOUNDS.items():
        difference = costs[what, many]
        difference.subtract(costs[what, few])
        if what == "worker":
            difference.subtract(costs["merge", many])
            difference.update(costs["merge", few])
        an_arm = sum(difference.values()) / (many - few)
        parts = ", ".join(f"{name} {calls / (many - few):.2f}" for name, calls in difference.most_common() if calls >= many - few)
        print(f"{what}: {an_arm:.2f} an arm, at most {most} ({parts})")
        wrong += an_arm > most + 0.1
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
