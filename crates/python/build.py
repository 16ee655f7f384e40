#!/usr/bin/env python3
"""Builds the wheel of `pstar-lab`: the plugins, put into the package, and the extension.

    python3 crates/python/build.py [--out FOLDER]

Needs `maturin` (pip install maturin) beside the Rust toolchain. The wheel lands in FOLDER, by default target/wheels, and its
path is printed.
"""

import argparse
import glob
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--out", type=Path, default=target / "wheels")
    settings = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    plugins = HERE / "python/pstar/plugins"
    shutil.rmtree(plugins, ignore_errors=True)
    plugins.mkdir()
    for built in sorted(glob.glob(str(target / "release" / f"*pstar_plugin_*{SUFFIX}"))):
        shutil.copy(built, plugins)
    # Of the interpreter that runs this, or any.
    maturin = [sys.executable, "-m", "maturin"] if importlib.util.find_spec("maturin") else ["maturin"]
    command = [*maturin, "build", "--release", "--locked", "--out", str(settings.out)]
    subprocess.run(command, cwd=HERE, check=True, stdout=sys.stderr)
    print(max(settings.out.glob("pstar_lab-*.whl"), key=lambda path: path.stat().st_mtime))


if __name__ == "__main__":
    main()
