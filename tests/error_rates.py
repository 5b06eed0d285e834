"""How often a cell gets a status that it should not get, over studies whose effect is known; run as

python tests/error_rates.py [STUDIES [RUNS ...]]
"""

import sys
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from infoplane.statistics.inference import infer, statuses
from infoplane.statistics.phases import COMPRESSION_MARGIN, phases

MARGIN = COMPRESSION_MARGIN
RUNS = (10, 20, 50)
# What is known to be there, in margins
MEANS = (0, 1, 3)
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


def rates(population: str, mean: float, runs: int, studies: int, from_curves: bool) -> Rates:
    """What studies of so many runs find where the mean effect is `mean` (bits).

    Each cell is a family of its own: no p-value is corrected. Effects are measured from curves, or known.
    """
    random = np.random.default_rng(list(POPULATIONS).index(population))
    effects = mean + MARGIN * POPULATIONS[population](random, (studies, runs))
    if from_curves:
        effects = measured(curves(random, effects))
    cells = pd.DataFrame([infer(each, MARGIN)._asdict() for each in effects])
    cells = cells.assign(saturated=False, two_sided=False, margin=MARGIN)
    status = statuses(cells.assign(corrected_p=cells["p"], corrected_tost_p=cells["tost_p"]))
    return Rates(
        shows=float((status == "shows").mean()),
        lacks=float((status == "lacks").mean()),
        covers=float(((cells["lower"] <= mean) & (mean <= cells["upper"])).mean()),
        bias=float(cells["effect"].mean() - mean),
    )


if __name__ == "__main__":
    studies, *runs = map(int, sys.argv[1:] or [1000])
    print("| effects | runs | population | mean | shows | lacks | interval covers | bias |")
    print("|---|---|---|---|---|---|---|---|")
    for known, count, population, mean in product((True, False), runs or RUNS, POPULATIONS, MEANS):
        found = rates(population, mean * MARGIN, count, studies, not known)
        shares = " | ".join(f"{100 * share:.1f} %" for share in found[:3])
        how = "known" if known else "from curves"
        print(
            f"| {how} | {count} | {population} | {mean * MARGIN:.1f} | {shares} | {found.bias:+.3f} |",
            flush=True,
        )
