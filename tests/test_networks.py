"""Layout, initialisation and forward pass of the networks."""

from itertools import product

import numpy as np
import pytest
import torch
from reference import ReferenceNetwork, plan, policies, shown, small_images, split
from scipy import stats
from torch.nn import functional

from infoplane import TrainingSpec, UserError, load_dataset
from infoplane.arithmetic import ACTIVATIONS, Correlate, correlate_as_product, matrix_product
from infoplane.config import ConvSpec, DenseSpec, PoolSpec
from infoplane.inputs import network_inputs
from infoplane.networks import (
    NETWORKS,
    Conv,
    Intake,
    Levels,
    Network,
    Pool,
    forward,
    initialise,
    log_likelihood,
    network_of,
    scheme_of,
)
from infoplane.quantization import Extremes, grid, quantize, values_of
from infoplane.training import FastArithmetic

SPEC = {"network": "shwartz-ziv", "epochs": 1, "record_every": 1, "compile": False, "dataset": "mine"}
IMAGES = [{"conv": 2, "kernel": 3}, {"pool": 2}, {"conv": 3, "kernel": 2}, {"pool": 2}, 5]


def spec_of(activation="relu", bits=8, protocol="published", **others):
    return TrainingSpec(**SPEC | {"activation": activation, "bits": bits, "protocol": protocol} | others)


def network_for(spec, dataset):
    return network_of(spec, dataset.inputs.shape[1:], dataset.classes)


