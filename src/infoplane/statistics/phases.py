"""Fitting and compression of single runs, at peak epochs that other runs have chosen.

The mutual information of a run fluctuates, and the highest point of a fluctuating curve lies above the
highest point of its expectation: a phase measured from a run's own peak is biased upwards. Here the peak
epoch of an even repetition is that of the mean curve of the odd ones and the other way round: cross-fitting.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

__all__ = ["phases"]

FITTING_MARGIN = 0.01
COMPRESSION_MARGIN = 0.1
SATURATION_MARGIN = 0.01


def phases(information: pd.DataFrame, inputs: int, failed: Collection[int], bad: pd.Series) -> pd.DataFrame:
    """Phases of every repetition and layer over the main part.

    Peaks are those of the mean curve of the other half of the repetitions, bad fits included and failed ones
    not; of equal maxima the first counts. Where the other half is empty, all that rests on a peak is NA.

    Args:
        information: columns repetition, part, epoch, layer, h_t, i_xt, i_ty.
        inputs: the number N of inputs.
        failed: the repetitions that failed.
        bad: whether a repetition is a bad fit, as from `bad_fits`.

    Returns:
        One row for each repetition and layer:

        - fitting: I(T;Y) at its peak epoch minus I(T;Y) at epoch -1, in bits.
        - compression: I(X;T) at its peak epoch minus its mean over the last 5 % of the recorded epochs
          (rounded down, at least one), in bits.
        - fitting_peak_epoch, compression_peak_epoch: the peak epochs of I(T;Y) and of I(X;T).
        - fitting_onset: the epoch, up to the peak, that best divides the run into I(T;Y) at most 0.01 bit
          above its start before, and more than that from then on; NA unless fitting > 0.01.
        - compression_onset: the epoch, after the peak, that best divides the run into I(X;T) at most 0.1 bit
          below its peak epoch's before, and more than that from then on; NA unless the run compresses.
        - compresses: compression > 0.1.
        - saturated: H(T) of this layer is within 0.01 bit of log₂ N at every epoch of every repetition
          that did not fail.
        - failed, bad_fit: as given.

        To divide best is to leave the fewest recorded epochs on the wrong side; of equals the first counts.
    """
    main = information[information["part"] == "main"].sort_values(["repetition", "layer", "epoch"])
    repetitions, layers, epochs = (np.unique(main[key]) for key in ("repetition", "layer", "epoch"))
    shape = len(repetitions), len(layers), len(epochs)
    h_t, i_xt, i_ty = (main[name].to_numpy().reshape(shape) for name in ("h_t", "i_xt", "i_ty"))
    fine, odd = ~np.isin(repetitions, list(failed)), repetitions % 2 == 1
    halved = fine & (fine & odd).any() & (fine & ~odd).any()

    x, y = i_xt[halved], i_ty[halved]
    x_peak, y_peak = (cross_fitted_peaks(curves, odd[halved]) for curves in (x, y))
    top, start = np.take_along_axis(x, x_peak, -1), y[..., :1]
    tail = max(1, len(epochs) // 20)
    compression = top - x[..., -tail:].mean(-1, keepdims=True)
    fitting = np.take_along_axis(y, y_peak, -1) - start
    time = np.arange(len(epochs))
    compression_onset = best_division(x < top - COMPRESSION_MARGIN, time >= x_peak)
    fitting_onset = best_division(y > start + FITTING_MARGIN, time <= y_peak)

    cells = pd.MultiIndex.from_product([repetitions, layers], names=["repetition", "layer"])
    columns = {
        "fitting": fitting,
        "compression": compression,
        "fitting_peak_epoch": epochs[y_peak],
        "compression_peak_epoch": epochs[x_peak],
        "fitting_onset": np.where(fitting > FITTING_MARGIN, epochs[fitting_onset], np.nan),
        "compression_onset": np.where(compression > COMPRESSION_MARGIN, epochs[compression_onset], np.nan),
        "compresses": compression > COMPRESSION_MARGIN,
    }
    table = pd.DataFrame(
        {name: values.ravel() for name, values in columns.items()},
        index=cells[np.repeat(halved, len(layers))],
    ).astype(
        {name: "Int32" for name in columns if name.endswith(("epoch", "onset"))} | {"compresses": "boolean"}
    )
    table = table.reindex(cells).reset_index()
    full = (h_t[fine] >= np.log2(inputs) - SATURATION_MARGIN).all((0, 2)) & fine.any()
    return table.assign(
        saturated=np.tile(full, len(repetitions)),
        failed=np.repeat(~fine, len(layers)),
        bad_fit=bad.reindex(table["repetition"]).array,
    )


def cross_fitted_peaks(curves: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Index of the highest point of the mean curve of the other half of the repetitions.

    Args:
        curves: (repetitions, layers, epochs).
        odd: whether a repetition belongs to the odd half, (repetitions,).

    Returns:
        (repetitions, layers, 1).

    >>> curves = np.array([[[0, 9, 1]], [[1, 0, 0]], [[0, 2, 3]]])
    >>> cross_fitted_peaks(curves, np.array([False, True, False])).ravel()
    array([0, 1, 0])
    """
    of_even, of_odd = (curves[half].sum(0).argmax(-1) for half in (~odd, odd))
    peaks: np.ndarray = np.where(odd[:, None], of_even, of_odd)[..., None]
    return peaks


def best_division(after: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Where a sequence of truths is best divided into false before and true from then on.

    Args:
        after: (..., epochs).
        window: the epochs that count, (..., epochs).

    Returns:
        Index of the first epoch after the division with the fewest epochs on its wrong side, (..., 1).

    >>> best_division(np.array([1, 1, 0, 1, 0, 0, 1, 1, 1, 0]) == 1, np.arange(10) > 1)
    array([6])
    """
    steps = np.where(window, np.where(after, -1, 1), 0)
    gained = np.where(window, steps.cumsum(-1) - steps, -steps.shape[-1])
    best: np.ndarray = gained.argmax(-1, keepdims=True)
    return best
