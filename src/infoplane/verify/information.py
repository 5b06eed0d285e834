"""Tables of information: each by itself, against its data set, and against a replay of its trajectory."""

from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from infoplane.artifacts import read_table, refuse_mismatch
from infoplane.config import EstimatorSpec, RecordedSpec, spec_of_runs
from infoplane.config.layers import layers_in
from infoplane.entropy import entropy
from infoplane.errors import UserError
from infoplane.information.estimate import counted, estimate
from infoplane.information.estimators import estimator_of
from infoplane.information.replay import selections_of_inputs
from infoplane.information.snapshots import at_times, spread, spread_times
from infoplane.layout import locate, path_of
from infoplane.networks.layers import network_of
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
    labels = dataset.labels[counted(dataset, spec, estimator)]
    inputs, h_y = len(labels), entropy(np.bincount(labels))
    refuse_mismatch(path, "the number of its inputs", known["dataset"]["inputs"], inputs)
    refuse_mismatch(path, "H(Y)", known["dataset"]["h_y"], h_y)
    network = network_of(spec, dataset.inputs.shape[1:], dataset.classes)
    number, before = len(network.layers), len(selections_of_inputs(network))
    layers = layers_in(estimator, number)
    parts, epochs = recorded_epochs(spec)
    if estimator.epochs:
        times = spread_times(parts, epochs, estimator.epochs)
        parts, epochs = parts[times], epochs[times]
    refuse_other_rows(path, table, known["repetitions"], parts, epochs, layers)
    method = estimator_of(estimator, spec.activation_bits)
    capacities = np.log2(method.number) * np.array([layer.outputs for layer in network.layers])
    if method.is_of_grid:
        capacities[:before] = np.inf  # inputs are on no grid of the network
    if spec.labels == "shuffled" and estimator.subset != "all":  # each repetition has an H(Y) of its own
        h_y = float(np.log2(dataset.classes))
    capacities = capacities[np.array(layers) - 1]
    laws_of_information(path, table, inputs, h_y, capacities, estimator.kind == "exact")

    if spec.activation_bits <= method.exact_up_to:
        exact = known["spec"]["estimator"] | {"kind": "exact"}
        for other in results.glob(path_of("information", **names | {"estimator": "*"})):
            values, its = read_table(other, "information")
            if its["spec"] == known["spec"] | {"estimator": exact}:
                hidden = table["layer"].between(before + 1, number - 1).to_numpy()
                differs = ~same_rows(table, values) & hidden
                refuse_where(path, table, differs, "equal to exact in the hidden layers")
    trained = results / path_of("trajectory", **names)
    if trained.exists() and estimator.range != "global":  # which asks for all epochs
        trajectory = load_trajectory(trained)
        chosen = spread(trajectory, estimator.epochs) if estimator.epochs else trajectory
        with redirect_stderr(StringIO()):
            replayed = estimate(estimator.model_copy(update={"epochs": None}), some_epochs(chosen), dataset)
        found = replayed[ROW].merge(table, how="left", on=ROW)
        if not same_rows(found, replayed).all():
            raise UserError(
                f"{path}: is not what {trained} gives when it is replayed; "
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
