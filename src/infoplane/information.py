"""Mutual information between inputs, labels and the discrete output T of a layer, in bits."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from infoplane.artifacts import describe, write_table
from infoplane.binning import BinRange, adaptive_bins, range_ends, rebinned, uniform_bins
from infoplane.compilation import compiled
from infoplane.config import Bits, EstimatorSpec, TrainingSpec
from infoplane.datasets import Dataset
from infoplane.devices import device_of, name_of
from infoplane.entropy import Information, entropy, information_of_words
from infoplane.inputs import network_labels
from infoplane.networks import Levels
from infoplane.progress import progress_bar
from infoplane.quantization import Extremes, grid, quantize
from infoplane.replay import Layers, replay
from infoplane.snapshots import load_trained
from infoplane.sorting import information_by_sorting
from infoplane.trajectory import Trajectory

__all__ = ["Information", "binned_information", "estimate", "exact_information", "run"]


def exact_information(codes: np.ndarray, labels: np.ndarray) -> Information:
    """I(X;T) and I(T;Y) of T = the tuple of a row's codes, over N equally likely inputs.

        H(T) = log₂ N − (1/N) Σ_c n_c log₂ n_c,   I(X;T) = H(T),   I(T;Y) = H(T) + H(Y) − H(T,Y)

    with n_c the number of inputs of code c (Lorenzen, Igel & Nielsen 2022, https://arxiv.org/abs/2106.12912).
    Rows are compared whole; a hash only finds candidates. The values depend on the counts alone: no order of
    samples or neurons and no relabelling of codes changes a bit of them.

    Args:
        codes: (…, N, width) integers.
        labels: (N,) classes, integers ≥ 0.

    >>> codes = np.array([[0, 1], [0, 1], [2, 3], [2, 4]])
    >>> [float(value) for value in exact_information(codes, np.array([0, 0, 1, 1]))]
    [1.5, 1.5, 1.0, 3.0]
    """
    leading = codes.shape[:-2]
    words = np.moveaxis(codes.reshape(-1, *codes.shape[-2:]), 1, 2).astype(np.int64)
    return Information(*(values.reshape(leading) for values in information_of_words(words, labels)))


def binned_information(
    activations: np.ndarray,
    labels: np.ndarray,
    bins: int = 30,
    range: BinRange = "global",
    method: Literal["uniform", "adaptive"] = "uniform",
) -> Information:
    """The same quantities after the activations were sorted into bins.

    Args:
        activations: (…, N, width) floats of one layer; the leading dimensions are snapshots.
        labels: (N,) classes, integers ≥ 0.
        bins: the number of bins of each neuron.
        range: of the uniform bins: `global`, that of all that is given; `layer`, that of each snapshot;
            `neuron`, that of each neuron of each snapshot; or a pair (low, high), values outside of which
            go to the end bins.
        method: `uniform` bins have equal width, `adaptive` ones equal mass over the layer of a snapshot.

    >>> activations = np.array([[-0.9], [-0.8], [0.8], [0.9]])
    >>> float(binned_information(activations, np.array([0, 0, 1, 1]), bins=2).i_ty)
    1.0
    """
    layers = torch.from_numpy(activations.reshape(-1, *activations.shape[-2:])).double().transpose(1, 2)
    if method == "adaptive":
        codes = adaptive_bins(layers, bins)
    else:
        codes = uniform_bins(layers, *range_ends(layers, range), bins)
    return exact_information(codes.transpose(1, 2).reshape(activations.shape).numpy(), labels)


def packed(codes: Tensor, bits: int) -> Tensor:
    """Pack codes (snapshots, width, N), each of them different in its lowest `bits`, into 64-bit words."""
    per_word = min(64 // bits, codes.shape[1])
    fields = functional.pad(codes & ((1 << bits) - 1), (0, 0, 0, -codes.shape[1] % per_word))
    fields = fields.reshape(len(codes), -1, per_word, codes.shape[2])
    word: Tensor = fields[:, :, 0]
    for place in range(1, per_word):
        word = (word << bits) | fields[:, :, place]
    return word


def estimate(
    estimator: EstimatorSpec, trajectory: Trajectory, dataset: Dataset, device: str = "cpu"
) -> pd.DataFrame:
    """Estimate the information of every layer at every snapshot of a trajectory.

    The estimator's subset of the inputs is what is counted; ranges are those of the whole data set.

    Args:
        device: `cpu`, `cuda`, or `auto` for the second where there is a GPU.

    Returns:
        A tidy table: repetition, part, epoch (−1: before the first step), layer (1-based), h_t, i_xt, i_ty
        (bits), distinct. Snapshots of a repetition that has become NaN hold NaN and 0.
    """
    place = device_of(device)
    on_cpu = place.type == "cpu"
    finite = trajectory.finite
    trajectory = trajectory.zeroed(~finite)
    result = np.empty((finite.size, trajectory.ranges.shape[2], len(Information._fields)))
    ends = np.empty((finite.size, 0))
    if estimator.range == "global":
        ends = global_ends(trajectory, dataset, device)
    counted = subset(dataset, estimator.subset)
    labels = [network_labels(trajectory.spec, dataset, number)[counted] for number in trajectory.repetitions]
    of_repetition = np.repeat(np.arange(len(labels)), finite.shape[1])
    observe = compiled(observer(estimator, trajectory.spec, place), trajectory.spec.compile and on_cpu)
    information_of = information_of_words if on_cpu else information_by_sorting
    with progress_bar(finite.size, "information", "snapshots") as progress:
        for snapshots, layers in replay(trajectory, dataset, device):
            for number, words in enumerate(observe(layers, torch.from_numpy(ends[snapshots]).to(place))):
                shown = (words.numpy() if on_cpu else words)[:, :, counted]
                for own in np.unique(of_repetition[snapshots]):
                    its = np.flatnonzero(of_repetition[snapshots] == own)
                    result[snapshots, number][its] = np.stack(information_of(shown[its], labels[own]), axis=1)
            progress.update(snapshots.stop - progress.n)
    result[~finite.ravel()] = [np.nan, np.nan, np.nan, 0]
    return information_table(trajectory, result)


def subset(dataset: Dataset, name: str) -> np.ndarray:
    """The places of the inputs of a subset: `all`, `train` or `test`."""
    everything = np.ones_like(dataset.train_mask)
    return np.flatnonzero({"all": everything, "train": dataset.train_mask, "test": ~dataset.train_mask}[name])


Observe = Callable[[Layers, Tensor], list[Tensor]]


def observer(estimator: EstimatorSpec, spec: TrainingSpec, device: torch.device) -> Observe:
    """What an estimator makes of the layers of some snapshots: each one's codes, packed into words.

    Its second argument are the global ends of the snapshots, (snapshots, 2).
    """
    discretize = discretizer(estimator, spec, device)
    if estimator.kind == "exact":
        field = 32 if not isinstance(spec.bits, Bits) else 8 if spec.bits.activations <= 8 else 16
        return lambda layers, ends: [packed(codes, field) for codes in layers.codes]
    field = {"rebinned": 17 if isinstance(spec.bits, Bits) else 33}.get(estimator.kind, 16)
    return lambda layers, ends: [packed(discretize(layer, ends), field) for layer in layers.activations]


def discretizer(
    estimator: EstimatorSpec, spec: TrainingSpec, device: torch.device
) -> Callable[[Tensor, Tensor], Tensor]:
    """The estimator's codes of activations (snapshots, outputs, N), given their global ends."""
    bins, chosen = estimator.bins or 0, estimator.range or "layer"
    if estimator.kind == "rebinned" and isinstance(spec.bits, Bits):
        levels = torch.tensor(2.0**spec.bits.activations, dtype=torch.float64, device=device)
        return lambda layer, ends: rebinned(layer, levels)
    if estimator.kind == "rebinned":
        return lambda layer, ends: rebinned(layer.float(), torch.tensor(2.0**32))
    if estimator.kind == "adaptive":
        return lambda layer, ends: adaptive_bins(layer.cpu(), bins).to(device)
    if estimator.kind == "quantized" and isinstance(spec.bits, Bits):
        low, high = torch.tensor(estimator.range, dtype=torch.float64, device=device)[:, None]
        on = grid(Extremes(low, high), Levels.of(spec.bits, torch.float64, device).activations)
        return lambda layer, ends: quantize(layer, on).codes.long()
    number = torch.tensor(bins, dtype=torch.float64, device=device)
    if chosen == "global":
        return lambda layer, ends: uniform_bins(layer, ends[:, :1, None], ends[:, 1:, None], number)
    return lambda layer, ends: uniform_bins(layer, *range_ends(layer, chosen), number)


def global_ends(trajectory: Trajectory, dataset: Dataset, device: str) -> np.ndarray:
    """Lowest and highest activation of the repetition of each snapshot, (snapshots, 2).

    Taken over all layers and recorded epochs of the main part but the one before its first step.
    """
    repetitions, times = trajectory.finite.shape
    ends = np.empty((repetitions * times, 2))
    on_cpu = device_of(device).type == "cpu"
    observe = compiled(extreme_activations, trajectory.spec.compile and on_cpu)
    for snapshots, layers in replay(trajectory, dataset, device):
        ends[snapshots] = observe(layers).cpu().numpy()
    counts = (trajectory.parts == "main") & (trajectory.epochs >= 0)
    trained = ends.reshape(repetitions, times, 2)[:, counts]
    return np.repeat(np.stack([trained[..., 0].min(1), trained[..., 1].max(1)], axis=1), times, axis=0)


def extreme_activations(layers: Layers) -> Tensor:
    low, high = zip(*(range_ends(layer, "layer") for layer in layers.activations), strict=True)
    return torch.stack([torch.cat(low, 1).amin((1, 2)), torch.cat(high, 1).amax((1, 2))], 1)


def information_table(trajectory: Trajectory, result: np.ndarray) -> pd.DataFrame:
    """The table of `estimate` from values (snapshots, layers, 4)."""
    layers = result.shape[1]
    repetitions, times = trajectory.finite.shape
    return pd.DataFrame(
        {
            "repetition": np.repeat(trajectory.repetitions, times * layers),
            "part": np.tile(np.repeat(trajectory.parts, layers), repetitions),
            "epoch": np.tile(np.repeat(trajectory.epochs, layers), repetitions),
            "layer": np.tile(np.arange(1, layers + 1, dtype=np.int8), repetitions * times),
        }
        | dict(zip(Information._fields, result.reshape(-1, 4).T, strict=True))
    ).astype({"distinct": np.int32})


def run(
    estimator: EstimatorSpec,
    dataset_path: Path,
    trajectory_path: Path,
    output_path: Path,
    device: str = "cpu",
) -> None:
    """Estimate the information of a trajectory file on the data set it was trained on."""
    trajectory, dataset = load_trained(dataset_path, trajectory_path)
    table = estimate(estimator, trajectory, dataset, device)
    counted = dataset.labels[subset(dataset, estimator.subset)]
    description = describe(
        "information",
        {
            "training": trajectory.spec.model_dump(mode="json"),
            "estimator": estimator.model_dump(mode="json"),
        },
        repetitions=trajectory.repetitions.tolist(),
        dataset=trajectory.dataset | {"inputs": len(counted), "h_y": entropy(np.bincount(counted))},
        layers=trajectory.ranges.shape[2],
        device=name_of(device_of(device)),
    )
    write_table(output_path, table, description)
