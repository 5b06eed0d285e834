"""Verification of a folder of results: all checks, one after the other, and the problems found."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from infoplane.artifacts import MOVE_AWAY
from infoplane.config.kinds import FIGURES, TABLES
from infoplane.errors import UserError
from infoplane.layout import FILES, JOINS, folder_of, locate, path_of
from infoplane.progress import progress_bar
from infoplane.verify.datasets import check_dataset, check_download
from infoplane.verify.facts import RUN_AGAIN
from infoplane.verify.figures import check_figure
from infoplane.verify.information import check_estimates, check_information
from infoplane.verify.tables import (
    check_accuracy,
    check_claims,
    check_joined,
    check_statistics,
    check_table,
)
from infoplane.verify.trainings import check_experiment, check_history, check_trajectory

__all__ = ["verify"]


class Check(NamedTuple):
    """A kind of check.

    Attributes:
        pattern: of the paths that it checks, below the folder of results.
        known: what holds if it passes.
        made: raises a `UserError` if it does not.
        rests: whether it reads artifacts that other checks have read before.
    """

    pattern: str
    known: str
    made: Callable[[Path], object]
    rests: bool = False


CHECKS = (
    Check(
        path_of("dataset", dataset="*"),
        "data sets match their digests; public ones, what was published",
        check_dataset,
    ),
    Check("datasets/*/*", "downloaded files are the published ones", check_download),
    Check(
        path_of("history", experiment="*", chunk="*"), "histories are whole and within bounds", check_history
    ),
    Check(
        path_of("trajectory", experiment="*", chunk="*"),
        "trajectories are whole and fit their histories",
        check_trajectory,
        True,
    ),
    Check(
        folder_of("history", experiment="*") + "/",
        "experiments have every repetition once",
        check_experiment,
        True,
    ),
    Check(
        path_of("information", experiment="*", estimator="*", chunk="*"),
        "tables of information obey its laws and follow from their trajectories or recordings",
        check_information,
    ),
    Check(
        folder_of("information", experiment="*", estimator="*") + "/",
        "estimates are of every repetition once",
        check_estimates,
        True,
    ),
    Check(
        path_of("phases", experiment="*", estimator="*"),
        "pairs of aggregates and phases follow from their tables",
        check_statistics,
        True,
    ),
    Check(
        path_of("accuracy", experiment="*"),
        "tables of accuracy follow from their histories",
        check_accuracy,
        True,
    ),
    *(
        Check(
            path_of("joined", dataset="*", table=name),
            "joined tables follow from what they join",
            check_joined,
            True,
        )
        for name, join in JOINS.items()
        if not TABLES[join.of].chunked
    ),
    Check(path_of("claims"), "tables of claims follow from the phases", check_claims, True),
    Check(
        path_of("figure", figure="*", format="*"),
        "figures are whole and show their tables",
        check_figure,
        True,
    ),
)
# What other columns and specs than those of a kind raise; and what artifacts do that rest on such, or faults
FOREIGN = (KeyError, ValidationError)
FAULTS = (AttributeError, LookupError, StopIteration, TypeError, ValueError)
OTHERS = Check("", "other tables are whole", check_table)
NO_ARTIFACTS = ("benchmarks", "logs")
KINDS = {f".{path.rpartition('.')[2]}" for path in FILES.values()}
KINDS |= {f".{each}" for kind in FIGURES.values() for each in (*kind.formats, "mp4")}


def verify(results: Path) -> tuple[list[str], list[str]]:
    """Check every artifact in a folder of results by itself, and against those that it was made from.

    Args:
        results: the folder that a study wrote.

    Returns:
        Problems, a line each; and lines that count the checks of each kind.

    Raises:
        UserError: there is nothing to check.
    """
    planned = [(check, path) for check in CHECKS for path in found(results, check.pattern)]
    if not planned:
        raise UserError(f"{results}: contains no results; give the folder that a study wrote")
    known = {path for _, path in planned}
    for path in found(results, path_of("phases", experiment="*", estimator="*")):
        known.add(results / path_of("aggregates", **locate(path, "phases")[1]))
    files = [path for folder in stages(results) for path in sorted(folder.rglob("*")) if path.is_file()]
    planned += [(OTHERS, path) for path in files if path.suffix == ".parquet" and path not in known]
    problems, refused = dict.fromkeys(strangers(files), True), False
    with progress_bar(len(planned), "verify", "checks") as progress:
        for check, path in planned:
            try:
                check.made(path)
            except UserError as error:
                problems[str(error)] = refused = True
            except FOREIGN as error:
                problems[refusal(path, error, check.rests and refused)] = refused = True
            except FAULTS as error:
                if not refused:  # a fault of the check, and of no artifact
                    raise
                problems[refusal(path, error, True)] = True
            progress.update()
    counts = Counter(check.known for check, _ in planned)
    return [*problems], [f"{count:6} {known}" for known, count in counts.items()]


def refusal(path: Path, error: Exception, rests: bool) -> str:
    """The line of an artifact whose check ended in an error that is not told in words.

    Args:
        rests: whether the artifact rests on others that were refused, which then are to blame.
    """
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    if rests:
        return f"{path}: cannot be checked beside the problems above ({reason}); mend them and verify again"
    if isinstance(error, ValidationError):
        return f"{path}: is of a spec that this version does not know; verify it by its own or, {MOVE_AWAY}"
    return f"{path}: is not what its name says ({reason}); {RUN_AGAIN}"


def found(results: Path, pattern: str) -> list[Path]:
    """The paths of a pattern, without hidden ones and empty folders."""
    paths = sorted(path for path in results.glob(pattern) if not path.name.startswith("."))
    return [path for path in paths if path.is_file() or (pattern.endswith("/") and has_files(path))]


def has_files(folder: Path) -> bool:
    """Whether a folder has files that are not hidden, or folders."""
    return any(not path.name.startswith(".") for path in folder.iterdir())


def waits(path: Path) -> bool:
    """Whether a hidden file is for a job that has not ended: a checkpoint, or a table made for it."""
    ending = {".checkpoint": ".safetensors", ".ready": ""}.get(path.suffix)
    return ending is not None and not path.with_name(f"{path.stem[1:]}{ending}").exists()


def stages(results: Path) -> Iterator[Path]:
    """The folders of the stages, not those of other studies within this one."""
    for folder in sorted(results.iterdir()):
        if folder.is_dir() and folder.name not in NO_ARTIFACTS and not (folder / "datasets").exists():
            yield folder


def strangers(files: Iterable[Path]) -> Iterator[str]:
    """A line for each file that is no artifact, by its name."""
    for path in files:
        if path.name.startswith(".") and not waits(path):
            yield f"{path}: left by a job that was killed; remove it"
        elif path.suffix not in KINDS and not path.name.startswith(".") and not path.match("datasets/*/*"):
            yield f"{path}: is not an artifact of a study; remove it"
