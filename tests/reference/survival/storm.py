#!/usr/bin/env python3
"""Eight workers on one run of 200 small arms in a storm of signals, compared with the run of one process that nobody disturbs.

    storm.py HOST [--arms 200] [--workers 8] [--seed 1] [--machines] [--gap SECONDS]

Workers are killed (SIGKILL), told to end (SIGTERM), or frozen for some seconds (SIGSTOP, SIGCONT) at random moments, and
started again, until every arm has a result. With --machines each poses as a machine of its own, whose life others see by its
heart alone. At the end `host run` finds the run complete, or tries again what was left alone because it ended three
processes; then every file but provenance.json must be that of the undisturbed run. Exits with 1 if one differs.

Last in full, with --steps 3000: 36 SIGKILL, 35 SIGTERM and 41 SIGSTOP, 25 of 200 arms taken over; as machines, with --steps 6000, 17,
21 and 26, 17 of 200. No file differed.
"""

import argparse
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

from contents import files

EXPERIMENT = """(
    name: "storm",
    task: (
        alphabet: Chars("ab"), horizon: 8, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
        verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
    ),
    policies: {
        "unigram": (plugin: "ngram", config: (order: 1), start: FitBase),
        "bigram": (plugin: "ngram", config: (order: 2), start: FitBase),
    },
    objectives: {
        "reinforce": (plugin: "reinforce"),
        "forward-kl": (plugin: "forward-kl", config: (partition: Running)),
    },
    training: (gradient: Sampled(prompts: 1, group: 32), steps: STEPS, optimizer: Adam(learning_rate: 0.01)),
    evaluation: (every: EVERY, k: [1, 4], optima: false),
    seeds: [SEEDS],
)
"""

# Seconds between beats of a worker that poses as a machine; it is dead to others after six of them.
BEAT = 0.5


def done(out):
    """How many arms have a result, and the greatest number of claims that one has now."""
    results, generations = 0, collections.Counter()
    arms = os.path.join(out, "arms")
    for arm in os.listdir(arms) if os.path.isdir(arms) else ():
        try:
            names = os.listdir(os.path.join(arms, arm))
        except FileNotFoundError:
            continue
        results += "result.json" in names
        claims = [int(name[6:]) for name in names if re.fullmatch(r"claim\.\d+", name)]
        if claims:
            generations[arm] = max(claims)
    return results, generations


class Worker:
    def __init__(self, number, command, environment):
        self.number, self.command, self.environment = number, command, environment
        self.starts, self.stopped_until, self.process = 0, None, None
        self.log = tempfile.TemporaryFile()
        self.start()

    def start(self):
        self.starts += 1
        environment = {**os.environ, **self.environment}
        if self.environment:
            # A start is another machine: what the last one left behind is known by its silence alone.
            environment["PSTAR_MACHINE"] = f"{self.environment['PSTAR_MACHINE']}-{self.starts}"
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, env=environment)

    def send(self, number):
        try:
            self.process.send_signal(number)
        except ProcessLookupError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--arms", type=int, default=200)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gap", type=float, default=0.6, help="seconds between two blows, about")
    parser.add_argument("--machines", action="store_true")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        experiment, alone, out = (os.path.join(folder, name) for name in ("storm.ron", "alone", "out"))
        seeds = ", ".join(str(seed) for seed in range(1, arguments.arms // 4 + 1))
        text = EXPERIMENT.replace("SEEDS", seeds).replace("STEPS", str(arguments.steps))
        with open(experiment, "w") as file:
            file.write(text.replace("EVERY", str(max(arguments.steps // 4, 1))))

        def host(*words, codes=(0,)):
            ended = subprocess.run([arguments.host, *words], capture_output=True)
            if ended.returncode not in codes:
                sys.exit(f"{' '.join(words)} ends with {ended.returncode}: {ended.stderr.decode()}")
            return ended

        begun = time.monotonic()
        host("run", experiment, "--out", alone)
        undisturbed = time.monotonic() - begun
        host("run", experiment, "--out", out, "--prepare")
        command = [arguments.host, "worker", out, "--threads", "1", "--checkpoint", "1", "--linger", "20"]
        def environment(number):
            return {"PSTAR_MACHINE": f"machine-{number}", "PSTAR_HEARTBEAT": str(BEAT)} if arguments.machines else {}
        begun = time.monotonic()
        workers = [Worker(number, command, environment(number)) for number in range(arguments.workers)]
        blows, ends, most = collections.Counter(), collections.Counter(), collections.Counter()
        while True:
            now = time.monotonic()
            results, generations = done(out)
            for arm, generation in generations.items():
                most[arm] = max(most[arm], generation)
            if results == arguments.arms:
                break
            if now - begun > 900:
                sys.exit(f"{results} of {arguments.arms} arms are done after 900 s")
            for worker in workers:
                if worker.stopped_until is not None and now >= worker.stopped_until:
                    worker.stopped_until = None
                    worker.send(signal.SIGCONT)
                code = worker.process.poll()
                if code is not None:
                    ends[code] += 1
                    # Killed, stopped by a signal, done, or done but for arms that were left alone.
                    if code not in (-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM, 0, 4):
                        worker.log.seek(0)
                        sys.exit(f"a worker ends with {code}: {worker.log.read().decode()}")
                    worker.start()
            victim = random.choice([worker for worker in workers if worker.stopped_until is None] or workers)
            blow = random.choice(["SIGKILL", "SIGTERM", "SIGSTOP"])
            blows[blow] += 1
            if blow == "SIGSTOP":
                victim.stopped_until = now + random.uniform(1, 9)
            victim.send(getattr(signal, blow))
            time.sleep(random.uniform(0, 2 * arguments.gap))
        took = time.monotonic() - begun
        for worker in workers:
            worker.send(signal.SIGCONT)
        said = b""
        for worker in workers:
            worker.process.wait()
            worker.log.seek(0)
            said += worker.log.read()
        if b"panicked" in said:
            sys.exit(said.decode())
        with open(os.path.join(out, "summary.json")) as file:
            statuses = collections.Counter(arm["status"] for arm in json.load(file)["arms"])
        last = host("run", experiment, "--out", out).stderr.decode().strip()
        expected, found = files(alone), files(out)
        if arguments.machines:
            # A machine that was killed last leaves its sign of life: nobody has seen it silent for long enough.
            found = {name: content for name, content in found.items() if not name.startswith("workers/")}
        differing = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
        for name in differing:
            print(f"{name} differs", file=sys.stderr)
        claims = collections.Counter(most[arm] if arm in most else 1 for arm in os.listdir(os.path.join(out, "arms")))
        print(f"{arguments.arms} arms: {undisturbed:.1f} s undisturbed, {took:.1f} s in the storm of {dict(blows)}; "
              f"{dict(statuses)} after it; claims an arm, as seen: {dict(sorted(claims.items()))}; "
              f"workers' ends {dict(sorted(ends.items()))}; {len(differing)} files differ; last run: {last or 'silent'}")
        sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
