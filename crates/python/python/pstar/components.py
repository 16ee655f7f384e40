"""What a class has to have to be an objective or a verifier of an experiment.

A class is named by `(plugin: "python", config: (import: "module:Class", config: (…), files: […]))`. `module` is looked
for in the folder of the experiment file first, then where Python looks (`sys.path`). `config` is what the class is
called with: the fields of a struct or a map by name, anything else as its only argument. The files that importing the
class reads from the experiment's folder, and those of `files`, are part of what an arm is made from: where one changes,
the arm is a new one.

None of the classes here need be inherited from: having the methods is enough.

Equal questions must get equal answers: no clock, no unseeded random numbers, no order of a set. An objective is asked
by one thread at a time, each arm its own object; a verifier is one object for all threads of a run.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pstar import _native

__all__ = ["Answer", "Batch", "Judge", "Objective", "Prompts", "Reader", "Verifier", "exp", "log"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Coefficients, one a sequence or one a token; or a pair of them and of named figures for the record.
Answer: TypeAlias = "ArrayLike | tuple[ArrayLike, Mapping[str, float]]"


class Batch:
    """The sequences of an optimizer step: N sequences of G groups, all sequences of a group answering one prompt.

    The whole batch that was drawn; `updated` tells which groups the step is of. Rows of a group stand together, and so
    do the tokens of a row. Log-probabilities are natural logarithms of probabilities of tokens.
    """

    __slots__ = (
        "step",
        "epoch",
        "is_population",
        "horizon",
        "key",
        "group_offsets",
        "prompt",
        "updated",
        "log_partition",
        "log_invalidity",
        "log_power_partition",
        "rewards",
        "weights",
        "ended",
        "source",
        "age",
        "outcomes",
        "offsets",
        "log_probs",
        "behaviour_log_probs",
        "base_log_probs",
        "_group_of",
        "_sequence_of",
    )

    #: Number of the batch, from 0.
    step: int
    #: Number of the pass over the batch, from 0.
    epoch: int
    #: Whether the rows are all outputs, weighted by q, instead of samples.
    is_population: bool
    #: The most tokens of a sequence; `None` where there is no task.
    horizon: int | None
    #: Seed, purpose, step, epoch and repetition: what random numbers are a function of, for `rng`.
    key: tuple[int, int, int, int, int]
    #: G + 1: where the rows of each group start.
    group_offsets: Integers
    #: G: the index of the group's prompt in the task.
    prompt: Integers
    #: G: whether the coefficients of the group are applied in this step.
    updated: NDArray[np.bool_]
    #: G: log Z, the base's log-probability that an output is valid; NaN where it is not known.
    log_partition: Floats
    #: G: log(1 - Z); NaN where it is not known.
    log_invalidity: Floats
    #: G: log Z of the declared power; NaN where it is not known.
    log_power_partition: Floats
    #: N: 0 or 1.
    rewards: Floats
    #: N: w, 1/N where sampled.
    weights: Floats
    #: N: whether it ended of itself, rather than cut at the horizon.
    ended: NDArray[np.bool_]
    #: N: what it was drawn from: 0 the policy, 1 the base, 2 the filtered model, 3 the policy of an earlier batch.
    source: NDArray[np.uint8]
    #: N: how many batches ago it was drawn.
    age: Integers
    #: N: a number that equal answers of a group share; `None` unless `outcomes` is declared.
    outcomes: NDArray[np.uint64] | None
    #: N + 1: where the tokens of each sequence start.
    offsets: Integers
    #: T: log q of every token under the policy as it is now.
    log_probs: Floats
    #: T: log b under what drew the batch.
    behaviour_log_probs: Floats
    #: T: log a under the base; `None` unless `base_log_probs` is declared.
    base_log_probs: Floats | None

    def __init__(
        self,
        step: int,
        epoch: int,
        is_population: bool,
        horizon: int | None,
        key: tuple[int, int, int, int, int],
        group_offsets: Integers,
        prompt: Integers,
        updated: NDArray[np.bool_],
        log_partition: Floats,
        log_invalidity: Floats,
        log_power_partition: Floats,
        rewards: Floats,
        weights: Floats,
        ended: NDArray[np.bool_],
        source: NDArray[np.uint8],
        age: Integers,
        outcomes: NDArray[np.uint64] | None,
        offsets: Integers,
        log_probs: Floats,
        behaviour_log_probs: Floats,
        base_log_probs: Floats | None,
    ) -> None:
        self.step = step
        self.epoch = epoch
        self.is_population = is_population
        self.horizon = horizon
        self.key = key
        self.group_offsets = group_offsets
        self.prompt = prompt
        self.updated = updated
        self.log_partition = log_partition
        self.log_invalidity = log_invalidity
        self.log_power_partition = log_power_partition
        self.rewards = rewards
        self.weights = weights
        self.ended = ended
        self.source = source
        self.age = age
        self.outcomes = outcomes
        self.offsets = offsets
        self.log_probs = log_probs
        self.behaviour_log_probs = behaviour_log_probs
        self.base_log_probs = base_log_probs
        self._group_of: Integers | None = None
        self._sequence_of: Integers | None = None

    def __len__(self) -> int:
        """N, the number of sequences."""
        return len(self.rewards)

    def __repr__(self) -> str:
        groups, tokens = len(self.prompt), len(self.log_probs)
        return f"<Batch {self.step}: {len(self)} sequences of {groups} groups, {tokens} tokens>"

    def groups(self) -> Iterator[slice]:
        """The rows of each group."""
        offsets = self.group_offsets.tolist()
        return (slice(start, end) for start, end in zip(offsets, offsets[1:]))

    def sequences(self) -> Iterator[slice]:
        """The tokens of each sequence."""
        offsets = self.offsets.tolist()
        return (slice(start, end) for start, end in zip(offsets, offsets[1:]))

    @property
    def group_sizes(self) -> Integers:
        """G: the number of rows of each group."""
        return self.group_offsets[1:] - self.group_offsets[:-1]

    @property
    def lengths(self) -> Integers:
        """N: the number of tokens of each sequence."""
        return self.offsets[1:] - self.offsets[:-1]

    @property
    def group_of(self) -> Integers:
        """N: the group of each row."""
        if self._group_of is None:
            sizes = self.group_sizes
            self._group_of = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
        return self._group_of

    @property
    def sequence_of(self) -> Integers:
        """T: the row of each token."""
        if self._sequence_of is None:
            lengths = self.lengths
            self._sequence_of = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
        return self._sequence_of

    def sum_by_group(self, values: ArrayLike) -> Floats:
        """G: sums of one number a row, added in the order of the rows.

        `np.sum` adds in another order, and so rounds otherwise than objectives in Rust do.
        """
        return _sums(self.group_of, values, len(self.prompt))

    def sum_by_sequence(self, values: ArrayLike) -> Floats:
        """N: sums of one number a token, added in the order of the tokens: log q(y) of `log_probs`, in nats."""
        return _sums(self.sequence_of, values, len(self))

    def mean_by_group(self, values: ArrayLike) -> Floats:
        """G: means of one number a row."""
        return self.sum_by_group(values) / self.group_sizes

    def per_row(self, of_groups: ArrayLike) -> Floats:
        """N: for every row the number of its group."""
        return np.asarray(of_groups, np.float64)[self.group_of]

    def per_token(self, of_rows: ArrayLike) -> Floats:
        """T: for every token the number of its sequence."""
        return np.asarray(of_rows, np.float64)[self.sequence_of]

    def importance_weights(self) -> Floats:
        """N: q(y)/b(y), 1 on-policy."""
        return exp(self.sum_by_sequence(self.log_probs) - self.sum_by_sequence(self.behaviour_log_probs))

    def rng(self) -> np.random.Generator:
        """Random numbers of this step and this arm: the same whenever the step is asked for again."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(list(self.key))))


