"""Softmax, losses and their derivatives against autograd in float64; answers against argmax."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import MARGIN, PANEL, from_panels, panels_of, room, to_panels, within_margins, written

from infoplane.kernels.output import correct_answers, cross_entropy, softmax
from infoplane.networks.forward import log_likelihood
from infoplane.networks.quantization import grid, quantize
from infoplane.networks.schemes import PUBLISHED, Scheme
from infoplane.ranges import Extremes

FLOATS = [np.float32, np.float64]
with_floats = pytest.mark.parametrize("dtype", FLOATS, ids=lambda dtype: dtype.__name__)
CONTROLLED = Scheme("batch", "batch", (-1.0, 1.0), (0.0, 1.0), "softmax")


@st.composite
def answers(draw):
    """Logits (N, classes) as whole steps and their scale, and labels (N,)."""
    count, classes = draw(st.integers(1, 70)), draw(st.integers(2, 12))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    steps = generator.integers(-128, 128, (count, classes)).astype(float)
    return steps, draw(st.floats(2**-10, 0.25, width=32)), generator.integers(0, classes, count)


def lanes_of(labels, dtype):
    """Labels and weights of each lane, 0 for what fills up a panel."""
    return to_panels(labels, dtype), to_panels(np.ones(len(labels)), dtype, "zeros")


def softmax_of(logits, scale, dtype):
    count, classes = logits.shape
    shares = room(panels_of(count) * PANEL * classes, dtype)
    softmax(to_panels(logits, dtype), dtype(scale), classes, panels_of(count), shares[MARGIN:])
    return from_panels(written(shares), count, classes)


def roundings(logits, classes):
    """How often and by how much numbers around a softmax of some logits are rounded, in units of eps.

    A product, a difference, exp, a sum of all classes, its logarithm and a quotient; what is wrong with an
    argument of exp is wrong with its value, relatively.
    """
    return (classes + 8) * (1 + 2 * np.abs(logits).max())


@with_floats
@given(answers())
@settings(max_examples=50)
def test_softmax_is_that_of_pytorch(dtype, drawn):
    steps, scale, _ = drawn
    exact = torch.softmax(torch.from_numpy(steps * scale), 1).numpy()
    found = softmax_of(steps, scale, dtype)
    bound = roundings(steps * scale, steps.shape[1]) * np.finfo(dtype).eps * exact
    assert (np.abs(found - exact) <= bound).all()


@with_floats
def test_softmax_of_logits_far_apart_and_of_none(dtype):
    found = softmax_of(np.array([[1e30, -1e30, 0.0], [5.0, 5.0, 5.0], [np.nan, 0.0, 0.0]]), 1, dtype)
    assert found[0].tolist() == [1, 0, 0]
    assert found[1].tolist() == [dtype(1) / dtype(3)] * 3
    assert np.isnan(found[2]).all()


@with_floats
@given(answers())
@settings(max_examples=50)
def test_cross_entropy_of_logits_and_its_derivative(dtype, drawn):
    """Of the mean over the inputs; steps·scale are the logits, by which the derivatives are."""
    steps, scale, labels = drawn
    count, classes = steps.shape
    deltas = room(panels_of(count) * PANEL * classes, dtype)
    panels = within_margins(to_panels(steps, dtype))
    given_lanes = lanes_of(labels, dtype)
    nothing = np.empty(0, dtype=dtype)
    loss = cross_entropy(
        *(False, panels, MARGIN, dtype(scale), nothing, nothing, *given_lanes),
        *(classes, panels_of(count), count, deltas[MARGIN:]),
    )
    logits = torch.from_numpy(steps * scale).requires_grad_()
    likelihood = log_likelihood(PUBLISHED["relu"], logits.T[None])[0]
    expected = -likelihood[torch.from_numpy(labels), torch.arange(count)]
    expected.mean().backward()
    assert_right(loss, written(deltas), expected, logits.grad, roundings(steps * scale, classes), dtype)


def assert_right(loss, deltas, expected, derivatives, bound, dtype):
    """A sum of losses, and the derivatives of their mean, up to `bound`·eps of an input's loss.

    What fills up the last panel takes no part.
    """
    count, classes = derivatives.shape
    eps = np.finfo(dtype).eps
    total = expected.sum().item()
    assert abs(loss - total) <= eps * (bound * count + count * total)
    errors = np.abs(from_panels(deltas, count, classes) - derivatives.numpy())
    assert (errors <= eps * bound / count).all()
    assert not from_panels(deltas, panels_of(count) * PANEL, classes)[count:].any()


@with_floats
@given(answers(), st.integers(2, 16))
@settings(max_examples=50)
def test_cross_entropy_of_a_quantized_softmax_and_its_derivative(dtype, drawn, bits):
    """p/p̃ ≤ 2, so that no more than sums of 2 and of classes are rounded."""
    steps, scale, labels = drawn
    count, classes = steps.shape
    logits = torch.from_numpy(steps * scale).requires_grad_()
    on = grid(Extremes(torch.zeros(1).double(), torch.ones(1).double()), 2**bits - 1)
    shares = torch.softmax(logits, 1)
    quantized = quantize(shares.T[None], on)
    expected = -log_likelihood(CONTROLLED, quantized)[0][torch.from_numpy(labels), torch.arange(count)]
    expected.mean().backward()
    passes = np.ones_like(steps)
    deltas = room(panels_of(count) * PANEL * classes, dtype)
    of_steps, of_passes = (
        within_margins(to_panels(each, dtype)) for each in (quantized.steps[0].T.detach().numpy(), passes)
    )
    of_shares, given_lanes = to_panels(shares.detach().numpy(), dtype), lanes_of(labels, dtype)
    loss = cross_entropy(
        *(True, of_steps, MARGIN, dtype(on.scale.item()), of_shares, of_passes, *given_lanes),
        *(classes, panels_of(count), count, deltas[MARGIN:]),
    )
    bound = (classes + 12) * (classes + 4)
    assert_right(loss, written(deltas), expected, logits.grad, bound, dtype)


@with_floats
def test_where_the_quantizer_passes_no_gradient_there_is_none(dtype):
    """Derivatives by logits are sums over all p̂ⱼ, of which those are left out."""
    generator = np.random.default_rng(0)
    shares = generator.dirichlet(np.ones(4), 40)
    labels, passes = generator.integers(0, 4, 40), generator.integers(0, 2, (40, 4)).astype(float)
    steps = np.floor(shares * 255 + 0.5)
    deltas = room(64 * 4, dtype)
    of_steps, of_passes = (within_margins(to_panels(each, dtype)) for each in (steps, passes))
    of_shares, given_lanes = to_panels(shares, dtype), lanes_of(labels, dtype)
    cross_entropy(
        *(True, of_steps, MARGIN, dtype(1 / 255), of_shares, of_passes, *given_lanes),
        *(4, 2, 40, deltas[MARGIN:]),
    )
    raised = np.maximum(steps / 255, 0.5 / 255)
    slopes = (1 / raised.sum(1, keepdims=True) - (np.arange(4) == labels[:, None]) / raised) * passes
    expected = shares * (slopes - (slopes * shares).sum(1, keepdims=True)) / 40
    bound = 16 * 8 * np.finfo(dtype).eps / 40
    np.testing.assert_allclose(from_panels(written(deltas), 40, 4), expected, rtol=0, atol=bound)


@with_floats
@pytest.mark.parametrize("reads", ["logits", "softmax"])
def test_a_loss_of_what_is_no_number_is_none(reads, dtype):
    values = np.zeros((40, 3))
    values[7, 1] = np.nan
    panels, deltas = to_panels(values, dtype), np.empty(64 * 3, dtype=dtype)
    lanes = lanes_of(np.zeros(40, dtype=int), dtype)
    passes = np.ones_like(panels)
    loss = cross_entropy(reads == "softmax", panels, 0, dtype(1), panels, passes, *lanes, 3, 2, 40, deltas)
    assert np.isnan(loss)


@with_floats
@given(answers(), st.integers(1, 100))
@settings(max_examples=50)
def test_answers_are_the_first_of_the_largest_values(dtype, drawn, coarseness):
    """Of coarse values, many of which are equal; weights are those of a panel, or of some inputs alone."""
    values, _, labels = drawn
    values = np.floor(values / coarseness)
    weights = np.random.default_rng(coarseness).integers(0, 2, len(values))
    panels = within_margins(to_panels(values, dtype))
    right = values.argmax(1) == labels
    for counted in (np.ones_like(weights), weights):
        lanes = to_panels(labels, dtype), to_panels(counted, dtype, "zeros")
        found = correct_answers(panels, MARGIN, *lanes, values.shape[1], panels_of(len(values)))
        assert found == counted[right].sum()
