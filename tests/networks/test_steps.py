"""A step of training in PyTorch against the reference in float64, and in closed form."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from reference import ReferenceNetwork, shown
from trainings import (
    CASES,
    ON_IMAGES,
    TRAINED,
    dataset_of,
    in_double_precision,
    labels_of,
    name_of,
    orders_of,
    reference_run,
    spec_of,
)

from infoplane.networks.forward import model_on
from infoplane.networks.optimizers import batch_size_of, step_rate
from infoplane.networks.schemes import scheme_of
from infoplane.networks.steps import Batch, differentiate, take_step
from infoplane.networks.training import batches_of, initial_state
from infoplane.random import Streams
from infoplane.ranges import averaging_at

REPETITIONS = range(3)


def steps_in_double_precision(spec, dataset, repetitions, wider):
    """The states of members before their first and after their last step, in float64."""
    model, values = model_on(spec, dataset)
    inputs = torch.from_numpy(values[dataset.train_mask])
    streams = [Streams(spec.seed, repetition) for repetition in repetitions]
    start = in_double_precision(initial_state)(model, streams, inputs)
    earlier = 0
    if wider:
        moving = (start.ranges.abs() != 6).any(3, keepdim=True)
        start = start._replace(ranges=torch.where(moving, wider * start.ranges, start.ranges))
        earlier = 1
    state, step = start, 0
    orders = np.stack([orders_of(spec, repetition, len(inputs)) for repetition in repetitions], 1)
    labels = np.stack([labels_of(spec, dataset, repetition) for repetition in repetitions], 1)
    for order, answers in zip(orders, labels, strict=True):
        for batch in batches_of(inputs, torch.from_numpy(answers), order, batch_size_of(spec, len(inputs))):
            step += 1
            averaging = {"ema": 1 - 0.999, "ema-debiased": (1 - 0.999) / (1 - 0.999 ** (earlier + step))}
            state = take_step(model, state, batch, step_rate(spec, step), averaging)
    return start, state


@pytest.mark.parametrize(("spec", "dtype"), CASES, ids=name_of)
def test_steps_in_double_precision_are_those_of_the_reference(spec, dtype):
    """Without the rounding of float32, which moves a value to the next level here and there."""
    spec = spec.model_copy(update={"learning_rate": 1e-3})
    dataset = dataset_of(spec, dtype)
    # The first debiased range of what is nowhere negative ends at its largest value.
    wider = 1.05 if scheme_of(spec).starts_from_inputs else None
    start, end = steps_in_double_precision(spec, dataset, REPETITIONS, wider)
    compared = 0
    for repetition in REPETITIONS:
        earlier = start.ranges[repetition].numpy() if wider else None
        network = ReferenceNetwork(spec, dataset, start.parameters[repetition])
        records = reference_run(spec, dataset, repetition, network, earlier)
        if network.closest < 1e-9:
            continue  # a gradient that rounding decides about
        compared += 1
        np.testing.assert_allclose(start.ranges[repetition], records[0].ranges, rtol=1e-5)
        np.testing.assert_allclose(end.parameters[repetition], records[-1].parameters, rtol=0, atol=1e-12)
        np.testing.assert_allclose(end.ranges[repetition], records[-1].ranges, rtol=0, atol=1e-12)
    assert compared


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_gradients_are_those_of_the_reference(synthetic, activation, dtype):
    spec = spec_of(activation, "float32")
    model, values = model_on(spec, synthetic)
    start = initial_state(model, [Streams(0, 0), Streams(0, 1)], torch.from_numpy(values))
    inputs = torch.from_numpy(values.T.copy())[None].expand(2, -1, -1)
    batch = Batch(inputs, torch.from_numpy(synthetic.labels).expand(2, -1))
    found = differentiate(model, start.parameters.to(dtype), start.ranges.to(dtype), batch, averaging_at(1))
    assert {each.dtype for each in (found.loss, found.gradient, found.ranges)} == {dtype}
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    for member in range(2):
        network = ReferenceNetwork(spec, synthetic, start.parameters[member].double())
        output = network.output(shown(synthetic, spec, torch.float64), "train")
        loss = network.loss(output, torch.from_numpy(synthetic.labels))
        loss.backward()
        gradient = torch.cat([each.grad.flatten() for each in network.parameters()])
        np.testing.assert_allclose(found.loss[member], loss.item(), rtol=tolerance)
        np.testing.assert_allclose(found.gradient[member], gradient, rtol=0, atol=tolerance)
        assert found.correct[member] == (output.argmax(1).numpy() == synthetic.labels).sum()


def test_first_step_of_adam_in_closed_form(synthetic):
    """θ₁ − θ₀ = −α·g/(|g| + ε/√(1 − β₂)): ε stands beside the uncorrected second moment."""
    spec = spec_of("tanh", "float32", batch_size=TRAINED, learning_rate=0.5)
    model, values = model_on(spec, synthetic)
    inputs = torch.from_numpy(values[synthetic.train_mask])
    start = in_double_precision(initial_state)(model, [Streams(0, 0)], inputs)
    batch = Batch(inputs.T[None], torch.from_numpy(synthetic.labels[synthetic.train_mask])[None])
    averaging = averaging_at(1)
    gradient = differentiate(model, start.parameters, start.ranges, batch, averaging).gradient
    end = take_step(model, start, batch, step_rate(spec, 1), averaging)
    expected = -0.5 * gradient / (gradient.abs() + 1e-7 / np.sqrt(0.001))
    np.testing.assert_allclose(end.parameters - start.parameters, expected, rtol=1e-10, atol=1e-14)


LIBRARY = [
    {},
    {"weight_decay": 0.3},
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.5, "weight_decay": 0.3},
    {"optimizer": "sgd", "momentum": 0},
]


@pytest.mark.parametrize("keys", LIBRARY, ids=str)
def test_steps_are_those_of_the_optimizers_of_pytorch(synthetic, keys):
    """AdamW, whose ε stands beside the corrected second moment, and SGD; in float64, to rounding.

    A parameter is a sum of its start and of as many steps as are taken, each of some ten operations.
    """
    spec = spec_of("tanh", "float32", batch_size=1000, learning_rate=1e-2, **keys)
    model, values = model_on(spec, synthetic)
    inputs = torch.from_numpy(values[synthetic.train_mask])
    labels = torch.from_numpy(synthetic.labels[synthetic.train_mask])[None]
    state = in_double_precision(initial_state)(model, [Streams(0, 0)], inputs)
    slices = [slice(*ends) for each in model.network.weighted for ends in pairwise(bounds_of_layer(each))]
    own = [state.parameters[0, each].clone() for each in slices]
    groups = [
        {"params": own[::2], "weight_decay": spec.weight_decay},
        {"params": own[1::2], "weight_decay": 0.0},
    ]
    momentum = 0.9 if spec.momentum is None else spec.momentum
    library = (
        torch.optim.AdamW(groups, spec.learning_rate, (spec.beta_1, spec.beta_2))
        if spec.optimizer == "adam"
        else torch.optim.SGD([{"params": own}], spec.learning_rate, momentum)
    )
    orders = np.stack([Streams(0, 0).order("main", epoch, len(inputs)) for epoch in range(3)])[:, None]
    batches = [batch for order in orders for batch in batches_of(inputs, labels, order, 1000)]
    for step, batch in enumerate(batches, start=1):
        averaging = averaging_at(step)
        gradient = differentiate(model, state.parameters, state.ranges, batch, averaging).gradient[0]
        state = take_step(model, state, batch, step_rate(spec, step), averaging)
        for parameter, place in zip(own, slices, strict=True):
            parameter.grad = gradient[place]
        if spec.optimizer == "adam":
            for group in library.param_groups:
                group["eps"] = spec.epsilon / np.sqrt(1 - spec.beta_2**step)
        else:  # PyTorch's SGD decays through the gradient
            for kernel in own[::2]:
                kernel *= 1 - spec.learning_rate * spec.weight_decay
        library.step()
        for parameter, place in zip(own, slices, strict=True):
            largest = parameter.abs().max() + spec.learning_rate * 100
            bound = 10 * step * np.finfo(float).eps * float(largest)
            np.testing.assert_allclose(state.parameters[0, place], parameter, rtol=0, atol=bound)


def bounds_of_layer(layer):
    return layer.start, layer.bias, layer.stop


@pytest.mark.parametrize(
    "spec", [spec_of("relu", 8), spec_of("elu", 8, protocol="controlled", **ON_IMAGES)], ids=name_of
)
def test_members_know_nothing_of_each_other(spec):
    """Not even of one that has become NaN or infinite."""
    dataset = dataset_of(spec)
    model, values = model_on(spec, dataset)
    inputs = torch.from_numpy(values[dataset.train_mask])
    labels = torch.from_numpy(dataset.labels[dataset.train_mask]).expand(5, -1)
    orders = np.stack([Streams(0, member).order("main", 0, len(inputs)) for member in range(5)])

    def trained(poison):
        state = initial_state(model, [Streams(0, member) for member in range(5)], inputs)
        state.parameters[3, 50] = poison
        for step, batch in enumerate(batches_of(inputs, labels, orders, spec.batch_size), start=1):
            state = take_step(model, state, batch, step_rate(spec, step), averaging_at(step))
        return state

    others = np.arange(5) != 3
    clean = trained(0.0)
    for poison in (torch.nan, torch.inf):
        poisoned = trained(poison)
        assert poisoned.parameters[3].isnan().any()
        for ours, theirs in zip(clean, poisoned, strict=True):
            assert ours[others].numpy().tobytes() == theirs[others].numpy().tobytes()


@pytest.mark.parametrize(("count", "size"), [(10, 4), (12, 4), (3, 7), (45, 16)])
def test_an_epoch_shows_every_input_once_in_the_order_of_each_member(count, size):
    inputs = torch.arange(count * 3).reshape(count, 3)
    labels = torch.stack([torch.arange(count), torch.arange(count, 2 * count)])
    orders = np.stack([np.random.default_rng(member).permutation(count) for member in (0, 1)])
    batches = [*batches_of(inputs, labels, orders, size)]
    assert [batch.labels.shape[1] for batch in batches] == [size] * (count // size) + [count % size] * (
        count % size > 0
    )
    for member in (0, 1):
        answers = torch.cat([batch.labels[member] for batch in batches]).numpy()
        np.testing.assert_array_equal(answers - count * member, orders[member])
        for batch in batches:
            assert torch.equal(batch.inputs[member, 0], (batch.labels[member] - count * member) * 3)
