"""Errors that tests record are printed as a table at the end."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
FOUND: dict[str, list[float]] = defaultdict(list)

# Tiny models are slower on several threads than on one.
torch.set_num_threads(1)


@pytest.fixture
def record_error():
    """Keeps an error under the name of its host and mode."""
    return lambda mode, error: FOUND[mode].append(error)


def pytest_terminal_summary(terminalreporter):
    if FOUND:
        terminalreporter.section("largest error of gradients: max |g - g by hand| / max |g by hand|")
        for mode, errors in sorted(FOUND.items()):
            terminalreporter.write_line(f"{mode}: {max(errors):.1e} ({len(errors)} cases)")
