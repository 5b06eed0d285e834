"""Tables of information: each by itself, against its data set, and against a replay of its trajectory."""

from collections.abc import Iterable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from infoplane.artifacts import read_table, refuse_mismatch
from infoplane.config import EstimatorSpec, RecordedSpec, TrainingSpec, spec_of_runs
from infoplane.config.layers import layers_in
from infoplane.datasets import Dataset
from infoplane.entropy import entropy
from infoplane.errors import UserError
from infoplane.information.estimate import counted, estimate
from infoplane.information.estimators import Estimator, estimator_of
from infoplane.information.replay import selections_of_inputs
from infoplane.information.snapshots import at_times, spread, spread_times
from infoplane.layout import locate, path_of
from infoplane.networks.layers import Network, network_of
from infoplane.records import recorded_epochs
from infoplane.statistics.chunks import read_chunks
from infoplane.trajectory import Trajectory, load_trajectory
from infoplane.verify.chunks import chunks_in, named_repetitions, refuse_gaps
from infoplane.verify.facts import laws_of_information, refuse_other_rows, refuse_where
from infoplane.verify.recordings import check_recorded
from infoplane.verify.trainings import dataset_of, description_of_experiment

__all__ = ["check_estimates", "check_information"]

# So many epochs of every repetition are replayed, from its first to its last
REPLAYED = 3
ROW = ["repetition", "part", "epoch", "layer"]


@dataclass(frozen=True, eq=False)
class Measured:
    """A table of information of trained runs, and what it says that it was measured from.

    Attributes:
        path, table, known: where it lies, its rows, and its description.
        spec: of the training.
        estimator: the spec of the estimator.
    """

    path: Path
    table: pd.DataFrame
    known: dict[str, Any]
    spec: TrainingSpec
    estimator: EstimatorSpec
    dataset: Dataset

    @cached_property
    def labels(self) -> np.ndarray:
        """(N,) of the inputs that are counted."""
        labels: np.ndarray = self.dataset.labels[counted(self.dataset, self.spec, self.estimator)]
        return labels

    @cached_property
    def network(self) -> Network:
        return network_of(self.spec, self.dataset.inputs.shape[1:], self.dataset.classes)

    @cached_property
    def before(self) -> int:
        """The number of layers before the first weights, which put out inputs."""
        return len(selections_of_inputs(self.network))

    @cached_property
    def layers(self) -> Sequence[int]:
        """The numbers of the layers that are evaluated."""
        return layers_in(self.estimator, len(self.network.layers))

    @cached_property
    def method(self) -> Estimator:
        return estimator_of(self.estimator, self.spec.activation_bits)


def check_information(path: Path) -> None:
    """A table of information obeys the laws, and is what some epochs of its trajectory are replayed to."""
    results, names = locate(path, "information")
    table, known = read_table(path, "information")
    spec = spec_of_runs(known["spec"])
    estimator = EstimatorSpec.model_validate(known["spec"]["estimator"])
    refuse_mismatch(path, "the list of its repetitions", known["repetitions"], named_repetitions(path))
    if isinstance(spec, RecordedSpec):
        check_recorded(path, table, known, layers_in(estimator, known["layers"]))
        return
    dataset = dataset_of(path, results, known["dataset"])
    measured = Measured(path, table, known, spec, estimator, dataset)
    refuse_other_inputs(measured)
    refuse_other_times(measured)
    check_laws(measured)
    if spec.activation_bits <= measured.method.exact_up_to:
        refuse_unlike_exact(measured, results.glob(path_of("information", **names | {"estimator": "*"})))
    trajectory = results / path_of("trajectory", **names)
    if trajectory.exists() and estimator.range != "global":  # which asks for all epochs
        refuse_unlike_replay(measured, trajectory)


def refuse_other_inputs(measured: Measured) -> None:
    """Refuse a table that says another number of inputs, or another H(Y), than its data set has."""
    labels, described = measured.labels, measured.known["dataset"]
    refuse_mismatch(measured.path, "the number of its inputs", described["inputs"], len(labels))
    refuse_mismatch(measured.path, "H(Y)", described["h_y"], entropy(np.bincount(labels)))


