"""What the package raises: `PstarError`, of a class of Python's own where one fits."""

from pstar._native import PstarError

__all__ = ["BatchError", "ConfigError", "PstarError", "WrongTypeError"]


class ConfigError(PstarError, ValueError):
    """A name, a configuration or an experiment that the laboratory refuses."""


class BatchError(PstarError, ValueError):
    """An argument whose values, shape or length are none of a batch."""


class WrongTypeError(PstarError, TypeError):
    """An argument of a type that is not asked for."""
