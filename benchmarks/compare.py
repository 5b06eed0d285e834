"""Measure the library against plain PyTorch and NumPy, and print a table."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from statistics import median as middle
from tempfile import TemporaryDirectory
from typing import NamedTuple, Never

from library import dataset_of
from lines import LINES, Options
from measurement import Comparison, elapsed, in_own_process, median, on_one_thread, peak_memory
from report import duration, machine, positive, run, table
from tqdm import tqdm

from infoplane import UserError
from infoplane.progress import progress_bar

ROUNDS, QUICK_ROUNDS = 7, 2
EXAMPLES = """\
examples:
  python benchmarks/compare.py
  python benchmarks/compare.py --quick --only step training
"""
EXPLANATION = """\
Times are medians over {rounds} rounds, in each of which both sides are timed, by turns the one and the other
first. They are CPU times, which other work on the machine disturbs the least; beside them is the time on
the wall. "faster" is the ratio of the CPU times: its median, and the lowest and highest of all rounds.
"All in" is what `train` takes: shuffling, gathering, steps, the test after each epoch, recording. Start and
compilation cancel, as two lengths of a training, or of a trajectory, are subtracted. The library trains many
repetitions at once, the baseline one after the other; times are for one. Images: {images}."""


START = """\
The first call compiles, or loads what was compiled before; its time is that on the wall beyond the work
itself. To see it compile, give PyTorch an empty cache: TORCHINDUCTOR_CACHE_DIR=$(mktemp -d). Peak memory is
that of a process of its own, which does the work of one round; to import the library and PyTorch takes
{imports:.0f} MiB of it."""


class Outcome(NamedTuple):
    """What was measured of a line.

    Attributes:
        start: seconds on the wall that the first call took beyond its work.
        memory: peaks (MiB) of the library and of the baseline, each in a process of its own.
    """

    comparison: Comparison
    start: float
    memory: tuple[float, float]


def compare(name: str, options: Options, rounds: int, progress: "tqdm[Never]") -> Outcome:
    """Measure one line."""
    line = LINES[name]
    ours, baseline = line.ours(options), line.baseline(options)
    first = elapsed(ours.run).wall
    progress.update()
    comparison = Comparison()
    for _ in range(rounds):
        comparison.take_round(ours, baseline)
        progress.update()
    memory = []
    for side in ("ours", "baseline"):
        memory.append(in_own_process(peak_of, name, side, options))
        progress.update()
    start = max(0.0, first - median(comparison.ours).wall * ours.units)
    return Outcome(comparison, start, (memory[0], memory[1]))


def peak_of(name: str, side: str, options: Options) -> float:
    """The peak memory of this process, once it has done the work of a line."""
    on_one_thread()
    work = getattr(LINES[name], side)(options)
    work.run()
    return peak_memory()


def speed_table(outcomes: dict[str, Outcome]) -> str:
    """Times for one unit, and their ratios."""
    header = ["line", "per", "infoplane", "wall", "baseline", "wall", "faster", "lowest–highest", "target"]
    rows = []
    for name, (comparison, _, _) in outcomes.items():
        line, ratios = LINES[name], comparison.ratios
        times = [duration(each) for side in (comparison.ours, comparison.baseline) for each in median(side)]
        spread = f"{min(ratios):.3g}–{max(ratios):.3g}"
        rows.append([line.about, line.unit, *times, f"{middle(ratios):.3g} ×", spread, line.target])
    return table(header, rows)


def start_table(outcomes: dict[str, Outcome]) -> str:
    """Seconds on the wall, and peaks of memory."""
    header = ["line", "first call", "peak memory", "of the baseline"]
    rows = [
        [LINES[name].about, duration(start), *(f"{peak:.0f} MiB" for peak in memory)]
        for name, (_, start, memory) in outcomes.items()
    ]
    return table(header, rows)


def arguments(given: Sequence[str] | None = None) -> tuple[list[str], int, bool, Path | None]:
    """Names of lines, rounds, whether to be quick, and the file of the images."""
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds of less work: to try the command")
    parser.add_argument(
        "--rounds", type=positive, metavar="N", help=f"rounds of each line (default: {ROUNDS})"
    )
    parser.add_argument(
        "--mnist",
        type=Path,
        metavar="PATH",
        help="MNIST as the workflow makes it (default: results/datasets/mnist.npz, else random images)",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="LINE", default=list(LINES), help=f"some of {', '.join(LINES)}"
    )
    options = parser.parse_args(given)
    for name in options.only:
        if name not in LINES:
            raise UserError(f"--only: {name!r} is no line; use some of {', '.join(LINES)}")
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    return options.only, rounds, options.quick, options.mnist


def main(given: Sequence[str] | None = None) -> None:
    names, rounds, quick, mnist = arguments(given)
    on_one_thread()
    images = dataset_of("mnist", mnist).name
    imports = in_own_process(peak_memory)
    total = len(names) * (rounds + 3)
    outcomes = {}
    with TemporaryDirectory() as folder, progress_bar(total, "measuring", "rounds") as progress:
        for name in names:
            progress.set_description_str(name)
            outcomes[name] = compare(name, Options(quick, mnist, Path(folder)), rounds, progress)
    print(machine(), EXPLANATION.format(rounds=rounds, images=images), sep="\n\n")
    print("", speed_table(outcomes), "", START.format(imports=imports), "", start_table(outcomes), sep="\n")


if __name__ == "__main__":
    sys.exit(run(main))
