"""How far exact values can be trusted: on parts of the inputs, and with entropies corrected for bias."""

from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import write_table
from infoplane.corrections import ENTROPIES
from infoplane.datasets import Dataset
from infoplane.entropy import number_codes
from infoplane.inputs import network_labels
from infoplane.replay import replay
from infoplane.snapshots import at_times, description_of, load_trained, spread, table_keys
from infoplane.trajectory import Trajectory

__all__ = ["reliability", "run", "subsamples"]

EPOCHS = 12
DIVISORS = (1, 2, 4, 8)
SEED = 0


def subsamples(count: int) -> list[np.ndarray]:
    """Places of N, N/2, N/4 and N/8 of N inputs (rounded down): the first of a permutation, always the same.

    >>> [len(places) for places in subsamples(4096)]
    [4096, 2048, 1024, 512]
    """
    order = np.random.default_rng(SEED).permutation(count)
    return [order[: count // divisor] for divisor in DIVISORS]


def reliability(trajectory: Trajectory, dataset: Dataset) -> pd.DataFrame:
    """H(T) and I(T;Y) of exact codes, counted on all inputs and on parts of them, by three estimators.

    I(T;Y) = H(T) + H(Y) − H(T,Y), with all three entropies estimated alike. Looked at are about 12 epochs of
    the main part, evenly on a logarithmic axis, and epoch −1.

    Returns:
        A tidy table: repetition, part, epoch, layer (1-based), sample (the number of inputs counted),
        estimator (`plug-in`, `miller-madow`, `chao-shen`), h_t, i_ty (bits), distinct (the number of codes in
        the sample). Snapshots of a repetition that has become NaN hold NaN and 0.
    """
    trajectory = spread(at_times(trajectory, trajectory.parts == "main"), EPOCHS)
    finite = trajectory.finite
    trajectory = trajectory.zeroed(~finite)
    samples = subsamples(len(dataset.labels))
    labels = [network_labels(trajectory.spec, dataset, number) for number in trajectory.repetitions]
    layers = trajectory.ranges.shape[2]
    result = np.empty((finite.size, layers, len(samples), len(ENTROPIES), 3))
    for snapshots, outputs in replay(trajectory, dataset):
        for layer, codes in enumerate(outputs.codes):
            for snapshot, own in enumerate(codes.numpy(), snapshots.start):
                numbers, y = numbered(own), labels[snapshot // finite.shape[1]]
                for sample, places in enumerate(samples):
                    result[snapshot, layer, sample] = estimates(numbers[places], y[places])
    result[~finite.ravel()] = [np.nan, np.nan, 0]
    sizes = [len(places) for places in samples]
    keys = table_keys(trajectory, layers, sample=sizes, estimator=list(ENTROPIES))
    h_t, i_ty, distinct = result.reshape(-1, 3).T
    return keys.assign(h_t=h_t, i_ty=i_ty, distinct=distinct.astype(np.int32))


def numbered(codes: np.ndarray) -> np.ndarray:
    """Number the distinct columns of codes (width, N)."""
    numbers, first = np.empty((2, codes.shape[1]), dtype=np.int32)
    number_codes(codes, numbers, first)
    return numbers


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
