"""Training in loops: every step against PyTorch in float64, and what a repetition's bytes may depend on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import batched

import numpy as np
import pytest
import torch
from layouts import from_panels
from reference import small_images
from rounding import bounds_of, differentiate_with_deltas
from tqdm import tqdm
from trainings import CASES, ON_IMAGES, dataset_of, in_double_precision, labels_of, name_of, orders_of, spec_of

from infoplane import Dataset
from infoplane.kernels.network import Inputs
from infoplane.kernels.panels import PANEL
from infoplane.kernels.random import Streams
from infoplane.kernels.training import Adam, State, Trainer, step_of_adam, train_repetitions
from infoplane.networks import MOVING_DECAY, Averaging, network_of
from infoplane.networks.forward import model_on
from infoplane.networks.steps import Batch, adam_rate
from infoplane.networks.training import Evaluation, initial_state
from infoplane.trajectory import Records, recorded_epochs, training_parts

NO_BAR = tqdm(disable=True)
FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)


@with_floats
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)])
def test_a_step_of_adam_is_its_formula_bit_for_bit(betas, dtype):
    """θ −= α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε), each operation rounded by itself from left to right."""
    generator, adam = np.random.default_rng(0), Adam(1e-3, *betas, 1e-7)
    beta_1, beta_2 = map(dtype, betas)
    rest_1, rest_2, epsilon = dtype(1 - betas[0]), dtype(1 - betas[1]), dtype(1e-7)
    parameters, m, v = generator.normal(size=(3, 64)).astype(dtype)
    v = np.abs(v)
    state = State(parameters.copy(), m.copy(), v.copy(), np.zeros((1, 2, 2), dtype=dtype), np.ones(3))
    for step in range(1, 6):
        g = (generator.normal(size=64) * 10.0 ** generator.integers(-9, 3, 64)).astype(dtype)
        state.powers[:2] *= betas
        step_of_adam(adam, state, g)
        rate = dtype(1e-3 * np.sqrt(1 - state.powers[1]) / (1 - state.powers[0]))
        m, v = beta_1 * m + rest_1 * g, beta_2 * v + rest_2 * g * g
        parameters = parameters - rate * m / (np.sqrt(v) + epsilon)
        for found, expected in [(state.first, m), (state.second, v), (state.parameters, parameters)]:
            assert found.tobytes() == expected.tobytes()
        assert rate == pytest.approx(adam_rate(spec_of(learning_rate=1e-3, beta_1=betas[0], beta_2=betas[1]), step))


def records_for(trainer: Trainer, dtype: type) -> Records:
    """Room for one repetition."""
    spec, network = trainer.spec, trainer.network
    times, epochs = len(recorded_epochs(spec)[1]), sum(length for _, length in training_parts(spec))
    ranges = np.empty((times, len(network.layers), 2, 2), dtype=dtype)
    return Records(np.empty((times, network.size), dtype=dtype), ranges, np.empty((epochs, 3)))


def copied(state: State) -> State:
    return State(*(each.copy() for each in state))
