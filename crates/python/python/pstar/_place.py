"""Where the parts of the package lie."""

import sys
from pathlib import Path

from pstar import _native

#: The extension.
NATIVE = Path(_native.__file__)
#: The plugins that come with the package.
PLUGINS = Path(__file__).parent / "plugins"


def begin() -> None:
    """Tells the extension where it is; what a process was told first stays."""
    _native.begin(sys.executable, NATIVE, PLUGINS)
