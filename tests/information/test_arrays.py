"""Exact information against brute force and `dit`; what leaves it unchanged to the last bit; its bounds; and
arrays of every kind and shape, which give the right answer or one line.
"""

from collections import Counter
from math import log2

import dit
import numpy as np
import pandas as pd
import pytest
import torch
from brute_force import brute_force, entropy_of, same_bits
from hypothesis import given, settings
from hypothesis import strategies as st

from infoplane import UserError, binned_information, exact_information, load_dataset
from infoplane.information.arrays import ends_of


def agrees(codes, labels):
    found = exact_information(codes, labels)
    h_t, i_ty, distinct = brute_force(codes, labels)
    assert float(found.h_t) == pytest.approx(h_t, abs=1e-12)
    assert float(found.i_xt) == float(found.h_t)
    assert float(found.i_ty) == pytest.approx(i_ty, abs=1e-12)
    assert int(found.distinct) == distinct
    return True


@st.composite
def systems(draw):
    count, width = draw(st.integers(1, 60)), draw(st.integers(1, 5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    levels = draw(st.sampled_from([1, 2, 3, 10]))
    scale = draw(st.sampled_from([1, 255, 2**31, 2**60]))
    codes = generator.integers(-levels, levels, (count, width), endpoint=True) // 2 * scale
    return codes, generator.integers(0, draw(st.integers(1, 5)), count)


@given(systems())
def test_agrees_with_brute_force(system):
    assert agrees(*system)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_dit(seed):
    generator = np.random.default_rng(seed)
    codes, labels = generator.integers(-2, 2, (64, 3)), generator.integers(0, 3, 64)
    counts = Counter(zip(map(str, codes.tolist()), map(str, labels), strict=True))
    joint = dit.Distribution(list(counts), [n / 64 for n in counts.values()])
    found = exact_information(codes, labels)
    assert float(found.h_t) == pytest.approx(dit.shannon.entropy(joint, [0]), abs=1e-10)
    assert float(found.i_ty) == pytest.approx(dit.shannon.mutual_information(joint, [0], [1]), abs=1e-10)


@given(systems(), st.randoms(use_true_random=False))
def test_no_order_and_no_name_changes_a_bit(system, random):
    codes, labels = system
    expected = exact_information(codes, labels)
    samples = random.sample(range(len(codes)), len(codes))
    neurons = random.sample(range(codes.shape[1]), codes.shape[1])
    values = np.unique(codes)
    names = np.array(random.sample(range(-1000, 1000), len(values)))
    classes = np.array(random.sample(range(9), 5))
    assert same_bits(expected, exact_information(codes[samples], labels[samples]))
    assert same_bits(expected, exact_information(codes[:, neurons], labels))
    assert same_bits(expected, exact_information(names[np.searchsorted(values, codes)], labels))
    relabelled = exact_information(codes, classes[labels])
    assert same_bits((expected.h_t, expected.distinct), (relabelled.h_t, relabelled.distinct))
    assert float(relabelled.i_ty) == pytest.approx(float(expected.i_ty), abs=1e-12)


@given(systems())
def test_bounds(system):
    codes, labels = system
    found = exact_information(codes, labels)
    assert 0 <= found.i_ty <= min(found.h_t, entropy_of(labels.tolist())) + 1e-12
    assert 0 <= found.h_t <= log2(len(codes)) + 1e-12


@pytest.mark.parametrize("count", [1, 2, 7, 10, 11, 820, 3276, 4096])
def test_constant_codes_hold_nothing(count):
    found = exact_information(np.full((count, 3), 5), np.arange(count) % 3)
    assert (float(found.h_t), float(found.i_ty), int(found.distinct)) == (0, 0, 1)


def test_distinct_codes_hold_everything():
    dataset = load_dataset("synthetic")
    found = exact_information(dataset.inputs, dataset.labels)
    assert float(found.h_t) == 12
    assert float(found.i_ty) == pytest.approx(0.99916, abs=5e-6)
    assert int(found.distinct) == 4096


def test_leading_dimensions_are_systems_of_their_own():
    generator = np.random.default_rng(1)
    codes, labels = generator.integers(0, 3, (2, 4, 50, 2)), generator.integers(0, 2, 50)
    found = exact_information(codes, labels)
    assert found.h_t.shape == found.i_ty.shape == found.distinct.shape == (2, 4)
    assert found.distinct.dtype.kind == "i"
    for place in np.ndindex(2, 4):
        alone = exact_information(codes[place], labels)
        assert same_bits([values[place] for values in found], alone)
    assert found.h_t.std() > 0


@pytest.mark.parametrize("step", [1, 2**16, 2**32, 2**48, 2**51])
@pytest.mark.parametrize("width", [1, 2, 7])
def test_codes_that_hashes_may_confuse_are_told_apart(step, width):
    """Multiples of powers of two differ in few bits of a product; 4,096 codes fill half of any table."""
    generator = np.random.default_rng(step)
    codes = np.zeros((4096, width), dtype=np.int64)
    codes[:, -1] = generator.permutation(4096) // 2 * step - 2**62
    found = exact_information(codes, np.arange(4096) % 2)
    assert int(found.distinct) == 2048
    assert float(found.h_t) == 11
    assert agrees(codes, generator.integers(0, 3, 4096))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3, unique=True))
