"""The program `pstar`: the laboratory's command line."""

import signal
import sys

from pstar import _native
from pstar._place import NATIVE, PLUGINS


def main() -> int:
    """Does what the arguments say; the exit code is the program's."""
    # Ctrl-C is the program's: it keeps what is done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(sys.executable, sys.argv[1:], NATIVE, PLUGINS)


if __name__ == "__main__":
    sys.exit(main())
