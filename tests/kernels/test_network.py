"""One step of networks in loops against PyTorch, for all that a network can be made of."""

from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
import torch
from images import images_of_few_pixels
from layouts import from_panels
from reference import small_images
from rounding import Bounds, bounds_of, differentiate_with_deltas, outputs_of
from torch import Tensor
from trainings import CASES, dataset_of, name_of, spec_of

from infoplane import Dataset, TrainingSpec
from infoplane.activations import ACTIVATIONS, Activation
from infoplane.compilation import compiled
from infoplane.kernels.activations import NUMBERS, activate
from infoplane.kernels.network import backward, forward
from infoplane.kernels.panels import PANEL, gather_labels
from infoplane.kernels.quantizer import MOVING_POLICIES
from infoplane.kernels.training import Trainer
from infoplane.networks import forward as in_torch
from infoplane.networks.forward import model_on
from infoplane.networks.quantization import Quantized
from infoplane.networks.steps import Batch, Derivatives

AVERAGING = {"ema": 0.25, "ema-debiased": 0.5}  # whose rests are exact in float32, too
BATCH = 45
LAYERS = {
    "dense": [7, 5],
    "conv": [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5],
    "sparse": [17, 5],
}
POLICIES = {"batch": "batch", "ema": "ema", "debiased": "ema-debiased", "fixed": (-0.75, 0.5)}
# Those that are exact, or rounded once: from the same sums everybody finds the same numbers.
EXACT = "relu", "leaky-relu", "hard-tanh", "identity"


def images_for(layers: str) -> Dataset:
    """60 images: of few pixels, of more, or of mostly dark ones, of which only the others are read."""
    if layers == "sparse":
        return images_of_few_pixels()
    return small_images((5, 7) if layers == "dense" else (9, 8))


class Step(NamedTuple):
    """One step from the same state by kernels and by PyTorch, in one type.

    Attributes:
        outputs: of each layer by kernels, (outputs, N): steps, or values where it is not quantized.
        found, expected: by kernels and by PyTorch.
        in_torch: the outputs of PyTorch.
    """

    trainer: Trainer
    outputs: list[np.ndarray]
    found: Derivatives
    in_torch: list[Tensor | Quantized]
    expected: Derivatives
    bounds: Bounds


@compiled
def forward_and_backward(plan, parameters, ranges, averaging, inputs, indices, memory):
    forward(plan, parameters, ranges, averaging, inputs, indices, memory)
    return backward(plan, inputs, indices, memory)


def step_of(spec: TrainingSpec, dataset: Dataset, dtype: type) -> Step:
    """A step on one batch, from parameters and ranges that are not those of a start."""
    trainer, generator = Trainer(spec, dataset, dtype), np.random.default_rng(1)
    state, size, plan, memory = trainer.start(3), trainer.network.size, trainer.plan, trainer.memory
    state.parameters[:size] += (0.2 * generator.normal(size=size)).astype(dtype)
    state.ranges[:] *= (1 + 0.1 * generator.random(state.ranges.shape)).astype(dtype)
    indices = generator.permutation(trainer.trained)[: trainer.batch]

    model, values = model_on(spec, dataset)
    inputs = torch.from_numpy(values[indices].T[None])
    batch = Batch(inputs, torch.from_numpy(dataset.labels[indices][None]))
    given = model, *(torch.from_numpy(each[None].copy()) for each in (state.parameters[:size], state.ranges))
    expected, deltas = differentiate_with_deltas(*given, batch, AVERAGING)
    with torch.no_grad():
        outputs, _ = in_torch.forward(*given, inputs, AVERAGING)

    gather_labels(dataset.labels, indices, memory.labels, memory.weights)
    averaging = np.array([AVERAGING[name] for name in MOVING_POLICIES], dtype=dtype)
    lost = forward_and_backward(
        plan, state.parameters, state.ranges, averaging, trainer.inputs, indices, memory
    )
    found = Derivatives(lost / len(indices), memory.gradient[:size], state.ranges, None)
    bounds = bounds_of(trainer, state.parameters[:size], values[indices].T, deltas)
    return Step(trainer, outputs_of(trainer, len(indices)), found, outputs, expected, bounds)


