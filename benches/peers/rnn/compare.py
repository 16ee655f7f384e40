#!/usr/bin/env python3
"""Prints how many times faster a step is than in JAX and PyTorch, from interleaved runs on one thread.

    compare.py [--python v/bin/python] [--rounds 5] [--sizes ABCD]
"""
import argparse
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from built import bench, told  # noqa: E402  (lies beside the folders of the peers)
SIZES = {"A": (256, 16, 16, 64), "B": (256, 16, 16, 128), "C": (1024, 32, 32, 128), "D": (128, 64, 64, 256)}
STEPS = {"A": 60, "B": 30, "C": 6, "D": 6}


def flops(batch, length, symbols, hidden, passes):
    """Multiplications and additions of the matrix products; `passes` forward passes and one backward."""
    recurrent, output = 6 * hidden * hidden * (length - 1), 2 * hidden * symbols * length
    return batch * (recurrent + output) * (passes + 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with jax and torch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="ABCD")
    args = parser.parse_args()
    executable = bench("rnn")
    print("size  (B, T, V, H)          ms: pstar  reuse    jax    torch | times jax: pstar  reuse | times torch: "
          "pstar  reuse | GFLOP/s: pstar  reuse")
    for name in args.sizes:
        size, steps = SIZES[name], STEPS[name]
        flags = [f"--{key}={value}" for key, value in zip(("batch", "length", "symbols", "hidden"), size)]
        runs = {"pstar": [], "reuse": [], "jax": [], "torch": []}
        for _ in range(args.rounds):
            runs["pstar"].append(told([executable], PSTAR_RNN_STEP=f"{name} forget {steps}")["cpu_ms"])
            runs["reuse"].append(told([executable], PSTAR_RNN_STEP=f"{name} keep {steps}")["cpu_ms"])
            for peer in ("jax", "torch"):
                runs[peer].append(told([args.python, HERE / f"{peer}_gru.py", *flags, f"--steps={steps}"])["cpu_ms"])
        ms = {peer: statistics.median(values) for peer, values in runs.items()}
        rate = {"pstar": flops(*size, 2) / ms["pstar"] / 1e6, "reuse": flops(*size, 1) / ms["reuse"] / 1e6}
        print(f"{name}     {size!s:<22}  {ms['pstar']:8.2f} {ms['reuse']:7.2f} {ms['jax']:7.2f} {ms['torch']:7.2f} |"
              + "".join(f"            {ms[peer] / ms['pstar']:6.2f} {ms[peer] / ms['reuse']:6.2f} |"
                        for peer in ("jax", "torch"))
              + f"           {rate['pstar']:6.1f} {rate['reuse']:6.1f}", flush=True)


if __name__ == "__main__":
    main()
