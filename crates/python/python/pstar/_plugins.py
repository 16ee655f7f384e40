"""What experiments, and `Objective`, can name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike, fspath
from typing import Any

from pstar import _native
from pstar._errors import WrongTypeError
from pstar._place import begin


def plugins(*names: str, plugin_dirs: Sequence[str | PathLike[str]] = ()) -> list[dict[str, Any]]:
    """The components of these names, all if there are none, as `pstar plugins --json` lists them.

    Of each: `kind` ("objective", "verifier", "policy", "base model"), `name`, `doc`, `version`, `interface`, `file`, `sha256`,
    `offers`, and `config`, the fields of its configuration, each with `name`, `kind`, `range`, `default` and `doc`.

    Raises `ConfigError` (a `ValueError`) if no plugin offers one of the names, and `PstarError` if a plugin cannot be loaded.
    """
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        raise WrongTypeError(f"expected names, found {wrong!r}; plugins(*names) takes them one by one")
    begin()
    listed: list[dict[str, Any]] = json.loads(_native.plugins(list(names), folders(plugin_dirs)))
    return listed


def folders(plugin_dirs: Sequence[str | PathLike[str]]) -> list[str]:
    """Folders with more plugins."""
    if isinstance(plugin_dirs, (str, bytes, PathLike)):
        raise WrongTypeError("`plugin_dirs` must be a list of folders")
    return [fspath(folder) for folder in plugin_dirs]
