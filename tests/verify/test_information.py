"""Tables of information are found sound where they follow from their trajectories, and refused elsewhere."""

import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_networks import DATASET, trained

from infoplane import load_dataset, load_trajectory
from infoplane.artifacts import describe, read_table, write_table
from infoplane.config import DatasetSpec, EstimatorSpec, TrainingSpec
from infoplane.config.kinds import ESTIMATORS as KINDS
from infoplane.datasets import run, save_dataset
from infoplane.datasets.dataset import with_train_fraction
from infoplane.digests import canonical, digest
from infoplane.errors import UserError
from infoplane.information import run as inform
from infoplane.training import run as train
from infoplane.trajectory import save_trajectory
from infoplane.verify import verify
from infoplane.verify.information import check_information

from .study import ESTIMATORS, change, problem, set_value


def test_a_parameter_that_became_another_is_found(runs):
    path = runs / "training" / "relu" / "2-2.safetensors"
    trajectory = load_trajectory(path)
    trajectory.parameters[0, -1] = trajectory.parameters[0, 0]
    save_trajectory(path, trajectory)
    problems, _ = verify(runs)
    tables = [runs / "information" / "relu" / name / "2-2.parquet" for name in ESTIMATORS]
    assert [line.partition(":")[0] for line in problems] == [str(table) for table in tables]
    assert all("when it is replayed" in line for line in problems)


def test_tables_of_other_specs_are_found(runs):
    table, other = (runs / "information" / name / "exact" / "2-2.parquet" for name in ("relu", "tanh"))
    shutil.copy(other, table)
    problems, _ = verify(runs)
    assert any(line.startswith(f"{table}: the spec is ") for line in problems)


def test_a_stale_artifact_of_another_spec_is_found(runs):
    """All tables of an estimator say one spec, and the trainings another."""
    for table in runs.glob("information/relu/exact/*.parquet"):
        frame, described = read_table(table, "information")
        described["spec"]["training"]["learning_rate"] = 0.5
        write_table(table, frame, described | {"spec_hash": digest(described["spec"])})
    problems, _ = verify(runs)
    assert any(
        line.startswith(f"{runs / 'information' / 'relu' / 'exact'}: the spec of the runs is ")
        for line in problems
    )


def test_a_spec_without_its_hash_is_found(runs):
    path = runs / "information" / "relu" / "exact" / "2-2.parquet"
    table = pq.read_table(path)
    described = json.loads(table.schema.metadata[b"infoplane"])
    described["spec"]["estimator"]["subset"] = "test"
    metadata = {**table.schema.metadata, b"infoplane": canonical(described).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, write_page_checksum=True)
    assert problem(runs).startswith(f"{path}: its spec does not match its hash; ")


def test_a_layer_that_knows_more_than_the_one_before_is_found(runs):
    path = runs / "information" / "relu" / "exact" / "2-2.parquet"

    def swapped(table):
        table.loc[0, ["h_t", "i_xt"]] = table.loc[1, "h_t"] - 0.1
        return table

    change(path, swapped)
    place = "in 1 rows, the first at repetition 2, part prefit, epoch -1, layer 2"
    with pytest.raises(UserError, match=re.escape(f"{path}: not H(T) ≤ that of the layer before {place}")):
        check_information(path)


def test_binned_estimates_of_shuffled_training_inputs_obey_their_laws(runs):
    """Every repetition has an H(Y) of its own, of its own labels."""
    known = read_table(runs / "training" / "relu" / "2-2.parquet", "history")[1]["spec"]["training"]
    spec = TrainingSpec.model_validate(known | {"labels": "shuffled"})
    dataset, trajectory = runs / "datasets" / "mine.npz", runs / "training" / "shuffled" / "0-1.safetensors"
    train(spec, dataset, range(2), trajectory, trajectory.with_suffix(".parquet"))
    path = runs / "information" / "shuffled" / "uniform" / "0-1.parquet"
    inform(
        [EstimatorSpec(kind="uniform", bins=4, range="layer", subset="train")], dataset, trajectory, [path]
    )
    check_information(path)
    change(path, set_value(h_t=4.5, i_xt=4.5, distinct=100))  # of two neurons with four bins each
    with pytest.raises(UserError, match=re.escape("H(T) ≤ bits · width")):
        check_information(path)


