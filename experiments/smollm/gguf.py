"""Reads models from GGUF files: what they say of themselves, and their tensors as float32.

The format is that of ggml's `gguf.md`: a head, key-value pairs, a table of tensors, and behind it, aligned, their data.
Sizes of tensors stand in it innermost first; here they are in numpy's order, [outputs, inputs].
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Callable

import numpy as np

Array = np.ndarray

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT = 32
TEXT, LIST = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


class GgufError(Exception):
    """A file that is not as it must be."""


@dataclass(frozen=True)
class Encoding:
    """How a type of tensor holds its numbers: in blocks of as many numbers and bytes."""

    name: str
    numbers: int
    bytes: int
    decode: Callable[[Array], Array]
    """From blocks × bytes to blocks × numbers."""


def half(blocks: Array) -> Array:
    """The float16 that blocks of two bytes hold, as float32."""
    return np.ascontiguousarray(blocks).view("<f2").astype(np.float32)


def q4_1(blocks: Array) -> Array:
    """Scale d, least m, 32 numbers q of four bits: d·q + m. The first 16 are lower halves of bytes."""
    packed = blocks[:, 4:]
    q = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)
    return half(blocks[:, 0:2]) * q + half(blocks[:, 2:4])


def q8_0(blocks: Array) -> Array:
    """Scale d, 32 numbers q of eight bits with a sign: d·q."""
    return half(blocks[:, 0:2]) * np.ascontiguousarray(blocks[:, 2:]).view(np.int8).astype(np.float32)


ENCODINGS = {
    0: Encoding("F32", 1, 4, lambda blocks: np.ascontiguousarray(blocks).view("<f4")),
    1: Encoding("F16", 1, 2, half),
    3: Encoding("Q4_1", 32, 20, q4_1),
    8: Encoding("Q8_0", 32, 34, q8_0),
}


@dataclass(frozen=True)
class Entry:
    """A line of the table of tensors."""

    shape: tuple[int, ...]
    encoding: int
    offset: int


class _Reader:
    """Reads a file's bytes one after the other."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.place = 0

    def take(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self.data):
            raise GgufError(f"expected {count} bytes at byte {self.place}, found the end of the file")
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def scalar(self, code: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def text(self) -> str:
        return self.take(self.scalar("Q")).decode()

    def value(self, kind: int) -> Any:
        if kind == TEXT:
            return self.text()
        if kind == LIST:
            of, count = self.scalar("I"), self.scalar("Q")
            return [self.value(of) for _ in range(count)]
        if kind not in SCALARS:
            raise GgufError(f"expected a kind of value from 0 to 12, found {kind} at byte {self.place}")
        return self.scalar(SCALARS[kind])

    def entry(self) -> tuple[str, Entry]:
        name = self.text()
        sizes = [self.scalar("Q") for _ in range(self.scalar("I"))]
        return name, Entry(tuple(reversed(sizes)), self.scalar("I"), self.scalar("Q"))


class Gguf:
    """An open GGUF file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            # An empty file cannot be mapped.
            if file.read(4) != MAGIC:
                raise GgufError(f"expected a GGUF file, found that `{path}` does not begin with {MAGIC.decode()}")
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        reader = _Reader(self._data)
        reader.take(len(MAGIC))
        version = reader.scalar("I")
        if version not in VERSIONS:
            raise GgufError(f"expected GGUF version 2 or 3, found {version}")
        tensors, pairs = reader.scalar("Q"), reader.scalar("Q")
        self.fields: dict[str, Any] = {}
        for _ in range(pairs):
            name = reader.text()
            self.fields[name] = reader.value(reader.scalar("I"))
        self.entries: dict[str, Entry] = dict(reader.entry() for _ in range(tensors))
        alignment = self.fields.get("general.alignment", ALIGNMENT)
        self._start = -(-reader.place // alignment) * alignment

    def field(self, name: str) -> Any:
        """What the file says under a name."""
        if name not in self.fields:
            raise GgufError(f"expected the field `{name}`, found none")
        return self.fields[name]

    def tensor(self, name: str) -> Array:
        """A tensor, with the roundings of ggml, in float32."""
        if name not in self.entries:
            raise GgufError(f"expected the tensor `{name}`, found none")
        entry = self.entries[name]
        encoding = ENCODINGS.get(entry.encoding)
        if encoding is None:
            known = ", ".join(encoding.name for encoding in ENCODINGS.values())
            raise GgufError(f"expected `{name}` of a type among {known}, found ggml's number {entry.encoding}")
        blocks, rest = divmod(prod(entry.shape), encoding.numbers)
        begin = self._start + entry.offset
        if rest or begin + blocks * encoding.bytes > len(self._data):
            raise GgufError(f"expected `{name}` in whole blocks within the file, found it cut off")
        raw = np.frombuffer(self._data, np.uint8, blocks * encoding.bytes, begin)
        return encoding.decode(raw.reshape(blocks, encoding.bytes)).reshape(entry.shape)
