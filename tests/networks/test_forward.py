"""The forward pass in PyTorch against the reference, layer by layer."""

import numpy as np
import pytest
import torch
from reference import ACTIVATIONS, ReferenceNetwork, policies, shown, small_images
from torch.nn import functional

from infoplane import TrainingSpec, load_dataset
from infoplane.config import DenseSpec
from infoplane.networks import forward as module
from infoplane.networks.forward import (
    forward,
    log_likelihood,
    matrix_product,
    model_on,
    pass_sizes,
    weights_of,
)
from infoplane.networks.layers import Conv, Network, Pool
from infoplane.networks.quantization import Quantized, grid, quantize, values_of
from infoplane.networks.schemes import scheme_of
from infoplane.ranges import Extremes

SPEC = {"network": "shwartz-ziv", "epochs": 1, "record_every": 1, "dataset": "mine"}
IMAGES = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]
KINDS = [("published", activation) for activation in ("tanh", "relu")]
OWN_RANGES = [
    {"hidden_weights": "ema", "output_weights": "ema-debiased"},
    {"activations": (-2.0, 3.0), "output": "batch"},
    {"hidden_weights": (-1.0, 1.0), "output_weights": (-0.5, 0.5), "activations": "ema", "output": "ema"},
    {"activations": "ema-debiased", "output": "ema-debiased"},
]


def spec_of(activation="relu", bits=8, protocol="published", **others):
    return TrainingSpec(**SPEC | {"activation": activation, "bits": bits, "protocol": protocol} | others)


