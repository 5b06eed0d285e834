"""Chunks of repetitions trained and measured once more, and compared with those in a folder of results."""

import math
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

from numba.core.registry import cpu_target

from infoplane.artifacts import array_digest, known_spec, read_table, table_digest
from infoplane.code import VERSION, made_by
from infoplane.config import EstimatorSpec, TrainingSpec
from infoplane.errors import UserError
from infoplane.information import run as measure
from infoplane.layout import locate, path_of, repetitions_of
from infoplane.provenance import maker
from infoplane.recognition import description_of
from infoplane.training import run as train
from infoplane.trajectory import load_trajectory
from infoplane.verify.trainings import dataset_of

__all__ = ["compilation_target", "draw_sample", "remakable", "remake", "verify_by_remaking"]

# The instruction sets of x86-64 processors whose use may change how kernels are compiled
INSTRUCTIONS = ("avx", "avx2", "fma", "avx512f")


class Comparison(NamedTuple):
    """A file in a folder of results, and the one that was made again.

    Attributes:
        path: that of the file in the folder of results.
        found: digest of its values.
        made: digest of the values that were made again.
    """

    path: Path
    found: str
    made: str


def verify_by_remaking(results: Path, share: float, seed: int) -> None:
    """Make a random share of the chunks once more, print a line for each, and one for each file that differs.

    Args:
        results: the folder that a study wrote.
        share: of the chunks; at least one is made.
        seed: of the choice.

    Raises:
        UserError: a file differs or cannot be read, or there is no chunk to make again.
    """
    histories = remakable(results)
    if not histories:
        raise UserError(
            f"{results}: contains no trainings by version {VERSION} of the kernels; give the folder that a "
            "study of engine: kernels wrote"
        )
    samples, wrong = draw_sample(histories, share, seed), 0
    print(f"code compiled for {compilation_target()}", flush=True)
    for number, history in enumerate(samples, 1):
        names = locate(history, "history")[1]
        equal, problems = compare(history)
        verdict = f"{equal} of {equal + len(problems)} files equal"
        lines = [f"{number} of {len(samples)}: {names['experiment']} {names['chunk']}: {verdict}", *problems]
        print("\n".join(lines), flush=True)
        wrong += bool(problems)
    print(f"{len(samples)} of {len(histories)} chunks made again, {len(samples) - wrong} of them equal")
    if wrong:
        raise UserError(
            f"{results}: {wrong} of {len(samples)} chunks differ from what is made again; move the files "
            "listed above away and run the workflow again"
        )


def compilation_target() -> str:
    """The processor that kernels are compiled for in this process, as LLVM names it.

    It is the present one, unless the environment variables NUMBA_CPU_NAME and NUMBA_CPU_FEATURES name
    another. Machine code of another target is never used: it is cached under the same names.
    """
    _, name, features = cpu_target.target_context.codegen().magic_tuple()
    named = {feature[1:] for feature in features.split(",") if feature.startswith("+")}
    sets = [each for each in INSTRUCTIONS if each in named]
    return f"{name} with {', '.join(sets)}" if sets else name


def remakable(results: Path) -> list[Path]:
    """The histories, one for each chunk, of trainings that come to the same bytes when they are made again.

    Those are trainings by this version of the kernels. What PyTorch has trained depends on its version and on
    the processor; recorded runs were not trained here.
    """
    paths = sorted(results.glob(path_of("history", experiment="*", chunk="*")))
    return [path for path in paths if is_by_these_kernels(path)]


def is_by_these_kernels(history: Path) -> bool:
    return not history.name.startswith(".") and maker(description_of(history)) == made_by("history")


def draw_sample(paths: list[Path], share: float, seed: int) -> list[Path]:
    """A random share of some paths, at least one of them, in their order.

    >>> len(draw_sample([Path(f"{number}.parquet") for number in range(10)], 0.25, seed=0))
    3
    """
    number = max(1, math.ceil(share * len(paths)))
    return sorted(Random(seed).sample(paths, number))


def compare(history: Path) -> tuple[int, list[str]]:
    """Make a chunk once more.

    Returns:
        How many of its files are equal, and a line for each that is not or cannot be read.
    """
    equal, problems = 0, []
    try:
        for path, found, made in remake(history):
            if found == made:
                equal += 1
            else:
                problems.append(f"{path}: its values have the digest {found}, made again {made}")
    except UserError as error:
        problems.append(str(error))
    return equal, problems


def remake(history: Path) -> Iterator[Comparison]:
    """Train a chunk once more, measure its information by every estimator, and compare all files.

    The digests are those of the values alone: what a file tells of libraries and devices may differ.

    Args:
        history: that of the chunk, in a folder of results.

    Raises:
        UserError: a file of the chunk or its data set is missing, damaged or of another version.
    """
    results, names = locate(history, "history")
    described = read_table(history, "history")[1]
    with known_spec(history, described, "trained"):
        spec = TrainingSpec.model_validate(described["spec"]["training"])
        dataset_of(history, results, described["dataset"])
    dataset = results / path_of("dataset", dataset=spec.dataset)
    tables = sorted(results.glob(path_of("information", estimator="*", **names)))
    with TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        again = {path: Path(folder, path.relative_to(results)) for path in [history, *tables]}
        trajectory = Path(folder, path_of("trajectory", **names))
        train(spec, dataset, repetitions_of(names["chunk"]), trajectory, again[history])
        if (kept := results / path_of("trajectory", **names)).exists():
            yield Comparison(kept, trajectory_digest(kept), trajectory_digest(trajectory))
        yield Comparison(history, values_digest(history, "history"), values_digest(again[history], "history"))
        estimators, damaged = dict[Path, EstimatorSpec](), list[UserError]()
        for table in tables:
            try:
                told = read_table(table, "information")[1]
                with known_spec(table, told):
                    estimators[table] = EstimatorSpec.model_validate(told["spec"]["estimator"])
            except UserError as error:
                damaged.append(error)
        if estimators:
            measure([*estimators.values()], dataset, trajectory, [again[table] for table in estimators])
        for table in estimators:
            yield Comparison(
                table, values_digest(table, "information"), values_digest(again[table], "information")
            )
        if damaged:
            raise damaged[0]


def values_digest(path: Path, kind: str) -> str:
    """SHA-256 (hex) of the columns of a table and their values."""
    return table_digest(read_table(path, kind)[0], {})


def trajectory_digest(path: Path) -> str:
    """SHA-256 (hex) of the repetitions, parameters and ranges of a trajectory."""
    trajectory = load_trajectory(path)
    return array_digest(trajectory.repetitions, trajectory.parameters, trajectory.ranges)
