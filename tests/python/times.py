#!/usr/bin/env python3
"""What the package costs: sizes of the wheel, time of an import and of calls.

    python tests/python/times.py [WHEEL]

Run it in an environment in which the package is installed. Every time is the best of several, in milliseconds.
"""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import pstar


def best(work: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def imports(code: str) -> float:
    """Of one statement, in a new interpreter that has numpy."""
    text = f"import numpy, time\nstart = time.perf_counter()\n{code}\nprint((time.perf_counter() - start) * 1e3)"
    run = lambda: float(subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True).stdout)  # noqa: E731
    return min(run() for _ in range(10))


def sizes(wheel: Path) -> None:
    megabytes = 1e-6
    print(f"wheel {wheel.stat().st_size * megabytes:.1f} MB")
    with zipfile.ZipFile(wheel) as files:
        libraries = [file for file in files.infolist() if Path(file.filename).suffix in (".so", ".dylib", ".pyd", ".dll")]
        native = sum(file.file_size for file in libraries if "_native" in file.filename)
        plugins = [file.file_size for file in libraries if "_native" not in file.filename]
        print(f"extension {native * megabytes:.1f} MB, {len(plugins)} plugins {sum(plugins) * megabytes:.1f} MB, unpacked")


def calls(n: int, t: int, repeats: int) -> None:
    draws = np.random.default_rng(0)
    lengths = draws.integers(t // 2, t + 1, n)
    mask = np.arange(t) < lengths[:, None]
    padded = {name: np.where(mask, -draws.exponential(0.5, (n, t)), 0.0) for name in ("log_probs", "base_log_probs")}
    rest = {"rewards": draws.integers(0, 2, n), "groups": np.arange(n) // 8}
    layouts = {
        "padded float32": {**{name: values.astype(np.float32) for name, values in padded.items()}, "mask": mask},
        "ragged float64": {**{name: values[mask] for name, values in padded.items()}, "lengths": lengths},
    }
    for name, config in (("reinforce", "()"), ("alpha", "(alpha: 0.5, partition: Group)"), ("grpo-trl", "()")):
        objective = pstar.Objective(name, config)
        for layout, columns in layouts.items():
            asked = {**columns, **rest}
            if not objective.declaration["base_log_probs"]:
                del asked["base_log_probs"]
            took = best(lambda: objective.coefficients(**asked), repeats)
            print(f"{n} x {t} ({lengths.sum()} tokens), {name}, {layout}: {took:.2f} ms")


def main() -> None:
    for wheel in sys.argv[1:]:
        sizes(Path(wheel))
    print(f"import {imports('import pstar'):.1f} ms beyond numpy")
    first = imports("import pstar; pstar.Objective('rloo')")
    print(f"import and the first objective {first:.1f} ms")
    objective = pstar.Objective("rloo")
    small = {"rewards": np.arange(8) % 2, "groups": np.zeros(8, int), "lengths": np.ones(8, int), "log_probs": np.full(8, -0.5)}
    print(f"8 x 1, rloo, ragged float64: {best(lambda: objective.coefficients(**small), 2000):.4f} ms")
    print(f"a new objective: {best(lambda: pstar.Objective('rloo'), 2000):.4f} ms")
    calls(1000, 64, 300)
    calls(1024, 4096, 7)


if __name__ == "__main__":
    main()
