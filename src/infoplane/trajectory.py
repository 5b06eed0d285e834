"""The trajectory: parameters and ranges of every repetition at every recorded epoch."""

from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from infoplane.artifacts import (
    KEY,
    array_digest,
    describe,
    known_spec,
    parse_description,
    unreadable,
    written_aside,
)
from infoplane.config import Bits, TrainingSpec
from infoplane.datasets import Dataset, load_dataset
from infoplane.datasets.dataset import with_train_fraction
from infoplane.digests import canonical
from infoplane.errors import UserError
from infoplane.html import html_table
from infoplane.networks.layers import Dense, Network, network_of
from infoplane.recognition import DAMAGE
from infoplane.records import recorded_epochs
from infoplane.refusals import as_path, refuse_other_types

if TYPE_CHECKING:
    from torch.nn import Sequential

__all__ = [
    "Trajectory",
    "Weights",
    "load_trajectory",
    "network_on",
    "save_trajectory",
]


class Weights(NamedTuple):
    """Weights of one layer.

    Attributes:
        kernel: (R, fan_in, width) float32; of a convolution, fan_in is channels · rows · columns of a square.
        bias: (R, width) float32.
    """

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, repr=False)
class Trajectory:
    """Recorded parameters of trained repetitions, from which any estimator replays the layers.

    Attributes:
        spec: what was trained.
        dataset: the description of the data it was trained on.
        repetitions: (R,) their numbers.
        parts: (T,) `prefit` or `main`.
        epochs: (T,) the recorded epochs of each part; −1 is the state before its first step.
        parameters: (R, T, P) float32.
        ranges: (R, T, layers, 2, 2) float32, the ends of the moving ranges of kernels and outputs.
    """

    spec: TrainingSpec
    dataset: dict[str, Any]
    repetitions: np.ndarray
    parts: np.ndarray
    epochs: np.ndarray
    parameters: np.ndarray
    ranges: np.ndarray

    def __repr__(self) -> str:
        spec, (repetitions, snapshots, size) = self.spec, self.parameters.shape
        network = spec.network if isinstance(spec.network, str) else f"{len(spec.network)} layers and output"
        bits = (
            f"{spec.bits.weights}/{spec.bits.activations} bits" if isinstance(spec.bits, Bits) else "float32"
        )
        trained = f"{network} of {size} parameters, {spec.activation}, {bits}, {spec.protocol}"
        epochs = f"{snapshots} epochs from {self.epochs[0]} to {self.epochs[-1]}"
        return f"Trajectory({self.dataset.get('name')!r}, {trained}: {repetitions} repetitions, {epochs})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the spec, and what was recorded."""
        rows = {key: canonical(value) for key, value in self.spec.differences().items()}
        repetitions, snapshots, size = self.parameters.shape
        recorded = {
            "repetitions": repetitions,
            "recorded epochs": f"{snapshots}, from {self.epochs[0]} to {self.epochs[-1]}",
            "parameters": size,
            "repetitions that have become NaN": int((~self.finite.all(axis=1)).sum()),
        }
        return html_table("Trajectory", rows | recorded)

    def weights(self, layer: int, epoch: int, dataset: Dataset | None = None, part: str = "main") -> Weights:
        """The weights of one layer of every repetition at one recorded epoch, before they are quantized.

        Args:
            layer: its number, from 1.
            epoch: −1 is the state before the first step.
            dataset: what was trained on; `synthetic` need not be given.
            part: `main` or `prefit`.

        Raises:
            UserError: there is no such layer or epoch, the layer has no weights, or the data set is another.
        """
        refuse_other_types("layer", layer, Integral, "the number of a layer, from 1")
        network = network_on(self, dataset)[0]
        if not 1 <= layer <= len(network.layers):
            raise UserError(f"layer {layer} is not in this network; take 1 to {len(network.layers)}")
        its = network.layers[layer - 1]
        if not isinstance(its, Dense):
            kind = type(its).__name__.lower()
            raise UserError(f"layer {layer} is a {kind}, which has no weights; take another")
        chosen = self.parameters[:, self.time_of(epoch, part)]
        kernel = chosen[:, its.start : its.bias].reshape(-1, its.fan_in, its.width)
        return Weights(kernel, chosen[:, its.bias : its.stop])

    def module(
        self, repetition: int, epoch: int, dataset: Dataset | None = None, part: str = "main"
    ) -> "Sequential":
        """The network of one repetition at one recorded epoch as a PyTorch module.

        It takes inputs as the data set has them, (N, …), and computes in float64 what the replay does. Its
        first child, `inputs`, reads them; `layer_1` to `layer_L` put out what T is made of: the values of a
        hidden layer, on its grid if it is quantized, and the softmax of the output.

        Args:
            repetition: its number.
            epoch: −1 is the state before the first step.
            dataset: what was trained on; `synthetic` need not be given.
            part: `main` or `prefit`.

        Raises:
            UserError: there is no such repetition or epoch, it has become NaN, or another data set is given.
        """
        from infoplane.networks.module import module_of  # which imports PyTorch

        refuse_other_types("repetition", repetition, Integral, "the number of a repetition")
        _, data = network_on(self, dataset)
        if repetition not in self.repetitions:
            numbers = ", ".join(map(str, self.repetitions[:20]))
            raise UserError(f"repetition {repetition} is not in this trajectory; take one of {numbers}")
        row, time = int(np.argmax(self.repetitions == repetition)), self.time_of(epoch, part)
        if not self.finite[row, time]:
            raise UserError(f"repetition {repetition} has become NaN at epoch {epoch}; take another")
        return module_of(self.spec, data, self.parameters[row, time], self.ranges[row, time])

    def time_of(self, epoch: int, part: str) -> int:
        """Index of a recorded epoch of a part among all snapshots."""
        refuse_other_types("epoch", epoch, Integral, "a recorded epoch, −1 before the first step")
        refuse_other_types("part", part, str, "main or prefit")
        its = self.epochs[self.parts == part]
        if not len(its):
            raise UserError(
                f"part {part!r} is not in this trajectory; take {' or '.join(np.unique(self.parts))}"
            )
        if epoch not in its:
            nearest = its[np.argsort(np.abs(its - epoch))[:2]]
            raise UserError(
                f"epoch {epoch} was not recorded; take one of {its[0]} … {its[-1]}, such as "
                f"{' or '.join(map(str, sorted(nearest)))}"
            )
        return int(np.flatnonzero((self.parts == part) & (self.epochs == epoch))[0])

    def refuse_other_data(self, dataset: Dataset) -> None:
        """Raise a `UserError` if a data set is not the one that was trained on."""
        known, given = self.dataset, dataset.description
        if known.get("digest") != given["digest"]:
            trained_on, other = (
                f"{each.get('name')!r} ({each.get('inputs')} inputs, digest {each.get('digest')!s:.12})"
                for each in (known, given)
            )
            raise UserError(
                f"the trajectory was trained on the data set {trained_on}, and {other} is given; give the "
                "one it was trained on"
            )

    @property
    def finite(self) -> np.ndarray:
        """Which snapshots are free of NaN and infinity, (R, T)."""
        finite: np.ndarray = np.isfinite(self.parameters).all(2) & np.isfinite(self.ranges).all((2, 3, 4))
        return finite


