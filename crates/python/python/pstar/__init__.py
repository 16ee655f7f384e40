"""pstar: objectives for training sequence models on verifiable rewards, as in the laboratory."""

from pstar._errors import BatchError, ConfigError, PstarError, WrongTypeError
from pstar._objective import Coefficients, Objective, State
from pstar._plugins import plugins
from pstar._probe import probe
from pstar._ron import Ron

__all__ = [
    "BatchError",
    "Coefficients",
    "ConfigError",
    "Objective",
    "PstarError",
    "Ron",
    "State",
    "WrongTypeError",
    "plugins",
    "probe",
]