def test_kernels_lie_row_by_row_before_their_biases():
    network = Network.of((3,), [DenseSpec(dense=2)], 2, "relu")
    rows = torch.stack([torch.arange(14.0), 100 + torch.arange(14.0)])
    kernel, bias = weights_of(network.weighted[0], rows)
    assert kernel[0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert bias[0].tolist() == [6, 7]
    kernel, bias = weights_of(network.weighted[1], rows)
    assert kernel[1].tolist() == [[108, 109], [110, 111]]
    assert bias[1].tolist() == [112, 113]


@pytest.mark.parametrize(("channels", "size"), [(1, 1), (1, 3), (1, 5), (3, 2), (3, 3)])
def test_convolution_and_its_gradients_are_those_of_pytorch(channels, size):
    generator = torch.Generator().manual_seed(size)
    layer = Conv(channels * size**2, 4, 0, (channels, 6, 5), size)
    inputs = torch.randn(2, channels * 6 * 5, 10, generator=generator, dtype=torch.float64).requires_grad_()
    kernel = torch.randn(2, layer.fan_in, 4, generator=generator, dtype=torch.float64).requires_grad_()
    found = matrix_product(kernel, layer.columns(inputs)).reshape(2, layer.outputs, 10)
    expected = torch.stack(
        [
            functional.conv2d(its.T.reshape(10, channels, 6, 5), own.T.reshape(4, channels, size, size))
            .flatten(1)
            .T
            for its, own in zip(inputs, kernel, strict=True)
        ]
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    weights = torch.randn(found.shape, generator=generator, dtype=torch.float64)
    gradients, theirs = (
        torch.autograd.grad((result * weights).sum(), (kernel, inputs)) for result in (found, expected)
    )
    for gradient, its in zip(gradients, theirs, strict=True):
        torch.testing.assert_close(gradient, its, rtol=0, atol=1e-12)


def test_a_convolution_lies_like_a_dense_layer_on_every_square():
    layer = Conv(2 * 3**2, 4, 7, (2, 6, 5), 3)
    parameters = torch.arange(7.0 + layer.stop)[None]
    kernel, bias = weights_of(layer, parameters)
    assert kernel.shape == (1, 18, 4)
    assert bias[0].tolist() == list(range(7 + 72, 7 + 76))
    images = torch.zeros(2, 6, 5)
    images[1, 2, 3] = 1.0  # below the kernel at its place (1, 2) for the output (1, 1)
    sums = matrix_product(kernel, layer.columns(images.reshape(1, -1, 1)))
    of_output = sums.reshape(4, *layer.image[1:])[:, 1, 1]
    assert of_output.tolist() == kernel[0, 9 + 3 * 1 + 2].tolist()


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("levels", [2, 3, 1000])
def test_pool_and_its_gradient_are_those_of_pytorch_also_in_ties(size, levels):
    """Of equal output the first one in row-major order is that of which the gradient is."""
    generator = torch.Generator().manual_seed(size)
    images = torch.randint(0, levels, (2, 20, 3, 8, 7), generator=generator).double()
    weights = torch.randn(2, 20, 3, 8 // size, 7 // size, generator=generator, dtype=torch.float64)
    layer = Pool((3, 8, 7), size)
    ours = images.flatten(2).transpose(1, 2).contiguous().requires_grad_()
    theirs = images.flatten(0, 1).clone().requires_grad_()
    found = layer.output(ours)
    expected = functional.max_pool2d(theirs, size)
    assert layer.image == expected.shape[1:]
    assert torch.equal(found.transpose(1, 2).reshape(expected.shape), expected)
    (found * weights.flatten(2).transpose(1, 2)).sum().backward()
    (expected * weights.flatten(0, 1)).sum().backward()
    assert torch.equal(ours.grad.transpose(1, 2).reshape(theirs.grad.shape), theirs.grad)


def outputs_agree(spec, dataset, training, spread=0.6):
    """Whether `forward` puts out what the reference does, and has the same ranges after it."""
    model, values = model_on(spec, dataset)
    network = model.network
    generator = np.random.default_rng(5)
    parameters = torch.from_numpy(generator.normal(0, spread, (3, network.size)))
    ranges = generator.uniform(0.5, 6, (3, len(network.layers), 2, 1)) * [-1.0, 1.0] + 0.01
    own = generator.integers(0, len(dataset.inputs), (3, 40))  # each member has inputs of its own
    outputs, updated = forward(
        model,
        parameters,
        torch.from_numpy(ranges),
        torch.from_numpy(values[own]).transpose(1, 2),
        {"ema": 1 - 0.999, "ema-debiased": 1.0} if training else None,
    )
    assert len(outputs) == len(network.layers)
    for member in range(3):
        reference = ReferenceNetwork(spec, dataset, parameters[member])
        for layer in range(len(network.layers)):
            for range_, ends in [
                (reference.of_kernel[layer], ranges[member, layer, 0]),
                (reference.of_output[layer], ranges[member, layer, 1]),
            ]:
                range_.start = range_.ends = tuple(ends)
        inputs = shown(dataset, spec, torch.float64)[own[member]]
        with torch.no_grad():
            reference.output(inputs, "train" if training else "test")
        for found, expected in zip(outputs, reference.outputs, strict=True):
            torch.testing.assert_close(
                values_of(found)[member].T, expected.flatten(1), rtol=1e-12, atol=1e-12
            )
        np.testing.assert_allclose(updated[member], reference.ranges, rtol=1e-12, atol=1e-12)
        moved = (updated[member].numpy() != ranges[member]).any(2)
        expected = np.zeros(moved.shape, dtype=bool)
        for place, layer in enumerate(network.layers):
            hidden = place < len(network.layers) - 1
            kernel, output = ("hidden_weights", "activations") if hidden else ("output_weights", "output")
            of_both = policies(spec)[kernel], policies(spec)[output]
            if training and not isinstance(layer, Pool):
                expected[place] = [policy in ("ema", "ema-debiased") for policy in of_both]
        np.testing.assert_array_equal(moved, expected)
    return True


def test_inputs_may_be_shared_by_all_members():
    dataset = small_images()
    for spec in (spec_of(network=IMAGES), spec_of(network=[{"pool": 2}, 6]), spec_of(network=[6])):
        model, values = model_on(spec, dataset)
        generator = np.random.default_rng(0)
        parameters = torch.from_numpy(generator.normal(0, 0.6, (3, model.network.size)))
        ranges = torch.tensor([-6.0, 6.0]).repeat(3, len(model.network.layers), 2, 1)
        inputs = torch.from_numpy(values.T.copy())[None]
        ours, _ = forward(model, parameters, ranges, inputs)
        theirs, _ = forward(model, parameters, ranges, inputs.repeat(3, 1, 1))
        for own, its in zip(ours, theirs, strict=True):
            assert isinstance(own, Quantized) and own.steps.shape == its.steps.shape
            assert torch.equal(own.steps, its.steps)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("bits", [8, 2, {"weights": 8, "activations": 3}, "float32"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_forward_is_that_of_the_reference(activation, bits, training):
    assert outputs_agree(spec_of(activation, bits), load_dataset("synthetic"), training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("bits", [8, 3, "float32"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_controlled_forward_is_that_of_the_reference(activation, bits, training):
    assert outputs_agree(spec_of(activation, bits, "controlled"), load_dataset("synthetic"), training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(9, 8), (2, 9, 8)], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("bits", [8, "float32"])
@pytest.mark.parametrize(
    ("protocol", "activation"), [*KINDS[:2], ("controlled", "relu"), ("controlled", "elu")]
)
def test_forward_on_images_is_that_of_the_reference(protocol, activation, bits, dtype, shape, training):
    spec = spec_of(activation, bits, protocol, network=IMAGES)
    assert outputs_agree(spec, small_images(shape, dtype), training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("ranges", OWN_RANGES, ids=str)
@pytest.mark.parametrize(("protocol", "activation"), [*KINDS[:2], ("controlled", "sigmoid")])
def test_forward_with_own_ranges_is_that_of_the_reference(protocol, activation, ranges, training):
    spec = spec_of(activation, 8, protocol, network=IMAGES, ranges=ranges)
    assert outputs_agree(spec, small_images(), training)


@pytest.mark.parametrize(
    "network", [[{"pool": 2}, 6], [{"conv": 2, "kernel": 1}, {"pool": 3}], [{"conv": 130}]], ids=str
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_forward_of_other_networks_is_that_of_the_reference(network, dtype):
    assert outputs_agree(spec_of(network=network), small_images((9, 8), dtype), True)


def quantized_softmax(logits):
    """The softmax of logits (classes,) on 8 bits over [0, 1], of one member and one input."""
    unit = Extremes(*torch.tensor([[0.0], [1.0]], dtype=torch.float64))
    return quantize(torch.softmax(logits, 0)[None, :, None], grid(unit, 255))


def test_likelihood_of_a_quantized_softmax_is_never_zero():
    output = quantized_softmax(torch.tensor([40.0, 1.0, -40.0], dtype=torch.float64))
    assert output.codes.ravel().tolist() == [255, 0, 0]
    likelihood = log_likelihood(scheme_of(spec_of("relu", 8, "controlled")), output)
    expected = torch.tensor([1.0, 0.5 / 255, 0.5 / 255], dtype=torch.float64) / (1 + 1 / 255)
    torch.testing.assert_close(likelihood.ravel(), expected.log())


def test_a_class_whose_code_is_zero_is_learnt():
    """−log(p̃₀/Σp̃), p̃ = max(p̂, s/2), is differentiated as if p̃ were p."""
    logits = torch.tensor([-9.0, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    output = quantized_softmax(logits)
    assert output.codes[0, 0, 0] == 0
    loss = -log_likelihood(scheme_of(spec_of("relu", 8, "controlled")), output)[0, 0, 0]
    loss.backward()
    p = torch.softmax(logits.detach(), 0)
    raised = torch.maximum(output.values.detach().ravel(), torch.tensor(0.5 / 255))
    of_raised = 1 / raised.sum() - torch.tensor([1.0, 0.0, 0.0]) / raised
    torch.testing.assert_close(logits.grad, p * (of_raised - (of_raised * p).sum()))
    assert logits.grad[0] < 0


@pytest.mark.parametrize(("activation", "whole"), [("relu", False), ("tanh", True)])
@pytest.mark.parametrize("held", [1, 1000, 378 * 100, 10**9])
def test_a_pass_holds_as_many_numbers_as_it_may(monkeypatch, activation, whole, held):
    """One member at least; and no cut where a range is that of all inputs."""
    monkeypatch.setattr(module, "MOST_VALUES", held)
    model, values = model_on(spec_of(activation, network=IMAGES), small_images())
    outputs = sum(layer.outputs for layer in model.network.layers)
    assert model.network.widest == 378
    members, inputs = pass_sizes(model, 7, len(values), torch.device("cpu"))
    assert 1 <= members <= 7 and 1 <= inputs <= len(values)
    assert inputs == len(values) or not whole
    if (members, inputs) != (1, 1) and not (whole and members == 1):
        assert members * inputs * 378 <= held
    assert members == 1 or members * outputs * len(values) <= held
