"""Whatever is in a data set, it is taken for what it says, or refused in one line.

`pytest tests/datasets/test_stage.py -m slow -s` sends 260 data sets through the command line, and 52 through
processes of their own, and prints how many of the first were accepted and how many refused.
"""

import io
import json
import struct
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from answers import MANY, by_a_process, in_process, is_one_line_that_names
from hypothesis import given, settings
from hypothesis import strategies as st

from infoplane.datasets import load_dataset, stratified_split

INPUTS = np.arange(12.0).reshape(6, 2)
LABELS = np.array([0, 1, 2, 0, 1, 2])
MASK = np.array([True, True, True, False, False, False])
ARRAYS = {"inputs": INPUTS, "labels": LABELS, "train_mask": MASK}


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def zipped(members: list[tuple[str, bytes]], method: int) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # it warns of names that are there twice
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def damaged(draw, content: bytes, end: int | None = None) -> bytes:
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 5))):
        content[draw(st.integers(0, (end or len(content)) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


def with_values(name: str, values):
    """Put values into an array where they fit."""

    def change(draw) -> bytes:
        array = ARRAYS[name].copy()
        array = array.astype(draw(st.sampled_from(["f2", "f4", "f8", "f16"]))) if name == "inputs" else array
        for _ in range(draw(st.integers(1, 3))):
            array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(values))
        return npz(**ARRAYS | {name: array})

    return change


def other_shape(draw) -> bytes:
    name = draw(st.sampled_from(list(ARRAYS)))
    shape = draw(st.lists(st.integers(0, 7), max_size=4))
    return npz(**ARRAYS | {name: np.resize(ARRAYS[name], shape)})


def other_type(draw) -> bytes:
    name = draw(st.sampled_from(list(ARRAYS)))
    types = ["U3", "S3", "c16", "M8[s]", "m8[s]", "V4", "?", "u1", "i8", "f4", ">f8", ">i4", [("a", "f8")]]
    return npz(**ARRAYS | {name: ARRAYS[name].astype("i8").astype(draw(st.sampled_from(types)))})


def objects(draw) -> bytes:
    name = draw(st.sampled_from(list(ARRAYS)))
    array = np.empty(len(LABELS), object)
    array[:] = [draw(st.sampled_from([1, None, "x", 10**400, [1, 2], {"a": 1}])) for _ in LABELS]
    return npz(**ARRAYS | {name: draw(st.sampled_from([array, ARRAYS[name].astype(object)]))})


def keys_missing(draw) -> bytes:
    kept = draw(st.lists(st.sampled_from(list(ARRAYS)), unique=True, max_size=2))
    others = draw(st.sampled_from(["Inputs", "x", "y", "arr_0", "label"]))
    return npz(**{name: ARRAYS[name] for name in kept}, **{others: INPUTS})


def huge(draw) -> bytes:
    numbers = [2**16, 2**31, 2**63 - 1, -(2**63), 2**64 - 1]
    number = draw(st.sampled_from(numbers))
    name = draw(st.sampled_from(["inputs", "labels"]))
    array = ARRAYS[name].astype("u8" if number >= 2**63 else "i8")
    array.flat[draw(st.integers(0, array.size - 1))] = number
    return npz(**ARRAYS | {name: array})


def again(draw) -> bytes:
    chosen = draw(st.lists(st.integers(0, 5), min_size=2, max_size=12))
    return npz(inputs=INPUTS[chosen], labels=draw(st.sampled_from([LABELS, LABELS % 2, LABELS * 0]))[chosen])


def other_header(draw) -> bytes:
    shapes = [
        "(1000000000000, 2)",
        "(-6, 2)",
        "(6, -2)",
        "(99999999999999999999, 1)",
        "(4294967296, 4294967296)",
    ]
    shapes += [
        "(True, 2)",
        "(6L, 2L)",
        "(1if 2else 3, 2)",
        "'x'",
        "(6.0, 2)",
        "()",
        "(12,)",
        "(3, 4)",
        "(6, 2), 1",
    ]
    types = ["<f8", "<f8", "|O", "<f-8", "|V2147483647", "|S0", "<U9", "(3,)<f8", "(" * 40, "<M8[s]", "bool"]
    header = f"{{'descr': '{draw(st.sampled_from(types))}', 'fortran_order': False, "
    header += f"'shape': {draw(st.sampled_from(shapes))}, }}\n"
    header = draw(
        st.sampled_from([header] * 5 + ["-" * 9990 + "1", "(" * 9000, " " * 20_000, "  {\n x: L\n y"])
    )
    magic = b"\x93NUMPY" + bytes([draw(st.sampled_from([1, 1, 1, 2, 9])), 0])
    content = magic + struct.pack("<H", len(header)) + header.encode("latin1") + INPUTS.tobytes()
    return zipped([("inputs.npy", content), ("labels.npy", npy(LABELS))], zipfile.ZIP_DEFLATED)


def header_damaged(draw) -> bytes:
    members = [(f"{name}.npy", npy(array)) for name, array in ARRAYS.items()]
    at = draw(st.integers(0, 2))
    members[at] = members[at][0], damaged(draw, members[at][1], end=128)
    return zipped(members, draw(st.sampled_from([0, 8, 12, 14])))


def zip_damaged(draw) -> bytes:
    members = [(f"{name}.npy", npy(array)) for name, array in ARRAYS.items()]
    content = damaged(draw, zipped(members, draw(st.sampled_from([0, 8, 12, 14]))))
    return content[: draw(st.sampled_from([len(content)] * 3 + [0, 10, len(content) - 1, len(content) // 2]))]


def no_npz(draw) -> bytes:
    import pickle

    others = [b"", b"text", npy(INPUTS), npy(INPUTS.astype(object)), pickle.dumps(ARRAYS), bytes(100)]
    return draw(st.sampled_from(others) | st.binary(max_size=60))


def other_members(draw) -> bytes:
    members = [(f"{name}.npy", npy(array)) for name, array in ARRAYS.items()]
    names = [
        "inputs.npy",
        "inputs",
        "labels.npy",
        "../labels.npy",
        "/labels.npy",
        "x/inputs.npy",
        "train_mask",
        "..npy",
    ]
    contents = [npy(INPUTS), npy(LABELS), b"", b"cos\nsystem\n(S'ls'\ntR.", b"x" * 50]
    extra = draw(st.sampled_from(names)), draw(st.sampled_from(contents))
    return zipped(draw(st.permutations([*members, extra])), zipfile.ZIP_DEFLATED)


DATA = {
    "NaN and infinity": with_values("inputs", [np.nan, np.inf, -np.inf]),
    "labels with gaps, negative or of one class": with_values("labels", [-1, 3, 5, -(2**63), 2**63 - 1, 0]),
    "other shapes, also empty": other_shape,
    "text, dates, complex and other numbers": other_type,
    "objects": objects,
    "arrays missing or misnamed": keys_missing,
    "huge integers": huge,
    "repeated inputs": again,
    "false headers": other_header,
    "damaged arrays in a whole archive": header_damaged,
    "damaged archives": zip_damaged,
    "files that are no archives, also pickles": no_npz,
    "members that occur twice, or are no arrays": other_members,
}


def is_what_was_saved(path: Path, made: Path) -> bool:
    """Whether a data set that was accepted is sound, and holds what numpy finds in the user's file."""
    dataset = load_dataset(made)
    with warnings.catch_warnings(), np.load(path, allow_pickle=False) as file:
        warnings.simplefilter("ignore")
        arrays = {name: file[name] for name in ARRAYS if name in file}
    count = len(dataset.labels)
    assert dataset.inputs.dtype in (np.uint8, np.uint16, np.float32) and np.isfinite(dataset.inputs).all()
    assert dataset.inputs.shape == arrays["inputs"].shape and len(dataset.inputs) == count >= 2
    np.testing.assert_array_equal(dataset.inputs.astype(np.float32), arrays["inputs"].astype(np.float32))
    np.testing.assert_array_equal(dataset.labels, arrays["labels"])
    assert set(dataset.labels.tolist()) == set(range(dataset.classes)) and dataset.classes >= 2
    expected = arrays["train_mask"] if "train_mask" in arrays else stratified_split(dataset.labels)
    np.testing.assert_array_equal(dataset.train_mask, expected)
    return 0 < dataset.train_mask.sum() < count


def answer_to_data(ask, folder: Path, content: bytes) -> bool:
    path, made = folder / "mine.npz", folder / "made.npz"
    path.write_bytes(content)
    made.unlink(missing_ok=True)
    spec = {"name": "mine", "kind": "npz", "path": str(path)}
    status, output, errors = ask("datasets", "--spec", json.dumps(spec), "--output", str(made))
    if status:
        assert (status, output) == (1, "") and is_one_line_that_names(errors, str(path))
    else:
        assert errors == "" and is_what_was_saved(path, made)
    assert {each.name for each in folder.iterdir()} == {"mine.npz"} | ({"made.npz"} if not status else set())
    return not status


@pytest.mark.parametrize("kind", DATA)
@settings(MANY, max_examples=6)
@given(data=st.data())
def test_some_data_sets(kind, tmp_path, data):
    answer_to_data(in_process, tmp_path, DATA[kind](data.draw))


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATA)
@settings(MANY, max_examples=20)
@given(data=st.data())
def test_data_sets(kind, tmp_path, tally, data):
    content = DATA[kind](data.draw)
    tally[kind, answer_to_data(in_process, tmp_path, content)] += 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATA)
@settings(MANY, max_examples=4)
@given(data=st.data())
def test_data_sets_by_a_process(kind, tmp_path, data):
    answer_to_data(by_a_process, tmp_path, DATA[kind](data.draw))


@pytest.mark.parametrize(
    "content",
    [
        npz(inputs=INPUTS - np.inf, labels=LABELS),
        npz(inputs=INPUTS.astype(object), labels=LABELS),
        npz(inputs=INPUTS, labels=LABELS)[:-30],
    ],
    ids=["infinity", "objects", "truncated"],
)
def test_some_data_sets_by_a_process(tmp_path, content):
    assert not answer_to_data(by_a_process, tmp_path, content)


@pytest.mark.parametrize("inputs, scale", [(INPUTS, 1e300), (INPUTS, 1e-39), (INPUTS * 1e30, 1e9)])
def test_a_scale_that_float32_cannot_follow_is_refused(tmp_path, inputs, scale):
    path = tmp_path / "mine.npz"
    np.savez(path, inputs=inputs, labels=LABELS)
    spec = {"name": "mine", "kind": "npz", "path": str(path), "scale": scale}
    status, _, errors = in_process(
        "datasets", "--spec", json.dumps(spec), "--output", str(tmp_path / "made.npz")
    )
    assert status == 1 and is_one_line_that_names(errors, "datasets.mine.scale")
