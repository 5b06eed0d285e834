"""The synthetic data are the published ones."""

import hashlib
import math

import numpy as np
import pytest

from infoplane.datasets import icosahedron

PHI = (1 + math.sqrt(5)) / 2
A, B = 1 / math.sqrt(1 + PHI**2), PHI / math.sqrt(1 + PHI**2)
VERTICES = np.array(
    [
        (0, A, B), (A, B, 0), (0, A, -B), (-A, B, 0), (B, 0, -A), (0, -A, B),
        (A, -B, 0), (-A, -B, 0), (-B, 0, -A), (0, -A, -B), (-B, 0, A), (B, 0, A),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def root_power():
    def f(k):
        pattern = np.array([int(bit) for bit in f"{k:012b}"])
        return pattern.sum() + math.hypot(*(math.fsum(pattern * VERTICES[:, axis]) for axis in range(3)))

    return np.array([f(k) for k in range(4096)])


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array, dtype=np.uint8).tobytes()).hexdigest()


def test_digests_of_patterns_and_labels(synthetic):
    assert synthetic.inputs.shape == (4096, 12)
    assert sha256(synthetic.inputs) == "60c7b77cf130b18f25d81c397d55270e50faaf4a6193c2d4480ad14a00035909"
    assert sha256(synthetic.labels) == "77732f16f85e91b49d3997196b56163b3bd362d8cf631468a8de3f986e88359f"
    assert synthetic.labels.sum() == 2118


def test_vertices_are_in_the_order_of_the_bits():
    np.testing.assert_allclose(icosahedron(), VERTICES, atol=1e-15)


def test_labels_are_root_power_above_its_mean_by_a_margin(synthetic, root_power):
    threshold = math.fsum(root_power) / 4096
    assert threshold == pytest.approx(7.61347, abs=5e-6)
    np.testing.assert_array_equal(synthetic.labels, root_power > threshold)
    margins = root_power - threshold
    assert -margins[margins < 0].max() == pytest.approx(0.0507, abs=5e-5)
    assert margins[margins > 0].min() == pytest.approx(0.0878, abs=5e-5)


def symmetries():
    """A turn by 72° about vertex 0, a cyclic change of axes, and the inversion: they generate all 120."""
    x, y, z = VERTICES[0]
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = 2 * math.pi / 5
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return {"turn": turn, "axes": np.roll(np.eye(3), 1, axis=0), "inversion": -np.eye(3)}


@pytest.mark.parametrize("name", ["turn", "axes", "inversion"])
def test_labels_are_invariant_under_the_symmetries_of_the_icosahedron(synthetic, name):
    distances = np.linalg.norm((VERTICES @ symmetries()[name].T)[:, None] - VERTICES[None], axis=2)
    images = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < 1e-12
    assert sorted(images) == list(range(12))
    assert (images != np.arange(12)).any()
    rotated = synthetic.inputs[:, images].astype(int) @ 2 ** np.arange(11, -1, -1)
    np.testing.assert_array_equal(synthetic.labels[rotated], synthetic.labels)
