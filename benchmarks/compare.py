"""Measure the library against plain PyTorch and NumPy, and write a table."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Never

import torch
from library import dataset_of
from lines import LINES, Options
from measurement import Comparison
from report import duration, machine, output_path, positive, run, table
from tqdm import tqdm

from infoplane import UserError
from infoplane.progress import progress_bar

ROUNDS, QUICK_ROUNDS = 7, 2
EXAMPLES = """\
examples:
  python benchmarks/compare.py --output benchmarks/table.md
  python benchmarks/compare.py --quick --only training information
"""
EXPLANATION = """\
Times are CPU times on one core, medians of {rounds} rounds; a target is the most that a time should be. In
each round the library, and the same work in plain PyTorch and NumPy, take turns. The ratio is the plain time
over the library's: the median, the lowest and the highest of all rounds; its target is the least that it
should be. Training includes shuffling, the test after each epoch and recording; information includes the
replay. Images: {images}."""


def compare(name: str, options: Options, rounds: int, progress: "tqdm[Never]") -> Comparison:
    """Measure one line."""
    line = LINES[name]
    library, plain = line.library(options), line.plain and line.plain(options)
    if not line.once:
        library.run()  # what is not compiled yet is compiled here
    comparison = Comparison()
    for _ in range(1 if line.once else rounds):
        comparison.take_round(library, plain)
        progress.update()
    return comparison


def speed_table(comparisons: dict[str, Comparison]) -> str:
    """Times for one unit, their ratios, and the targets of both."""
    header = ["work", "for one", "infoplane", "plain", "ratio", "lowest–highest", "target", "target ratio"]
    rows = []
    for name, comparison in comparisons.items():
        line, ratios = LINES[name], comparison.ratios
        plain, ratio, spread = "", "", ""
        if ratios:
            plain, ratio = duration(median(comparison.plain)), f"{median(ratios):.3g} ×"
            spread = f"{min(ratios):.3g}–{max(ratios):.3g}"
        least = "" if line.ratio is None else f"{line.ratio:g} ×"
        times = duration(median(comparison.library)), plain
        rows.append([line.about, line.unit, *times, ratio, spread, duration(line.seconds), least])
    return table(header, rows)


def main(given: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two rounds of less work: to try the command")
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"rounds of a line (default: {ROUNDS})")
    parser.add_argument(
        "--mnist",
        type=Path,
        metavar="PATH",
        help="MNIST as the workflow makes it (default: results/datasets/mnist.npz, else random images)",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="LINE", default=list(LINES), help=f"some of {', '.join(LINES)}"
    )
    parser.add_argument(
        "--output", type=output_path, metavar="PATH", help="the file to write (default: standard output)"
    )
    options = parser.parse_args(given)
    for name in options.only:
        if name not in LINES:
            raise UserError(f"--only: {name!r} is no line; use some of {', '.join(LINES)}")
    torch.set_num_threads(1)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    total = sum(1 if LINES[name].once else rounds for name in options.only)
    comparisons = {}
    with progress_bar(total, "measuring", "rounds") as progress:
        for name in options.only:
            progress.set_description_str(name)
            comparisons[name] = compare(name, Options(options.quick, options.mnist), rounds, progress)
    images = dataset_of("mnist", options.mnist).name
    explanation = EXPLANATION.format(rounds=rounds, images=images)
    text = "\n\n".join([explanation, speed_table(comparisons), machine()])
    if options.output:
        options.output.write_text(f"# Speed beside plain PyTorch and NumPy\n\n{text}\n")
    else:
        print(text)


if __name__ == "__main__":
    sys.exit(run(main))
