"""Tables of every kind of estimator are found sound, and refused where a row is missing or a value is off."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from small_networks import DATASET, trained

from infoplane import EstimatorSpec
from infoplane.artifacts import describe, read_table, write_table
from infoplane.config.kinds import ESTIMATORS as KINDS
from infoplane.datasets import save_dataset
from infoplane.errors import UserError
from infoplane.information import run
from infoplane.trajectory import save_trajectory
from infoplane.verify.chain import check_information

ESTIMATORS = {
    "exact": {"kind": "exact"},
    "exact-output": {"kind": "exact", "layers": "output"},
    "exact-few": {"kind": "exact", "epochs": 2, "layers": [1, 3]},
    "rebinned": {"kind": "rebinned", "epochs": 2},
    "uniform": {"kind": "uniform", "bins": 30, "range": "global", "layers": [4, 2]},
    "adaptive": {"kind": "adaptive", "bins": 30, "subset": "test"},
    "quantized": {"kind": "quantized", "range": "layer", "bits": 1},
    "softmax": {"kind": "quantized", "range": [0, 1], "bits": 16, "layers": "output", "epochs": 3},
    "kde": {"kind": "kde", "noise": 0.01, "subset": "train"},
    "kde-lower": {"kind": "kde", "noise": 0.01, "bound": "lower", "epochs": 2, "layers": [1, 4]},
}


@pytest.fixture(scope="module", params=["relu", "tanh", "labels", "float32"])
def results(request, tmp_path_factory):
    folder, name = tmp_path_factory.mktemp("results"), request.param
    trajectory = trained(name)
    trajectory = replace(trajectory, repetitions=np.array([0, 1]), dataset=DATASET.description)
    paths = folder / "datasets/small-images.npz", folder / f"training/{name}/0-1.safetensors"
    for path in paths:
        path.parent.mkdir(parents=True)
    save_dataset(paths[0], DATASET)
    save_trajectory(paths[1], trajectory)
    for estimator, spec in ESTIMATORS.items():
        table = folder / f"information/{name}/{estimator}/0-1.parquet"
        table.parent.mkdir(parents=True)
        run(EstimatorSpec(**spec), *paths, table)
    return folder / "information" / name


def test_every_kind_is_among_them():
    assert {spec["kind"] for spec in ESTIMATORS.values()} == set(KINDS)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_sound_tables_are_found_sound(results, estimator):
    check_information(results / estimator / "0-1.parquet")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_row_less_is_found(results, estimator):
    table, known = read_table(results / estimator / "0-1.parquet", "information")
    refused = pytest.raises(UserError, match="its rows are not all of its repetitions at all epochs")
    with damaged(results, estimator, table.drop(index=3), known) as path, refused:
        check_information(path)


@pytest.mark.parametrize("estimator", [name for name in ESTIMATORS if name != "uniform"])
def test_a_value_that_is_not_that_of_a_replay_is_found(results, estimator):
    table, known = read_table(results / estimator / "0-1.parquet", "information")
    less = table.assign(i_ty=table["i_ty"] * (1 - 1e-9))
    refused = pytest.raises(UserError, match=r"is not what .* gives when it is replayed|equal to exact")
    with damaged(results, estimator, less, known) as path, refused:
        check_information(path)


@contextmanager
def damaged(results, estimator, table, known):
    """Another table in place of one, for a while."""
    path = results / estimator / "0-1.parquet"
    whole = path.read_bytes()
    told = {name: value for name, value in known.items() if name not in ("kind", "spec_hash")}
    write_table(path, table, describe("information", **told))
    yield path
    path.write_bytes(whole)
