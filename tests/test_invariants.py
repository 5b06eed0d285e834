"""Facts that must hold at every recorded epoch, on short runs of every kind."""

import numpy as np
import pytest
from invariants import check_snapshot, check_trajectory

from infoplane import TrainingSpec, load_dataset, train


@pytest.mark.parametrize("bits", [8, 4, "float32"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_facts_hold_at_every_recorded_epoch(activation, bits):
    spec = TrainingSpec(
        dataset="synthetic",
        network="shwartz-ziv",
        activation=activation,
        bits=bits,
        epochs=31,
        record_every=5,
        learning_rate=2e-3,
        batch_size=1024,
        compile=False,
    )
    dataset = load_dataset("synthetic")
    trajectory, history = train(spec, [0, 1, 2], dataset)
    assert history["loss"].notna().all()
    assert check_trajectory(trajectory, dataset) == 3 * 8


def test_a_layer_that_tells_more_than_the_one_before_is_caught():
    codes = [np.array([[0], [0], [1], [1]]), np.array([[0], [1], [1], [1]])]
    with pytest.raises(AssertionError, match="layer 1 does not determine the next"):
        check_snapshot(codes, np.array([0, 1, 0, 1]), 2)
