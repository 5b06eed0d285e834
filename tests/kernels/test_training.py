"""Training in loops: every step against PyTorch in float64, and what a repetition's bytes may depend on."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from images import images_of_few_pixels
from reference import small_images
from rounding import bounds_of, differentiate_with_deltas
from tqdm import tqdm
from trainings import (
    CASES,
    ON_IMAGES,
    dataset_of,
    labels_of,
    name_of,
    orders_of,
    spec_of,
)

from infoplane import Dataset, TrainingSpec
from infoplane.kernels.compilation import compiled
from infoplane.kernels.network import forward
from infoplane.kernels.quantizer import MOVING_POLICIES
from infoplane.kernels.random import Streams
from infoplane.kernels.training import Optimizer, RepetitionState, Trainer, train_repetitions
from infoplane.kernels.training import take_step as take_step_in_place
from infoplane.networks.forward import model_on
from infoplane.networks.initialisation import initialise
from infoplane.networks.inputs import network_labels
from infoplane.networks.optimizers import batch_size_of, decays_of, momentum_of, step_rate
from infoplane.networks.ranges import AT_START, MOVING_DECAY, MOVING_START, averaging_at
from infoplane.networks.schemes import scheme_of
from infoplane.networks.steps import Batch, EnsembleState, take_step
from infoplane.networks.training import Evaluation
from infoplane.trajectory import Records, recorded_epochs, training_parts

NO_BAR = tqdm(disable=True)
FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)


def own_step(optimizer: Optimizer, parameters, m, v, g, t: int, dtype: type):
    """θ, m and v after step t, each operation rounded by itself from left to right."""
    if optimizer.is_adam:
        betas = optimizer.beta_1, optimizer.beta_2
        m = dtype(betas[0]) * m + dtype(1 - betas[0]) * g
        v = dtype(betas[1]) * v + dtype(1 - betas[1]) * g * g
        powers = np.cumprod(np.tile(betas, (t, 1)), 0)[-1]
        rate = dtype(optimizer.learning_rate * np.sqrt(1 - powers[1]) / (1 - powers[0]))
        step = rate * m / (np.sqrt(v) + dtype(optimizer.epsilon))
    else:
        m = dtype(optimizer.momentum) * m + g
        step = dtype(optimizer.learning_rate) * m
    if len(optimizer.decays):
        step = step + optimizer.decays * parameters
    return parameters - step, m, v


@with_floats
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("is_adam", "constants"),
    [
        (True, (0.9, 0.9, 0.999)),
        (True, (0.9, 0.5, 0.9)),
        (True, (0.9, 0.0, 0.0)),
        (False, (0.9, 0.9, 0.999)),
        (False, (0.0, 0.9, 0.999)),
    ],
)
def test_a_step_is_its_formula_bit_for_bit(is_adam, constants, decay, dtype):
    """θ −= α·√(1 − β₂ᵗ)/(1 − β₁ᵗ)·m/(√v + ε), or α·m, and αλθ of what decays."""
    generator = np.random.default_rng(0)
    decays = (decay * (np.arange(64 if decay else 0) % 2)).astype(dtype)
    optimizer = Optimizer(is_adam, 1e-3, *constants, 1e-7, decays)
    parameters, m, v = generator.normal(size=(3, 64)).astype(dtype)
    v = np.abs(v)
    state = RepetitionState(
        parameters.copy(), m.copy(), v.copy(), np.zeros((1, 2, 2), dtype=dtype), np.ones(3)
    )
    for step in range(1, 6):
        g = (generator.normal(size=64) * 10.0 ** generator.integers(-9, 3, 64)).astype(dtype)
        state.powers[:2] *= constants[1:]
        take_step_in_place(optimizer, state, g)
        parameters, m, v = own_step(optimizer, parameters, m, v, g, step, dtype)
        for found, expected in [
            (state.first_moment, m),
            (state.second_moment, v),
            (state.parameters, parameters),
        ]:
            assert found.tobytes() == expected.tobytes()


def records_for(spec: TrainingSpec, dataset: Dataset, count: int, dtype: type = np.float32) -> Records:
    """Room for some repetitions."""
    network = Trainer(spec, dataset).network
    times, epochs = len(recorded_epochs(spec)[1]), sum(length for _, length in training_parts(spec))
    ranges = np.empty((count, times, len(network.layers), 2, 2), dtype=dtype)
    parameters = np.empty((count, times, network.size), dtype=dtype)
    return Records(parameters, ranges, np.empty((count, epochs, 3)))


def in_pytorch(state: RepetitionState, size: int) -> EnsembleState:
    """A state of P = `size` parameters as that of one member."""
    parameters, first, second = (torch.from_numpy(each[None, :size].copy()) for each in state[:3])
    ranges = torch.from_numpy(state.ranges[None].copy())
    return EnsembleState(parameters, first, second, ranges, torch.zeros(1, 2).double())


def in_numpy(state: EnsembleState) -> RepetitionState:
    parameters, first, second, ranges, _ = (each[0].numpy() for each in state)
    return RepetitionState(parameters, first, second, ranges, np.empty(0))


class Both:
    """A training in float64 by steps of kernels, each of which is held against PyTorch."""

    def __init__(self, spec: TrainingSpec, dataset: Dataset, repetition: int) -> None:
        self.trainer, self.spec, self.step = Trainer(spec, dataset, np.float64), spec, 0
        self.state, self.size = self.trainer.start(repetition), self.trainer.network.size
        self.model, values = model_on(spec, dataset)
        self.inputs = torch.from_numpy(values[dataset.train_mask])
        truth = network_labels(spec, dataset, repetition)[None]
        self.test = Evaluation(self.model, values, truth, dataset.train_mask, torch.device("cpu"))

    def take_epoch(self, order: np.ndarray, answers: np.ndarray) -> tuple[float, float, float]:
        """Loss, training and test accuracy of an epoch on the training inputs and their labels."""
        labels = np.full(len(self.trainer.dataset.labels), -1)
        labels[self.trainer.trained] = answers
        totals = np.zeros(2)
        size = batch_size_of(self.spec, len(order))
        for first in range(0, len(order), size):
            own = order[first : first + size]
            batch = Batch(self.inputs[own].T[None], torch.from_numpy(answers[own])[None])
            before, self.step = in_pytorch(self.state, self.size), self.step + 1
            measures = np.array(self.trainer.train_epoch(self.state, labels, own))
            self.assert_same_step(before, batch, *measures)
            totals += measures * len(own)
        return *(totals / len(order)), self.test.accuracy(in_pytorch(self.state, self.size)).item()

    def assert_same_step(self, before: EnsembleState, batch: Batch, loss: float, share: float) -> None:
        """Hold loss, share of correct answers and the state after a step against those of PyTorch.

        In Adam's m/(√v + ε) the error of m counts, and that of √v: the root of a sum of squares changes by no
        more than what is added to the root of a summand. A power of t factors is wrong by t·eps of itself.
        """
        spec, step, eps, count = self.spec, self.step, np.finfo(float).eps, batch.labels.shape[1]
        rate = step_rate(spec, step)
        given = self.model, before.parameters, before.ranges, batch, averaging_at(step)
        found, deltas = differentiate_with_deltas(*given)
        start = in_numpy(before)
        end = in_numpy(take_step(self.model, before, batch, rate, averaging_at(step)))
        bounds = bounds_of(self.trainer, start.parameters, batch.inputs[0].numpy(), deltas)
        assert abs(loss - found.loss.item()) <= bounds.loss
        assert share == found.correct.item() / count

        g, of_g = np.abs(found.gradient[0].numpy()), bounds.gradient
        m, of_v = np.abs(end.first_moment), np.zeros_like(g)
        if spec.optimizer == "adam":
            of_m = (1 - spec.beta_1) * of_g + 4 * eps * (np.abs(start.first_moment) + g)
            of_v = (1 - spec.beta_2) * (2 * g + of_g) * of_g + 4 * eps * (start.second_moment + g * g)
            root = np.sqrt(end.second_moment)
            of_root = np.sqrt(1 - spec.beta_2) * of_g + 4 * eps * root
            of_rate = 8 + sum(step * beta**step / (1 - beta**step) for beta in (spec.beta_1, spec.beta_2))
            below = root + spec.epsilon
            of_step = rate * (of_m + m * of_root / below + eps * of_rate * m) / below
        else:
            of_m = of_g + 4 * eps * (momentum_of(spec) * np.abs(start.first_moment) + g)
            of_step = rate * (of_m + 4 * eps * m)
        decay = decays_of(spec, self.trainer.network) * np.abs(start.parameters)
        of_decay = 4 * eps * (np.abs(end.parameters - start.parameters) + 2 * decay) * (spec.weight_decay > 0)
        of_parameters = of_step + of_decay + eps * np.abs(start.parameters)
        for name, bound in [("parameters", of_parameters), ("first_moment", of_m), ("second_moment", of_v)]:
            errors = np.abs(getattr(self.state, name)[: self.size] - getattr(end, name))
            assert (errors <= bound).all(), name

        of_weight = eps * (8 + step * MOVING_DECAY**step / (1 - MOVING_DECAY**step))
        for own, others, of_values in zip(self.state.ranges, end.ranges, bounds.values, strict=True):
            bound = of_values.max() + of_weight * 2 * (np.abs(others).max() + 6)
            assert (np.abs(own - others) <= bound).all()


@pytest.mark.parametrize(("spec", "dtype"), CASES, ids=name_of)
def test_every_step_is_that_of_pytorch_in_float64(spec, dtype):
    """From where kernels have come to; and a training is made of those very steps, prefit included."""
    spec = spec.model_copy(update={"learning_rate": 1e-3})
    dataset, repetition = dataset_of(spec, dtype), 3
    records = Records(*(each[0] for each in records_for(spec, dataset, 1, np.float64)))
    trainer = Trainer(spec, dataset, np.float64)
    trainer.train(repetition, records, NO_BAR)

    both = Both(spec, dataset, repetition)
    states, orders = (
        [both.state.parameters[: both.size].copy()],
        orders_of(spec, repetition, len(both.inputs)),
    )
    for order, answers, measures in zip(
        orders, labels_of(spec, dataset, repetition), records.history, strict=True
    ):
        # Sums of as many numbers as there are batches
        assert measures == pytest.approx(both.take_epoch(order, answers), rel=len(order) * 2**-52)
        states.append(both.state.parameters[: both.size].copy())
    if spec.prefit_epochs:
        states.insert(spec.prefit_epochs, states[spec.prefit_epochs])
    assert records.parameters.tobytes() == np.stack(states).tobytes()
    assert records.ranges[-1].tobytes() == both.state.ranges.tobytes()


@compiled
def run_forward(plan, parameters, ranges, averaging, inputs, indices, memory):
    forward(plan, parameters, ranges, averaging, inputs, indices, memory)


DEBIASED = [case for case in CASES if scheme_of(case[0]).starts_from_inputs]


@with_floats
@pytest.mark.parametrize(("spec", "inputs"), DEBIASED, ids=name_of)
def test_debiased_ranges_start_as_those_of_one_batch_of_all_training_inputs(spec, inputs, dtype):
    dataset = dataset_of(spec, inputs)
    start = Trainer(spec, dataset, dtype).start(3)
    whole = Trainer(spec.model_copy(update={"batch_size": 5000}), dataset, dtype)
    ranges = np.empty_like(start.ranges)
    ranges[:] = MOVING_START
    averaging = np.array([AT_START[name] for name in MOVING_POLICIES], dtype=dtype)
    run_forward(whole.plan, start.parameters, ranges, averaging, whole.inputs, whole.trained, whole.memory)
    assert ranges.tobytes() == start.ranges.tobytes()
    assert (ranges != np.array(MOVING_START)).any()


@with_floats
def test_a_repetition_starts_from_its_own_parameters(dtype):
    for spec in (spec_of(), spec_of(initialisation="truncated-normal", seed=5)):
        trainer = Trainer(spec, dataset_of(spec), dtype)
        for repetition in (0, 7):
            uniforms = Streams(spec.seed, repetition).uniforms(trainer.network.size)
            state = trainer.start(repetition)
            expected = initialise(trainer.network, spec, uniforms)
            assert state.parameters[: trainer.network.size].tolist() == expected.astype(dtype).tolist()
            assert not state.parameters[trainer.network.size :].any()
            assert not state.first_moment.any() and not state.second_moment.any()
            assert state.powers.tolist() == [1, 1, 1, 1]


def in_16_bits(images: Dataset) -> Dataset:
    return replace(images, inputs=images.inputs.astype(np.uint16) * 257, scale=1 / 65535)


def any_of(activation, bits=8, **others) -> TrainingSpec:
    return spec_of(activation, bits, **ON_IMAGES | {"epochs": 2, "learning_rate": 1e-2} | others)


# Networks and data of every kind: layers, types and forms of inputs, numbers of classes, batches
KINDS = {
    "dense": (any_of("tanh", network=[17, 33, 1, 4]), small_images((5, 7))),
    "dense, ten classes": (any_of("relu", network=[33, 17]), small_images((5, 7), classes=10)),
    "dense on floats": (any_of("relu", network=[17]), small_images((5, 7), np.float32)),
    "dense on 16 bits": (any_of("gelu", "float32", network=[17]), in_16_bits(small_images((5, 7)))),
    "sparse": (any_of("relu", network=[33, 5]), images_of_few_pixels()),
    "sparse, controlled": (any_of("elu", protocol="controlled", network=[17, 5]), images_of_few_pixels()),
    "sparse, not quantized": (any_of("sigmoid", "float32", network=[1, 5]), images_of_few_pixels()),
    "conv": (any_of("relu", batch_size=16), small_images((9, 8))),
    "conv, of three channels": (any_of("leaky-relu", 4, protocol="controlled"), small_images((3, 9, 8))),
    "conv on floats": (any_of("hard-tanh", "float32"), small_images((9, 8), np.float32)),
    "batches of one": (any_of("tanh", batch_size=1, network=[5]), small_images((5, 7))),
    "batches that leave a rest": (any_of("tanh", batch_size=13, network=[5]), small_images((5, 7))),
    "one batch for all": (any_of("relu", batch_size="whole", network=[5]), small_images((5, 7))),
    "descent": (any_of("relu", optimizer="sgd", network=[17, 5]), small_images((5, 7))),
    "weight decay": (any_of("tanh", weight_decay=0.5, network=[17, 5]), small_images((5, 7))),
    "prefit": (any_of("relu", prefit_epochs=2, network=[5]), small_images((5, 7))),
}
with_kinds = pytest.mark.parametrize("kind", KINDS)


def trained(kind: str, repetitions: list[int]) -> Records:
    spec, dataset = KINDS[kind]
    records = records_for(spec, dataset, len(repetitions))
    for array in records:
        array.fill(-7)
    train_repetitions(spec, dataset, repetitions, records, NO_BAR)
    return records


def bytes_of(records: Records) -> list[list[bytes]]:
    """Of each repetition."""
    return [[each.tobytes() for each in own] for own in zip(*records, strict=True)]


@with_kinds
def test_a_repetition_does_not_know_what_it_is_trained_with(kind):
    """One after the other or in any chunks; in any order; with others."""
    together = bytes_of(trained(kind, [0, 1, 2, 3, 4]))
    assert len({parameters for parameters, *_ in together}) == 5
    assert [own for number in range(5) for own in bytes_of(trained(kind, [number]))] == together
    assert bytes_of(trained(kind, [0, 1])) + bytes_of(trained(kind, [2, 3])) == together[:4]
    assert bytes_of(trained(kind, [4, 9, 0, 2])) == [
        together[4],
        bytes_of(trained(kind, [9]))[0],
        together[0],
        together[2],
    ]


def test_repetitions_in_threads_are_those_of_one_thread():
    chunks = [(kind, [number]) for kind in KINDS for number in range(3)]
    one_by_one = [bytes_of(trained(*chunk)) for chunk in chunks]
    for threads in (2, 5):
        with ThreadPoolExecutor(threads) as pool:
            assert [*pool.map(lambda chunk: bytes_of(trained(*chunk)), chunks)] == one_by_one


@with_kinds
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_a_repetition_that_has_failed_leaves_the_others_alone(monkeypatch, kind, poison):
    """And shows it, in its losses and in all that follows."""
    clean, start = trained(kind, [0, 1, 2]), Trainer.start

    def poisoned(trainer: Trainer, repetition: int) -> RepetitionState:
        state = start(trainer, repetition)
        if repetition == 1:
            state.parameters[trainer.network.weighted[-1].start] = poison
        return state

    monkeypatch.setattr(Trainer, "start", poisoned)
    records = trained(kind, [0, 1, 2])
    assert bytes_of(records)[::2] == bytes_of(clean)[::2]
    assert np.isnan(records.history[1, :, 0]).all()
    assert np.isnan(records.parameters[1, 1:]).any(1).all()


@with_kinds
def test_all_records_are_written(kind):
    records = trained(kind, [0])
    for array in records:
        assert not (array == -7).any()
    _, dataset = KINDS[kind]
    for column, count in [(1, dataset.train_mask.sum()), (2, (~dataset.train_mask).sum())]:
        hits = records.history[0, :, column] * count
        np.testing.assert_allclose(hits, hits.round(), rtol=1e-12)
    assert np.isfinite(records.history).all()
