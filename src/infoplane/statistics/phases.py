"""Fitting and compression of single runs: every run is measured at its own peak.

Written to `statistics/EXPERIMENT/ESTIMATOR/phases.parquet`, and joined to `statistics/DATASET/phases.csv`.
One row for each repetition and layer of the main part:

=========================  ==================================================================================
column                     meaning
=========================  ==================================================================================
repetition, layer          the run, and the layer from 1
blocks                     number of blocks before the tail; with fewer than two nothing is measured
compression                C: peak of I(X;T) before the tail less its mean over the tail (bits)
peak                       that peak (bits)
relative_compression       c = C / peak; NA where the peak is 0
conditional_compression    C of I(X;T|Y) = I(X;T) − I(T;Y) (bits)
compression_peak_epoch     first epoch of the block before the tail with the highest mean of I(X;T)
compression_onset          epoch that best divides what follows that block into I(X;T) at most 0.1 bit below
                           the peak, and more than that from then on; NA unless the run compresses
compresses                 C > 0.1 bit
turning_points             how often I(X;T), in means over blocks, turns by at least 0.1 bit
fitting                    F: peak of I(T;Y) from epoch 0 on less I(T;Y) at epoch −1 (bits); NA, like all that
                           rests on it, where epoch −1 was not recorded
headroom                   H(Y) − I(T;Y) at epoch −1 (bits)
fitted_share               φ = F / headroom; NA where there is no headroom
fitting_peak_epoch         first epoch of the block with the highest mean of I(T;Y)
fitting_onset              epoch that best divides what lies up to that block into I(T;Y) at most 0.01 bit
                           above its start, and more than that from then on; NA unless the run fits
fits                       F > 0.01 bit
fitted_at_onset            share of F that I(T;Y) has gained at the onset of compression; NA unless the run
                           fits and compresses
near_log2_n                whether the peak exceeds 0.8 log₂ N, where the N inputs are a sample
injective                  whether the layer tells all inputs apart at every epoch
failed, bad_fit            as given
=========================  ==================================================================================
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from infoplane.statistics.blocks import (
    LENGTH,
    blocks_before_tail,
    peak,
    read_blocks,
    tail_length,
    turning_points,
)

__all__ = ["COLUMNS", "COMPRESSION_MARGIN", "FITTING_MARGIN", "compression_of", "phases"]

COMPRESSION_MARGIN = 0.1
FITTING_MARGIN = 0.01
NEAR = 0.8
# Sums of logarithms in float64 are right to far more than this (bits)
ROUNDING = 1e-12
MEASURED = {
    "compression": "float64",
    "peak": "float64",
    "relative_compression": "float64",
    "conditional_compression": "float64",
    "compression_peak_epoch": "Int32",
    "compression_onset": "Int32",
    "compresses": "boolean",
    "turning_points": "Int32",
    "fitting": "float64",
    "headroom": "float64",
    "fitted_share": "float64",
    "fitting_peak_epoch": "Int32",
    "fitting_onset": "Int32",
    "fits": "boolean",
    "fitted_at_onset": "float64",
}
# What is measured from the state before the first step
OF_THE_START = ["fitting", "headroom", "fitted_share", "fitting_peak_epoch", "fitting_onset", "fits"]
OF_THE_START += ["fitted_at_onset"]
COLUMNS = ["repetition", "layer", "blocks", *MEASURED, "near_log2_n", "injective", "failed", "bad_fit"]


def phases(
    information: pd.DataFrame,
    inputs: int,
    h_y: float,
    failed: Collection[int],
    bad: pd.Series,
    sample: bool,
    length: int = LENGTH,
) -> pd.DataFrame:
    """Measure the phases of every repetition and layer over the main part.

    Args:
        information: columns repetition, part, epoch, layer, i_xt, i_ty (bits), distinct.
        inputs: the number N of inputs.
        h_y: H(Y) in bits.
        failed: the repetitions that failed; nothing of them is measured.
        bad: whether a repetition is a bad fit, as from `bad_fits`.
        sample: whether the inputs are a sample of more than there are, and no population.
        length: of the blocks; 1 where only a few epochs were looked at, which lie far apart.

    Returns:
        The columns above.
    """
    main = information[information["part"] == "main"].sort_values(["repetition", "layer", "epoch"])
    repetitions, layers, epochs = (np.unique(main[key]) for key in ("repetition", "layer", "epoch"))
    shape = len(repetitions), len(layers), len(epochs)
    i_xt, i_ty, distinct = (main[name].to_numpy().reshape(shape) for name in ("i_xt", "i_ty", "distinct"))
    fine = ~np.isin(repetitions, list(failed))
    blocks = blocks_before_tail(len(epochs), length)
    measured = fine & (blocks > 1)
    cells = pd.MultiIndex.from_product([repetitions, layers], names=["repetition", "layer"])
    values = measure(i_xt[measured], i_ty[measured], epochs, h_y, length) if measured.any() else {}
    if epochs[0] >= 0:
        values = {name: column for name, column in values.items() if name not in OF_THE_START}
    table = pd.DataFrame(
        {name: column.ravel() for name, column in values.items()},
        index=cells[np.repeat(measured, len(layers))],
    )
    table = table.reindex(index=cells, columns=[*MEASURED]).astype(MEASURED).reset_index()
    table.insert(2, "blocks", blocks)
    return table.assign(
        near_log2_n=sample & (table["peak"] > NEAR * np.log2(inputs)),
        injective=(distinct == inputs).all(-1).ravel(),
        failed=np.repeat(~fine, len(layers)),
        bad_fit=bad.reindex(table["repetition"]).array,
    )


def measure(
    i_xt: np.ndarray, i_ty: np.ndarray, epochs: np.ndarray, h_y: float, length: int
) -> dict[str, np.ndarray]:
    """The columns that are measured from curves (runs, layers, epochs), each (runs, layers)."""
    time = np.arange(len(epochs))
    before = blocks_before_tail(len(epochs), length)

    compression, top = compression_of(i_xt, length)
    x_peak = length * read_blocks(i_xt, length).until(before).level.argmax(-1)
    onset = best_division(i_xt < top[..., None] - COMPRESSION_MARGIN, time >= x_peak[..., None])
    compresses = compression > COMPRESSION_MARGIN
    conditional, _ = compression_of(i_xt - i_ty, length)

    y, start = read_blocks(i_ty[..., 1:], length), i_ty[..., 0]
    fitting, headroom = peak(y) - start, h_y - start
    y_peak = 1 + length * y.level.argmax(-1)
    risen = i_ty > start[..., None] + FITTING_MARGIN
    fitting_onset = best_division(risen, time < y_peak[..., None] + length)
    fits = fitting > FITTING_MARGIN

    level = read_blocks(i_ty, length).level
    then = np.minimum(onset // length, level.shape[-1] - 1)
    gained = np.take_along_axis(level, then[..., None], -1)[..., 0] - start
    return {
        "compression": compression,
        "peak": top,
        "relative_compression": share(compression, top),
        "conditional_compression": conditional,
        "compression_peak_epoch": epochs[x_peak],
        "compression_onset": np.where(compresses, epochs[onset], np.nan),
        "compresses": compresses,
        "turning_points": turning_points(read_blocks(i_xt, length).level, COMPRESSION_MARGIN),
        "fitting": fitting,
        "headroom": headroom,
        "fitted_share": share(fitting, headroom),
        "fitting_peak_epoch": epochs[y_peak],
        "fitting_onset": np.where(fits, epochs[fitting_onset], np.nan),
        "fits": fits,
        "fitted_at_onset": np.where(fits & compresses, share(gained, fitting), np.nan),
    }


def compression_of(curves: np.ndarray, length: int = LENGTH) -> tuple[np.ndarray, np.ndarray]:
    """Compression of curves, and the peak that they are compressed from, each (...).

        C = peak before the tail − mean over the tail

    Args:
        curves: (..., epochs), with at least one block before the tail.
        length: of the blocks.
    """
    epochs = curves.shape[-1]
    top = peak(read_blocks(curves, length).until(blocks_before_tail(epochs, length)))
    return top - curves[..., -tail_length(epochs, length) :].mean(-1), top


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part / whole; NaN where the whole is nothing but rounding."""
    ratio: np.ndarray = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > ROUNDING)
    return ratio


def best_division(after: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Where a sequence of truths is best divided into false before and true from then on.

    To divide best is to leave the fewest epochs of the window on the wrong side; of equals the first counts.

    Args:
        after: (..., epochs).
        window: the epochs that count, (..., epochs).

    Returns:
        Index of the first epoch after the division, (...).

    >>> int(best_division(np.array([1, 1, 0, 1, 0, 0, 1, 1, 1, 0]) == 1, np.arange(10) > 1))
    6
    """
    steps = np.where(window, np.where(after, -1, 1), 0)
    gained = np.where(window, steps.cumsum(-1) - steps, -steps.shape[-1])
    best: np.ndarray = gained.argmax(-1)
    return best