def test_codes_whose_hashes_are_equal_are_told_apart(words):
    """The second word undoes what the hash of `number_codes` has made of the first."""
    one, other, word = words
    mixed = [first * 0x9E3779B97F4A7C15 % 2**64 for first in (one, other)]
    hashes = [each ^ (each >> 32) for each in mixed]
    codes = np.array([[one % 2**64, word % 2**64], [other % 2**64, word % 2**64 ^ hashes[0] ^ hashes[1]]])
    codes = codes.astype(np.uint64).view(np.int64)
    assert int(exact_information(codes, np.zeros(2, dtype=int)).distinct) == 2
    assert int(exact_information(codes[[0, 1, 0, 1]], np.zeros(4, dtype=int)).distinct) == 2


def test_every_bit_of_a_word_counts():
    codes = np.concatenate([[0], np.left_shift(1, np.arange(63)), [-(2**63)]])[:, None]
    assert int(exact_information(codes, np.zeros(65, dtype=int)).distinct) == 65
    neighbours = 2**62 + np.arange(65)[:, None]
    assert int(exact_information(neighbours, np.zeros(65, dtype=int)).distinct) == 65
    swapped = np.array([[1, 2], [2, 1], [1, 1], [2, 2]])
    assert int(exact_information(swapped, np.zeros(4, dtype=int)).distinct) == 4


def test_narrow_integer_types():
    for dtype in (np.uint8, np.int8, np.int32, np.uint64):
        codes = np.arange(100).reshape(50, 2).astype(dtype)
        assert agrees(codes, np.arange(50) % 2)


@pytest.fixture(scope="module")
def snapshots():
    """Activations of 2 × 3 snapshots of a layer of two neurons, each of another size, and labels."""
    generator = np.random.default_rng(2)
    sizes = generator.uniform(1, 9, (2, 3, 1, 2))
    return sizes * generator.normal(size=(2, 3, 50, 2)), generator.integers(0, 3, 50)


def test_ends_of_the_ranges():
    activations = np.arange(24.0).reshape(2, 3, 4)
    for chosen, low, high in [
        ("global", [[[0]], [[0]]], [[[23]], [[23]]]),
        ("layer", [[[0]], [[12]]], [[[11]], [[23]]]),
        ("neuron", [[[0], [4], [8]], [[12], [16], [20]]], [[[3], [7], [11]], [[15], [19], [23]]]),
        ((-1.0, 2.0), [[[-1]], [[-1]]], [[[2]], [[2]]]),
    ]:
        assert [end.tolist() for end in ends_of(activations, chosen)] == [low, high]


@pytest.mark.parametrize(("chosen", "axes"), [("global", None), ("layer", (-2, -1)), ("neuron", -2)])
def test_bins_of_equal_width_over_the_range_that_is_named(snapshots, chosen, axes):
    activations, labels = snapshots
    low, high = activations.min(axes, keepdims=True), activations.max(axes, keepdims=True)
    codes = np.floor((activations - low) / (high - low) * 7).clip(0, 6).astype(int)
    assert same_bits(binned_information(activations, labels, 7, chosen), exact_information(codes, labels))


