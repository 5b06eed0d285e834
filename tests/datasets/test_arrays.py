"""One's own arrays are taken as they are, or refused by one line that says what to change."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from infoplane import UserError, load_dataset
from infoplane.config import DatasetSpec
from infoplane.datasets import run, stratified_split

INPUTS = np.arange(12.0).reshape(6, 2)
LABELS = np.array([0, 1, 2, 0, 1, 2])
MASK = np.array([True, True, True, False, False, False])


def made(path, **keys):
    output = path.with_name("made.npz")
    run(DatasetSpec(name="mine", kind="npz", path=str(path), **keys), output)
    return load_dataset(output)


def from_arrays(folder, **arrays):
    path = folder / "mine.npz"
    np.savez(path, **arrays)
    return made(path)


@st.composite
def data(draw):
    numbers = [
        np.bool_,
        *(f"{order}{kind}" for order in "<>" for kind in ("u2", "i4", "u8", "f2", "f4", "f8")),
    ]
    dtype = np.dtype(draw(st.sampled_from(numbers)))
    shape = draw(array_shapes(min_dims=2, max_dims=4, max_side=6).filter(lambda shape: shape[0] > 1))
    elements = {
        "b": st.booleans(),
        "u": st.integers(0, 2**16 - 1),
        "i": st.integers(-9, 9),
        "f": st.floats(width=16, allow_nan=False, allow_infinity=False),
    }
    inputs = draw(arrays(dtype, shape, elements=elements[dtype.kind]))
    order = draw(st.permutations(range(shape[0])))
    labels = np.arange(shape[0])[list(order)] % draw(st.integers(2, shape[0]))
    mask = draw(arrays(np.bool_, shape[0]).filter(lambda mask: mask.any() and not mask.all()) | st.none())
    trained = labels[stratified_split(labels) if mask is None else mask]
    assume(len(set(trained.tolist())) > 1)
    assume(len(shape) < 4 or not min(shape[1:3]) > shape[3])  # which looks like channels last
    return inputs, labels, mask


@settings(max_examples=40)
@given(data(), st.sampled_from(["C", "F"]), st.floats(1e-3, 1e3))
def test_round_trip(tmp_path_factory, given_data, order, scale):
    inputs, labels, mask = given_data
    path = tmp_path_factory.mktemp("own") / "mine.npz"
    masks = {} if mask is None else {"train_mask": mask}
    np.savez_compressed(path, inputs=np.asarray(inputs, order=order), labels=labels, others=LABELS, **masks)
    dataset = made(path, scale=scale)
    np.testing.assert_array_equal(dataset.inputs, inputs)
    np.testing.assert_array_equal(dataset.labels, labels)
    np.testing.assert_array_equal(dataset.train_mask, stratified_split(labels) if mask is None else mask)
    assert dataset.inputs.dtype in (np.uint8, np.uint16, np.float32) and dataset.inputs.flags.c_contiguous
    assert (dataset.name, dataset.scale, dataset.labels.dtype) == ("mine", scale, np.int64)


@pytest.mark.parametrize(
    "inputs, dtype",
    [
        ([[False], [True]], np.uint8),
        ([[0], [255]], np.uint8),
        ([[0], [256]], np.uint16),
        ([[0], [65535]], np.uint16),
        ([[0], [65536]], np.float32),
        ([[-1], [1]], np.float32),
        ([[0.0], [1.0]], np.float32),
    ],
)
def test_types_of_inputs(tmp_path, inputs, dtype):
    inputs = np.tile(inputs, (3, 1))
    dataset = from_arrays(tmp_path, inputs=inputs, labels=[0, 1, 0, 1, 0, 1])
    assert dataset.inputs.dtype == dtype
    np.testing.assert_array_equal(dataset.inputs, inputs)


def test_equal_inputs_are_accepted(tmp_path):
    dataset = from_arrays(tmp_path, inputs=np.zeros((6, 2)), labels=LABELS)
    assert len(dataset.inputs) == 6


def test_scale_and_fraction_are_part_of_the_description(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, inputs=INPUTS, labels=LABELS % 2, train_mask=MASK)
    plain, scaled, part = made(path), made(path, scale=0.5), made(path, fraction=0.99)
    assert plain.scale == 1
    assert len({each.description["digest"] for each in (plain, scaled, part)}) == 3


@pytest.mark.parametrize("keys", [{"scaling": "feature"}, {"channels": "first"}])
def test_settings_of_the_config_reach_the_data_set(tmp_path, keys):
    np.savez(tmp_path / "mine.npz", inputs=np.zeros((6, 5, 5, 3)), labels=LABELS)
    if "channels" not in keys:
        np.savez(tmp_path / "mine.npz", inputs=INPUTS, labels=LABELS)
    dataset = made(tmp_path / "mine.npz", **keys)
    assert {name: getattr(dataset, name) for name in keys} == keys


def test_images_with_channels_last_are_refused_with_the_file(tmp_path):
    for shape in [(5, 5, 3), (28, 28, 1), (32, 32, 4)]:
        with pytest.raises(UserError, match=r"mine\.npz: inputs have the shape .* \(N, rows, columns, chann"):
            from_arrays(tmp_path, inputs=np.zeros((6, *shape)), labels=LABELS)


REFUSED = {
    "no inputs": ({"labels": LABELS}, "inputs missing"),
    "no labels": ({"inputs": INPUTS}, "labels missing"),
    "objects": ({"inputs": INPUTS.astype(object), "labels": LABELS}, "inputs cannot be read"),
    "objects as labels": ({"inputs": INPUTS, "labels": LABELS.astype(object)}, "labels cannot be read"),
    "text": ({"inputs": INPUTS.astype(str), "labels": LABELS}, "inputs are <U"),
    "complex": ({"inputs": INPUTS * 1j, "labels": LABELS}, "inputs are complex128"),
    "dates": ({"inputs": INPUTS.astype("M8[s]"), "labels": LABELS}, "inputs are datetime64"),
    "NaN": ({"inputs": np.where(INPUTS == 3, np.nan, INPUTS), "labels": LABELS}, "inputs hold NaN"),
    "infinity": ({"inputs": np.where(INPUTS == 3, -np.inf, INPUTS), "labels": LABELS}, "inputs hold NaN"),
    "beyond float32": ({"inputs": INPUTS * 1e38, "labels": LABELS}, "inputs exceed the range of float32"),
    "one axis": ({"inputs": INPUTS[:, 0], "labels": LABELS}, "inputs have the shape (6,)"),
    "empty": ({"inputs": INPUTS[:0], "labels": LABELS[:0]}, "inputs are empty"),
    "no features": ({"inputs": INPUTS[:, :0], "labels": LABELS}, "inputs are empty"),
    "fewer labels": ({"inputs": INPUTS, "labels": LABELS[1:]}, "labels have the shape (5,), expected (6,)"),
    "labels in a column": ({"inputs": INPUTS, "labels": LABELS[:, None]}, "labels have the shape (6, 1)"),
    "float labels": ({"inputs": INPUTS, "labels": LABELS * 1.0}, "labels are float64, not integers"),
    "a gap": ({"inputs": INPUTS, "labels": LABELS * 2}, "labels take 3 values from 0 to 4"),
    "labels from 1": ({"inputs": INPUTS, "labels": LABELS + 1}, "labels take 3 values from 1 to 3"),
    "negative labels": ({"inputs": INPUTS, "labels": LABELS - 1}, "labels take 3 values from -1 to 1"),
    "one class": ({"inputs": INPUTS, "labels": LABELS * 0}, "labels are all 0"),
    "mask of numbers": ({"inputs": INPUTS, "labels": LABELS, "train_mask": MASK * 1}, "train_mask is int64"),
    "short mask": ({"inputs": INPUTS, "labels": LABELS, "train_mask": MASK[1:]}, "train_mask is bool of the"),
    "all trained": ({"inputs": INPUTS, "labels": LABELS, "train_mask": MASK | True}, "train_mask is True"),
    "one class trained": (
        {"inputs": INPUTS, "labels": LABELS % 2, "train_mask": LABELS == 0},
        "labels of all training inputs are 0",
    ),
    "none trained": ({"inputs": INPUTS, "labels": LABELS, "train_mask": MASK & False}, "train_mask is False"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_arrays(tmp_path, name):
    arrays, words = REFUSED[name]
    with pytest.raises(UserError) as error:
        from_arrays(tmp_path, **arrays)
    line = str(error.value)
    assert line.startswith(f"{tmp_path / 'mine.npz'}: {words}") and "\n" not in line and ";" in line
    assert not (tmp_path / "made.npz").exists()


def test_refused_files(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, inputs=INPUTS, labels=LABELS)
    whole = path.read_bytes()
    np.save(tmp_path / "array.npy", INPUTS)
    np.save(tmp_path / "pickle.npy", INPUTS.astype(object))
    damaged = bytearray(whole)
    damaged[60:90] = bytes(30)
    for content in (
        b"",
        b"text",
        whole[:-1],
        whole[: len(whole) // 2],
        (tmp_path / "array.npy").read_bytes(),
        (tmp_path / "pickle.npy").read_bytes(),
        bytes(damaged),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError) as error:
            made(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)
    for other in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(UserError, match=str(other)):
            made(other)


def test_a_bare_array_is_no_data_set(tmp_path):
    np.save(tmp_path / "array.npy", INPUTS)
    with pytest.raises(UserError, match=r"array\.npy"):
        load_dataset(tmp_path / "array.npy")


@pytest.mark.parametrize(("name", "right"), [("trainmask", "train_mask"), ("label", "labels")])
def test_an_array_with_nearly_the_right_name_is_refused(tmp_path, name, right):
    inputs, labels = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    path = tmp_path / "mine.npz"
    np.savez(path, inputs=inputs, labels=labels, allow_pickle=False, **{name: labels == 0})
    with pytest.raises(UserError, match=f"has an array {name}; call it {right}, or remove it"):
        load_dataset(path)
    np.savez(path, inputs=inputs, labels=labels, allow_pickle=False, notes=np.array("from the lab"))
    assert len(load_dataset(path).labels) == 10
