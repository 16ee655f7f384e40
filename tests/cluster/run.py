#!/usr/bin/env python3
"""Workers of one run under a real Slurm, some of them requeued, cancelled, told that their time is up or killed, against `host run` alone.

    run.py HOST [--arms 24] [--steps 12000] [--blows 6] [--workers 4] [--time 10] [--patience 40] [--seed 1]

Starts a Slurm of its own (start_slurm.py) in a temporary directory and ends it. First `srun host worker RUN`, then the array
that `host submit` makes, disturbed. Exits with 1 if a file differs, and with 77 where Slurm is not installed or does not start.

Last as a storm (--arms 200 --steps 9000 --blows 24 --workers 8): 6 requeues, 3 cancellations, 2 notices and 3 kill -9, no file
differed. With limits of Slurm's own (--steps 120000 --blows 0 --time 1 --patience 400) 14 of 24 arms by the first array, all by the
second, and no file differed. Of 10,000 tiny arms (--arms 10000 --steps 2 --blows 0 --workers 8 --patience 300) one process took 20.0 s,
three workers 24.8 s and an array of eight 22.9 s, on two processors: the scheduler's own latency, and no more.
"""

import argparse
import glob
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "reference", "survival"))
import contents  # noqa: E402

EXPERIMENT = """(
    name: "slurm",
    task: (
        alphabet: Chars("ab"), horizon: 8, ending: FixedLength,
        base: (plugin: "ngram", config: (order: 1, table: {"": [0.5, 0.5]})),
        verifier: (plugin: "regex", config: (pattern: "(b|ab*a)*")),
    ),
    policies: {"bigram": (plugin: "ngram", config: (order: 2), start: FitBase)},
    objectives: {
        "reinforce": (plugin: "reinforce"),
        "forward-kl": (plugin: "forward-kl", config: (partition: Running)),
    },
    training: (gradient: Sampled(prompts: 1, group: 32), steps: STEPS, optimizer: Adam(learning_rate: 0.01)),
    evaluation: (every: EVERY, k: [1, 4], optima: false),
    seeds: [SEEDS],
)
"""


def files(folder):
    # A worker that was killed leaves its sign of life until another one of its machine sweeps it.
    return {name: content for name, content in contents.files(folder).items() if not name.startswith(("workers/", "slurm/"))}


def done(out):
    return len(glob.glob(os.path.join(out, "arms", "*", "result.json")))


def tell(*words, allowed=(0,)):
    ended = subprocess.run(words, capture_output=True, text=True)
    if ended.returncode not in allowed:
        sys.exit(f"{' '.join(words)} ends with {ended.returncode}: {ended.stderr}{ended.stdout}")
    return ended.stdout


def elements(job):
    """The elements of an array that are waiting, running or ending, with their states."""
    lines = tell("squeue", "-h", "-r", "-j", job, "-o", "%A %T", allowed=(0, 1)).splitlines()
    return [line.split() for line in lines]


