"""Runs of the workflow that the package carries, in any folder."""

from infoplane.running.folder import claimed, unlock
from infoplane.running.study import Options, run_study, snakefile, target_names

__all__ = ["Options", "claimed", "run_study", "snakefile", "target_names", "unlock"]
