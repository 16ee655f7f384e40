"""A rank of a training on two processes: `one_rank.py OBJECTIVE ACCUMULATION ITERATIONS FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from objectives import objective
from trl_rig import train

torch.set_num_threads(1)


if __name__ == "__main__":
    name, accumulation, iterations, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    # 12 rows an optimizer step and 6 a process: the second of three groups of four is cut.
    run = train(
        objective(name),
        "llama",
        gradient_accumulation_steps=accumulation,
        per_device_train_batch_size=6 // accumulation,
        num_iterations=iterations,
        max_steps=2,
    )
    rank = run.trainer.accelerator.process_index
    sizes = [sum(row.group == group for row in run.steps[0].rows) for group in {row.group for row in run.steps[0].rows}]
    logged = sorted({key for line in run.logs for key in line if key.startswith("pstar/")})
    run.trainer = None
    # What this rank saw, and whether a group has rows on the other one.
    told = {"run": run, "logged": logged, "across": any(size != 4 for size in sizes)}
    torch.save(told, folder / f"{rank}.pt")