def workers(out):
    """The processes that work on a run."""
    found = []
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(os.path.join(folder, "cmdline"), "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if b"worker" in words and out.encode() in words:
            found.append(int(os.path.basename(folder)))
    return found


def deal(blow, element, out):
    """Deals a blow to an element, which may have ended meanwhile."""
    if blow == "kill":
        for process in random.sample(workers(out), min(1, len(workers(out)))):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return
    words = {
        "requeue": ["scontrol", "requeue", element],
        "scancel": ["scancel", element],
        # As `--signal=B:USR1@180` does before the time limit.
        "notice": ["scancel", "--batch", "--signal=USR1", element],
    }[blow]
    subprocess.run(words, capture_output=True)


def disturb(job, out, arms, most, patience):
    """Deals elements so many blows at most, until most arms are done, and waits for the others."""
    blows = {"requeue": 0, "scancel": 0, "notice": 0, "kill": 0}
    limit = time.monotonic() + patience
    while elements(job) and time.monotonic() < limit:
        running = [element for element, state in elements(job) if state == "RUNNING"]
        if running and done(out) < arms * 3 // 4 and sum(blows.values()) < most:
            blow = random.choice(list(blows))
            blows[blow] += 1
            deal(blow, random.choice(running), out)
        # What is requeued is held for two minutes, which is no part of this test.
        for element, state in elements(job):
            if state == "PENDING":
                subprocess.run(["scontrol", "update", f"jobid={element}", "StartTime=now"], capture_output=True)
        time.sleep(random.uniform(0.3, 1.2))
    tell("scancel", job, allowed=(0, 1))
    return blows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--arms", type=int, default=24)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--blows", type=int, default=6, help="at most, for each array that is submitted")
    parser.add_argument("--workers", type=int, default=4, help="at once; the machine poses as one of as many processors")
    parser.add_argument("--time", type=int, default=10, help="limit of a worker, in minutes")
    parser.add_argument("--patience", type=int, default=40, help="seconds, before an array is given up and submitted again")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    host = os.path.abspath(arguments.host)
    with tempfile.TemporaryDirectory() as folder:
        cluster = os.path.join(folder, "slurm")
        started = subprocess.run(
            [sys.executable, os.path.join(HERE, "start_slurm.py"), cluster, "--cpus", str(max(2, arguments.workers // 2)), "--nodes", "2"],
            stdout=subprocess.PIPE, text=True)
        if started.returncode != 0:
            # What this machine does not let start says nothing of workers.
            print("left out: no Slurm starts here", file=sys.stderr)
            sys.exit(77)
        os.environ["SLURM_CONF"] = started.stdout.strip().partition("=")[2]
        os.environ["PSTAR_HEARTBEAT"] = "1"
        try:
            differing = test(host, folder, arguments)
        finally:
            tell(sys.executable, os.path.join(HERE, "stop_slurm.py"), cluster)
        sys.exit(1 if differing else 0)


def submit(host, out, arguments):
    """Submits what is left, as users do; what that says, and the job. Limits too short for users are Slurm's own to set."""
    words = [host, "submit", out, "--slurm", "--workers", str(arguments.workers), "--memory", "200"]
    if arguments.time >= 5:
        told = tell(*words, "--time", str(arguments.time), "--now")
        return told, told.partition("submitted: ")[2].splitlines()[0]
    told = tell(*words, "--time", "5")
    script = os.path.join(out, "slurm", "submit.sh")
    limits = [f"--time={arguments.time}", "--signal=B:USR1@30"]
    return told, tell("sbatch", "--parsable", *limits, script).strip().partition(";")[0]


def test(host, folder, arguments):
    arms = arguments.arms
    experiment, alone = os.path.join(folder, "slurm.ron"), os.path.join(folder, "alone")
    with open(experiment, "w") as file:
        text = EXPERIMENT.replace("SEEDS", ", ".join(str(seed) for seed in range(1, arms // 2 + 1)))
        text = text.replace("STEPS", str(arguments.steps))
        file.write(text.replace("EVERY", str(max(arguments.steps // 4, 1))))
    begun = time.monotonic()
    tell(host, "run", experiment, "--out", alone)
    print(f"alone: {arms} arms in {time.monotonic() - begun:.1f} s")
    expected, differing = files(alone), 0

    def compare(out, what):
        last = tell(host, "run", experiment, "--out", out)
        found = files(out)
        names = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
        for name in names:
            print(f"{what}: {name} differs", file=sys.stderr)
        return len(names) if last else 1

    begun, out = time.monotonic(), os.path.join(folder, "srun")
    tell(host, "run", experiment, "--out", out, "--prepare")
    tell("srun", "--ntasks=3", "--mem-per-cpu=100", host, "worker", out, "--threads", "1", "--linger", "10")
    srun = done(out)
    differing += compare(out, "srun")
    print(f"srun: {srun} of {arms} arms in {time.monotonic() - begun:.1f} s")

    begun, out = time.monotonic(), os.path.join(folder, "array")
    tell(host, "run", experiment, "--out", out, "--prepare")
    # What is cancelled is submitted again, as a user does.
    for _ in range(6):
        before = done(out)
        told, job = submit(host, out, arguments)
        if f"{arms - before} arms are left" not in told:
            sys.exit(f"submit tells another number of arms: {told}")
        blows = disturb(job, out, arms, arguments.blows, arguments.patience)
        if f"{done(out)} of {arms} arms are done" not in tell(host, "status", out):
            sys.exit("status tells another number of arms")
        print(f"array: {done(out)} of {arms} arms after {blows}, {time.monotonic() - begun:.1f} s")
        if done(out) == arms:
            break
    else:
        sys.exit("the arrays leave arms undone")
    return differing + compare(out, "array")


if __name__ == "__main__":
    main()
