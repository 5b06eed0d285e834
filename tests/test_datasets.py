"""The synthetic data are the published ones; files of data sets are trusted only where they are whole."""

import hashlib
import math

import numpy as np
import pytest

from infoplane import UserError, load_dataset
from infoplane.datasets import icosahedron, save_dataset, stratified_split
from infoplane.kernels.random import Streams

PHI = (1 + math.sqrt(5)) / 2
A, B = 1 / math.sqrt(1 + PHI**2), PHI / math.sqrt(1 + PHI**2)
VERTICES = np.array(
    [
        (0, A, B), (A, B, 0), (0, A, -B), (-A, B, 0), (B, 0, -A), (0, -A, B),
        (A, -B, 0), (-A, -B, 0), (-B, 0, -A), (0, -A, -B), (-B, 0, A), (B, 0, A),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def synthetic():
    return load_dataset("synthetic")


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


def test_split_is_stratified_and_fixed(synthetic):
    mask = synthetic.train_mask
    assert (mask.sum(), (~mask).sum()) == (3276, 820)
    assert set(np.bincount(synthetic.labels[mask])) == {1582, 1694}  # 80 % of 1978 and of 2118
    np.testing.assert_array_equal(mask, stratified_split(synthetic.labels))
    np.testing.assert_array_equal(mask, load_dataset("synthetic").train_mask)


def test_digest_of_the_split(synthetic):
    assert sha256(synthetic.train_mask) == "d5badfe21bb3fb1a2a7221074aaa466d100cf0e34d072b473c07c4fec985f955"


def test_split_takes_the_first_of_each_class_in_an_order_that_was_drawn(synthetic):
    wanted = {0: 1582, 1: 1694}
    taken = []
    for place in Streams(seed=0, repetition=0).split_order(4096).tolist():
        label = int(synthetic.labels[place])
        if wanted[label]:
            wanted[label] -= 1
            taken.append(place)
    assert sorted(taken) == np.flatnonzero(synthetic.train_mask).tolist()


def test_round_trip(synthetic, tmp_path):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    read = load_dataset(path)
    assert (read.name, read.scale, read.description) == ("synthetic", 1, synthetic.description)
    for name in ("inputs", "labels", "train_mask"):
        expected, found = getattr(synthetic, name), getattr(read, name)
        assert expected.dtype == found.dtype
        np.testing.assert_array_equal(expected, found)


def one_line(error, path):
    message = str(error.value)
    return "\n" not in message and str(path) in message


def test_tampered_labels_are_refused(synthetic, tmp_path):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    arrays = dict(np.load(path))
    arrays["labels"][7] ^= 1
    np.savez_compressed(path, **arrays)
    with pytest.raises(UserError) as error:
        load_dataset(path)
    assert one_line(error, path)


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_truncated_files_are_refused(synthetic, tmp_path, kept):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError) as error:
        load_dataset(path)
    assert one_line(error, path)


def test_flipped_bits_are_refused_or_harmless(synthetic, tmp_path):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 41):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            read = load_dataset(path)
        except UserError:
            refused += 1
        else:
            np.testing.assert_array_equal(read.labels, synthetic.labels)
            np.testing.assert_array_equal(read.inputs, synthetic.inputs)
    assert refused > 0


def test_foreign_and_missing_files_are_refused(tmp_path):
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, inputs=np.zeros((2, 1)), labels=np.zeros(2))
    text = tmp_path / "text.npz"
    text.write_text("not an archive")
    for path in (foreign, text, tmp_path / "missing.npz", tmp_path):
        with pytest.raises(UserError) as error:
            load_dataset(path)
        assert one_line(error, path)


def test_unknown_name_is_refused():
    with pytest.raises(UserError, match="synthetic"):
        load_dataset("synthetics")
