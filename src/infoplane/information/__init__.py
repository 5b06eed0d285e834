"""Information of trained networks: replay of recorded parameters, estimators, and the tables made by them."""

from infoplane.entropy import Information
from infoplane.information.arrays import binned_information, exact_information
from infoplane.information.estimate import estimate, run

__all__ = ["Information", "binned_information", "estimate", "exact_information", "run"]