class Prompts:
    """The exact values of every prompt of the task, one number a prompt; NaN where one is not known."""

    __slots__ = ("log_invalidity", "log_partition", "log_power_partition", "log_top_valid")

    #: log Z, the base's log-probability that an output is valid.
    log_partition: Floats
    #: log(1 - Z).
    log_invalidity: Floats
    #: Log of the greatest probability that the base gives a valid output.
    log_top_valid: Floats
    #: log Z of the declared power.
    log_power_partition: Floats

    def __init__(
        self, log_partition: Floats, log_invalidity: Floats, log_top_valid: Floats, log_power_partition: Floats
    ) -> None:
        self.log_partition = log_partition
        self.log_invalidity = log_invalidity
        self.log_top_valid = log_top_valid
        self.log_power_partition = log_power_partition

    def __len__(self) -> int:
        return len(self.log_partition)


@runtime_checkable
class Objective(Protocol):
    """A training objective, as the coefficients c of the update: sum over sequences i and tokens t of w_i c_it grad log
    q(y_it).

    The update ascends, and w_i = 1/N: c absorbs every normaliser. Besides `step` a class may have

    * `declaration`, a dict or a method that answers one: what the objective needs and where it heads, in the words of
      plugins. `base_log_probs: True`, `outcomes: True`, `minimum_group: 2`, `partition: "Exact"`, `power: 0.5`,
      `sources: ["base"]`, `population: "PerSequence"` or `"BinaryGroup(group: 8)"`, `equal_lengths`, `beyond_counts:
      [...]`, `claim: "PassAtK(k: 4)"`, `divergence: "InvalidityRate"`, `cautions: [("OnPolicy", "its clip cannot
      act")]`. It is read once, when the object is made.
    * `prepare(prompts: Prompts)`: asked once before the first step; raises where the task does not fit.
    * `observe(batch: Batch)`: told once of every batch that was drawn, before the first step on it. What an objective
      learns from samples it learns there.
    * `save()`, which answers what `json` can write, and `restore(state)`, which takes it up: both, for a run that stops
      and goes on, where the objective learns anything.

    What a method raises fails the arm, with the traceback.
    """

    def step(self, batch: Batch) -> Answer:
        """The coefficients of one optimizer step: N numbers, one a sequence, or T, one a token."""
        ...


