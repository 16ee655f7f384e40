#!/usr/bin/env python3
"""Prints how long the log-mass of one automaton takes here and elsewhere, from interleaved runs on one thread.

    compare.py [--python v/bin/python] [--rounds 5] [--seconds 0.5] [--states 2000] [--symbols 16] [--horizon 64]
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import automaton

HERE = pathlib.Path(__file__).resolve().parent
OPENFST = ["g++", "-std=c++17", "-O3", "-DNDEBUG", HERE / "openfst.cc", "-lfst", "-ldl", "-o"]
PYTHON = {"scipy": "scipy_csr.py", "numpy": "numpy_bincount.py", "jax": "jax_scatter.py"}
# Of the mass, relative. f32 holds numbers near 8, as the log-masses of single states are, to 2.4e-7, and layers add up.
TOLERANCE, TOLERANCE_F32 = 1e-9, 1e-5


def build():
    """The executables of the peers in Rust, built if need be."""
    command = ["cargo", "build", "--release", "--bins", "--message-format", "json"]
    lines = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines if line.startswith("{")]
    return {b["target"]["name"]: b["executable"] for b in built if b.get("executable")}


def succeeds(command):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        return False


def commands(python, directory):
    """What runs each peer; says what is missing."""
    built = build()
    found = [[built["pstar"]]]
    openfst = pathlib.Path(directory, "openfst")
    if succeeds([*OPENFST, openfst]):
        found.append([openfst])
    else:
        print("OpenFst is missing: apt-get install g++ libfst-dev")
    found.append([built["rustfst"]])
    for module, script in PYTHON.items():
        if succeeds([python, "-c", f"import numpy, {module}"]):
            found.append([python, HERE / script])
        else:
            print(f"{module} is missing: {python} -m pip install {module}")
    return found


def measure(found, path, seconds, rounds):
    """Every line that the peers print, by peer."""
    # On one core, where a second thread would gain nothing.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    results = {}
    for _ in range(rounds):
        for command in found:
            out = subprocess.run([*command, path, str(seconds)], check=True, stdout=subprocess.PIPE, text=True,
                                 env=os.environ | one_thread).stdout
            for result in map(json.loads, out.splitlines()):
                results.setdefault(result["peer"], []).append(result)
    return results


def error(result, expected):
    """The relative error of a mass, for small ones: the difference of the logarithms."""
    return abs(result["log_mass"] - expected["log_mass"])


def disagreements(results):
    """Peers that walked another automaton than pstar, or lost mass."""
    expected = next(iter(results.values()))[0]
    for peer, runs in results.items():
        allowed = TOLERANCE_F32 if peer.endswith("f32") else TOLERANCE
        for run in runs:
            # So written that a NaN disagrees.
            if run["transitions"] != expected["transitions"] or not error(run, expected) <= allowed:
                found, wanted = (f"log-mass {r['log_mass']} over {r['transitions']} transitions"
                                 for r in (run, expected))
                yield f"{peer} has {found}, but pstar {wanted}"
                break


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with scipy and jax")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each peer in each round")
    for name, default in (("states", 2000), ("symbols", 16), ("horizon", 64)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "automaton.txt")
        automaton.write(path, args.states, args.symbols, args.horizon)
        results = measure(commands(args.python, directory), path, args.seconds, args.rounds)
    first = next(iter(results.values()))
    transitions, pstar = first[0]["transitions"], statistics.median(run["ms"] for run in first)
    print(f"{transitions} transitions, log-mass {first[0]['log_mass']:.12f}")
    print(f"{'peer':<34} {'ms':>8}  {'M transitions/s':>15}  {'times pstar':>11}  {'mass off by':>11}")
    for peer, runs in results.items():
        ms = statistics.median(run["ms"] for run in runs)
        off = max(error(run, first[0]) for run in runs)
        print(f"{peer:<34} {ms:8.3f}  {transitions / ms / 1e3:15.0f}  {ms / pstar:11.2f}  {off:11.1e}")
    sys.exit("\n".join(disagreements(results)) or None)


if __name__ == "__main__":
    main()
