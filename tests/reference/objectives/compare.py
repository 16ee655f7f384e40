#!/usr/bin/env python3
"""Asks a host every case of `golden.json`: `python3 compare.py HOST [--like TEXT] [--plugin-dir DIR]`.

Prints what differs by more than 1e-9 of a case's largest coefficient, and exits with 1 if anything does. Cases of
presets are asked twice: written out, and by their name."""

import argparse
import json
import subprocess
import sys
from pathlib import Path


def ask(arguments, plugin, config, batch):
    command = [arguments.host, "probe", "objective", "--plugin", plugin, "--config", config]
    for folder in arguments.plugin_dir:
        command += ["--plugin-dir", folder]
    done = subprocess.run(command, input=json.dumps(batch), capture_output=True, text=True)
    return json.loads(done.stdout)["coefficients"] if done.returncode == 0 else " ".join(done.stderr.split())


def difference(found, expected):
    if isinstance(found, str):
        return found
    pairs = [pair for rows in zip(found, expected) for pair in zip(*rows)]
    scale = max([1e-3] + [abs(y) for _, y in pairs])
    worst = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
    far = abs(worst[0] - worst[1]) / scale
    return f"{far:.1e} of the largest: found {worst[0]!r}, expected {worst[1]!r}" if far > 1e-9 else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--like", default="", help="only cases with this in their name")
    parser.add_argument("--plugin-dir", action="append", default=[])
    arguments = parser.parse_args()
    cases = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
    asked = bad = 0
    for case in cases:
        if "steps" in case or arguments.like not in case["name"]:
            continue
        ways = [(case["plugin"], case["config"])]
        ways += [(case["preset"], case.get("override", "()"))] if "preset" in case else []
        for plugin, config in ways:
            asked += 1
            if what := difference(ask(arguments, plugin, config, case["batch"]), case["coefficients"]):
                bad += 1
                print(f"{case['name']}\n    {plugin} {config}\n    {what}")
    print(f"{asked} asked, {bad} differ")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
