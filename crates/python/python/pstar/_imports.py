"""Which class an experiment means, read afresh from its module.

A module is looked for in the folder of the experiment first, then where Python looks. Modules in that folder are read
again when one of their files has changed, and are kept apart from the process's own: a run and a notebook may hold two
versions.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType


class ImportRefused(Exception):
    """There is no such class; `hint` says what would help."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


#: A file that was read: its path as runs record it, and the SHA-256 of its bytes.
File = tuple[str, str]

_LOCK = threading.RLock()


def load(directory: str | os.PathLike[str], target: str) -> tuple[object, list[File]]:
    """The object `module:Name` and the files that importing it read: those in `directory` relative to it."""
    folder = Path(directory)
    name, colon, attribute = target.partition(":")
    if not colon or not all(part.isidentifier() for part in (*name.split("."), *attribute.split("."))):
        raise ImportRefused(
            f'expected "module:Class", found "{target}"',
            "for example `objectives:Mine` for `class Mine` in `objectives.py`",
        )
    with _LOCK:
        module, files = _beside(folder, name) or _installed(name, folder)
    found: object = module
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ImportRefused(f"`{name}` has no class `{attribute}`", _classes_of(module, files)) from None
    if not callable(found):
        raise ImportRefused(f"`{target}` is no class but `{type(found).__name__}`", _classes_of(module, files))
    return found, files


def _classes_of(module: ModuleType, files: list[File]) -> str:
    own = [
        name for name, value in vars(module).items() if isinstance(value, type) and value.__module__ == module.__name__
    ]
    place = f"`{files[0][0]}`" if files else "it"
    return f"{place} has " + (", ".join(f"`{name}`" for name in own) if own else "no classes")


# Modules in the folder of an experiment.


@dataclass
class _Loaded:
    module: ModuleType
    files: list[File]


_LOADED: dict[tuple[Path, str], _Loaded] = {}

#: Modules that were put into `sys.modules` by this file.
_LEFT: dict[str, ModuleType] = {}


def _beside(folder: Path, name: str) -> tuple[ModuleType, list[File]] | None:
    """The module of the folder, if there is one."""
    importlib.invalidate_caches()
    if not _is_found(folder, name):
        return None
    known = _LOADED.get((folder, name))
    if known is None or any(_sha256(folder / path) != sha256 for path, sha256 in known.files):
        with _apart(folder, name) as files:
            module = importlib.import_module(name)
        known = _LOADED[folder, name] = _Loaded(module, files)
    return known.module, known.files


def _is_found(folder: Path, name: str) -> bool:
    places: Sequence[str] = [str(folder)]
    whole = ""
    for part in name.split("."):
        whole = f"{whole}.{part}" if whole else part
        spec = PathFinder.find_spec(whole, places)
        if spec is None:
            return False
        places = list(spec.submodule_search_locations or [])
    return True


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


class _Reader(SourceFileLoader):
    """Compiles the bytes whose hash is told, never what was compiled before from a file of that name."""

    def __init__(self, fullname: str, path: str, told: str, files: list[File]) -> None:
        super().__init__(fullname, path)
        self._told, self._files = told, files

    def get_code(self, fullname: str) -> CodeType | None:
        source = self.get_data(self.path)
        self._files.append((self._told, hashlib.sha256(source).hexdigest()))
        return self.source_to_code(source, self.path)


class _Finder(MetaPathFinder):
    """Finds modules in a folder, and notes what is read of it."""

    def __init__(self, folder: Path, target: str, files: list[File]) -> None:
        self._folder, self._target, self._files = folder, target, files
        self._thread = threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if threading.get_ident() != self._thread:
            return None
        spec = PathFinder.find_spec(fullname, [str(self._folder)] if path is None else path)
        if spec is None:
            return None
        if spec.origin is None or not spec.has_location:
            # A folder without `__init__.py` is a package only for whoever names it.
            return spec if path is not None or fullname == self._target else None
        try:
            told = Path(spec.origin).relative_to(self._folder).as_posix()
        except ValueError:
            return None
        if isinstance(spec.loader, SourceFileLoader):
            loader = _Reader(fullname, spec.origin, told, self._files)
            return importlib.util.spec_from_file_location(
                fullname, spec.origin, loader=loader, submodule_search_locations=spec.submodule_search_locations
            )
        sha256 = _sha256(Path(spec.origin))
        if sha256 is not None:
            self._files.append((told, sha256))
        return spec


@contextmanager
def _apart(folder: Path, name: str) -> Iterator[list[File]]:
    """Inside, what the folder holds is imported from it, as if nothing of these names had been imported before."""
    files: list[File] = []
    top = name.partition(".")[0]
    own = {top} | {
        entry.stem for entry in folder.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").is_file()
    }
    own -= {*sys.stdlib_module_names, "pstar", "numpy"} - {top}

    def left(key: str) -> bool:
        return key in _LEFT and sys.modules.get(key) is _LEFT[key]

    theirs: dict[str, ModuleType] = {}
    for key in list(sys.modules):
        if left(key):
            del sys.modules[key]
        elif key.partition(".")[0] in own:
            theirs[key] = sys.modules.pop(key)
    _LEFT.clear()
    finder = _Finder(folder, top, files)
    sys.meta_path.insert(0, finder)
    try:
        yield files
    finally:
        sys.meta_path.remove(finder)
        ours = {key: sys.modules.pop(key) for key in list(sys.modules) if key.partition(".")[0] in own}
        sys.modules.update(theirs)
        for key, module in ours.items():
            # Where nobody else has the name it stays: what pickles an object looks for its module there.
            if key not in sys.modules:
                sys.modules[key] = _LEFT[key] = module


# Modules that are installed.

_INSTALLED: dict[str, File] = {}


def _installed(name: str, folder: Path) -> tuple[ModuleType, list[File]]:
    if name == "__main__":
        raise ImportRefused(
            "`__main__` is no module of a file, which a run could record",
            "put the class into a file beside the experiment, and name that",
        )
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ImportRefused(
            f"there is no module `{name}`",
            f"`{name.replace('.', '/')}.py` is looked for in the folder of the experiment, then where Python looks "
            "(`sys.path`)",
        ) from None
    path = getattr(module, "__file__", None)
    if path is None:
        raise ImportRefused(
            f"the module `{name}` has no file, which a run could record", "name a module that is written in Python"
        )
    file = (str(Path(path).resolve()), _sha256(Path(path)) or "")
    if _INSTALLED.setdefault(name, file) != file:
        raise ImportRefused(
            f"the module `{name}` was changed since it was imported",
            "start Python again, or put it beside the experiment",
        )
    return module, [file]
