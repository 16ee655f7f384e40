"""An objective of the laboratory, asked for its coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pstar import _native
from pstar._place import begin


@dataclass(frozen=True)
class Coefficients:
    """c, in the shape of the log-probabilities that were given, and the objective's own figures."""

    values: np.ndarray
    diagnostics: dict[str, float]


class Objective:
    """An objective by the name and the configuration that experiments give it."""

    def __init__(self, name: str, config: str | dict = "()"):
        self.name, self.config = name, config
        begin()
        self._native = _native.Objective(name, config, [])
        self._step = 0

    def coefficients(
        self,
        *,
        rewards,
        groups,
        log_probs,
        mask=None,
        lengths=None,
        behaviour_log_probs=None,
        base_log_probs=None,
        ended=None,
        weights=None,
        outcomes=None,
        log_partition=None,
        log_power_partition=None,
        horizon=0,
        step=None,
        epoch=0,
        updated=None,
        seed=0,
    ) -> Coefficients:
        """c of a batch of N sequences.

        Padded: `log_probs` and its relatives are N x T, `mask` is N x T with a prefix of each row true. Ragged: they are
        the tokens of all sequences one behind the other, `lengths` has N numbers.
        """
        lengths = np.asarray(mask).sum(axis=1) if lengths is None else lengths
        lengths = np.ascontiguousarray(lengths, np.uint64)
        padded = np.ndim(log_probs) == 2
        inside = np.arange(np.shape(log_probs)[1])[None, :] < lengths[:, None].astype(int) if padded else slice(None)

        def column(values):
            return None if values is None else np.ascontiguousarray(np.asarray(values, np.float64)[inside]).ravel()

        values, diagnostics = self._native.coefficients(
            self._step if step is None else step,
            np.ascontiguousarray(rewards, np.float64),
            np.ascontiguousarray(groups, np.uint32),
            lengths,
            column(log_probs),
            column(behaviour_log_probs),
            column(base_log_probs),
        )
        self._step += 1
        if padded:
            full = np.zeros(np.shape(log_probs))
            full[inside] = values
            values = full
        return Coefficients(values, dict(diagnostics))
