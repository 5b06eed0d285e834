"""Batches, as both engines take them."""

import numpy as np
import pytest
from reference import small_images
from trainings import ON_IMAGES, spec_of

from infoplane import train
from infoplane.networks.optimizers import batch_size_of


def test_a_batch_has_no_more_inputs_than_there_are():
    for given, expected in [(1, 1), (45, 45), (46, 45), (10**6, 45), ("whole", 45)]:
        assert batch_size_of(spec_of(batch_size=given), 45) == expected


@pytest.mark.parametrize("engine", ["kernels", "torch"])
def test_the_whole_is_a_batch_of_all_training_inputs(engine):
    images = small_images((9, 8))
    trained = int(images.train_mask.sum())
    (whole, own), (as_number, other) = (
        train(spec_of(**ON_IMAGES | {"batch_size": size, "engine": engine}), [0], images)
        for size in ("whole", trained)
    )
    np.testing.assert_array_equal(whole.parameters, as_number.parameters)
    assert own.equals(other)
