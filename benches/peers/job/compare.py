#!/usr/bin/env python3
"""Prints how many times faster the job that people run is than in JAX and numpy, from interleaved runs on one thread.

    compare.py [--python v/bin/python] [--rounds 5] [--arms 10] [--steps 400]
"""
import argparse
import pathlib
import platform
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from built import bench, told  # noqa: E402  (lies beside the folders of the peers)


def processor():
    """What the processor calls itself."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with jax")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--arms", type=int, default=10)
    parser.add_argument("--steps", type=int, default=400)
    args = parser.parse_args()
    executable = bench("job")
    size = [f"--arms={args.arms}", f"--steps={args.steps}"]
    commands = {
        "pstar": lambda: told([executable], PSTAR_JOB=f"{args.arms} {args.steps}")["cpu_ms"],
        "jax, vmap over seeds": lambda: told([args.python, HERE / "jax_job.py", *size])["cpu_ms"],
        "jax, seed by seed": lambda: told([args.python, HERE / "jax_job.py", *size, "--one-by-one"])["cpu_ms"],
        "pstar, sampling": lambda: told([executable], PSTAR_JOB="sampling")["cpu_ns"],
        "numpy, sampling": lambda: told([args.python, HERE / "numpy_sampling.py"])["cpu_ns"],
    }
    runs = {name: [] for name in commands}
    for _ in range(args.rounds):
        for name, run in commands.items():
            runs[name].append(run())
    median = {name: statistics.median(values) for name, values in runs.items()}
    print(f"{processor()}; medians of {args.rounds} rounds, one thread, processor time")
    for name, unit in [("pstar", "ms an arm"), ("pstar, sampling", "ns a token")]:
        print(f"{name:<22} {median[name]:9.2f} {unit}")
        of = "sampling" if "sampling" in name else "jax"
        for peer in (peer for peer in median if of in peer and not peer.startswith("pstar")):
            ratios = [theirs / ours for theirs, ours in zip(runs[peer], runs[name])]
            low, high = min(ratios), max(ratios)
            print(f"{peer:<22} {median[peer]:9.2f} {unit}: {median[peer] / median[name]:.1f} times ({low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main()
