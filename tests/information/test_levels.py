"""Levels in use of trained networks, against the distinct codes of plain loops."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from small_networks import DATASET, KEYS, NETWORKS, PLAIN, QUANTIZED, last_codes, of_last_snapshot, trained

from infoplane import TrainingSpec, train
from infoplane.artifacts import read_table
from infoplane.cli import main
from infoplane.datasets import save_dataset
from infoplane.errors import UserError
from infoplane.information.levels import levels_in_use
from infoplane.information.replay import replay
from infoplane.trajectory import save_trajectory


@cache
def levels_of(name: str) -> pd.DataFrame:
    return levels_in_use(trained(name), DATASET)


@pytest.mark.parametrize("name", QUANTIZED)
def test_they_are_the_distinct_codes_of_a_layer(name):
    table = of_last_snapshot(levels_of(name)).set_index("layer")["levels"]
    codes = last_codes(trained(name))
    hidden = codes if name == "controlled" else codes[:-1]
    assert table.loc[: len(hidden)].tolist() == [len(np.unique(layer)) for layer in hidden]


@pytest.mark.parametrize("name", QUANTIZED)
def test_those_of_the_logits_are_codes_before_their_shift(name):
    """As the other engine hands them out."""
    trajectory = trained(name)
    in_torch = replace(trajectory, spec=trajectory.spec.model_copy(update={"engine": "torch"}))
    last = [each.layers[-1] for each in replay(in_torch, DATASET)]
    assert all(layer.is_logits == (name != "controlled") for layer in last)
    counts = [len(np.unique(codes)) for layer in last for codes in layer.codes]
    assert levels_of(name).query("layer == 4")["levels"].tolist() == counts


@pytest.mark.parametrize("name", QUANTIZED)
def test_they_are_between_one_and_all(name):
    table = levels_of(name)
    assert set(table["of"]) == {2 ** trained(name).spec.bits.activations}
    assert table["levels"].between(1, table["of"]).all()
    assert len(table) == trained(name).finite.size * 4 and not table.duplicated(KEYS).any()


@pytest.mark.parametrize("name", QUANTIZED)
def test_a_repetition_that_failed_is_missing(name):
    trajectory = trained(name)
    ranges = trajectory.ranges.copy()
    ranges[1, 0] = np.nan
    table = levels_in_use(replace(trajectory, ranges=ranges), DATASET)
    failed = (table["repetition"] == 3) & (table["epoch"] == -1) & (table["part"] == trajectory.parts[0])
    assert table.loc[failed, "levels"].isna().all()
    pd.testing.assert_frame_equal(table[~failed], levels_of(name)[~failed])


def test_a_coarse_start_uses_few_levels():
    """Of the grid over ±6, with 255 steps, outputs between 0 and 1 use about 255/12 + 1."""
    spec = TrainingSpec(**PLAIN | NETWORKS["relu"] | {"network": [4]})
    trajectory = train(spec, [0], DATASET)[0]
    layers = next(iter(replay(trajectory, DATASET))).layers
    widest = layers[0].activations[0].max()
    start = levels_in_use(trajectory, DATASET).query("epoch == -1 and layer == 1")["levels"].item()
    assert 2 < start <= widest * 255 / 12 + 2


def test_float32_networks_have_no_levels():
    with pytest.raises(UserError, match=r"^a float32 network has no levels"):
        levels_in_use(trained("float32"), DATASET)


def test_a_pool_of_inputs_has_their_levels():
    spec = TrainingSpec(**PLAIN | NETWORKS["controlled"] | {"network": [{"pool": 2}, 4], "epochs": 1})
    levels = levels_in_use(train(spec, [0], DATASET)[0], DATASET).query("layer == 1")["levels"]
    pooled = {int(square.max()) for square in squares(DATASET.inputs)}
    assert levels.tolist() == [len(pooled)] * 2


def squares(images):
    """The squares of 2 × 2 pixels of images (N, 9, 8)."""
    return images[:, :8].reshape(-1, 4, 2, 4, 2).swapaxes(2, 3).reshape(-1, 2, 2)


def test_file(tmp_path, capsys):
    trajectory = trained("relu")
    save_dataset(tmp_path / "data.npz", DATASET)
    save_trajectory(tmp_path / "t.safetensors", replace(trajectory, dataset=DATASET.description))
    save_trajectory(tmp_path / "other.safetensors", replace(trajectory, dataset={"name": "other"}))
    files = ["--dataset", f"{tmp_path}/data.npz", "--output", f"{tmp_path}/table.parquet"]
    assert main(["levels", *files, "--trajectory", f"{tmp_path}/t.safetensors"]) == 0
    table, description = read_table(tmp_path / "table.parquet", "levels")
    pd.testing.assert_frame_equal(table, levels_of("relu"))
    assert description["spec"] == {"training": trajectory.spec.differences()}
    assert description["repetitions"] == [0, 3] and description["dataset"] == DATASET.description
    capsys.readouterr()
    assert main(["levels", *files, "--trajectory", f"{tmp_path}/other.safetensors"]) == 1
    assert "other.safetensors: the data set it was trained on is" in capsys.readouterr().err
