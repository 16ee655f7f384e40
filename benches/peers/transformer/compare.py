#!/usr/bin/env python3
"""Prints how many times faster a step is than in JAX, from interleaved runs on one thread, and its share of the core's peak.

    compare.py [--python v/bin/python] [--rounds 5] [--sizes A,B,C,D,C-ragged]
"""
import argparse
import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from built import bench, told  # noqa: E402  (lies beside the folders of the peers)
FLAGS = ("batch", "length", "symbols", "width", "layers", "heads")
SIZES = {"A": (256, 16, 16, 64, 2, 4), "B": (256, 16, 16, 128, 4, 4), "C": (256, 64, 64, 128, 4, 4),
         "D": (128, 128, 128, 256, 6, 8)}
STEPS = {"A": 40, "B": 12, "C": 4, "D": 2}


def forward_flops(size, run):
    """Multiplications and additions of a pass: matrices for every token, attention for every pair of which one sees the other."""
    _, _, symbols, width, layers, _ = size
    return run["tokens"] * (24 * layers * width * width + 2 * symbols * width) + run["pairs"] * 4 * layers * width


def ratio(theirs, ours):
    """The ratio of the medians, and the least and the greatest of a round."""
    rounds = [b / a for a, b in zip(ours, theirs)]
    return f"{statistics.median(theirs) / statistics.median(ours):.2f} ({min(rounds):.2f} to {max(rounds):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with jax")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="A,B,C,D,C-ragged")
    args = parser.parse_args()
    executable = bench("transformer")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    ours = lambda request: told([executable], PSTAR_TRANSFORMER_STEP=request)
    print("size      (B, T, V, d, L, H)            ms: pstar    reuse      jax | times jax: pstar    reuse             | "
          "GFLOP/s: pstar   reuse    peak | of the peak: pstar   reuse")
    for name in args.sizes.split(","):
        plain, _, ragged = name.partition("-")
        size, steps = SIZES[plain], STEPS[plain]
        flags = [f"--{key}={value}" for key, value in zip(FLAGS, size)] + [f"--{ragged}"] * bool(ragged)
        runs, peaks, flops = {"pstar": [], "reuse": [], "jax": []}, [], 0
        for _ in range(args.rounds):
            peaks.append(ours("peak")["gflops"])
            run = ours(f"{name} forget {steps}")
            flops = forward_flops(size, run)
            runs["pstar"].append(run["cpu_ms"])
            runs["reuse"].append(ours(f"{name} keep {steps}")["cpu_ms"])
            runs["jax"].append(told([args.python, HERE / "jax_step.py", *flags, f"--steps={steps}"])["cpu_ms"])
        ms, peak = {peer: statistics.median(values) for peer, values in runs.items()}, statistics.median(peaks)
        # A backward pass counts as two forward passes.
        rates = [passes * flops / ms[peer] / 1e6 for peer, passes in (("pstar", 4), ("reuse", 3))]
        ratios = [ratio(runs["jax"], runs[peer]) for peer in ("pstar", "reuse")]
        print(f"{name:<9} {size!s:<28} {ms['pstar']:10.1f} {ms['reuse']:8.1f} {ms['jax']:8.1f} | {ratios[0]:<20} "
              f"{ratios[1]:<20} | {rates[0]:14.1f} {rates[1]:7.1f} {peak:7.1f} |"
              + "".join(f"{100 * rate / peak:{width}.0f} %" for rate, width in zip(rates, (17, 6))), flush=True)


if __name__ == "__main__":
    main()
