"""Bounds from distances: against loops and an integral, in the limits of noise, and laws for any points."""

from math import e, exp, log, log2, pi

import numpy as np
import pytest
from brute_force import brute_force, entropy_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import entr

from infoplane.information.density import mixture_information

BOUNDS = ["upper", "lower"]
# Sums of a few dozen products, each right to a few units in the last place, of entropies of a few bits
ROUNDING = 1e-13


@st.composite
def systems(draw):
    """Distinct points (width, K) and how many inputs of each class (K, classes) they have."""
    width, number, classes = (draw(st.integers(1, most)) for most in (3, 12, 3))
    rows = st.tuples(*[st.integers(-20, 20)] * width)
    points = draw(st.lists(rows, min_size=number, max_size=number, unique=True))
    counts = draw(arrays(np.int64, (number, classes), elements=st.integers(0, 4)))
    counts[counts.sum(1) == 0, 0] = 1
    return np.array(points, dtype=float).T / 10, counts


def loops(points, counts, noise, bound):
    """The definition, number by number."""
    width = {"upper": 2, "lower": 8}[bound] * noise
    number = range(len(counts))

    def of(weights):
        total = sum(weights)
        h = 0.0
        for i in (place for place in number if weights[place]):
            near = sum(
                weights[j] / total * exp(-sum((points[:, i] - points[:, j]) ** 2) / width) for j in number
            )
            h -= weights[i] / total * log2(near)
        return h

    classes = [column for column in counts.T.tolist() if sum(column)]
    h_t = of(counts.sum(1).tolist())
    return h_t, h_t - sum(sum(column) / counts.sum() * of(column) for column in classes)


@given(system=systems(), noise=st.floats(1e-3, 1e3), bound=st.sampled_from(BOUNDS))
def test_bounds_are_those_of_the_definition(system, noise, bound):
    assert mixture_information(*system, noise, bound) == pytest.approx(
        loops(*system, noise, bound), abs=ROUNDING
    )


@given(system=systems(), noise=st.floats(1e-6, 1e6))
def test_bounds_are_in_order_and_below_the_exact_value(system, noise):
    """The kernel of a point with itself is 1, and none is larger: noise can only take information away."""
    _, counts = system
    inputs = np.repeat(np.arange(counts.size), counts.ravel())
    of_point, of_class = np.divmod(inputs, counts.shape[1])
    h_t, i_ty, _ = brute_force(of_point[:, None], of_class)
    upper, lower = (mixture_information(*system, noise, bound) for bound in BOUNDS)
    assert -ROUNDING <= lower[0] <= upper[0] + ROUNDING <= h_t + 2 * ROUNDING
    for i_xt, i_ty in (upper, lower):
        assert i_ty <= min(i_xt, entropy_of(of_class.tolist())) + ROUNDING


@given(system=systems(), bound=st.sampled_from(BOUNDS))
def test_little_noise_leaves_the_exact_value(system, bound):
    """Points that are 0.1 and more apart: with σ² = 10⁻⁶ their kernels are below e^−1250, which is 0."""
    _, counts = system
    inputs = np.repeat(np.arange(counts.size), counts.ravel())
    of_point, of_class = np.divmod(inputs, counts.shape[1])
    h_t, i_ty, _ = brute_force(of_point[:, None], of_class)
    assert mixture_information(*system, 1e-6, bound) == pytest.approx((h_t, i_ty), abs=ROUNDING)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 64, 100])
def test_points_far_apart_are_told_apart_and_equal_ones_are_not(bound, count):
    points, counts = np.arange(count)[None] * 1e3, np.eye(count, dtype=int)
    assert mixture_information(points, counts, 1.0, bound) == pytest.approx([log2(count)] * 2, abs=ROUNDING)
    assert mixture_information(0 * points, counts, 1.0, bound) == pytest.approx([0, 0], abs=ROUNDING)
    assert mixture_information(points[:, :1], counts.sum(0)[None], 1.0, bound) == pytest.approx(
        [0, 0], abs=ROUNDING
    )


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_information_by_integration_lies_between_the_bounds(noise, seed):
    """I(X; T + Z) = h(T + Z) − ½ log₂ 2πeσ² of one neuron, by a sum over a fine grid."""
    generator = np.random.default_rng(seed)
    points, counts = generator.normal(size=6), generator.integers(1, 5, 6)
    grid, step = np.linspace(-15, 15, 200_001, retstep=True)
    kernels = np.exp(-((grid - points[:, None]) ** 2) / (2 * noise)) / np.sqrt(2 * pi * noise)
    density = counts @ kernels / counts.sum()
    entropy = step * entr(density).sum() / log(2)
    information = entropy - 0.5 * log2(2 * pi * e * noise)
    upper, lower = (mixture_information(points[None], counts[:, None], noise, each)[0] for each in BOUNDS)
    assert lower < information < upper


@given(system=systems(), random=st.randoms(use_true_random=False), bound=st.sampled_from(BOUNDS))
def test_order_of_points_and_classes_changes_rounding_alone(system, random, bound):
    points, counts = system
    order, classes = [*range(len(counts))], [*range(counts.shape[1])]
    random.shuffle(order)
    random.shuffle(classes)
    again = mixture_information(points[:, order], counts[order][:, classes], 0.02, bound)
    assert again == pytest.approx(mixture_information(points, counts, 0.02, bound), abs=ROUNDING)