def shares_of(step: Step) -> np.ndarray:
    """The softmax before it was quantized, (classes, N)."""
    classes, count = step.outputs[-1].shape
    panels = step.trainer.memory.outputs[: classes * -(-count // PANEL) * PANEL]
    return from_panels(panels, count, classes).T


def assert_same_outputs(step: Step) -> None:
    """The same steps, in float32 on the same grids; or values within their bounds."""
    memory, layers = step.trainer.memory, zip(step.outputs, step.in_torch, step.bounds.values, strict=True)
    for number, (found, expected, bound) in enumerate(layers, start=1):
        if not isinstance(expected, Quantized):
            assert (np.abs(found - expected[0].numpy()) <= bound).all()
            continue
        np.testing.assert_array_equal(found, expected.steps[0])
        if step.trainer.dtype == np.float32:
            assert (memory.scales[number], memory.zeros[number]) == tuple(
                each.item() for each in expected.grid[:2]
            )


def assert_same_derivatives(step: Step) -> None:
    """Within bounds, beside which the gradient is large."""
    found, expected, bounds = step.found, step.expected, step.bounds
    gradient = expected.gradient[0].numpy()
    largest = 1e-7 if step.trainer.dtype == np.float64 else 0.1
    assert bounds.gradient.max() < largest * np.abs(gradient).max()
    assert (np.abs(found.gradient - gradient) <= bounds.gradient).all()
    assert abs(found.loss - expected.loss.item()) <= bounds.loss
    for own, others, bound in zip(found.ranges, expected.ranges[0].numpy(), bounds.values, strict=True):
        assert (np.abs(own - others) <= bound.max()).all()


def assert_same_step(step: Step) -> None:
    assert_same_outputs(step)
    assert_same_derivatives(step)


def spec_for(layers: str, activation: str, bits: object = 8, **others) -> TrainingSpec:
    return spec_of(
        activation, bits, **{"dataset": "images", "network": LAYERS[layers], "batch_size": BATCH} | others
    )


def combinations() -> list:
    """Layers × activations × ranges of activations × protocols, where these know the activation."""
    chosen = []
    for layers, activation, (name, policy) in product(LAYERS, ACTIVATIONS, POLICIES.items()):
        for protocol in ("published", "controlled"):
            if protocol == "controlled" or activation in ("tanh", "relu"):
                spec = spec_for(layers, activation, protocol=protocol, ranges={"activations": policy})
                chosen.append(pytest.param(layers, spec, id=f"{layers}-{activation}-{name}-{protocol}"))
    return chosen


class SigmoidOfKernels(torch.autograd.Function):
    """The sigmoid of the kernels, and its derivative."""

    @staticmethod
    def forward(ctx, x):
        sums = np.pad(x.detach().numpy().ravel(), (0, -x.numel() % 16))
        activate(NUMBERS["sigmoid"], sums, 0, len(sums), y := np.empty_like(sums), 0)
        y = torch.from_numpy(y[: x.numel()]).reshape(x.shape)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, deltas):
        (y,) = ctx.saved_tensors
        return deltas * y * (1 - y)


class ByKernels(Activation):
    """The sigmoid as an activation function of the reference."""

    def __call__(self, x):
        return SigmoidOfKernels.apply(x)


@pytest.mark.parametrize(("layers", "spec"), combinations())
def test_a_step_in_float64(monkeypatch, layers, spec):
    if (spec.activation, spec.ranges.activations) == ("sigmoid", "batch"):
        # The range ends at the largest value: whether its gradient passes is decided by its last bit.
        monkeypatch.setitem(ACTIVATIONS, "sigmoid", ByKernels(*ACTIVATIONS["sigmoid"]))
    step = step_of(spec, images_for(layers), np.float64)
    assert step.trainer.inputs.is_sparse == (layers == "sparse")
    assert_same_step(step)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", LAYERS)
def test_a_step_of_a_network_that_is_not_quantized(layers, activation):
    assert_same_step(step_of(spec_for(layers, activation, "float32"), images_for(layers), np.float64))


@pytest.mark.parametrize("role", ["hidden_weights", "output_weights", "output"])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("protocol", ["published", "controlled"])
@pytest.mark.parametrize("layers", LAYERS)
def test_a_step_over_any_range_of_kernels_and_of_the_output(layers, protocol, policy, role):
    spec = spec_for(layers, "tanh", 6, protocol=protocol, ranges={role: POLICIES[policy]})
    assert_same_step(step_of(spec, images_for(layers), np.float64))


@pytest.mark.parametrize(
    "bits", [2, 3, 16, {"weights": 2, "activations": 12}, {"weights": 12, "activations": 2}], ids=str
)
@pytest.mark.parametrize("layers", LAYERS)
def test_a_step_at_any_number_of_bits(layers, bits):
    for activation, protocol in product(("tanh", "relu"), ("published", "controlled")):
        spec = spec_for(layers, activation, bits, protocol=protocol)
        assert_same_step(step_of(spec, images_for(layers), np.float64))


@pytest.mark.parametrize("network", [[1], [1, 33, 17], [32, 31, 3, 2, 1, 4], [16, 64]], ids=str)
@pytest.mark.parametrize("batch_size", [1, 31, 32, 33, 45])
def test_a_step_of_any_widths_on_any_batch(network, batch_size):
    for layers in ("dense", "sparse"):
        spec = spec_for(layers, "elu", 8, protocol="controlled", network=network, batch_size=batch_size)
        assert_same_step(step_of(spec, images_for(layers), np.float64))


IMAGES = {
    "a pool first": [{"pool": 2}, {"conv": 3, "kernel": 2}, 4],
    "a pool last": [{"conv": 3, "kernel": 3}, {"pool": 3}],
    "pools in a row": [{"conv": 2, "kernel": 1}, {"pool": 2}, {"pool": 2}, 3],
    "convolutions in a row": [{"conv": 5, "kernel": 4}, {"conv": 1, "kernel": 3}, {"conv": 3, "kernel": 2}],
    "dense before": [4, 3],
}


@pytest.mark.parametrize("network", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32], ids=lambda dtype: dtype.__name__)
def test_a_step_on_images_of_three_channels_and_any_type(network, dtype):
    """Whole numbers, or others: of those a quantized network sees steps, and one that is not themselves."""
    images = small_images((3, 8, 9), np.float32 if dtype is np.float32 else np.uint8)
    if dtype is np.uint16:
        images = replace(images, inputs=images.inputs.astype(np.uint16) * 257, scale=1 / 65535)
    for bits in (8, "float32"):
        spec = spec_for("conv", "leaky-relu", bits, protocol="controlled", network=network)
        assert_same_step(step_of(spec, images, np.float64))