def refuse_other_times(measured: Measured) -> None:
    """Refuse a table whose rows are not of the epochs and layers that its spec asks for."""
    parts, epochs = recorded_epochs(measured.spec)
    if measured.estimator.epochs:
        times = spread_times(parts, epochs, measured.estimator.epochs)
        parts, epochs = parts[times], epochs[times]
    repetitions = measured.known["repetitions"]
    refuse_other_rows(measured.path, measured.table, repetitions, parts, epochs, measured.layers)


def check_laws(measured: Measured) -> None:
    """A table obeys the laws of information within the bounds of its network and its inputs."""
    inputs, h_y = len(measured.labels), entropy(np.bincount(measured.labels))
    if measured.spec.labels == "shuffled" and measured.estimator.subset != "all":
        h_y = float(np.log2(measured.dataset.classes))  # each repetition has an H(Y) of its own
    is_exact = measured.estimator.kind == "exact"
    laws_of_information(measured.path, measured.table, inputs, h_y, capacities_of(measured), is_exact)


def capacities_of(measured: Measured) -> np.ndarray:
    """(layers,) bits that the code of each layer has."""
    widths = np.array([layer.outputs for layer in measured.network.layers])
    capacities: np.ndarray = np.log2(measured.method.number) * widths
    if measured.method.is_of_grid:
        capacities[: measured.before] = np.inf  # inputs are on no grid of the network
    evaluated: np.ndarray = capacities[np.array(measured.layers) - 1]
    return evaluated


def refuse_unlike_exact(measured: Measured, others: Iterable[Path]) -> None:
    """Refuse a table by an estimator that is exact on its network if it differs from the exact one.

    Args:
        others: the tables of the same runs by all estimators.
    """
    path, table, spec = measured.path, measured.table, measured.known["spec"]
    last = len(measured.network.layers)
    hidden = table["layer"].between(measured.before + 1, last - 1).to_numpy()
    for other in others:
        values, its = read_table(other, "information")
        if its["spec"] == spec | {"estimator": spec["estimator"] | {"kind": "exact"}}:
            differs = ~same_rows(table, values) & hidden
            refuse_where(path, table, differs, "equal to exact in the hidden layers")


def refuse_unlike_replay(measured: Measured, path: Path) -> None:
    """Refuse a table that differs from a replay of some epochs of its trajectory, which lies at a path."""
    trajectory, estimator = load_trajectory(path), measured.estimator
    chosen = spread(trajectory, estimator.epochs) if estimator.epochs else trajectory
    whole = estimator.model_copy(update={"epochs": None})
    with redirect_stderr(StringIO()):
        replayed = estimate(whole, some_epochs(chosen), measured.dataset)
    found = replayed[ROW].merge(measured.table, how="left", on=ROW)
    if not same_rows(found, replayed).all():
        raise UserError(
            f"{measured.path}: is not what {path} gives when it is replayed; "
            "move both away and run the workflow again"
        )


def same_rows(table: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """In which rows the values are equal to the last bit, or both NaN."""
    own, others = (each[["h_t", "i_xt", "i_ty", "distinct"]].to_numpy() for each in (table, other))
    equal: np.ndarray = ((own == others) | (np.isnan(own) & np.isnan(others))).all(1)
    return equal


def some_epochs(trajectory: Trajectory) -> Trajectory:
    """The first, the last and other snapshots of a trajectory, spread evenly."""
    times = np.arange(len(trajectory.epochs))
    return at_times(trajectory, np.isin(times, np.linspace(0, times[-1], REPLAYED).astype(int)))


def check_estimates(folder: Path) -> None:
    """The tables of an experiment seen by an estimator are of one spec, and of all repetitions trained."""
    results, names = locate(folder, "information")
    known = read_chunks(chunks_in(results, "information", names), "information")[1]
    trained = description_of_experiment(results, {"experiment": names["experiment"]})
    runs = {what: spec for what, spec in known["spec"].items() if what != "estimator"}
    refuse_mismatch(folder, "the spec of the runs", runs, trained["spec"])
    refuse_gaps(folder, known["repetitions"], trained["repetitions"])