def network_on(trajectory: Trajectory, dataset: Dataset | None) -> tuple[Network, Dataset]:
    """The network of a trajectory, and the data set as it was trained on."""
    if dataset is None:
        if trajectory.spec.dataset != "synthetic":
            raise UserError(
                f"dataset: the trajectory was trained on {trajectory.spec.dataset!r}; give that data set, by "
                "load_dataset"
            )
        dataset = load_dataset("synthetic")
    refuse_other_types("dataset", dataset, Dataset, "a Dataset, as from load_dataset")
    trajectory.refuse_other_data(dataset)
    network = network_of(trajectory.spec, dataset.inputs.shape[1:], dataset.classes)
    refuse_other_sizes(trajectory, network)
    return network, with_train_fraction(dataset, trajectory.spec.train_fraction)


def refuse_other_sizes(trajectory: Trajectory, network: Network) -> None:
    """Refuse arrays that kernels would read beyond their ends."""
    snapshots = len(trajectory.repetitions), len(trajectory.epochs)
    for name, expected in [
        ("parameters", (*snapshots, network.size)),
        ("ranges", (*snapshots, len(network.layers), 2, 2)),
    ]:
        array = getattr(trajectory, name)
        if array.shape != expected or array.dtype != np.float32:
            raise UserError(
                f"the trajectory's {name} are {array.dtype} of the shape {array.shape}, expected float32 of "
                f"{expected}; take a trajectory as it was trained or loaded"
            )


ARRAYS = ("repetitions", "parameters", "ranges")


def save_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Write a trajectory as safetensors, its description in the header."""
    arrays = {name: np.ascontiguousarray(getattr(trajectory, name)) for name in ARRAYS}
    description = describe(
        "trajectory",
        {"training": trajectory.spec.differences()},
        dataset=trajectory.dataset,
        digest=array_digest(*arrays.values()),
    )
    with written_aside(path) as aside:
        try:
            save_file(arrays, aside, metadata={KEY: canonical(description)})
        except SafetensorError as error:  # this is how it says that the disk is full
            raise OSError(str(error)) from error


def load_trajectory(path: Path) -> Trajectory:
    """Read a trajectory.

    Raises:
        UserError: the file is missing, truncated or of another kind.
    """
    path = as_path(path)
    try:
        with safe_open(path, framework="numpy") as file:
            description = parse_description((file.metadata() or {}).get(KEY), path, "trajectory")
            arrays = {name: file.get_tensor(name) for name in ARRAYS}
        if array_digest(*arrays.values()) != description["digest"]:
            raise ValueError("other numbers than were written")
        with known_spec(path, description, "trained"):
            spec = TrainingSpec.model_validate(description["spec"]["training"])
    except DAMAGE as error:
        raise unreadable(path, "trajectory", error) from error
    parts, epochs = recorded_epochs(spec)
    return Trajectory(spec, description["dataset"], parts=parts, epochs=epochs, **arrays)
