"""A snapshot as a PyTorch module puts out what the replay does, and so has its exact information."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from reference import small_images
from trainings import CASES, dataset_of, name_of, spec_of

from infoplane import Dataset, UserError, estimate, exact_information, load_dataset, train
from infoplane.information.replay import replay

FEATURES = Dataset(
    "features",
    np.random.default_rng(0).normal([3.0, 0.0, -700.0], [1.0, 1e-3, 50.0], (200, 3)),
    np.arange(200) % 2,
    scaling="feature",
)
OWN = [
    (spec_of(activation, bits, dataset="features", network=[7, 5], epochs=2, batch_size=16), FEATURES)
    for activation, bits in [("relu", 8), ("tanh", 4), ("gelu", "float32")]
]
POOLED = [
    (
        spec_of(
            "relu", bits, dataset="small-images", network=[{"pool": 2}, {"conv": 2, "kernel": 2}, 4], epochs=2
        ),
        small_images((9, 8), dtype),
    )
    for bits, dtype in [(8, np.uint8), (8, np.float32), ("float32", np.float32)]
]
KINDS = [(spec, dataset_of(spec, dtype)) for spec, dtype in CASES] + OWN + POOLED
NAMES = [f"{name_of(spec)}-{dataset.inputs.dtype}" for spec, dataset in KINDS]


@cache
def trained(place):
    spec, dataset = KINDS[place]
    return train(spec.model_copy(update={"learning_rate": 2e-2}), [0, 3], dataset)[0]


def as_tensor(inputs):
    return torch.from_numpy(inputs.astype(np.int32) if inputs.dtype == np.uint16 else inputs)


def outputs_of(module, inputs):
    """What each layer puts out."""
    found, values = [], module.inputs(as_tensor(inputs))
    for layer in list(module)[1:]:
        values = layer(values)
        found.append(values)
    return found


@pytest.mark.parametrize("place", range(len(KINDS)), ids=NAMES)
def test_exact_information_of_its_layers_is_that_of_the_estimate(place):
    """Over layers, activation functions, protocols, ranges and types of inputs; to the last bit."""
    trajectory, dataset = trained(place), KINDS[place][1]
    table = estimate("exact", trajectory, dataset)
    first = trajectory.parts[0]
    for repetition, part, epoch in [
        (0, "main", -1),
        (3, first, trajectory.epochs[trajectory.parts == first][-1]),
    ]:
        at = (table["repetition"] == repetition) & (table["part"] == part) & (table["epoch"] == epoch)
        module = trajectory.module(repetition, int(epoch), dataset, part)
        layers = outputs_of(module, dataset.inputs)
        assert len(layers) == at.sum() == len(trajectory.ranges[0, 0])
        for values, row in zip(layers, table[at].itertuples(), strict=True):
            found = exact_information(values, dataset.labels)
            assert (found.h_t, found.i_ty, found.distinct) == (row.h_t, row.i_ty, row.distinct)


@pytest.mark.parametrize("place", range(0, len(KINDS), 5), ids=NAMES[::5])
def test_its_values_are_those_of_the_replay_whatever_inputs_come_with_one(place):
    """Ranges that are those of the whole data set stay so: a few inputs are read by the same grids."""
    trajectory, dataset = trained(place), KINDS[place][1]
    expected = [each.layers for each in replay(trajectory, dataset) if each.repetition == 1][-1]
    module = trajectory.module(3, int(trajectory.epochs[-1]), dataset)
    some = np.array([5, 0, 17])
    for values, layer in zip(outputs_of(module, dataset.inputs[some])[:-1], expected, strict=False):
        np.testing.assert_array_equal(values.flatten(1).T, layer.activations[-1][:, some])
    torch.testing.assert_close(
        module(as_tensor(dataset.inputs[some])).sum(1), torch.ones(3).double(), atol=0.1, rtol=0
    )


def test_its_weights_are_those_of_the_trajectory():
    place = next(place for place, (spec, _) in enumerate(KINDS) if spec.dataset == "small-images")
    trajectory, dataset = trained(place), KINDS[place][1]
    module = trajectory.module(3, -1, dataset)
    for number, layer in enumerate(list(module)[1:], 1):
        if hasattr(layer, "kernel"):
            kernel, bias = trajectory.weights(number, -1, dataset)
            assert kernel.dtype == bias.dtype == np.float32
            np.testing.assert_array_equal(kernel[1], layer.kernel)
            np.testing.assert_array_equal(bias[1], layer.bias)
        else:
            with pytest.raises(UserError, match=f"layer {number} is a pool"):
                trajectory.weights(number, -1, dataset)
    sizes = [trajectory.weights(number, -1, dataset) for number in (1, 3, 5, 6)]
    assert sum(kernel.size + bias.size for kernel, bias in sizes) == trajectory.parameters[:, 0].size
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_of_the_synthetic_data_nothing_else_need_be_given():
    trajectory = trained(0)
    patterns = torch.from_numpy(load_dataset("synthetic").inputs)
    assert trajectory.module(0, 0)(patterns).shape == (4096, 2)
    assert trajectory.weights(2, 1).kernel.shape == (2, 10, 7)


@pytest.mark.parametrize(
    "ask, line",
    [
        (lambda its: its.module(1, 0), "repetition 1 is not in this trajectory; take one of 0, 3"),
        (lambda its: its.module(0, 7), "epoch 7 was not recorded; take one of -1 … 1, such as 0 or 1"),
        (lambda its: its.module(0, 0, part="prefit"), "part 'prefit' is not in this trajectory; take main"),
        (lambda its: its.weights(0, 0), "layer 0 is not in this network; take 1 to 6"),
        (lambda its: its.weights(7, 0), "layer 7 is not in this network; take 1 to 6"),
        (lambda its: its.weights("1", 0), "layer: '1' is given, expected the number of a layer, from 1"),
        (lambda its: its.weights(1.0, 0), "layer: 1.0 is given, expected the number of a layer, from 1"),
        (lambda its: its.weights(1, "last"), "epoch: 'last' is given, expected a recorded epoch, −1 before"),
        (lambda its: its.weights(1, 0, "synthetic"), "dataset: 'synthetic' is given, expected a Dataset"),
        (lambda its: its.weights(1, 0, part=["main"]), "part: ['main'] is given, expected main or prefit"),
        (lambda its: its.module("0", 0), "repetition: '0' is given, expected the number of a repetition"),
        (lambda its: its.module(0, None), "epoch: None is given, expected a recorded epoch"),
        (lambda its: its.module(0, 0, {}), "dataset: a dict is given, expected a Dataset"),
        (lambda its: its.weights(1, 0, FEATURES), "was trained on the data set 'synthetic'"),
        (
            lambda its: replace(its, spec=its.spec.model_copy(update={"dataset": "mine"})).module(0, 0),
            "dataset: the trajectory was trained on 'mine'; give that data set",
        ),
        (
            lambda its: replace(its, parameters=its.parameters * np.float32(np.nan)).module(0, 0),
            "repetition 0 has become NaN at epoch 0; take another",
        ),
    ],
)
def test_what_is_not_there_is_one_line(ask, line):
    with pytest.raises(UserError) as error:
        ask(trained(0))
    assert line in str(error.value) and "\n" not in str(error.value)


def images_of(dtype):
    """Images of whole numbers up to the largest of a type, and a trajectory on them."""
    images = small_images((9, 8))
    top = np.iinfo(dtype).max
    images = replace(images, inputs=images.inputs.astype(dtype) * dtype(top // 255), scale=1 / top)
    spec = spec_of("relu", 8, dataset=images.name, network=[4], epochs=1, batch_size=16)
    return images, train(spec, 1, images)[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_inputs_that_are_not_those_of_whole_pixels_are_refused(dtype):
    """Scaled ones would all be read as 0."""
    images, trajectory = images_of(dtype)
    module, top = trajectory.module(0, 0, images), np.iinfo(dtype).max
    pixels = torch.from_numpy(images.inputs.astype(np.float32))
    for wrong, named in [
        (pixels / top, r"0\.\d+"),
        (pixels - pixels.max() - 1, r"-\d+"),
        (pixels + top + 1, r"\d+"),
        (pixels * torch.nan, "nan"),
    ]:
        with pytest.raises(
            UserError, match=f"^inputs: {named} .*; give whole numbers of 0 … {top}, .*not sc"
        ):
            module(wrong)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("given", [torch.int32, torch.int64, torch.float32, torch.float64])
def test_whole_pixels_may_be_of_any_type(dtype, given):
    images, trajectory = images_of(dtype)
    module = trajectory.module(0, 0, images)
    expected = module(as_tensor(images.inputs))
    assert torch.equal(module(as_tensor(images.inputs).to(given)), expected)


def test_inputs_that_are_scaled_by_feature_need_not_be_whole():
    dataset = Dataset("features", np.arange(60).reshape(20, 3), np.arange(20) % 2, scaling="feature")
    spec = spec_of("relu", 8, dataset="features", network=[4], epochs=1, batch_size=16)
    module = train(spec, 1, dataset)[0].module(0, 0, dataset)
    assert dataset.inputs.dtype == np.uint8 and module(torch.rand(5, 3)).shape == (5, 2)
