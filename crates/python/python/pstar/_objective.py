"""An objective of the laboratory, asked for its coefficients."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any, TypedDict

from pstar import _arrays, _batch, _native
from pstar._arrays import ArrayLike
from pstar._errors import BatchError, WrongTypeError
from pstar._place import begin
from pstar._plugins import folders
from pstar._ron import Config, as_ron

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Coefficients:
    """An objective's answer to a batch of N sequences.

    The update is the sum over sequences i and tokens t of w_i c_it times the gradient of log q(y_it): a loss is
    -(w * c * log_probs).sum(), where w is 1/N if a batch does not say otherwise, N the number of sequences that are updated. c absorbs
    every normaliser.
    """

    #: c, float64, in the shape and order of `log_probs`: 0 behind the mask, and for groups that are not updated now.
    values: npt.NDArray[np.float64]
    #: The objective's own figures, by name.
    diagnostics: dict[str, float] = field(default_factory=dict)
    #: In the same shape, how much of the gradient of the entropy of q at a token is added, where an objective adds any.
    entropy: npt.NDArray[np.float64] | None = None


class State(TypedDict):
    """What an objective has learnt, to be kept beside a checkpoint: `json` and `pickle` keep it to the bit."""

    #: Number of the next batch.
    step: int
    #: The objective's own text; empty where it learns nothing.
    learnt: str


class Objective:
    """An objective by the name and the configuration that experiments give it.

    >>> import numpy as np, pstar
    >>> rloo = pstar.Objective("rloo")
    >>> asked = dict(rewards=[1, 0], groups=[0, 0], lengths=[2, 1], log_probs=[-0.5, -0.1, -0.7])
    >>> rloo.coefficients(**asked).values
    array([ 1.,  1., -1.])

    `name` is one of `pstar.plugins()`. `config` is the configuration in RON, as in an experiment, or a dict, by the rules of
    `pstar.Ron`'s module: fields, names with a capital (`"LeaveOneOut"`, `{"Ppo": {"low": 0.2, "high": 0.2}}`), other texts.
    `plugin_dirs` are folders with more plugins, beside those of the package and of the environment variable
    PSTAR_PLUGIN_PATH.

    Raises `ConfigError` (a `ValueError`) if no plugin offers the name or the objective refuses the configuration, and
    `PstarError` if a plugin cannot be loaded.

    An object may be used by several threads, copied and pickled, with all that it has learnt.
    """

    def __init__(
        self, name: str, config: Config = "()", *, plugin_dirs: Sequence[str | PathLike[str]] = ()
    ) -> None:
        if not isinstance(name, str):
            raise WrongTypeError(f"`name` must be a text, found {type(name).__name__}")
        self._name, self._config = name, as_ron(config)
        self._folders = folders(plugin_dirs)
        begin()
        self._native = _native.Objective(self._name, self._config, self._folders)
        self._declaration: str = self._native.declaration()
        declared = json.loads(self._declaration)
        self._reads_base: bool = declared["base_log_probs"]
        self._reads_outcomes: bool = declared["outcomes"]

    @property
    def name(self) -> str:
        """The name of the objective."""
        return self._name

    @property
    def config(self) -> str:
        """The configuration in RON."""
        return self._config

    @property
    def declaration(self) -> dict[str, Any]:
        """What the objective needs and where it heads.

        `base_log_probs`, `outcomes`: whether it reads them. `partition`: what it needs to know of log Z, "Unused", "Welcome" or
        "Exact". `power`: the power of the base in its target, or None. `minimum_group`: least number of sequences in a group.
        `sources`: what its samples may be drawn from; anything if empty. `cautions`: what it does not do, and where.
        `population`, `equal_lengths`, `beyond_counts`, `claim`, `divergence`, `unknown`: as in `pstar_core::Declaration`.
        """
        declared: dict[str, Any] = json.loads(self._declaration)
        return declared

    @property
    def state(self) -> State:
        """What it has learnt so far, for `restore`."""
        learnt, step = self._native.save()
        return {"step": step, "learnt": learnt}

    def restore(self, state: State) -> None:
        """Takes up a `state` of an objective of this name and configuration.

        Raises `BatchError` (a `ValueError`) if it is none.
        """
        if not isinstance(state, Mapping) or set(state) != {"step", "learnt"} or not isinstance(state["learnt"], str):
            raise WrongTypeError(f"expected what `state` gave, a dict of `step` and `learnt`, found {state!r}"[:300])
        self._native.restore(state["learnt"], _batch.whole("step", state["step"]))

    def coefficients(
        self,
        *,
        rewards: ArrayLike,
        groups: ArrayLike,
        log_probs: ArrayLike,
        mask: ArrayLike | None = None,
        lengths: ArrayLike | None = None,
        behaviour_log_probs: ArrayLike | None = None,
        base_log_probs: ArrayLike | None = None,
        ended: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        outcomes: ArrayLike | None = None,
        log_partition: Mapping[int, float] | None = None,
        log_power_partition: Mapping[int, float] | None = None,
        horizon: int = 0,
        step: int | None = None,
        epoch: int = 0,
        updated: ArrayLike | None = None,
        seed: int = 0,
    ) -> Coefficients:
        """c of a batch of N sequences, all that were drawn together.

        Arrays may be of any library that numpy reads, tensors of torch included, in any layout and precision. Logarithms are
        natural ones.

        Columns of tokens are either padded, N x T with `mask` or `lengths`, or ragged, the tokens of all sequences one behind
        the other with `lengths`. Ragged ones of float64 whose sequences stand by group (`groups` never falls) are not copied.

        rewards: N, each 0 or 1.
        groups: N whole numbers; sequences of one number answer one prompt, which an objective that learns of prompts knows by
            it. In any order; sequences of a group keep theirs.
        log_probs: of each token under the policy q as it is now, at most 0.
        mask: N x T, true for the tokens of a sequence, which are the first of its row.
        lengths: N numbers of tokens, where there is no mask.
        behaviour_log_probs: under what sampled; q's where they are absent.
        base_log_probs: under the base model, which some objectives need (`declaration["base_log_probs"]`).
        ended: N; false where a sequence was cut. All ended where it is absent.
        weights: N, w of each sequence; 1/N where absent.
        outcomes: N numbers or texts, or token numbers in the shape of `log_probs`; equal ones of a group are equal answers.
        log_partition: log Z of groups where it is known: the log-probability that a sample of the base is right.
        log_power_partition: log Z of a power of the base (`declaration["power"]`) of groups where it is known.
        horizon: the most tokens that a sequence can have; 0 if nobody knows.
        step: number of the batch, from 0; by default batches are counted.
        epoch: number of the pass over the same batch, from 0. The objective learns from a batch in the first pass.
        updated: numbers of the groups, or N truth values, that the step is of; all if absent. The others must be in the batch
            too, for what an objective takes from all of it.
        seed: of the objective's own random numbers, if it draws any.

        Raises `BatchError` (a `ValueError`) or `WrongTypeError` (a `TypeError`) that names the argument and the sequence at
        fault, and `PstarError` if the objective fails. What fails leaves `state` as it was.
        """
        of_groups = _arrays.groups(groups)
        rows = len(of_groups)
        if rows == 0:
            raise BatchError("the batch is empty: `groups` has no sequence")
        of_policy = _arrays.tokens("log_probs", log_probs)
        tokens = _batch.Tokens.of(of_policy, mask, lengths, rows)
        self._check_needs(base_log_probs, outcomes)
        values, entropy, diagnostics = self._native.coefficients(
            (
                of_groups,
                _arrays.rewards(rewards, rows),
                tokens.lengths,
                None if weights is None else _arrays.numbers("weights", weights, rows),
                None if ended is None else _arrays.marks("ended", ended, rows),
                _batch.outcomes(outcomes, of_groups, tokens),
            ),
            (
                of_policy,
                tokens.column("behaviour_log_probs", behaviour_log_probs),
                tokens.column("base_log_probs", base_log_probs),
            ),
            (
                _batch.logarithms("log_partition", log_partition, 0.0),
                _batch.logarithms("log_power_partition", log_power_partition, float("inf")),
                _batch.whole("horizon", horizon),
                _batch.epoch(epoch),
                _batch.whole("seed", seed),
                _batch.updated(updated, of_groups),
            ),
            None if step is None else _batch.whole("step", step),
        )
        return Coefficients(values, dict(diagnostics), entropy)

    def _check_needs(self, base_log_probs: object, outcomes: object) -> None:
        if self._reads_base and base_log_probs is None:
            raise BatchError(
                f"objective `{self._name}` reads log-probabilities under the base model: `base_log_probs` must be given, in the "
                "shape of `log_probs`"
            )
        if self._reads_outcomes and outcomes is None:
            raise BatchError(
                f"objective `{self._name}` reads which answers are equal: `outcomes` must be given, a number or text a sequence; "
                "range(N) says that no two are"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self._name, self._config, self._folders, self.state)

    def __repr__(self) -> str:
        return f"pstar.Objective({self._name!r}, {self._config!r})"


def _made(name: str, config: str, plugin_dirs: list[str], state: State) -> Objective:
    """An objective in a state."""
    objective = Objective(name, config, plugin_dirs=plugin_dirs)
    objective.restore(state)
    return objective
