"""How often a cell gets a status that it should not get, over studies whose effect is known; run as

python tests/error_rates.py                 # of the rules as they are
python tests/error_rates.py intervals       # of other intervals of a mean: why it is the bootstrap-t
python tests/error_rates.py [intervals] STUDIES RUNS ...
"""

import sys
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import bootstrap, ttest_1samp

from infoplane.statistics.inference import infer, statuses
from infoplane.statistics.phases import COMPRESSION_MARGIN, phases

MARGIN = COMPRESSION_MARGIN
RUNS = (10, 20, 50)
EPOCHS = 40
# Standard deviation (bits) of what fluctuates from epoch to epoch, and how much of it an epoch hands on
NOISE, MEMORY = 0.03, 0.9

Deviation = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def normal(spread: float) -> Deviation:
    return lambda random, shape: spread * random.standard_normal(shape)


def split(share: float, size: float) -> Deviation:
    """A share of the runs has an effect larger by `size` than that of the others, give or take 0.1."""
    return lambda random, shape: size * ((random.random(shape) < share) - share) + normal(0.1)(random, shape)


# How the effects of runs deviate from their mean, in margins. Where the mean is one margin, half, a fifth or
# a tenth of the runs compress and the others do not; or all but a fifth compress, and these expand
POPULATIONS: dict[str, Deviation] = {
    "alike": normal(1),
    "spread": normal(5),
    "half": split(1 / 2, 2),
    "a fifth": split(1 / 5, 5),
    "a tenth": split(1 / 10, 10),
    "all but a fifth": split(1 / 5, -5),
    "lognormal": lambda random, shape: random.lognormal(-0.5, 1, shape) - 1,
}


class Rates(NamedTuple):
    """Shares of the studies; the bias is that of the mean effect, in bits."""

    shows: float
    lacks: float
    covers: float
    bias: float


def curves(random: np.random.Generator, compression: np.ndarray) -> np.ndarray:
    """I(X;T) of runs (studies, runs, epochs): it rises, stays, and falls by `compression` (studies, runs)."""
    time = np.linspace(0, 1, EPOCHS)
    noise = random.standard_normal((EPOCHS, *compression.shape))
    noise[1:] *= np.sqrt(1 - MEMORY**2)
    for epoch in range(1, EPOCHS):
        noise[epoch] += MEMORY * noise[epoch - 1]
    level = 9 + 0.3 * random.standard_normal((*compression.shape, 1))
    course = level + np.interp(time, [0, 0.25], [0, 1])
    return (
        course
        - compression[..., None] * np.interp(time, [0.45, 0.75], [0, 1])
        + NOISE * np.moveaxis(noise, 0, -1)
    )


def measured(curves: np.ndarray) -> np.ndarray:
    """The compression (studies, runs) that `phases` measures; it takes each study for a layer."""
    studies, runs, epochs = curves.shape
    axes = {"repetition": range(runs), "layer": range(studies), "epoch": range(-1, epochs - 1)}
    i_xt = np.swapaxes(curves, 0, 1).ravel()
    rows = pd.DataFrame(
        {"h_t": i_xt, "i_xt": i_xt, "i_ty": i_xt}, pd.MultiIndex.from_product(axes.values(), names=axes)
    )
    table = phases(rows.reset_index().assign(part="main"), 4096, [], pd.Series(dtype="boolean"))
    return table["compression"].to_numpy().reshape(runs, studies).T


def effects(population: str, mean: float, runs: int, studies: int) -> tuple[np.random.Generator, np.ndarray]:
    """Effects (studies, runs) around a mean (bits), and the generator that they were drawn by."""
    random = np.random.default_rng(list(POPULATIONS).index(population))
    return random, mean + MARGIN * POPULATIONS[population](random, (studies, runs))


def rates(population: str, mean: float, runs: int, studies: int, from_curves: bool) -> Rates:
    """What studies of so many runs find where the mean effect is `mean` (bits).

    Each cell is a family of its own: no p-value is corrected. Effects are measured from curves, or known.
    """
    random, found = effects(population, mean, runs, studies)
    if from_curves:
        found = measured(curves(random, found))
    cells = pd.DataFrame([infer(each, MARGIN)._asdict() for each in found])
    cells = cells.assign(saturated=False, two_sided=False, margin=MARGIN)
    status = statuses(cells.assign(corrected_p=cells["p"], corrected_tost_p=cells["tost_p"]))
    return Rates(
        shows=float((status == "shows").mean()),
        lacks=float((status == "lacks").mean()),
        covers=float(((cells["lower"] <= mean) & (mean <= cells["upper"])).mean()),
        bias=float(cells["effect"].mean() - mean),
    )


def resampled(method: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    settings = {"axis": -1, "batch": 100, "n_resamples": 1999, "method": method}
    return lambda found: bootstrap((found,), np.mean, rng=0, **settings).confidence_interval


# Ends of 95 % intervals of the mean of effects (studies, runs)
INTERVALS = {
    "Student": lambda found: ttest_1samp(found, 0, axis=-1).confidence_interval(),
    "percentile": resampled("percentile"),
    "BCa": resampled("BCa"),
    "bootstrap-t": lambda found: np.transpose([infer(each, MARGIN)[2:4] for each in found]),
}


def print_rates(studies: int, counts: list[int]) -> None:
    wrong, right = ["shows 0", "shows 0.1", "lacks 0.1"], ["lacks 0", "shows 0.3"]
    print("|", " | ".join(["effects", "runs", "population", *wrong, *right, "covers 0.1", "bias"]), "|")
    print("|---" * 10 + "|")
    for known, runs, population in product((True, False), counts, POPULATIONS):
        none, margin, clear = (rates(population, mean, runs, studies, not known) for mean in (0, 0.1, 0.3))
        shares = [none.shows, margin.shows, margin.lacks, none.lacks, clear.shows, margin.covers]
        cells = ["known" if known else "from curves", str(runs), population, *map("{:.1%}".format, shares)]
        print("|", " | ".join([*cells, f"{margin.bias:+.3f}"]), "|", flush=True)


def print_intervals(studies: int, counts: list[int]) -> None:
    """How often intervals lie above and below the mean, 2.5 % each if they are right."""
    print("|", " | ".join(["runs", "population", *INTERVALS]), "|")
    print("|---" * (2 + len(INTERVALS)) + "|")
    for runs, population in product(counts, POPULATIONS):
        _, found = effects(population, 0, runs, studies)
        ends = [interval(found) for interval in INTERVALS.values()]
        misses = [f"{(lower > 0).mean():.1%} {(upper < 0).mean():.1%}" for lower, upper in ends]
        print("|", " | ".join([str(runs), population, *misses]), "|", flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    table = print_intervals if given[:1] == ["intervals"] else print_rates
    studies, *counts = map(int, [each for each in given if each != "intervals"] or [1000, *RUNS])
    table(studies, counts)
