"""The extension: what the Python files of the package wrap, check and document."""

from collections.abc import Callable, Mapping, Sequence, Set
from os import PathLike
from pathlib import Path
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

__all__ = [
    "Objective",
    "PstarError",
    "Record",
    "begin",
    "exact",
    "exp",
    "lengths_of",
    "load",
    "log",
    "main",
    "optimum",
    "plugins",
    "probe",
    "run",
    "stop_runs",
]

_Path: TypeAlias = str | PathLike[str]
_Tokens: TypeAlias = npt.NDArray[np.float64] | npt.NDArray[np.float32]

class PstarError(Exception):
    """What the laboratory refuses or could not do, in the words of its program."""

@final
class Objective:
    """An objective."""

    def __new__(cls, name: str, configuration: str, folders: Sequence[_Path]) -> Objective: ...
    def declaration(self) -> str: ...
    def save(self) -> tuple[str, int]: ...
    def restore(self, learnt: str, next: int) -> None: ...
    def coefficients(
        self,
        sequences: tuple[
            npt.NDArray[np.uint32],
            npt.NDArray[np.float64],
            npt.NDArray[np.uint64],
            npt.NDArray[np.float64] | None,
            npt.NDArray[np.uint8] | None,
            npt.NDArray[np.uint64] | None,
        ],
        tokens: tuple[_Tokens, _Tokens | None, _Tokens | None],
        told: tuple[Mapping[int, float], Mapping[int, float], int, int, int, Set[int] | None],
        step: int | None,
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None, list[tuple[str, float]]]: ...

def lengths_of(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]: ...
def plugins(names: Sequence[str], folders: Sequence[_Path]) -> str: ...
def probe(
    kind: str,
    questions: str,
    component: tuple[str, str] | None,
    experiment: _Path | None,
    folders: Sequence[_Path],
) -> str: ...
def begin(interpreter: _Path, native: _Path, plugins: _Path) -> None: ...
def main(interpreter: _Path, arguments: Sequence[str], native: _Path, plugins: _Path) -> int: ...

# Experiments.

def run(
    file: str,
    set: list[str],
    out: str | None,
    store: str | None,
    fresh: bool,
    threads: int,
    plugins: list[str],
    bar: bool,
    progress: Callable[..., object] | None,
) -> Path: ...
def stop_runs() -> None: ...
def exact(
    file: str,
    set: list[str],
    sweep: str | None,
    method: str,
    kappa: bool,
    threads: int,
    plugins: list[str],
) -> str: ...
def optimum(file: str, set: list[str], boxes: int | None, flow: bool, threads: int, plugins: list[str]) -> str: ...

#: A column of texts: numbers, and what they stand for.
_Texts = tuple[npt.NDArray[np.int32], list[str]]
_Columns = dict[str, npt.NDArray[np.float64] | npt.NDArray[np.int64] | _Texts]

@final
class Record:
    def json(self) -> str: ...
    def faults(self) -> list[tuple[str, str]]: ...
    def provenance(self) -> str | None: ...
    def figures(self) -> _Columns: ...
    def curves(self) -> _Columns: ...
    def prompts(self) -> _Columns: ...
    def table(self, columns: list[str], policies: list[str], intervals: bool, format: str) -> str: ...
    def report(self, path: _Path) -> None: ...

def load(run: str) -> Record: ...

# What components need.

def exp(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...
def log(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]: ...
