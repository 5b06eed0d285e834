"""Information of trained networks: replay, estimators, and what else is read out of replayed layers."""

from infoplane.entropy import Information
from infoplane.information.arrays import binned_information, exact_information
from infoplane.information.estimate import estimate, run

__all__ = ["Information", "binned_information", "estimate", "exact_information", "run"]