def test_bins_of_equal_mass_over_each_snapshot(snapshots):
    activations, labels = snapshots
    ranks = activations.reshape(2, 3, 100).argsort(-1).argsort(-1).reshape(activations.shape)
    found = binned_information(activations, labels, 4, method="adaptive")
    assert same_bits(found, exact_information(ranks * 4 // 100, labels))


def test_thirty_bins_of_equal_width_over_all_snapshots_are_the_default(snapshots):
    activations, labels = snapshots
    codes = np.floor((activations - activations.min()) / np.ptp(activations) * 30).clip(0, 29).astype(int)
    assert same_bits(binned_information(activations, labels), exact_information(codes, labels))


CODES = np.random.default_rng(0).integers(0, 4, (1000, 2))
Y = (CODES[:, 0] > 1).astype(int)
VALUES = np.tanh(CODES * 0.3)


def on_device(values, device):
    return torch.tensor(values).to(device)


KINDS = {
    "integers": lambda v: np.unique(v, return_inverse=True)[1].reshape(v.shape),
    "negative integers": lambda v: -1 - np.unique(v, return_inverse=True)[1].reshape(v.shape).astype(np.int8),
    "float64": lambda v: v,
    "float32": lambda v: v.astype(np.float32),
    "float16": lambda v: v.astype(np.float16),
    "long double": lambda v: v.astype(np.longdouble) / 3,
    "big-endian": lambda v: v.astype(">f8"),
    "big-endian integers": lambda v: np.unique(v, return_inverse=True)[1].reshape(v.shape).astype(">u2"),
    "Fortran order": np.asfortranarray,
    "every other of a larger array": lambda v: np.repeat(v, 2, 0)[::2],
    "nested lists": lambda v: v.tolist(),
    "tuples of arrays": lambda v: tuple(v),
    "objects": lambda v: v.astype(object),
    "a table": lambda v: pd.DataFrame(v),
    "a table of two types": lambda v: pd.DataFrame({"a": v[:, 0], "b": (v[:, 1] * 1000).astype(int)}),
    "a nullable table": lambda v: pd.DataFrame(v).map(lambda x: int(x * 1000)).astype("Int64"),
    "a tensor": torch.tensor,
    "a tensor with a gradient": lambda v: torch.tensor(v, requires_grad=True) * 2,
    "a tensor of 16 bits": lambda v: torch.tensor(v).bfloat16(),
    "a quantized tensor": lambda v: torch.quantize_per_tensor(torch.tensor(v).float(), 0.01, 3, torch.quint8),
    "fake-quantized values": lambda v: torch.fake_quantize_per_tensor_affine(
        torch.tensor(v).float(), 0.01, 0, 0, 255
    ),
    "a list of tensors": lambda v: list(torch.tensor(v)),
    "a transposed tensor": lambda v: torch.tensor(v.T.copy()).T,
}
# Numbers that are not those of VALUES, or that float64 cannot hold
NOT_BINNED_ALIKE = ("integers", "16", "long double")
LABELS = {
    "whole": lambda y: y,
    "boolean": lambda y: y == 1,
    "a column": lambda y: y[:, None],
    "negative": lambda y: -5 * y,
    "beyond 32 bits": lambda y: y.astype(np.uint64) + np.uint64(2**63),
    "text": lambda y: np.where(y, "bar", "foo"),
    "a list of text": lambda y: ["bar" if each else "foo" for each in y],
    "floats": lambda y: y * 2.0,
    "a series": pd.Series,
    "categories": lambda y: pd.Series(np.where(y, "bar", "foo")).astype("category"),
    "a table of one column": lambda y: pd.DataFrame({"y": y}),
    "a tensor": torch.tensor,
    "a column of a tensor": lambda y: torch.tensor(y, dtype=torch.float32)[:, None],
}


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("kind", KINDS)
def test_codes_of_every_kind(kind):
    assert same_bits(exact_information(KINDS[kind](VALUES), Y), exact_information(CODES, Y))


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(kind):
    assert same_bits(exact_information(CODES, LABELS[kind](Y)), exact_information(CODES, Y))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if not any(each in kind for each in NOT_BINNED_ALIKE)]
)
def test_activations_of_every_kind(kind):
    """A function that increases keeps the order, and so the bins of equal mass."""
    found = binned_information(KINDS[kind](VALUES), Y, 2, method="adaptive")
    if kind != "a table of two types":
        assert same_bits(found, binned_information(VALUES, Y, 2, method="adaptive"))


