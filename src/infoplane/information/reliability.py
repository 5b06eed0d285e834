"""How far exact values can be trusted: on parts of the inputs, and with entropies corrected for bias."""

from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.config import EXACT
from infoplane.datasets import Dataset
from infoplane.errors import UserError
from infoplane.information.corrections import ENTROPIES
from infoplane.information.estimators import Exact
from infoplane.information.replay import replay
from infoplane.information.snapshots import at_times, description_of, load_trained, spread, table_keys
from infoplane.kernels.counting import number_columns
from infoplane.networks.inputs import network_labels
from infoplane.random import Streams
from infoplane.trajectory import Trajectory

__all__ = ["reliability", "run", "subsamples"]

EPOCHS = 32
DIVISORS = (1, 2, 4, 8)
SEED = 0


def subsamples(count: int) -> list[np.ndarray]:
    """Places of N, N/2, N/4 and N/8 of N inputs (rounded down): the first of a permutation, always the same.

    >>> [len(indices) for indices in subsamples(4096)]
    [4096, 2048, 1024, 512]
    """
    order = Streams(SEED, 0).subsample_order(count)
    return [order[: count // divisor] for divisor in DIVISORS]


def reliability(trajectory: Trajectory, dataset: Dataset) -> pd.DataFrame:
    """H(T) and I(T;Y) of exact codes, counted on all inputs and on parts of them, by three estimators.

    I(T;Y) = H(T) + H(Y) − H(T,Y), with all three entropies estimated alike. Looked at are about 32 epochs of
    the main part, evenly on a logarithmic axis, and epoch −1.

    Returns:
        A tidy table: repetition, part, epoch, layer (1-based), sample (the number of inputs counted),
        estimator (`plug-in`, `miller-madow`, `chao-shen`), h_t, i_ty (bits), distinct (the number of codes in
        the sample). Snapshots of a repetition that has become NaN hold NaN and 0.
    """
    trajectory = spread(at_times(trajectory, trajectory.parts == "main"), EPOCHS)
    samples = subsamples(len(dataset.labels))
    if not all(map(len, samples)):
        raise UserError(
            f"data set {dataset.name}: has {len(dataset.labels)} inputs, and parts of N/8 take "
            f"{max(DIVISORS)} of them; look at another data set"
        )
    labels = [network_labels(trajectory.spec, dataset, number) for number in trajectory.repetitions]
    layers = trajectory.ranges.shape[2]
    result = np.full((*trajectory.finite.shape, layers, len(samples), len(ENTROPIES), 3), np.nan)
    result[..., -1] = 0
    exact = Exact(EXACT, trajectory.spec.activation_bits)
    for repetition, times, outputs in replay(trajectory, dataset):
        for number, layer in enumerate(outputs):
            for time, words in zip(times, exact.words(layer), strict=True):
                numbers, y = number_columns(words)[0], labels[repetition]
                for sample, indices in enumerate(samples):
                    result[repetition, time, number, sample] = estimates(numbers[indices], y[indices])
    sizes = [len(indices) for indices in samples]
    keys = table_keys(trajectory, layers, sample=sizes, estimator=list(ENTROPIES))
    h_t, i_ty, distinct = result.reshape(-1, 3).T
    return keys.assign(h_t=h_t, i_ty=i_ty, distinct=distinct.astype(np.int32))


def estimates(numbers: np.ndarray, labels: np.ndarray) -> list[list[float]]:
    """H(T), I(T;Y) and the number of codes by each estimator, from numbered codes (N,) and labels (N,)."""
    pairs = numbers.astype(np.int64) * (labels.max() + 1) + labels
    t, y, both = (np.unique(values, return_counts=True)[1] for values in (numbers, labels, pairs))
    entropies = [(of(t), of(y), of(both)) for of in ENTROPIES.values()]
    return [[h_t, h_t + h_y - h_both, len(t)] for h_t, h_y, h_both in entropies]


def run(dataset_path: Path, trajectory_path: Path, output_path: Path) -> None:
    """Tell how reliable the exact information of a trajectory file is."""
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    write_table(output_path, reliability(trajectory, dataset), description_of("reliability", trajectory))
