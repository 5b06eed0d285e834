"""Tables on disk: chunks of one experiment in, its statistics out, and joins over the study."""

from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["join_fits", "join_information", "join_phases", "summarise_accuracy", "summarise_information"]


def summarise_information(
    information_paths: Sequence[Path], history_paths: Sequence[Path], aggregates_path: Path, phases_path: Path
) -> None:
    """Write the aggregates and the phases of one experiment seen by one estimator.

    Arguments:
        information_paths: the chunks of the information stage, all of them and no others.
        history_paths: the chunks of the training stage for the same repetitions.
    """
    raise NotImplementedError


def summarise_accuracy(history_paths: Sequence[Path], output_path: Path) -> None:
    """Write the aggregates of loss and accuracy of one experiment."""
    raise NotImplementedError


def join_information(aggregates: Mapping[tuple[str, str], Path], output_path: Path) -> None:
    """Write as CSV the mean and std of H(T) and I(T;Y) at a few epochs.

    Arguments:
        aggregates: the path of the aggregates of each (experiment, estimator).
    """
    raise NotImplementedError


def join_phases(phases: Mapping[tuple[str, str], Path], output_path: Path) -> None:
    """Write as one CSV the phases of each (experiment, estimator)."""
    raise NotImplementedError


def join_fits(accuracy: Mapping[str, Path], output_path: Path) -> None:
    """Write as CSV how many repetitions of each experiment failed or fit badly, and the last accuracies."""
    raise NotImplementedError
