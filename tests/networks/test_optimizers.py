"""Batches and optimizers, as both engines take them."""

from dataclasses import replace

import numpy as np
import pytest
from reference import small_images
from trainings import ON_IMAGES, spec_of

from infoplane import train
from infoplane.networks.layers import network_of
from infoplane.networks.optimizers import batch_size_of, decays_of, step_rate

with_engines = pytest.mark.parametrize("engine", ["kernels", "torch"])


def test_a_batch_has_no_more_inputs_than_there_are():
    for given, expected in [(1, 1), (45, 45), (46, 45), (10**6, 45), ("whole", 45)]:
        assert batch_size_of(spec_of(batch_size=given), 45) == expected


@with_engines
def test_the_whole_is_a_batch_of_all_training_inputs(engine):
    images = small_images((9, 8))
    trained = int(images.train_mask.sum())
    (whole, own), (as_number, other) = (
        train(spec_of(**ON_IMAGES | {"batch_size": size, "engine": engine}), [0], images)
        for size in ("whole", trained)
    )
    np.testing.assert_array_equal(whole.parameters, as_number.parameters)
    assert own.equals(other)


def test_rate_of_adam_is_corrected_for_the_start_of_the_moments():
    for spec in (spec_of(), spec_of(beta_1=0.8, beta_2=0.99, learning_rate=0.1)):
        for step in (1, 2, 100, 104000):
            expected = spec.learning_rate * np.sqrt(1 - spec.beta_2**step) / (1 - spec.beta_1**step)
            assert step_rate(spec, step) == pytest.approx(expected, rel=1e-12)


def test_weights_decay_and_biases_do_not():
    spec = spec_of(learning_rate=0.5, weight_decay=0.25, **ON_IMAGES | {"network": [{"conv": 2}, 3]})
    network = network_of(spec, (9, 8), 3)
    decays = decays_of(spec, network)
    for layer in network.weighted:
        assert (decays[layer.start : layer.bias] == 0.125).all()
        assert (decays[layer.bias : layer.stop] == 0).all()


@with_engines
def test_weights_that_decay_become_smaller_and_no_others(engine):
    """Without a gradient, each step takes αλ of every weight: all inputs are 0, and so are all sums."""
    images = small_images((5, 7))
    nothing = replace(images, inputs=np.zeros_like(images.inputs))
    keys = ON_IMAGES | {"network": [5], "batch_size": "whole", "bits": "float32", "engine": engine}
    spec = spec_of("relu", optimizer="sgd", learning_rate=1, weight_decay=0.5, **keys)
    trajectory, _ = train(spec, [0], nothing)
    kernel = np.stack([trajectory.weights(1, epoch, nothing).kernel[0] for epoch in (-1, 0, 1, 2)])
    for number in range(4):
        np.testing.assert_array_equal(kernel[number], kernel[0] * np.float32(0.5) ** number)


@with_engines
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_without_momentum_a_step_of_descent_goes_along_the_gradient(engine, activation):
    """The first step is the same with momentum, and twice as long at twice the rate.

    But for the rounding of parameters below 2: three times at most by 2⁻²³.
    """
    images = small_images((5, 7))
    keys = ON_IMAGES | {"network": [5], "batch_size": "whole", "epochs": 1, "bits": "float32"}
    keys |= {"optimizer": "sgd", "engine": engine, "activation": activation}

    def step(**others) -> np.ndarray:
        parameters = train(spec_of(**keys | others), [0], images)[0].parameters[0]
        return parameters[1] - parameters[0]

    plain = step(momentum=0, learning_rate=0.25)
    np.testing.assert_array_equal(step(momentum=0.9, learning_rate=0.25), plain)
    np.testing.assert_array_equal(step(learning_rate=0.25), plain)
    np.testing.assert_allclose(step(momentum=0, learning_rate=0.5), 2 * plain, rtol=0, atol=3 * 2**-23)


@with_engines
def test_momentum_is_09_unless_given(engine):
    images = small_images((5, 7))
    keys = ON_IMAGES | {"network": [5], "optimizer": "sgd", "engine": engine, "learning_rate": 0.1}
    unset, given, other = (
        train(spec_of(**keys | its), [0], images)[0].parameters.tobytes()
        for its in ({}, {"momentum": 0.9}, {"momentum": 0.8})
    )
    assert unset == given != other
