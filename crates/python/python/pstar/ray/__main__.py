"""The command line: `python -m pstar.ray RUN|FILE`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from pstar._errors import PstarError
from pstar.ray._driver import run
from pstar.ray._errors import ClusterError

CODES = (
    "Exit codes: 0 done, 2 bad experiment, usage, cluster or node, 3 plugin not loaded, 4 an arm failed, 5 workers end "
    "without getting on, 130 or 143 interrupted (what was done is kept)."
)


def main(words: Sequence[str] | None = None) -> int:
    """Does what the arguments say; the exit code."""
    options = vars(parser().parse_args(words))
    options["resources"] = dict(options["resources"])
    stopped = [signal.SIGINT]

    def terminate(_: int, __: FrameType | None) -> None:
        # Ray makes a KeyboardInterrupt of whatever is raised while it waits.
        stopped[0] = signal.SIGTERM
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminate)
    try:
        found = run(options.pop("run"), options.pop("set") or None, **options)
    except KeyboardInterrupt as stop:
        print(str(stop) or "stopped", file=sys.stderr)
        return 128 + stopped[0]
    except (PstarError, ValueError) as error:
        print(error, file=sys.stderr)
        return error.code if isinstance(error, ClusterError) else 2
    print(found.table(), end="")
    print(f"\nwritten to {found.directory}; open {found.directory / 'report.html'}")
    return 4 if found.failures else 0


def parser() -> argparse.ArgumentParser:
    """The arguments: those of `pstar.ray.run`."""
    made = argparse.ArgumentParser(
        prog="python -m pstar.ray",
        description="Do what is left of a run with workers on a Ray cluster, and print its table.",
        epilog=CODES,
    )
    add = made.add_argument
    add("run", metavar="RUN|FILE", help="a run's directory, or an experiment's file, of which one is made")
    add("--out", metavar="DIR", help="an experiment's run, which all nodes see at its path; default: runs/NAME")
    add("--set", action="append", metavar="PATH=VALUE", help="replace a field of an experiment; can be repeated")
    add("--workers", type=int, metavar="N", help="default: as many as have five minutes to do, and there is room for")
    add("--cpus", type=int, default=1, metavar="N", help="processors, and threads, of each worker (default: 1)")
    add("--address", metavar="HOST:PORT", help="the cluster's; default: RAY_ADDRESS; `local` starts one here")
    more: dict[str, Any] = {"action": "append", "default": []}
    add("--resource", dest="resources", type=_resource, metavar="NAME=AMOUNT", help="a worker takes it too", **more)
    add("--linger", type=int, default=90, metavar="SECONDS", help="a worker waits so long for arms of others (90)")
    add("--checkpoint", type=int, metavar="SECONDS", help="between two checkpoints of an arm")
    add("--every", type=float, default=2.0, metavar="SECONDS", help="between two looks at how far the run is (2)")
    add("--plugin-dir", dest="plugin_dirs", metavar="DIR", help="a further folder of plugins; can be repeated", **more)
    add("--quiet", dest="progress", action="store_false", help="print no lines of progress")
    return made


def _resource(text: str) -> tuple[str, float]:
    name, equals, amount = text.partition("=")
    if not name or not equals:
        raise ValueError(text)
    return name, float(amount)


if __name__ == "__main__":
    # As a module of its own name, since what is sent to nodes must be known there by that.
    from pstar.ray.__main__ import main as begin

    sys.exit(begin())
