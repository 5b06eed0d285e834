"""Measure how the cost of training and of exact information grows, and plot it."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import NamedTuple, Never

import numpy as np
from library import (
    RELU,
    dataset_of,
    information_work,
    of_width,
    random_features,
    train_quietly,
    training_work,
)
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from measurement import Work, fitted_slope, per_unit
from report import duration, machine, output_path, positive, run, table
from tqdm import tqdm

from infoplane import Dataset, TrainingSpec, UserError
from infoplane.figures.style import styled
from infoplane.plotting.axes import COLOURS
from infoplane.progress import progress_bar

ROUNDS, QUICK_ROUNDS = 5, 1
EPOCHS = 200
FORMATS = (".pdf", ".png", ".svg")
EXAMPLES = """\
examples:
  python benchmarks/scaling.py --output scaling.png scaling.pdf
  python benchmarks/scaling.py --quick --output scaling.png
"""
EXPLANATION = """\
CPU time without start and compilation, median over {rounds} rounds. All are published shwartz-ziv networks of
ReLU at 8 bits on the synthetic data, but for what is varied: one repetition of {epochs} epochs, all of them
recorded. Their width is that of all five hidden layers, and their inputs are random where these are varied. A
slope is that of the straight line through the logarithms: 1 is linear."""


class Setting(NamedTuple):
    """What is trained and measured."""

    spec: TrainingSpec
    dataset: Dataset
    repetitions: int
    epochs: int


class Axis(NamedTuple):
    """What is varied.

    Attributes:
        amounts: in ascending order.
        setting: what an amount stands for.
        expected: what the slope should be.
    """

    amounts: tuple[int, ...]
    setting: Callable[[int], Setting]
    expected: str


class Curve(NamedTuple):
    """The costs of a stage along an axis, (amounts, rounds) seconds."""

    axis: str
    stage: str
    amounts: tuple[int, ...]
    costs: np.ndarray

    @property
    def medians(self) -> list[float]:
        """The cost of each amount."""
        medians: list[float] = np.median(self.costs, axis=1).tolist()
        return medians

    @property
    def slope(self) -> float:
        """The exponent with which costs grow."""
        return fitted_slope(self.amounts, self.medians)


def axes_of(quick: bool) -> dict[str, Axis]:
    """What is varied, by name."""
    synthetic, spec = dataset_of("synthetic"), RELU.model_copy(update={"record_every": 1})
    points = 2 if quick else 4
    return {
        "repetitions": Axis(
            (1, 2, 4, 8)[:points], lambda amount: Setting(spec, synthetic, amount, EPOCHS), "1"
        ),
        "width": Axis(
            (8, 16, 32, 64)[:points],
            lambda amount: Setting(of_width(spec, amount), synthetic, 1, EPOCHS),
            "1 to 2",
        ),
        "inputs": Axis(
            (4096, 8192, 16384, 32768)[:points],
            lambda amount: Setting(spec, random_features(amount), 1, EPOCHS),
            "1",
        ),
        "recorded epochs": Axis(
            (200, 400, 800, 1600)[:points], lambda amount: Setting(spec, synthetic, 1, amount), "1"
        ),
    }


def works(setting: Setting) -> dict[str, tuple[Work, float]]:
    """What is timed of each stage, and how many of its units there are in the setting."""
    spec, dataset, repetitions, epochs = setting
    training = training_work(spec, dataset, repetitions, epochs)
    trajectory = train_quietly(spec, dataset, repetitions, epochs)
    information = information_work(trajectory, dataset)
    return {"training": (training, training.units), "exact information": (information, repetitions * epochs)}


def measure(name: str, axis: Axis, rounds: int, progress: "tqdm[Never]") -> list[Curve]:
    """The costs of both stages along an axis, every amount in its turn in every round."""
    timed = []
    for amount in axis.amounts:
        timed.append(works(axis.setting(amount)))
        for work, _ in timed[-1].values():
            work.run()  # compiles
        progress.update()
    costs: dict[str, list[list[float]]] = {stage: [] for stage in timed[0]}
    for _ in range(rounds):
        for stage, rows in costs.items():
            rows.append([per_unit(work) * units for work, units in (each[stage] for each in timed)])
        progress.update()
    return [Curve(name, stage, axis.amounts, np.array(rows).T) for stage, rows in costs.items()]


def curve_table(curves: Sequence[Curve], expected: dict[str, str]) -> str:
    header = ["cost of", "against", "amounts", "CPU time", "slope", "expected"]
    rows = [
        [
            curve.stage,
            curve.axis,
            ", ".join(map(str, curve.amounts)),
            ", ".join(map(duration, curve.medians)),
            f"{curve.slope:.2f}",
            expected[curve.axis],
        ]
        for curve in curves
    ]
    return table(header, rows)


def plot(axes: Axes, curves: Sequence[Curve]) -> None:
    """The curves along one axis: medians, from the lowest to the highest round, and the fitted lines."""
    for curve, colour in zip(curves, COLOURS, strict=False):
        amounts, medians = np.array(curve.amounts), np.array(curve.medians)
        spread = np.abs(np.stack([curve.costs.min(1), curve.costs.max(1)]) - medians)
        label = f"{curve.stage}, slope {curve.slope:.2f}"
        axes.errorbar(amounts, medians, spread, color=colour, fmt="o", markersize=3, capsize=2, label=label)
        level = np.exp(np.mean(np.log(medians) - curve.slope * np.log(amounts)))
        axes.plot(amounts, level * amounts**curve.slope, color=colour, linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlabel=curves[0].axis, ylabel="CPU time (s)")
    axes.set_xticks(curves[0].amounts, [f"{amount:,}" for amount in curves[0].amounts])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.legend()


def draw(curves: Sequence[Curve]) -> Figure:
    """One panel for each axis."""
    names = list(dict.fromkeys(curve.axis for curve in curves))
    with styled():
        figure, panels = plt.subplots(2, 2, figsize=(7, 5), layout="constrained")
        for name, axes in zip(names, panels.flat, strict=True):
            plot(axes, [curve for curve in curves if curve.axis == name])
    return figure


def main(given: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(description=__doc__, epilog=EXAMPLES, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument(
        "--output",
        type=output_path,
        nargs="+",
        metavar="PATH",
        required=True,
        help="the plots to write",
    )
    parser.add_argument("--quick", action="store_true", help="two points and one round: to try the command")
    parser.add_argument("--rounds", type=positive, metavar="N", help=f"default: {ROUNDS}")
    options = parser.parse_args(given)
    for path in options.output:
        if path.suffix not in FORMATS:
            raise UserError(f"--output: {path} is no plot; end it in one of {', '.join(FORMATS)}")
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    axes = axes_of(options.quick)
    curves = []
    with progress_bar(
        sum(len(axis.amounts) + rounds for axis in axes.values()), "measuring", "steps"
    ) as progress:
        for name, axis in axes.items():
            progress.set_description_str(name)
            curves += measure(name, axis, rounds, progress)
    slopes = curve_table(curves, {name: axis.expected for name, axis in axes.items()})
    print(EXPLANATION.format(rounds=rounds, epochs=EPOCHS), slopes, machine(), sep="\n\n")
    figure = draw(curves)
    for path in options.output:
        figure.savefig(path, dpi=200)


if __name__ == "__main__":
    sys.exit(run(main))
