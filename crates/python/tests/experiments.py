"""Experiments that tests write and run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pstar
from pstar._place import PLUGINS

#: The checkout, for the experiments' data.
ROOT = Path(os.environ["PSTAR_ROOT"] if "PSTAR_ROOT" in os.environ else Path(__file__).resolve().parents[3])
#: The program in Rust, with which the package is compared.
HOST = Path(os.environ.get("PSTAR_HOST", ROOT / "target/release/host"))

#: Arithmetic, four prompts, 400,000 outputs that are walked exactly.
EXPERIMENT = """(
    name: "%(name)s",
    task: (
        alphabet: Chars("0123456789+-*"),
        prompt_alphabet: Chars("0123456789="),
        horizon: 4,
        ending: EndSymbol,
        prompts: List(["4=", "7=", "10=", "12="]),
        base: (plugin: "ngram", config: (order: 3, corpus: "expressions.jsonl", smoothing: KneserNey(discount: 0.75))),
        verifier: (plugin: "arithmetic-expression", config: (target: FromPrompt)),
    ),
    policies: { "trigram": (plugin: "ngram", config: (order: 3), start: CopyBase) },
    objectives: {
%(objectives)s
    },
    training: (gradient: Sampled(prompts: 4, group: %(group)d), steps: %(steps)d, optimizer: Adam(learning_rate: 0.02)),
    evaluation: (every: 10, k: [1, 4, 16], optima: false),
    seeds: [1, 2],
)
"""


def write(folder, objectives, *, name="tests", steps=30, group=8, modules=None):
    """Writes an experiment, its corpus and modules; the experiment's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "experiments/data/expressions.jsonl", folder)
    lines = "\n".join(f'        "{key}": {value},' for key, value in objectives.items())
    path = folder / "experiment.ron"
    path.write_text(EXPERIMENT % {"name": name, "objectives": lines, "steps": steps, "group": group})
    for module, text in (modules or {}).items():
        (folder / module).write_text(text)
    return path


def python(target, config="()"):
    """The component of a class."""
    return f'(plugin: "python", config: (import: "{target}", config: {config}))'


def run(path, out, **settings):
    """Runs an experiment quietly."""
    return pstar.run(
        path, settings.pop("overrides", None), out=out, progress=False, threads=settings.pop("threads", 2), **settings
    )


def arms(result, objective):
    """The arms of an objective, by seed."""
    return {arm["seed"]: arm for arm in result.record["arms"] if arm["objective"] == objective}


def contents(directory, *, without=("provenance.json",)):
    """What a run's directory holds, by path."""
    directory = Path(directory)
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in files
        if path.name not in without and "claims" not in path.parts
    }


def host(tmp_path):
    """The program in Rust with the plugins of the package beside it."""
    folder = tmp_path / "host"
    if not folder.exists():
        folder.mkdir()
        shutil.copy(HOST, folder / "host")
        for plugin in PLUGINS.iterdir():
            os.link(plugin, folder / plugin.name) if plugin.stat().st_dev == folder.stat().st_dev else shutil.copy(
                plugin, folder
            )
    return folder / "host"


def program(*arguments, cwd=None, **settings):
    """Runs the command line of the package."""
    return subprocess.run(
        [sys.executable, "-m", "pstar", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        **settings,
    )


#: The leave-one-out baseline, as the plugin `reinforce` has it.
LOO = '''
import numpy as np


class Loo:
    declaration = {"minimum_group": 2}

    def __init__(self, scale: float = 1.0):
        self.scale = scale

    def step(self, batch):
        rewards = batch.rewards
        others = batch.per_row(batch.sum_by_group(rewards)) - rewards
        advantage = rewards - others / (batch.per_row(batch.group_sizes) - 1.0)
        return self.scale * (advantage * batch.importance_weights())


class Slow(Loo):
    def __init__(self, seconds: float):
        super().__init__()
        self.seconds = seconds

    def step(self, batch):
        import time

        time.sleep(self.seconds)
        return super().step(batch)


class Learning(Loo):
    """Scales by what it has learnt from all batches: a run that forgets it trains otherwise."""

    def __init__(self, seconds: float = 0.0):
        super().__init__()
        self.seconds, self.seen, self.right = seconds, 0, np.float64(0.0)

    def observe(self, batch):
        self.seen += len(batch)
        self.right += batch.rewards.sum()

    def step(self, batch):
        import time

        time.sleep(self.seconds)
        return super().step(batch) * (1.0 + self.right / self.seen), {"rate": float(self.right / self.seen)}

    def save(self):
        return {"seen": self.seen, "right": float(self.right)}

    def restore(self, state):
        self.seen, self.right = state["seen"], np.float64(state["right"])
'''