NEXT_TO_1 = np.array([1, 1, 1, 1], np.longdouble) + np.array([0, 2.0**-60], np.longdouble).repeat(2)
FLOAT64_CANNOT_HOLD = {
    "a long double": NEXT_TO_1,
    "a long double beyond the largest float64": NEXT_TO_1 * np.longdouble(2) ** 1024,
    "an integer": np.array([2**53, 2**53, 2**53 + 1, 2**53 + 1]),
    "a negative integer": [-(2**53), -(2**53), -(2**53) - 1, -(2**53) - 1],
    "the largest integer": np.array([2**64 - 2**11, 2**64 - 2**11, 2**64 - 1, 2**64 - 1], np.uint64),
    "a tensor": torch.tensor([2**60, 2**60, 2**60 + 1, 2**60 + 1]),
}


@pytest.mark.skipif(NEXT_TO_1[0] == NEXT_TO_1[-1], reason="long doubles are float64 here")
@pytest.mark.parametrize("name", FLOAT64_CANNOT_HOLD)
def test_numbers_that_float64_cannot_hold_are_counted_exactly_and_not_binned(name):
    values, labels = FLOAT64_CANNOT_HOLD[name], [0, 0, 1, 1]
    assert exact_information(values, labels).i_ty == 1
    for keys in ({}, {"range": (-1, 1)}, {"method": "adaptive"}):
        line = line_of(lambda: binned_information(values, labels, **keys))  # noqa: B023
        assert line.startswith("activations: ") and "in float64" in line


def test_large_numbers_that_float64_holds_are_binned():
    for values in ([2**63, 0, 0, 2**63], np.array([-(2**63), 2**60, 2**60, -(2**63)]), [2**53, 0, 0, 2**53]):
        assert binned_information(values, [0, 1, 1, 0], bins=2).i_ty == 1
    assert binned_information(np.array([1, 2, 2, 1], np.longdouble), [0, 1, 1, 0], bins=2).i_ty == 1


def test_order_and_strides_change_nothing():
    expected = exact_information(VALUES, Y)
    assert same_bits(exact_information(VALUES[::-1], Y[::-1]), expected)
    assert same_bits(exact_information(VALUES[:, ::-1], Y), expected)
    assert same_bits(exact_information(np.stack([VALUES] * 3)[1], Y), expected)


@pytest.mark.parametrize("device", ["cpu", *["cuda"] * torch.cuda.is_available()])
def test_tensors_on_every_device(device):
    codes, labels = on_device(VALUES, device), on_device(Y, device)
    assert same_bits(exact_information(codes, labels), exact_information(CODES, Y))
    assert same_bits(binned_information(codes, labels, 5), binned_information(VALUES, Y, 5))


@given(st.sampled_from([np.float16, np.float32, np.float64, np.longdouble]), st.integers(0, 2**32))
def test_floats_are_equal_where_their_bits_are_and_0_has_no_sign(dtype, seed):
    """Also neighbours, subnormal numbers and infinities; what is a few bits apart is another code."""
    generator = np.random.default_rng(seed)
    start = np.array([0, 1, -1, 1e-3], dtype)
    near = np.nextafter(start, dtype(np.inf))
    values = np.concatenate(
        [start, near, [dtype(np.inf), dtype(-np.inf), np.finfo(dtype).smallest_subnormal]]
    )
    codes = generator.choice(values, (100, 2))
    signed = np.where(generator.random(codes.shape) < 0.5, -codes, codes)
    signed = np.where(codes == 0, signed, codes)
    assert np.signbit(signed[codes == 0]).any() or not (codes == 0).any()
    labels = generator.integers(0, 3, 100)
    assert same_bits(exact_information(signed, labels), exact_information(codes, labels))
    numbers = np.unique(codes, return_inverse=True)[1].reshape(codes.shape)
    assert same_bits(exact_information(codes, labels), exact_information(numbers, labels))


