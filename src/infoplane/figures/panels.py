"""What the panels of all figures share: titles, legends, remarks, and panels that show nothing."""

import re
from collections.abc import Collection, Iterable, Mapping
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from infoplane.config import EstimatorSpec, FigureSpec, RecordedSpec, TrainingSpec, spec_of_runs
from infoplane.config.labels import labels_of_estimators, labels_of_trainings
from infoplane.plotting.axes import PREFIT_GROUND
from infoplane.plotting.means import epochs_of, prefit_of

__all__ = [
    "Labels",
    "data_of",
    "equal_axes",
    "how_many",
    "labels_of",
    "leave_empty",
    "legend_entries",
    "moment",
    "prefit_entry",
    "runs_of",
    "training_of",
    "wrapped",
    "write_note",
]


# Letters of a title in an inch
LETTERS = 17
# The comma before the bits of a network
BEFORE_BITS = re.compile(r", (?=[\d/]+\xa0bits|float32)")


class Labels(NamedTuple):
    """What is written in place of the names of experiments and of estimators."""

    experiments: Mapping[str, str]
    estimators: Mapping[str, str]


def labels_of(spec: FigureSpec, tables: Mapping[Any, pd.DataFrame], without: Collection[str] = ()) -> Labels:
    """Labels from the spec of the figure, or else from the specs of the tables.

    Args:
        spec: what the figure shows.
        tables: by experiment, or by (experiment, estimator).
        without: keys of trainings that are left out, because a title says them.
    """
    trainings, estimators = {}, {}
    for name, table in tables.items():
        experiment, estimator = name if isinstance(name, tuple) else (name, None)
        trainings[experiment] = runs_of(table)
        if estimator is not None:
            estimators[estimator] = EstimatorSpec.model_validate(table.attrs["spec"]["estimator"])
    found = (
        labels_of_trainings(trainings, spec.labels, without),
        labels_of_estimators(estimators, spec.labels),
    )
    return Labels(*({name: literal(label) for name, label in its.items()} for its in found))


def literal(label: str) -> str:
    """A label of which nothing is taken for a formula."""
    return label.replace("$", r"\$")


def runs_of(table: pd.DataFrame) -> TrainingSpec | RecordedSpec:
    """Spec of the training, or of the recorded runs, that a table is of."""
    return spec_of_runs(table.attrs["spec"])


def training_of(table: pd.DataFrame) -> TrainingSpec:
    """Spec of the training that a table is of."""
    return TrainingSpec.model_validate(table.attrs["spec"]["training"])


def data_of(table: pd.DataFrame) -> tuple[int, int]:
    """Numbers of epochs of the main part and of the prefit part."""
    return epochs_of(table), prefit_of(table)


def how_many(table: pd.DataFrame) -> str:
    """How many runs a mean is over, and what became of the others.

    >>> table = pd.DataFrame()
    >>> table.attrs = {"repetitions": [0, 1, 2], "failed": [1], "bad_fits": [2]}
    >>> how_many(table)
    '2 of 3 runs (1 failed), 1 bad fit'
    """
    total, failed, bad = (len(table.attrs.get(name) or []) for name in ("repetitions", "failed", "bad_fits"))
    runs = (
        f"{total - failed} of {total} runs ({failed} failed)" if failed else f"{total} run{'s' * (total > 1)}"
    )
    return runs + (f", {bad} bad fit{'s' * (bad > 1)}" if bad else "")


def moment(epoch: int, table: pd.DataFrame) -> str:
    """How long was trained when an epoch was recorded; the last one may come before the end.

    >>> table = pd.DataFrame({"epoch": [0, 100, 7995]})
    >>> table.attrs = {"spec": {"training": {"epochs": 8000}}}
    >>> moment(0, table), moment(100, table), moment(7995, table)
    ('after 1 epoch', 'after 101 epochs', 'after 7996 of 8000 epochs')
    """
    trained, whole = int(epoch) + 1, epochs_of(table)
    if epoch == table["epoch"].max() and trained < whole:
        return f"after {trained} of {whole} epochs"
    return f"after {trained} epoch{'s' * (trained != 1)}"


def legend_entries(*panels: Axes) -> list[Any]:
    """Entries of a legend of curves that may come in several parts and panels: one for each name."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    return [*entries.values()]


def prefit_entry(tables: Iterable[pd.DataFrame], colour: str = PREFIT_GROUND) -> list[Patch]:
    """Entry of a legend that says what shows the prefit part, if any of the trainings has one."""
    prefitted = any(prefit_of(table) for table in tables)
    return [Patch(color=colour, linewidth=0, label="prefit on shuffled labels")] if prefitted else []


def wrapped(*lines: str, width: float) -> str:
    """Lines of a title, cut between words where they are longer than a panel is wide.

    A number stays with the word that follows it, and phrases stay whole where that makes no more lines.

    >>> print(wrapped("MNIST bottleneck-2, ReLU, 8 bits", "exact, 20 runs, 1 bad fit", width=1.2))
    MNIST bottleneck-2,
    ReLU, 8 bits
    exact, 20 runs,
    1 bad fit
    >>> print(wrapped("Fashion-MNIST bottleneck-2, ReLU, 8 bits", width=2))
    Fashion-MNIST bottleneck-2,
    ReLU, 8 bits
    """
    letters = max(12, int(LETTERS * width))
    return "\n".join(cut(re.sub(r"(\d) ", "\\1\xa0", line), letters) for line in lines).replace("\xa0", " ")


def cut(line: str, letters: int) -> str:
    """Cut a line between words.

    Where that makes no more lines, it is cut after commas alone, and not between a network and its bits.
    """
    phrases = re.sub(r"(?<!,) ", "\xa0", line)
    choices = [BEFORE_BITS.sub(",\xa0", phrases), phrases, BEFORE_BITS.sub(",\xa0", line), line]
    texts = [fill(each, letters, break_on_hyphens=False, break_long_words=each == line) for each in choices]
    most = texts[-1].count("\n")
    fitting = (each for each in texts if each.count("\n") <= most and fits(each, letters))
    return next(fitting, texts[-1])


def fits(text: str, letters: int) -> bool:
    """Whether no line of a text is longer than so many letters."""
    return max(map(len, text.split("\n"))) <= letters


def write_note(figure: Figure, note: str) -> None:
    """Write what is to be known of all panels above them."""
    if note:
        text = wrapped(note, width=figure.get_figwidth())
        figure.suptitle(text, fontsize=8, fontstyle="italic", color="0.3", parse_math=False)


def leave_empty(axes: Axes, why: str) -> None:
    """Show nothing but the reason why there is nothing to be shown."""
    axes.text(
        0.5,
        0.5,
        why,
        transform=axes.transAxes,
        ha="center",
        va="center",
        color="0.35",
        wrap=True,
        clip_on=True,
    )
    # The ticks themselves may be those of shared axes
    axes.tick_params(which="both", left=False, bottom=False, labelleft=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def equal_axes(panels: Iterable[Axes]) -> None:
    """Give panels the same range in y, so that they can be compared."""
    panels = [*panels]
    limits = np.array([axes.get_ylim() for axes in panels])
    for axes in panels:
        axes.set_ylim(limits[:, 0].min(), limits[:, 1].max())
