"""A run that was done before."""

from __future__ import annotations

import html
import importlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pstar import _native
from pstar._settings import PathLike, plain_path

#: A table, as arrays of one length by their names.
Columns: TypeAlias = "dict[str, NDArray[Any]]"

#: The tables of a run.
Table: TypeAlias = Literal["figures", "curves", "prompts", "verdicts"]


def load(run: PathLike) -> Run:
    """The run in a directory, read without any plugin.

    Files beside the record that are missing or damaged are left out, and named by `Run.faults`. Raises `PstarError`
    where there is no record, or it cannot be understood.
    """
    path = plain_path(run, "run")
    return Run(_native.load(path), Path(path))


class Run:
    """What a run found.

    Tables are dicts of arrays of one length, a row a number: `figures()`, `curves()` and `prompts()`; `learning_rate`
    is NaN and `seed` -1 where a row is of no arm.
    """

    def __init__(self, native: _native.Record, directory: Path) -> None:
        self._native, self._directory = native, directory

    @property
    def directory(self) -> Path:
        """Where it was read from."""
        return self._directory.parent if self._directory.is_file() else self._directory

    @cached_property
    def record(self) -> dict[str, Any]:
        """The record, `summary.json`: infinities are the texts `"inf"` and `"-inf"`, what does not exist is `None`."""
        found: dict[str, Any] = json.loads(self._native.json())
        return found

    @cached_property
    def provenance(self) -> dict[str, Any] | None:
        """What it was made with; `None` where that was not kept."""
        text = self._native.provenance()
        return None if text is None else json.loads(text)

    @property
    def faults(self) -> dict[str, str]:
        """Files of the directory that are damaged or missing, and what is wrong with them."""
        return dict(self._native.faults())

    @property
    def name(self) -> str:
        """The name of the experiment."""
        return str(self.record["name"])

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.record["complete"])

    @property
    def failures(self) -> list[dict[str, Any]]:
        """The arms that failed: policy, objective, learning rate, seed, step and message each."""
        names = ("policy", "objective", "learning_rate", "seed")
        failed = [arm for arm in self.record["arms"] if arm["status"] == "failed"]
        return [{**{name: arm.get(name) for name in names}, **arm["failure"]} for arm in failed]

    def figures(self) -> Columns:
        """Figures of arms before their first step (`point` "initial") and after their last ("final"), means over
        prompts, and of what they are compared with ("reference", named in the column `policy`); `std_error` is NaN of
        what is exact.
        """
        return _columns(self._native.figures())

    def curves(self) -> Columns:
        """Figures of arms, and signals and diagnostics of their training, by optimizer step."""
        return _columns(self._native.curves())

    def prompts(self) -> Columns:
        """Figures of single prompts; empty where they were not kept."""
        return _columns(self._native.prompts())

    @cached_property
    def verdicts(self) -> Columns:
        """What the objectives did, one row a policy class, objective and learning rate: a word, its sentence, coverage
        and validity rate with the ends of their intervals over seeds, NaN where they do not exist.
        """
        rows = [(verdict, row) for verdict in self.record.get("verdicts", []) for row in verdict["rows"]]

        def texts(values: list[object]) -> NDArray[Any]:
            return np.array(["" if value is None else str(value) for value in values], dtype=object)

        def numbers(values: list[object]) -> NDArray[np.float64]:
            return np.array([np.nan if value is None else float(str(value)) for value in values], dtype=np.float64)

        columns: Columns = {
            "policy": texts([verdict["policy"] for verdict, _ in rows]),
            "objective": texts([row["objective"] for _, row in rows]),
            "learning_rate": numbers([row.get("learning_rate") for _, row in rows]),
            "word": texts([row["word"] for _, row in rows]),
            "sentence": texts([row["sentence"] for _, row in rows]),
            "metric": texts([verdict["metric"] for verdict, _ in rows]),
        }
        for figure in ("coverage", "validity_rate"):
            for end, suffix in (("mean", ""), ("low", "_low"), ("high", "_high")):
                spreads = [row.get(figure) or {} for _, row in rows]
                columns[figure + suffix] = numbers([spread.get(end) for spread in spreads])
        columns["seeds"] = np.array([row["seeds"] for _, row in rows], dtype=np.int64)
        return columns

    def _table(self, table: Table) -> Columns:
        tables: Mapping[str, Any] = {"figures": self.figures, "curves": self.curves, "prompts": self.prompts}
        if table == "verdicts":
            return self.verdicts
        if table not in tables:
            raise ValueError(f'table: expected "figures", "curves", "prompts" or "verdicts", found {table!r}')
        columns: Columns = tables[table]()
        return columns

    def to_pandas(self, table: Table = "figures") -> Any:
        """A table as a `pandas.DataFrame`, whose texts are categories."""
        columns = self._table(table)
        pandas = importlib.import_module("pandas")

        frame = pandas.DataFrame(columns)
        for name, column in columns.items():
            if column.dtype == object and name != "sentence":
                frame[name] = frame[name].astype("category")
        return frame

    def to_polars(self, table: Table = "figures") -> Any:
        """A table as a `polars.DataFrame`."""
        columns = self._table(table)
        polars = importlib.import_module("polars")

        return polars.DataFrame(
            [
                polars.Series(name, column.tolist(), dtype=polars.String)
                if column.dtype == object
                else polars.Series(name, column)
                for name, column in columns.items()
            ]
        )

    def table(
        self,
        columns: Sequence[str] = (),
        *,
        policies: Sequence[str] = (),
        intervals: bool = False,
        format: Literal["text", "markdown", "latex", "csv", "json"] = "text",
    ) -> str:
        """The tables that `pstar show` prints; of the figures that are named, if any are, and of these policies."""
        return self._native.table(list(columns), list(policies), intervals, format)

    def report(self, path: PathLike) -> Path:
        """Writes the page that browsers show, and gives its path. A file that is no such page is not replaced."""
        to = Path(plain_path(path, "path"))
        if to.is_file() and not (start := to.read_bytes()[:15]).startswith(b"<!DOCTYPE html>") and start:
            raise FileExistsError(f"`{to}` is no report, and would be lost; name another file, or remove this one")
        self._native.report(to)
        return to

    def __repr__(self) -> str:
        arms = self.record["arms"]
        ended = sum(arm["status"] == "complete" for arm in arms)
        return f"<Run {self.name!r}: {ended} of {len(arms)} arms complete, {self.directory}>"

    def _repr_html_(self) -> str:
        verdicts = self.verdicts
        rows = zip(verdicts["policy"], verdicts["objective"], verdicts["word"], verdicts["sentence"])
        cells = "".join(
            "<tr>" + "".join(f"<td style='text-align: left'>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        head = "<tr><th>policy</th><th>objective</th><th>verdict</th><th></th></tr>" if cells else ""
        return f"<p>{html.escape(repr(self))}</p><table>{head}{cells}</table>"


def _columns(found: Mapping[str, Any]) -> Columns:
    """Texts come as numbers and what the numbers stand for."""

    def column(value: Any) -> NDArray[Any]:
        if isinstance(value, tuple):
            codes, texts = value
            return np.array(texts, dtype=object)[codes] if texts else np.empty(0, dtype=object)
        array: NDArray[Any] = value
        return array

    return {name: column(value) for name, value in found.items()}
