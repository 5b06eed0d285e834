"""Print where the time of a snapshot's exact information goes."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from library import dataset_of, evenly, parts_of_information
from measurement import on_one_thread
from report import duration, machine, positive, run, table

from infoplane import load_trajectory
from infoplane.progress import progress_bar

ROUNDS = 5
SNAPSHOTS = 400
EXAMPLES = """\
examples:
  python benchmarks/profile_snapshot.py results/training/synthetic-relu-8bit/0-49.safetensors
  python benchmarks/profile_snapshot.py results/training/mnist-4x10-8bit/0-4.safetensors
"""
EXPLANATION = """\
{snapshots} snapshots of {trajectory}, spread over its recorded epochs, all their layers.
CPU time of one, median over {rounds} rounds; start and compilation are left out."""


def main(given: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("trajectory", type=Path, metavar="PATH", help="what a training has recorded")
    parser.add_argument(
        "--dataset", type=Path, metavar="PATH", help="its data set (default: that in results/datasets)"
    )
    parser.add_argument(
        "--rounds", type=positive, default=ROUNDS, metavar="N", help=f"rounds (default: {ROUNDS})"
    )
    options = parser.parse_args(given)
    on_one_thread()
    trajectory = evenly(load_trajectory(options.trajectory), SNAPSHOTS)
    dataset = dataset_of(trajectory.spec.dataset, options.dataset)
    rounds = []
    with progress_bar(options.rounds, "measuring", "rounds") as progress:
        for _ in range(options.rounds):
            rounds.append(parts_of_information(trajectory, dataset))
            progress.update()
    seconds = {part: median(each[part] for each in rounds) for part in rounds[0]}
    whole = sum(seconds.values())
    explanation = EXPLANATION.format(
        snapshots=trajectory.finite.size, trajectory=options.trajectory, rounds=options.rounds
    )
    rows = [
        [part, duration(each), f"{each / whole:.1%}"] for part, each in (seconds | {"all": whole}).items()
    ]
    print(machine(), explanation, table(["", "CPU time", "share"], rows), sep="\n\n")


if __name__ == "__main__":
    sys.exit(run(main))
