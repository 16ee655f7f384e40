#!/usr/bin/env python3
"""Starts pairs of runs with one --out at nearly one moment, and compares what is there afterwards with runs on their own.

    pairs.py HOST [--pairs 40] [--seed 1]

Every other pair is one experiment twice: both must end well, with the bytes of a run alone. The others are two experiments:
one must be refused, and the directory must be the other's, byte for byte. Only provenance.json may differ. Exits with 1 if a
pair is mixed or both are refused. Last in full: 40 pairs, 0 mixed, 0 lost, 20 refused.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from contents import files
from storm import EXPERIMENT


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")

        def start(experiment):
            command = [arguments.host, "run", experiment, "--out", out]
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        experiments, expected = [], {}
        for steps in (400, 500):
            experiment = os.path.join(folder, f"{steps}.ron")
            text = EXPERIMENT.replace("SEEDS", "1, 2").replace("STEPS", str(steps))
            with open(experiment, "w") as file:
                file.write(text.replace("EVERY", str(steps // 4)))
            _, said = start(experiment).communicate()
            expected[experiment] = files(out)
            if not expected[experiment]:
                sys.exit(said.decode())
            shutil.rmtree(out)
            experiments.append(experiment)
        mixed, lost, refused = 0, 0, 0
        for pair in range(arguments.pairs):
            two = experiments if pair % 2 else [experiments[0]] * 2
            processes = []
            for experiment in random.sample(two, 2):
                processes.append((experiment, start(experiment)))
                time.sleep(random.choice([0, random.uniform(0, 0.03)]))
            ended = [(experiment, process, process.communicate()[1]) for experiment, process in processes]
            good = [experiment for experiment, process, _ in ended if process.returncode == 0]
            bad = [process.returncode for _, process, _ in ended if process.returncode != 0]
            lost += len(good) != (1 if pair % 2 else 2) or any(code != 2 for code in bad)
            refused += len(bad)
            if good and files(out) != expected[good[0]]:
                mixed += 1
            shutil.rmtree(out)
        print(f"{arguments.pairs} pairs: {mixed} mixed, {lost} lost, {refused} refused")
        sys.exit(1 if mixed or lost else 0)


if __name__ == "__main__":
    main()
