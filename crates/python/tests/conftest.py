"""What the tests share. `PSTAR_HOST` names the program that answers are held against, `PSTAR_ROOT` the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ["PSTAR_ROOT"] if "PSTAR_ROOT" in os.environ else Path(__file__).resolve().parents[3])


@pytest.fixture(scope="session")
def host() -> str:
    """The program that was built from the same sources."""
    program = os.environ.get("PSTAR_HOST")
    if program is None:
        pytest.skip("PSTAR_HOST names no program")
    return program


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of plugins that the caller's environment names is none of the tests'."""
    monkeypatch.delenv("PSTAR_PLUGIN_PATH", raising=False)
