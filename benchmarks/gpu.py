"""Measure training and exact information on a GPU beside the kernels on one core, and write two tables."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple, Never

import numpy as np
import torch
from library import (
    BOTTLENECK,
    CONV,
    EXACT,
    FLOAT32,
    RELU,
    START,
    TANH,
    dataset_of,
    estimate_quietly,
    information_work,
    of_width,
    train_quietly,
    training_work,
)
from measurement import Work, per_unit
from report import duration, machine, output_path, positive, run, table
from tqdm import tqdm

from infoplane import Dataset, TrainingSpec, Trajectory
from infoplane.devices import device_of, name_of
from infoplane.information.replay import replay
from infoplane.information.snapshots import at_times
from infoplane.networks import training
from infoplane.progress import progress_bar

DEVICE = "cuda"
ROUNDS = 3
EXAMPLES = """\
examples:
  python benchmarks/gpu.py --output gpu.md
  python benchmarks/gpu.py --rounds 1 --mnist results/datasets/mnist.npz
"""
EXPLANATION = """\
Wall times, medians of {rounds} rounds, without start and compilation. The kernels use one core. Training
includes shuffling, the test after each epoch and recording. Information is exact; the codes are counted on
the processor in both cases. "Cores" is the number of cores on which kernels do as much in the same time.
Images: {images}."""

TRAINING_HEADER = ("training", "repetitions", "GPU: step of all", "GPU: of one", "kernels: of one", "cores")
SNAPSHOTS_HEADER = (
    "exact information",
    "GPU: snapshot",
    "GPU: its replay",
    "kernels: snapshot",
    "kernels: its replay",
    "cores",
    "rows that differ",
)


class Training(NamedTuple):
    """Trainings of one network.

    Attributes:
        widths: how many repetitions are trained side by side on the GPU.
        epochs, epochs_by_kernels: how many are timed on the GPU, and by the kernels.
    """

    about: str
    spec: TrainingSpec
    widths: tuple[int, ...]
    epochs: int
    epochs_by_kernels: int


class Snapshots(NamedTuple):
    """The information of one network at the epochs recorded of a training of one repetition."""

    about: str
    spec: TrainingSpec
    epochs: int


TRAININGS = (
    Training("`shwartz-ziv`, ReLU, 8 bits", RELU, (1, 10, 50, 500), 5, 500),
    Training("the same, tanh", TANH, (1, 10, 50, 500), 5, 500),
    Training("the same, ReLU, hidden layers of 64", of_width(RELU, 64), (50,), 5, 50),
    Training("the same, ReLU, hidden layers of 256", of_width(RELU, 256), (1, 50), 5, 5),
    Training("`bottleneck-2`, ReLU, 8 bits", BOTTLENECK, (1, 10, 20), 1, 10),
    Training("`conv`, ReLU, 8 bits", CONV, (1, 10), 1, 5),
)
SNAPSHOTS = (
    Snapshots("`shwartz-ziv`, ReLU, 8 bits", RELU, 4000),
    Snapshots("the same, tanh", TANH, 4000),
    Snapshots("the same, tanh, float32", FLOAT32, 4000),
    Snapshots("`bottleneck-2`, ReLU, 8 bits, 70,000 images", BOTTLENECK, 61),
    Snapshots("`conv`, ReLU, 8 bits, 70,000 images", CONV, 15),
)


@contextmanager
def side_by_side(width: int) -> Iterator[None]:
    """Ensembles of one width on the GPU, whatever the library's own is."""
    own = training.MEMBERS_ON_GPU
    training.MEMBERS_ON_GPU = width
    try:
        yield
    finally:
        training.MEMBERS_ON_GPU = own


def seconds_of(work: Work, rounds: int, progress: "tqdm[Never]") -> float:
    """The median wall time of a unit, after a first run that is not timed."""
    (work.start or work.run)()
    times = []
    for _ in range(rounds):
        times.append(per_unit(work, perf_counter))
        progress.update()
    return median(times)


def training_rows(line: Training, dataset: Dataset, rounds: int, progress: "tqdm[Never]") -> list[list[str]]:
    """The rows of one network, one for each number of repetitions."""
    by_kernels = seconds_of(training_work(line.spec, dataset, 1, line.epochs_by_kernels), rounds, progress)
    in_torch = line.spec.model_copy(update={"engine": "torch"})
    rows = []
    for width in line.widths:
        with side_by_side(width):
            own = seconds_of(training_work(in_torch, dataset, width, line.epochs, DEVICE), rounds, progress)
        times = [duration(each) for each in (width * own, own, by_kernels)]
        rows.append([line.about, str(width), *times, f"{by_kernels / own:.2g}"])
    return rows


def replay_work(trajectory: Trajectory, dataset: Dataset, device: str) -> Work:
    """A replay alone, by the difference of two lengths; the unit is a snapshot."""
    first = at_times(trajectory, np.arange(len(trajectory.epochs)) < START)

    def through(part: Trajectory) -> Callable[[], object]:
        return lambda: [None for _ in replay(part, dataset, device)]

    return Work(through(trajectory), trajectory.finite.size - first.finite.size, through(first))


def snapshot_row(line: Snapshots, dataset: Dataset, rounds: int, progress: "tqdm[Never]") -> list[str]:
    """The row of one network, and in how many rows the tables of information by both sides differ."""
    trajectory = train_quietly(line.spec, dataset, 1, line.epochs)
    works = [
        work
        for device in (DEVICE, "cpu")
        for work in (
            information_work(trajectory, dataset, EXACT, device),
            replay_work(trajectory, dataset, device),
        )
    ]
    times = [seconds_of(work, rounds, progress) for work in works]
    ours, theirs = (estimate_quietly(EXACT, trajectory, dataset, device) for device in (DEVICE, "cpu"))
    differing = int((ours != theirs).any(axis=1).sum())
    return [
        line.about,
        *map(duration, times),
        f"{times[2] / times[0]:.2g}",
        f"{differing} of {len(ours):,}",
    ]


def graphics() -> str:
    """The GPU, and the CUDA that PyTorch was built for."""
    return f"GPU: {name_of(DEVICE)}, CUDA {torch.version.cuda}."


def main(given: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=positive, default=ROUNDS, metavar="N", help=f"default: {ROUNDS}")
    parser.add_argument(
        "--mnist",
        type=Path,
        metavar="PATH",
        help="MNIST as the workflow makes it (default: results/datasets/mnist.npz, else random images)",
    )
    parser.add_argument(
        "--output", type=output_path, metavar="PATH", help="the file to write (default: standard output)"
    )
    options = parser.parse_args(given)
    device_of(DEVICE)
    torch.set_num_threads(1)
    rounds = options.rounds
    total = rounds * (sum(1 + len(each.widths) for each in TRAININGS) + 4 * len(SNAPSHOTS))
    trained, measured = [], []
    with progress_bar(total, "measuring", "rounds") as progress:
        for line in TRAININGS:
            trained += training_rows(line, dataset_of(line.spec.dataset, options.mnist), rounds, progress)
        for each in SNAPSHOTS:
            measured.append(
                snapshot_row(each, dataset_of(each.spec.dataset, options.mnist), rounds, progress)
            )
    explanation = EXPLANATION.format(rounds=rounds, images=dataset_of("mnist", options.mnist).name)
    tables = table(TRAINING_HEADER, trained), table(SNAPSHOTS_HEADER, measured)
    text = "\n\n".join([explanation, *tables, f"{machine()}\n{graphics()}"])
    if options.output:
        options.output.write_text(f"# On a GPU\n\n{text}\n")
    else:
        print(text)


if __name__ == "__main__":
    sys.exit(run(main))