def test_kernels_lie_row_by_row_before_their_biases():
    network = Network.of((3,), [DenseSpec(dense=2)], 2, "relu")
    assert network.size == 14
    rows = torch.stack([torch.arange(14.0), 100 + torch.arange(14.0)])
    kernel, bias = network.layers[0].weights(rows)
    assert kernel[0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert bias[0].tolist() == [6, 7]
    kernel, bias = network.layers[1].weights(rows)
    assert kernel[1].tolist() == [[108, 109], [110, 111]]
    assert bias[1].tolist() == [112, 113]


def test_pools_have_no_parameters():
    layers = [ConvSpec(conv=2, kernel=2), PoolSpec(pool=2), DenseSpec(dense=3)]
    network = Network.of((5, 6), layers, 2, "relu")
    starts = [(layer.start, layer.stop) for layer in network.weighted]
    assert starts == [(0, 10), (10, 10 + 9 * 3), (37, 45)]
    assert network.size == 45
    assert [layer.outputs for layer in network.layers] == [2 * 4 * 5, 2 * 2 * 2, 3, 2]


SIZES = {
    "shwartz-ziv": (294, [10, 7, 5, 4, 3, 2]),
    "bottleneck-2": (12_772, [16, 8, 4, 2, 10]),
    "bottleneck-4": (12_560 + 204 + 104 + 36 + 50, [16, 12, 8, 4, 10]),
    "hourglass": (12_560 + 136 + 36 + 10 + 12 + 40 + 90, [16, 8, 4, 2, 4, 8, 10]),
    "4x10": (7_850 + 4 * 110, [10, 10, 10, 10, 10]),
    "conv": (20 + 38 + 51 * 16 + 170, [1352, 338, 242, 50, 16, 10]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_of_the_named_networks(name):
    shape, classes = ((12,), 2) if name == "shwartz-ziv" else ((28, 28), 10)
    network = network_of(spec_of(network=name), shape, classes)
    size, outputs = SIZES[name]
    assert network.size == size
    assert [layer.outputs for layer in network.layers] == outputs


WAYS = {
    "term by term": Correlate.apply,
    "as a product": lambda kernel, images: correlate_as_product(kernel, images, matrix_product),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("channels", "size"), [(1, 1), (1, 3), (1, 5), (3, 2), (3, 3)])
def test_convolution_and_its_gradients_are_those_of_pytorch(channels, size, way):
    generator = torch.Generator().manual_seed(size)
    images = torch.randn(2, channels, 6, 5, 10, generator=generator, dtype=torch.float64)
    kernel = torch.randn(2, channels, size, size, 4, generator=generator, dtype=torch.float64)
    kernel, images = kernel.requires_grad_(), images.requires_grad_()
    found = WAYS[way](kernel, images)
    expected = torch.stack(
        [
            functional.conv2d(its_images.movedim(3, 0), its_kernel.permute(3, 0, 1, 2)).movedim(0, 3)
            for its_images, its_kernel in zip(images, kernel, strict=True)
        ]
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-13)
    weights = torch.randn(found.shape, generator=generator, dtype=torch.float64)
    gradients, theirs = (
        torch.autograd.grad((result * weights).sum(), (kernel, images)) for result in (found, expected)
    )
    for gradient, its in zip(gradients, theirs, strict=True):
        torch.testing.assert_close(gradient, its, rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_images_may_be_shared_by_all_members(way):
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(3, 2, 3, 3, 4, generator=generator, dtype=torch.float64)
    images = torch.randn(1, 2, 6, 5, 10, generator=generator, dtype=torch.float64)
    everyone = WAYS[way](kernel, images.expand(3, -1, -1, -1, -1))
    torch.testing.assert_close(WAYS[way](kernel, images), everyone, rtol=0, atol=1e-13)


def test_a_convolution_lies_like_a_dense_layer_on_every_square():
    layer = Conv(2 * 3**2, 4, 7, (2, 6, 5), 3)
    parameters = torch.arange(7.0 + layer.stop)[None]
    kernel, bias = layer.weights(parameters)
    assert kernel.shape == (1, 18, 4)
    assert bias[0].tolist() == list(range(7 + 72, 7 + 76))
    images = torch.zeros(2, 6, 5)
    images[1, 2, 3] = 1.0  # below the kernel at its place (1, 2) for the output (1, 1)
    sums = layer.sums(kernel, images.reshape(1, -1, 1), FastArithmetic(), whole=False)
    of_output = sums.reshape(4, *layer.image[1:])[:, 1, 1]
    assert of_output.tolist() == kernel[0, 9 + 3 * 1 + 2].tolist()


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("levels", [2, 3, 1000])
def test_pool_and_its_gradient_are_those_of_pytorch_also_in_ties(size, levels):
    """Of equal maxima the first one in row-major order is that of which the gradient is."""
    generator = torch.Generator().manual_seed(size)
    images = torch.randint(0, levels, (2, 20, 3, 8, 7), generator=generator).double()
    weights = torch.randn(2, 20, 3, 8 // size, 7 // size, generator=generator, dtype=torch.float64)
    layer = Pool((3, 8, 7), size)
    ours = images.flatten(2).transpose(1, 2).contiguous().requires_grad_()
    theirs = images.flatten(0, 1).clone().requires_grad_()
    found = layer.pooled(ours)
    expected = functional.max_pool2d(theirs, size)
    assert layer.image == expected.shape[1:]
    assert torch.equal(found.transpose(1, 2).reshape(expected.shape), expected)
    (found * weights.flatten(2).transpose(1, 2)).sum().backward()
    (expected * weights.flatten(0, 1)).sum().backward()
    assert torch.equal(ours.grad.transpose(1, 2).reshape(theirs.grad.shape), theirs.grad)


@pytest.mark.parametrize(
    ("shape", "network", "said"),
    [
        ((12,), "conv", "conv=2.* 3 × 3, not inputs of shape (12,)"),
        ((12,), [{"pool": 2}], "pool=2.* 2 × 2, not inputs of shape (12,)"),
        ((9, 8), [16, {"conv": 1}], "conv=1.* 3 × 3, not inputs of shape (16,)"),
        ((2, 9), [{"conv": 1}], "3 × 3, not inputs of shape (1, 2, 9)"),
        ((9, 8), "conv", "pool=2.* 2 × 2, not inputs of shape (2, 1, 1)"),
        ((2, 2, 9, 8), "conv", "not inputs of shape (2, 2, 9, 8)"),
    ],
)
def test_layers_that_find_no_image_are_refused(shape, network, said):
    with pytest.raises(UserError) as error:
        network_of(spec_of(network=network), shape, 2)
    assert all(part in str(error.value) for part in said.split(".*"))
    assert "; use dense layers, or a data set of images" in str(error.value)
    assert "\n" not in str(error.value)


INITIALISATIONS = ["glorot", "truncated-normal"]


@pytest.fixture(scope="module", params=[*product(INITIALISATIONS, ["shwartz-ziv", IMAGES])], ids=str)
def draws(request):
    initialisation, layers = request.param
    dataset = load_dataset("synthetic") if layers == "shwartz-ziv" else small_images((2, 9, 8))
    spec = spec_of("tanh", network=layers, initialisation=initialisation)
    network = network_for(spec, dataset)
    rows = np.stack([initialise(network, spec, np.random.default_rng(seed)) for seed in range(300)])
    return initialisation, plan(spec, dataset), rows


def test_initial_parameters(draws):
    initialisation, layers, rows = draws
    assert rows.dtype == np.float32
    drawn = [split(layers, torch.from_numpy(row)) for row in rows]
    for place, layer in enumerate(layers):
        if layer.kind == "pool":
            continue
        kernels = np.concatenate([tensors[place][0].numpy().ravel() for tensors in drawn])
        biases = np.concatenate([tensors[place][1].numpy() for tensors in drawn])
        assert not biases.any()
        if initialisation == "glorot":
            fan_out = layer.width * (layer.size**2 if layer.kind == "conv" else 1)
            limit = np.sqrt(6 / (layer.fan_in + fan_out))
            expected = stats.uniform(-limit, 2 * limit)
        else:
            limit = 2 / np.sqrt(layer.width)
            expected = stats.truncnorm(-2, 2, scale=1 / np.sqrt(layer.width))
        assert np.abs(kernels).max() <= limit * (1 + 1e-6)
        assert np.abs(kernels).max() > 0.95 * limit
        assert kernels.std() == pytest.approx(expected.std(), rel=0.05)
        assert stats.kstest(kernels, expected.cdf).pvalue > 1e-3


def test_initial_parameters_differ_between_repetitions(draws):
    *_, rows = draws
    assert len(np.unique(rows[:, 0])) == 300


@pytest.mark.parametrize(
    ("network", "protocol", "bits", "expected"),
    [
        ("shwartz-ziv", "published", 8, "glorot"),
        ("shwartz-ziv", "published", "float32", "glorot"),
        ("shwartz-ziv", "controlled", 8, "truncated-normal"),
        ("shwartz-ziv", "controlled", "float32", "truncated-normal"),
        ("4x10", "published", 8, "truncated-normal"),
        ([10, 7, 5, 4, 3], "published", 8, "truncated-normal"),
    ],
)
def test_initialisation_by_default(network, protocol, bits, expected):
    spec = spec_of(network=network, protocol=protocol, bits=bits)
    drawn = [
        initialise(network_of(each, (12,), 2), each, np.random.default_rng(3))
        for each in (spec, *(spec.model_copy(update={"initialisation": name}) for name in INITIALISATIONS))
    ]
    same = [np.array_equal(drawn[0], other) for other in drawn[1:]]
    assert same == [name == expected for name in INITIALISATIONS]


KINDS = [("published", activation) for activation in ("tanh", "relu")]
KINDS += [("controlled", activation) for activation in ACTIVATIONS]
ROLES = ("hidden_weights", "output_weights", "activations", "output")
OWN_RANGES = [
    {},
    {"hidden_weights": "ema", "output_weights": "ema-debiased"},
    {"activations": (-2.0, 3.0), "output": "batch"},
    {"hidden_weights": (-1.0, 1.0), "output_weights": (-0.5, 0.5), "activations": "ema", "output": "ema"},
    {"activations": "ema-debiased", "output": "ema-debiased"},
]


@pytest.mark.parametrize("ranges", OWN_RANGES, ids=str)
@pytest.mark.parametrize(("protocol", "activation"), KINDS)
def test_ranges_are_those_of_the_protocol_but_for_those_given(protocol, activation, ranges):
    spec = spec_of(activation, 8, protocol, ranges=ranges)
    scheme = scheme_of(spec)
    assert {role: getattr(scheme, role) for role in ROLES} == policies(spec)
    assert scheme.quantized
    assert scheme.reads == ("softmax" if protocol == "controlled" else "logits")


@pytest.mark.parametrize("protocol", ["published", "controlled"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_networks_are_not_quantized(protocol, activation):
    scheme = scheme_of(spec_of(activation, "float32", protocol))
    assert not scheme.quantized
    assert scheme == (None, None, None, None, "logits")


def outputs_agree(spec, dataset, training, spread=0.6):
    """Whether `forward` puts out what the reference does, and has the same ranges after it."""
    network = network_for(spec, dataset)
    generator = np.random.default_rng(5)
    parameters = torch.from_numpy(generator.normal(0, spread, (3, network.size)))
    ranges = generator.uniform(0.5, 6, (3, len(network.layers), 2, 1)) * [-1.0, 1.0] + 0.01
    own = generator.integers(0, len(dataset.inputs), (3, 40))  # each member has inputs of its own
    values, scale = network_inputs(dataset, scheme_of(spec).quantized)
    outputs, updated = forward(
        network,
        scheme_of(spec),
        Levels.of(spec.bits, torch.float64),
        network.weights(parameters),
        torch.from_numpy(ranges),
        torch.from_numpy(values[own]).double().transpose(1, 2),
        None if scale is None else torch.tensor(scale, dtype=torch.float64),
        FastArithmetic(),
        Intake(*torch.tensor([1 - 0.999, 1.0], dtype=torch.float64)) if training else None,
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
@pytest.mark.parametrize("ranges", OWN_RANGES[1:], ids=str)
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
    on = grid(unit, torch.tensor(255, dtype=torch.float64))
    return quantize(torch.softmax(logits, 0)[None, :, None], on)


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
