"""Some snapshots of a trajectory are those of all of it, and tables name them rightly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infoplane import TrainingSpec, Trajectory
from infoplane.information.snapshots import at_times, spread, table_keys
from infoplane.records import recorded_epochs


def trajectory(**training) -> Trajectory:
    """Two repetitions whose only parameter is the number of the snapshot."""
    keys = {"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8}
    spec = TrainingSpec(**keys | training)
    parts, epochs = recorded_epochs(spec)
    numbers = np.arange(2 * len(epochs), dtype=np.float32).reshape(2, -1)
    return Trajectory(
        spec, {}, np.array([3, 4]), parts, epochs, numbers[..., None], numbers[..., None, None, None]
    )


def test_what_belongs_to_a_time_stays_together():
    whole = trajectory(epochs=12, prefit_epochs=3, record_every=5)
    chosen = at_times(whole, whole.parts == "main")
    assert chosen.parts.tolist() == ["main"] * 4 and chosen.epochs.tolist() == [-1, 0, 5, 10]
    assert chosen.parameters[:, :, 0].tolist() == [[2, 3, 4, 5], [8, 9, 10, 11]]
    assert chosen.ranges[:, :, 0, 0, 0].tolist() == [[2, 3, 4, 5], [8, 9, 10, 11]]
    assert chosen.finite.shape == (2, 4)


def test_epochs_are_spread_evenly_over_decades():
    chosen = spread(trajectory(epochs=8000, record_every=5), 12)
    assert chosen.epochs.tolist() == [-1, 0, 5, 10, 25, 60, 135, 305, 690, 1560, 3530, 7995]


@given(
    epochs=st.integers(1, 500), prefit=st.integers(0, 50), every=st.integers(1, 20), count=st.integers(2, 50)
)
def test_spread_epochs_are_recorded_ones_with_both_ends_of_every_part(epochs, prefit, every, count):
    whole = trajectory(epochs=epochs, prefit_epochs=prefit, record_every=every)
    chosen = spread(whole, count)
    for part in np.unique(whole.parts):
        own, recorded = chosen.epochs[chosen.parts == part], whole.epochs[whole.parts == part]
        assert set(own) <= set(recorded)
        assert own[:2].tolist() == recorded[:2].tolist() and own[-1] == recorded[-1]
        assert len(own) <= count + 1 and (np.diff(own) > 0).all()


@pytest.mark.parametrize(
    ("layers", "dtype"), [(2, np.int8), (127, np.int8), (128, np.int16), (300, np.int16)]
)
def test_keys_number_every_layer_in_the_least_of_two_types(layers, dtype):
    keys = table_keys(trajectory(epochs=1, record_every=1), layers)
    assert keys["layer"].dtype == dtype
    assert keys["layer"].tolist() == [*range(1, layers + 1)] * (2 * 2)


def test_keys_name_every_combination_in_the_order_of_values():
    whole = trajectory(epochs=6, prefit_epochs=1, record_every=5)
    keys = table_keys(whole, 2, estimator=["a", "b"])
    assert list(keys) == ["repetition", "part", "epoch", "layer", "estimator"]
    assert len(keys) == 2 * 5 * 2 * 2 and not keys.duplicated().any()
    values = np.broadcast_to(whole.parameters[:, :, 0, None, None], (2, 5, 2, 2)).ravel()
    named = keys.assign(value=values).groupby(["repetition", "part", "epoch"])["value"].agg(["min", "max"])
    assert (named["min"] == named["max"]).all()
    assert named.loc[(3, "prefit", -1), "min"] == 0 and named.loc[(4, "main", 5), "min"] == 9


def test_one_recorded_epoch_is_enough():
    whole = trajectory(epochs=1, record_every=1)
    assert spread(whole, 12).epochs.tolist() == [-1, 0]
    assert len(table_keys(whole, 1)) == 4


@pytest.mark.parametrize("count", [2, 3])
def test_few_epochs_are_spread_too(count):
    assert len(spread(trajectory(epochs=1000, record_every=1), count).epochs) == count + 1