@runtime_checkable
class Verifier(Protocol):
    """Decides which responses are valid.

    `None`, or a text that says why, is no verdict: never the same as invalid, and so is an exception. A class may also
    have `answer(prompt, response) -> str | None`, the answer that a response gives in a spelling that equal answers
    share.
    """

    def accepts(self, prompt: str, response: str) -> bool | str | None:
        """Whether the response is valid. Depends on the two texts alone."""
        ...


@runtime_checkable
class Judge(Protocol):
    """As `Verifier`, asked about many pairs of prompt and response in one go; one answer a pair, in their order."""

    def judge(self, pairs: Sequence[tuple[str, str]]) -> Sequence[bool | str | None]:
        """Which responses are valid."""
        ...


@runtime_checkable
class Reader(Protocol):
    """Decides symbol by symbol: exact figures can then be had where there are too many outputs to list.

    States are what must be remembered of the symbols read so far: hashable, equal where all continuations have equal
    verdicts. The fewer, the larger the spaces that can be walked. Together with `accepts` or `judge` both must agree. A
    class may also have `can_accept_within(state, remaining) -> bool`: whether a valid response may be reached with at
    most so many symbols.
    """

    def start(self, prompt: str) -> Hashable | None:
        """The state before the first symbol; `None` if no response is valid."""
        ...

    def read(self, state: Any, symbol: str) -> Hashable | None:
        """The state behind one more symbol; `None` if no continuation is valid, however long."""
        ...

    def accepting(self, state: Any) -> bool:
        """Whether the response may end here."""
        ...


def exp(x: ArrayLike) -> Floats:
    """e^x, the same bits on every processor, as objectives in Rust have it; `np.exp` is not."""
    values = np.ascontiguousarray(x, np.float64)
    return _native.exp(values.ravel()).reshape(values.shape)


def log(x: ArrayLike) -> Floats:
    """The natural logarithm, the same bits on every processor, as objectives in Rust have it; `np.log` is not."""
    values = np.ascontiguousarray(x, np.float64)
    return _native.log(values.ravel()).reshape(values.shape)


def _sums(places: Integers, values: ArrayLike, count: int) -> Floats:
    """One sum a place, added in the order of the values."""
    sums: Floats = np.bincount(places, weights=np.asarray(values, np.float64), minlength=count).astype(
        np.float64, copy=False
    )
    return sums


def _numbers(answer: object) -> Floats:
    """The coefficients that are meant, as an array of one dimension; raises what is said of others."""
    array = np.asarray(answer)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"`{type(answer).__name__}` of type `{array.dtype}`, expected an array of numbers")
    if array.ndim != 1:
        raise TypeError(f"an array of shape {array.shape}, expected one dimension")
    return np.ascontiguousarray(array, np.float64)