@pytest.mark.parametrize("subset", ["train", "test"])
def test_tables_of_a_subset_describe_its_inputs(runs, subset):
    """Of a training set that is a part of the inputs given by the experiment."""
    known = read_table(runs / "training" / "relu" / "2-2.parquet", "history")[1]["spec"]["training"]
    spec = TrainingSpec.model_validate(known | {"train_fraction": 0.3})
    dataset, trajectory = runs / "datasets" / "mine.npz", runs / "training" / "some" / "0-0.safetensors"
    train(spec, dataset, range(1), trajectory, trajectory.with_suffix(".parquet"))
    path = runs / "information" / "some" / subset / "0-0.parquet"
    inform([EstimatorSpec(kind="exact", subset=subset)], dataset, trajectory, [path])
    check_information(path)
    mask = with_train_fraction(load_dataset(dataset), 0.3).train_mask
    assert read_table(path, "information")[1]["dataset"]["inputs"] == (mask == (subset == "train")).sum()


def test_pools_of_inputs_with_more_levels_than_the_network_are_sound(tmp_path):
    """One pool of the whole image, whose 200 values 2 bits don't tell apart."""
    folder = tmp_path / "results"
    images, labels = (
        np.arange(200, dtype=np.uint8)[:, None, None] * np.ones((2, 2), np.uint8),
        np.arange(200) % 2,
    )
    np.savez(tmp_path / "mine.npz", inputs=images, labels=labels)
    run(DatasetSpec(name="mine", kind="npz", path=f"{tmp_path}/mine.npz"), folder / "datasets" / "mine.npz")
    spec = {"dataset": "mine", "network": ({"pool": 2}, 3), "activation": "relu", "bits": 2}
    trajectory = folder / "training" / "pool" / "0-0.safetensors"
    trained = TrainingSpec(**spec, epochs=1, record_every=1)
    train(trained, folder / "datasets" / "mine.npz", range(1), trajectory, trajectory.with_suffix(".parquet"))
    for (name, estimator), distinct in zip(ESTIMATORS.items(), (200, 5), strict=True):
        path = folder / "information" / "pool" / name / "0-0.parquet"
        inform([estimator], folder / "datasets" / "mine.npz", trajectory, [path])
        table = read_table(path, "information")[0]
        assert (table.loc[table["layer"] == 1, "distinct"] == distinct).all()
        check_information(path)


SPECS = {
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
def estimated(request, tmp_path_factory):
    folder, name = tmp_path_factory.mktemp("estimated"), request.param
    trajectory = trained(name)
    trajectory = replace(trajectory, repetitions=np.array([0, 1]), dataset=DATASET.description)
    paths = folder / "datasets/small-images.npz", folder / f"training/{name}/0-1.safetensors"
    for path in paths:
        path.parent.mkdir(parents=True)
    save_dataset(paths[0], DATASET)
    save_trajectory(paths[1], trajectory)
    for estimator, spec in SPECS.items():
        table = folder / f"information/{name}/{estimator}/0-1.parquet"
        table.parent.mkdir(parents=True)
        inform([EstimatorSpec(**spec)], *paths, [table])
    return folder / "information" / name


def test_every_kind_is_among_them():
    assert {spec["kind"] for spec in SPECS.values()} == set(KINDS)


@pytest.mark.parametrize("estimator", SPECS)
def test_sound_tables_are_found_sound(estimated, estimator):
    check_information(estimated / estimator / "0-1.parquet")


@pytest.mark.parametrize("estimator", SPECS)
def test_a_row_less_is_found(estimated, estimator):
    table, known = read_table(estimated / estimator / "0-1.parquet", "information")
    refused = pytest.raises(UserError, match="its rows are not all of its repetitions at all epochs")
    with damaged(estimated, estimator, table.drop(index=3), known) as path, refused:
        check_information(path)


@pytest.mark.parametrize("estimator", [name for name in SPECS if name != "uniform"])
def test_a_value_that_is_not_that_of_a_replay_is_found(estimated, estimator):
    table, known = read_table(estimated / estimator / "0-1.parquet", "information")
    less = table.assign(i_ty=table["i_ty"] * (1 - 1e-9))
    refused = pytest.raises(UserError, match=r"is not what .* gives when it is replayed|equal to exact")
    with damaged(estimated, estimator, less, known) as path, refused:
        check_information(path)


@contextmanager
def damaged(estimated, estimator, table, known):
    """Another table in place of one, for a while."""
    path = estimated / estimator / "0-1.parquet"
    whole = path.read_bytes()
    told = {name: value for name, value in known.items() if name not in ("kind", "spec_hash")}
    write_table(path, table, describe("information", **told))
    yield path
    path.write_bytes(whole)
