"""pstar: objectives for training sequence models on verifiable rewards, as in the laboratory."""

from pstar import components
from pstar._errors import BatchError, ConfigError, PstarError, WrongTypeError
from pstar._exact import exact, optimum
from pstar._objective import Coefficients, Objective, State
from pstar._plugins import plugins
from pstar._probe import probe
from pstar._record import Run, load
from pstar._ron import Ron
from pstar._run import Progress, run

__all__ = [
    "BatchError",
    "Coefficients",
    "ConfigError",
    "Objective",
    "Progress",
    "PstarError",
    "Ron",
    "Run",
    "State",
    "WrongTypeError",
    "components",
    "exact",
    "load",
    "optimum",
    "plugins",
    "probe",
    "run",
]
