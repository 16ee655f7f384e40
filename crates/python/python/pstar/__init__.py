"""pstar: objectives for training sequence models on verifiable rewards, as in the laboratory."""

from pstar._native import PstarError
from pstar._objective import Coefficients, Objective

__all__ = ["Coefficients", "Objective", "PstarError"]