@pytest.mark.parametrize("shape", [(1000,), (1000, 2), (1000, 1, 2, 1), (1000, 2, 1, 1), (1000, 1, 2)])
def test_inputs_first_and_whatever_a_layer_puts_out(shape):
    codes = CODES[:, 0] if len(shape) == 1 else CODES
    assert same_bits(exact_information(codes.reshape(shape), Y), exact_information(codes, Y))
    assert same_bits(
        binned_information(codes.reshape(shape) * 0.1, Y, 3), binned_information(codes * 0.1, Y, 3)
    )


def test_one_code_for_each_input_and_one_class_for_each():
    """So many classes that a table of codes by classes would take 40 GiB."""
    places = np.arange(100_000)
    found = exact_information(places // 2, places)
    assert (int(found.distinct), float(found.h_t)) == (50_000, float(found.i_ty))
    assert float(found.h_t) == pytest.approx(log2(50_000), abs=1e-11)
    few = exact_information(places % 7, places % 1000)
    many = exact_information(np.stack([places % 7] * 2)[:, :, None], places % 1000)
    assert same_bits(few, [values[1] for values in many])


@given(systems())
@settings(max_examples=30)
def test_few_and_many_classes_are_counted_alike(system):
    expected = exact_information(*system)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infoplane.information.arrays.MOST_COUNTERS", 0)
        assert same_bits(exact_information(*system), expected)


def with_one(value, array=VALUES):
    changed = np.array(array, dtype=float)
    changed.flat[7] = value
    return changed


REFUSED_CODES = {
    "too many": (CODES[:700], "(700, 2)", "(1000,)"),
    "a shape of neither kind": (np.zeros((3, 4, 5)), "(3, 4, 5)", "(1000,)"),
    "snapshots of images": (np.zeros((2, 1000, 1, 2, 2)), "(2, 1000, 1, 2, 2)", "(1000,)"),
    "inputs on two axes": (np.zeros((1000, 1000, 1)), "(1000, 1000, 1)", "two ways"),
    "no inputs": (CODES[:0], "(0, 2)", "(1000,)"),
    "no neurons": (CODES[:, :0], "(1000, 0)", "(1000,)"),
    "a number": (5, "()", "(1000,)"),
    "NaN": (with_one(np.nan), "1 of 2000 values are NaN", ""),
    "many NaN": (np.full((1000, 2), np.nan), "2000 of 2000 values are NaN", ""),
    "NaN of a tensor": (torch.full((1000, 2), torch.nan), "2000 of 2000 values are NaN", ""),
    "missing": ([[None, 1]] * 1000, "1000 of 2000 values are missing", ""),
    "missing in a table": (pd.DataFrame({"a": pd.array([1, None] * 500, dtype="Int64")}), "500 of 1000", ""),
    "masked": (np.ma.masked_equal(CODES, 2), f"{(CODES == 2).sum()} of 2000 values are masked", ""),
    "complex": (CODES * 1j, "complex128", ""),
    "text": (CODES.astype(str), "<U", ""),
    "dates": (CODES.astype("M8[s]"), "datetime64", ""),
    "fields": (np.zeros(1000, [("a", int)]), "'a'", ""),
    "ragged": ([[1, 2], [3]] * 500, "inhomogeneous", ""),
    "two types": ([[1, "a"]] * 1000, "1 would become '1'", ""),
    "too long for a float": ([[2**53 + 1, 0.5]] * 1000, "9007199254740993 would become", ""),
    "too long a number": ([[2**70, 1]] * 1000, "1180591620717411303424", ""),
    "a mapping": ({1: 2}, "{1: 2}", ""),
    "nothing": (None, "missing", ""),
    "no data": (torch.empty(1000, 2, device="meta"), "meta tensor", ""),
}
REFUSED_LABELS = {
    "half of them": (Y[:500], "(500,)", "(1000, 2)"),
    "one more": (np.append(Y, 1), "(1001,)", "(1000, 2)"),
    "one-hot": (np.eye(2)[Y], "(1000, 2)", "(N,) or (N, 1)"),
    "no labels": ([], "labels are empty", "(0,)"),
    "a number": (1, "()", ""),
    "not whole": (Y + 0.5, "labels hold ", ".5"),
    "infinite": (with_one(np.inf, Y), "labels hold inf", ""),
    "NaN": (with_one(np.nan, Y), "1 of 1000 values are NaN", ""),
    "missing": (["a", None] * 500, "500 of 1000 values are missing", ""),
    "two types": ([1, "a"] * 500, "1 would become '1'", ""),
    "complex": (Y * 1j, "complex128", ""),
    "dates": (Y.astype("M8[s]"), "datetime64", ""),
}


def test_no_inputs_at_all_are_called_empty():
    for function in (exact_information, binned_information):
        for nothing in ([], np.zeros((0, 3)), torch.zeros(0)):
            assert "empty" in line_of(lambda: function(nothing, []))  # noqa: B023


def line_of(call):
    with pytest.raises(UserError) as error:
        call()
    line = str(error.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("name", REFUSED_CODES)
def test_what_are_no_codes_is_one_line(name):
    codes, *words = REFUSED_CODES[name]
    for function in (exact_information, binned_information):
        line = line_of(lambda: function(codes, Y))  # noqa: B023
        assert all(word in line for word in words)


@pytest.mark.parametrize("name", REFUSED_LABELS)
def test_what_are_no_labels_is_one_line(name):
    labels, *words = REFUSED_LABELS[name]
    for function in (exact_information, binned_information):
        line = line_of(lambda: function(CODES, labels))  # noqa: B023
        assert all(word in line for word in words)


@pytest.mark.parametrize(
    "keys, line",
    [
        *(
            ({"bins": bins}, f"bins: {bins!r} is ")
            for bins in (0, 1, -3, 2.5, 30.0, True, "30", None, 65_537)
        ),
        ({"method": "quantile"}, "method: 'quantile' is unknown; use uniform or adaptive"),
        ({"method": None}, "method: None is unknown"),
        ({"range": "all"}, "range: 'all' is unknown; use global, layer, neuron, or a pair"),
        *(({"range": pair}, f"range: {pair!r} is ") for pair in ((1, 0), (0, 0), (0, np.inf), (0,), 3, None)),
        ({"range": (np.nan, 1)}, "range: (nan, 1) is refused"),
        ({"range": "layer", "method": "adaptive"}, "bins of equal mass take none"),
        ({"range": (0, 1), "method": "adaptive"}, "bins of equal mass take none"),
    ],
)
def test_bins_that_cannot_be_are_one_line(keys, line):
    assert line in line_of(lambda: binned_information(VALUES, Y, **keys))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinities_have_no_bins_over_a_range_of_their_own(value):
    """Over a range that is given they lie outside of it, and go to the end bins."""
    for keys in ({}, {"range": "layer"}, {"range": "neuron"}, {"method": "adaptive"}):
        line = line_of(lambda: binned_information(with_one(value), Y, **keys))  # noqa: B023
        assert "1 of 2000 values are infinite" in line
    found = binned_information(with_one(value), Y, range=(-1, 1))
    assert same_bits(found, binned_information(with_one(np.copysign(1e3, value)), Y, range=(-1, 1)))


def test_numbers_of_numpy_and_torch_say_bins_and_ranges():
    expected = binned_information(VALUES, Y, 7, (0.0, 1.0))
    assert same_bits(binned_information(VALUES, Y, np.int64(7), np.array([0, 1])), expected)
    assert same_bits(binned_information(VALUES, Y, np.uint8(7), torch.tensor([0.0, 1.0])), expected)
    assert same_bits(binned_information(VALUES, Y, 7, [0, 1]), expected)
