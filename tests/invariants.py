"""Facts that hold at every snapshot of every network; run on result files as

python tests/invariants.py results/datasets/synthetic.npz results/training/EXPERIMENT/CHUNK.safetensors …
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from infoplane import Dataset, Trajectory, exact_information, load_dataset, load_trajectory
from infoplane.config import Bits
from infoplane.information.layers import Layer
from infoplane.information.replay import replay
from infoplane.networks.schemes import scheme_of

TOLERANCE = 1e-12
# So many inputs are looked at in all snapshots of a file.
LOOKED_AT = 2**25


def parts_of(codes: np.ndarray) -> np.ndarray:
    """Number the parts of the partition of the inputs by their codes (N, width)."""
    rows = np.ascontiguousarray(codes, dtype=np.int32)
    _, parts = np.unique(rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel(), return_inverse=True)
    return parts


def entropy_of(parts: np.ndarray) -> float:
    shares = np.bincount(parts) / len(parts)
    return float(-(shares * np.log2(shares, where=shares > 0, out=np.zeros_like(shares))).sum())


def refines(parts: np.ndarray, coarser: np.ndarray) -> bool:
    """Whether equal parts lie in equal coarser parts."""
    _, firsts = np.unique(parts, return_index=True)
    return bool((coarser[firsts][parts] == coarser).all())


def check_snapshot(codes: list[np.ndarray], labels: np.ndarray, bits: int) -> None:
    """Assert the facts of one snapshot, given each layer's codes (N, width)."""
    parts = [parts_of(layer) for layer in codes]
    classes = int(labels.max()) + 1
    h_y = entropy_of(labels)
    h_t = [entropy_of(each) for each in parts]
    i_ty = [h + h_y - entropy_of(each * classes + labels) for h, each in zip(h_t, parts, strict=True)]

    for layer, next_layer in pairwise(range(len(codes))):
        assert refines(parts[layer], parts[next_layer]), f"layer {layer + 1} does not determine the next"
        assert h_t[next_layer] <= h_t[layer] + TOLERANCE
        assert i_ty[next_layer] <= i_ty[layer] + TOLERANCE
    for layer, layer_codes in enumerate(codes):
        assert -TOLERANCE <= i_ty[layer] <= min(h_t[layer], h_y) + TOLERANCE
        assert h_t[layer] <= min(np.log2(len(labels)), bits * layer_codes.shape[1]) + TOLERANCE
        found = exact_information(layer_codes, labels)
        assert abs(found.h_t - h_t[layer]) <= TOLERANCE
        assert abs(found.i_ty - i_ty[layer]) <= TOLERANCE
        assert found.distinct == parts[layer].max() + 1

    counts = np.zeros((parts[-1].max() + 1, classes), dtype=int)
    np.add.at(counts, (parts[-1], labels), 1)
    accuracy = (codes[-1].argmax(axis=1) == labels).mean()
    assert accuracy <= counts.max(axis=1).sum() / len(labels) + TOLERANCE


def codes_of(layer: Layer) -> np.ndarray:
    """T of each snapshot, (snapshots, N, outputs) integers; that of logits as q_j − max_j q_j ≤ 0."""
    codes = layer.t.view(np.int32) if layer.codes is None else layer.codes.astype(np.int32)
    if layer.is_logits:
        codes = codes - codes.max(axis=1, keepdims=True)
    return codes.swapaxes(1, 2)


def snapshots_of(trajectory: Trajectory, dataset: Dataset) -> Iterator[tuple[int, int, list[np.ndarray]]]:
    """Repetition and time of each finite snapshot, and its layers' codes, (N, outputs)."""
    for repetition, times, layers in replay(trajectory, dataset):
        for time, *codes in zip(times, *map(codes_of, layers), strict=True):
            yield repetition, int(time), codes


def check_trajectory(trajectory: Trajectory, dataset: Dataset) -> int:
    """Assert the facts at every recorded epoch of every repetition; return how many snapshots were checked.

    Snapshots that have become NaN are left out.
    """
    bits = trajectory.spec.bits.activations if isinstance(trajectory.spec.bits, Bits) else 32
    reads = scheme_of(trajectory.spec).reads
    checked = 0
    for repetition, time, codes in snapshots_of(trajectory, dataset):
        if bits < 32:
            on_grid = codes if reads == "softmax" else codes[:-1]
            assert all(layer.min() >= 0 and layer.max() < 2**bits for layer in on_grid)
            assert reads == "softmax" or (codes[-1].max(axis=1) == 0).all()
        try:
            check_snapshot(codes, dataset.labels, bits)
        except AssertionError as error:
            error.add_note(
                f"repetition {trajectory.repetitions[repetition]}, "
                f"{trajectory.parts[time]} epoch {trajectory.epochs[time]}"
            )
            raise
        checked += 1
    return checked


def sample_of(trajectory: Trajectory, count: int) -> Trajectory:
    """The first repetition, at all epochs or, where there are many inputs, at every so manieth."""
    times = slice(None, None, -(-len(trajectory.epochs) * count // LOOKED_AT))
    return replace(
        trajectory,
        repetitions=trajectory.repetitions[:1],
        parts=trajectory.parts[times],
        epochs=trajectory.epochs[times],
        parameters=trajectory.parameters[:1, times],
        ranges=trajectory.ranges[:1, times],
    )


if __name__ == "__main__":
    data = load_dataset(Path(sys.argv[1]))
    for path in map(Path, sys.argv[2:]):
        sample = sample_of(load_trajectory(path), len(data.inputs))
        print(path, check_trajectory(sample, data), "snapshots hold", flush=True)
