"""What is told of a cluster that does not do."""

from __future__ import annotations

from pstar._errors import PstarError


class ClusterError(PstarError):  # type: ignore[misc, unused-ignore]
    """A cluster, or a node of it, that cannot work on a run; workers that were begun have given their arms back."""

    #: What the command line exits with.
    code = 2


class StuckError(ClusterError):
    """Workers that end, again and again, without bringing an arm to its end; what is done is kept."""

    code = 5


class ProgramError(ClusterError):
    """What the program says of a run or an experiment, in its own words."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