def test_a_step_with_ten_classes():
    images = small_images((9, 8), classes=10)
    for layers, activation, protocol in product(LAYERS, ("tanh", "relu"), ("published", "controlled")):
        assert_same_step(step_of(spec_for(layers, activation, protocol=protocol), images, np.float64))


@pytest.mark.parametrize(("spec", "dtype"), CASES, ids=name_of)
def test_a_step_of_every_kind_of_training(spec, dtype):
    assert_same_step(step_of(spec, dataset_of(spec, dtype), np.float64))


def combinations_in_float32() -> list:
    return [each for each in combinations() if each.values[1].activation in EXACT]


@pytest.mark.parametrize(("layers", "spec"), combinations_in_float32())
def test_a_step_in_float32(layers, spec):
    """What is quantized has the very bits that PyTorch finds: sums of whole numbers below 2²⁴ are exact.

    The softmax is not. One of its values may fall to the other side of a tie, if it is as near to it as its
    error is large: then the derivatives are not compared.
    """
    step = step_of(spec, images_for(layers), np.float32)
    if step.trainer.plan.reads_softmax:
        *hidden, expected = step.in_torch
        differs = step.outputs[-1] != expected.steps[0].numpy()
        positions = shares_of(step)[differs] * 255
        assert (np.abs(positions % 1 - 0.5) <= 255 * step.bounds.values[-1][differs]).all()
        if differs.any():
            assert_same_outputs(step._replace(outputs=step.outputs[:-1], in_torch=hidden))
            return
    assert_same_step(step)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", LAYERS)
def test_a_step_in_float32_of_a_network_that_is_not_quantized(layers, activation):
    assert_same_step(step_of(spec_for(layers, activation, "float32"), images_for(layers), np.float32))
