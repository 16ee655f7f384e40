#!/usr/bin/env python3
"""Ends the Slurm that start_slurm.py started in a directory, its jobs and nothing else, and removes what it wrote.

    stop_slurm.py DIR [--keep]

Stopping what does not run is no error. Exits with 1 if a process survived.
"""

import argparse
import os
import sys

from cluster import STAMP, end, finish, open_dir, ours, pid_files, require

args = argparse.ArgumentParser(description=__doc__)
args.add_argument("dir")
args.add_argument("--keep", action="store_true")
args = args.parse_args()
if not os.path.exists(os.path.join(args.dir, STAMP)):
    sys.exit(0)
DIR, lock = open_dir(args.dir, "slurm")
require([], "")

# Without slurmctld nothing new starts; then the steps, found through slurmd's mark, are ended with their processes.
daemons = pid_files(DIR)
left = end([p for n, p in daemons.items() if n == "slurmctld"], 10)
# A step's own processes do not carry slurmd's environment: take them by descent while their parents live.
jobs = ours(DIR) - set(daemons.values())
left |= end(jobs, 2)
left |= end([p for n, p in daemons.items() if n.startswith("slurmd.")], 10)
left |= end([p for n, p in daemons.items() if n == "munged"], 5)
left |= end(ours(DIR), 1)
if left:
    sys.exit(f"still alive: {sorted(left)}")
finish(DIR, lock, args.keep)
