"""Whatever is in a config or in a data set, it is taken for what it says, or refused in one line.

`pytest tests/test_bad_input.py -m slow -s` sends 600 configs and 260 data sets through the command line, and
60 and 52 through processes of their own, and prints how many of the first were accepted and how many refused.
"""

import io
import json
import struct
import subprocess
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from math import isclose, isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infoplane.artifacts import canonical
from infoplane.checking import parse_spec
from infoplane.cli import main
from infoplane.config import EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.datasets import load_dataset, stratified_split
from infoplane.errors import UserError
from infoplane.study import load_study

CONFIG = {
    "results": "results/mine",
    "datasets": {"mine": {"kind": "npz", "path": "mine.npz", "scale": 0.5}, "mnist": {"fraction": 0.1}},
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "epochs": 100,
        "record_every": 5,
        "repetitions": 8,
        "chunk": 4,
        "learning_rate": "1e-3",
    },
    "experiments": {
        "one": {"bits": 8},
        "two": {"bits": {"weights": 8, "activations": 4}, "protocol": "controlled", "activation": "gelu"},
        "three": {
            "bits": "float32",
            "dataset": "mine",
            "network": [{"conv": 2, "kernel": 3}, {"pool": 2}, 16],
            "ranges": {"output": [-6, 6], "activations": "ema"},
        },
    },
    "estimators": {
        "exact": {"kind": "exact"},
        "uniform": {"kind": "uniform", "bins": 30, "range": [-1, 1], "experiments": ["one", "two"]},
    },
    "figures": {
        "plane": {
            "kind": "plane",
            "category": "main",
            "experiments": "all",
            "estimators": ["exact"],
            "i_xt": [0, 12.5],
        }
    },
}
Place = tuple[str | int, ...]


class Outcome(NamedTuple):
    status: int
    output: str
    errors: str


def in_process(*arguments: str) -> Outcome:
    """What the command line answers; a warning is one too many."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors), warnings.catch_warnings():
        warnings.simplefilter("error")
        status = main(arguments)
    return Outcome(status, output.getvalue(), errors.getvalue())


def by_a_process(*arguments: str) -> Outcome:
    ended = subprocess.run(
        [sys.executable, "-m", "infoplane.cli", *arguments], capture_output=True, text=True
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)


def is_one_line_that_names(text: str, place: str) -> bool:
    line = text.removesuffix("\n")
    remedy = ";" in line or " is not " in line
    return line.startswith("infoplane: ") and place in line and line.isprintable() and remedy


# Configs


def places(value, above: Place = ()) -> Iterator[Place]:
    """Every place below the top of nested mappings and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from places(inner, (*above, key))


def section(config, place: Place):
    for key in place[:-1]:
        config = config[key]
    return config


def renamed(mapping: dict, old: str, new) -> None:
    """Rename a key where it stands."""
    items = [(new if key == old else key, value) for key, value in mapping.items()]
    mapping.clear()
    mapping.update(items)


PLACES = sorted(places(CONFIG), key=str)
KEYS = [place for place in PLACES if isinstance(place[-1], str)]
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.floats(allow_nan=True)
    | st.sampled_from(["", "all", "1e-4", "ema", "float32", "main", "exact", "two"])
    | st.text(max_size=8)
)
junk = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
beyond = st.sampled_from(
    [
        *(0, -1, 1, 17, 2**31, 2**63, 2**64, 10**30, -(10**30), 0.0, -0.5, 1e39, -1e39, 1e-46, 1e308, 5e-324),
        *(float("nan"), float("inf"), "1e400", "1e-400", True, [0, 1e39], [1, 1], [2, 1], [0, float("nan")]),
    ]
)
hostile = st.sampled_from(
    [
        *(
            "..",
            "../x",
            "/etc/passwd",
            "a/b",
            "a\n",
            "a\nb",
            "-rf",
            "",
            "a" * 101,
            "a b",
            "{x}",
            "<logs>",
            "a\0b",
        ),
        *("$(x)", "`x`", "a;b", "~", ".", "é", "con:", "a\\b"),
    ]
)
odd = st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zs", "So", "Lo", "Mn"]), min_size=1, max_size=4)


def mutated(draw, change) -> bytes:
    config = deepcopy(CONFIG)
    change(draw, config)
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=draw(st.booleans())).encode()


def drop(draw, config) -> None:
    place = draw(st.sampled_from(PLACES))
    del section(config, place)[place[-1]]


def misspell(draw, config) -> None:
    place = draw(st.sampled_from(KEYS))
    name = place[-1]
    at = draw(st.integers(0, len(name) - 1))
    letter = draw(st.sampled_from("aexyz-_ ."))
    new = draw(st.sampled_from([name[:at] + name[at + 1 :], name[:at] + letter + name[at:], name.upper()]))
    renamed(section(config, place), name, new)


def set_to(values):
    def change(draw, config) -> None:
        place = draw(st.sampled_from(PLACES))
        section(config, place)[place[-1]] = draw(values)

    return change


def add_junk(draw, config) -> None:
    inside = draw(
        st.sampled_from([place for place in PLACES if isinstance(section(config, (*place, 0)), dict)])
    )
    section(config, (*inside, 0))[draw(st.text(max_size=8) | st.integers() | st.none())] = draw(junk)


def name_like_a_path(draw, config) -> None:
    sections = [place for place in KEYS if len(place) == 2 and place[0] != "defaults"]
    fields = [("defaults", "dataset"), ("datasets", "mine", "path"), ("results",)]
    place = draw(st.sampled_from([*sections, *fields]))
    if place in sections:
        renamed(section(config, place), place[-1], draw(hostile))
    else:
        section(config, place)[place[-1]] = draw(hostile)


def write_oddly(draw, config) -> None:
    place = draw(st.sampled_from(KEYS))
    if draw(st.booleans()):
        renamed(section(config, place), place[-1], place[-1] + draw(odd))
    else:
        section(config, place)[place[-1]] = draw(odd)


def break_yaml(draw, config) -> bytes:
    text = yaml.safe_dump(config, sort_keys=False)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.sampled_from([0, 0, 1, 3, len(text)]))
        text = text[:at] + draw(st.sampled_from([*"[]{}:,'\"&*!|>%@`#?-\t\n", "  ", ""])) + text[at + cut :]
    return text.encode()


def say_twice(draw, config) -> bytes:
    lines = yaml.safe_dump(config, sort_keys=False).splitlines()
    line = draw(st.sampled_from([line for line in lines if ":" in line and "-" not in line.split(":")[0]]))
    at = lines.index(line)
    indent = len(line) - len(line.lstrip())
    again = line if not line.endswith(":") else f"{line} {{}}"
    after = next(
        (n for n in range(at + 1, len(lines)) if len(lines[n]) - len(lines[n].lstrip("- ")) <= indent),
        len(lines),
    )
    return "\n".join([*lines[:after], again, *lines[after:]]).encode()


def refer(draw, config) -> bytes:
    """Aliases to aliases, to what they stand in, to nothing; merges of them, and harmless ones."""
    plain = yaml.safe_dump(config, sort_keys=False)
    levels, width = draw(st.integers(2, 9)), draw(st.integers(2, 9))
    merge = draw(st.booleans())
    lines = ["a0: &a0 {k: v}" if merge else "a0: &a0 [x, x]"]
    for level in range(levels):
        aliases = ", ".join([f"*a{level}"] * width)
        lines.append(f"a{level + 1}: &a{level + 1} " + (f"{{<<: [{aliases}]}}" if merge else f"[{aliases}]"))
    bomb = "\n".join(lines)
    others = ["results: &a [*a]", "defaults: &a {<<: *a}", "results: *nothing", "<<: [3]", "<<: &a {b: *a}"]
    shared = plain.replace("  two:", "  two: &two").replace("three:\n", "three:\n    <<: *two\n")
    return draw(
        st.sampled_from([f"{plain}{bomb}\n", f"{bomb}\nresults: *a{levels}\n", shared, *others])
    ).encode()


def tag(draw, config) -> bytes:
    text = yaml.safe_dump(config, sort_keys=False)
    tags = [
        "!!python/object/apply:os.system [ls]",
        "!!python/name:os.system",
        "!!binary aGk=",
        "!!set {a, b}",
    ]
    tags += ["!!omap [a: 1]", "!mine x", "!!int x", "!!int ''", "!!bool x", "!!float ''", "2020-99-99", "0x_"]
    tags += ["9" * 5000, "0x" + "f" * 5000, ".9e" + "9" * 200, "1:30.5:2", "2020-01-01T99:00:00Z", "="]
    key = draw(st.sampled_from([b"results", b"epochs", b"chunk", b"category"]))
    raw = text.encode().replace(key + b": ", key + b": " + draw(st.sampled_from(tags)).encode() + b" #")
    ends = [
        b"\xff\xfe\xfa",
        b"\x00",
        b"\n---\na: 1",
        b"\n...\nrest",
        text.encode("utf-16"),
        "\ufeff".encode(),
    ]
    return draw(st.sampled_from([raw] * 4 + [text.encode() + end for end in ends] + [text.encode("utf-16")]))


CONFIGS = {
    "a key dropped": lambda draw: mutated(draw, drop),
    "a key misspelt": lambda draw: mutated(draw, misspell),
    "a value of another type": lambda draw: mutated(draw, set_to(scalars)),
    "a number out of range": lambda draw: mutated(draw, set_to(beyond)),
    "nested junk in place of a value": lambda draw: mutated(draw, set_to(junk)),
    "nested junk beside the keys": lambda draw: mutated(draw, add_junk),
    "paths and commands as names": lambda draw: mutated(draw, name_like_a_path),
    "control characters and other scripts": lambda draw: mutated(draw, write_oddly),
    "broken YAML": lambda draw: break_yaml(draw, CONFIG),
    "a key said twice": lambda draw: say_twice(draw, CONFIG),
    "aliases, also as bombs": lambda draw: refer(draw, CONFIG),
    "tags, objects, other encodings": lambda draw: tag(draw, CONFIG),
}
TALLY: Counter[tuple[str, str, bool]] = Counter()


@pytest.fixture(scope="module", autouse=True)
def report():
    """Say at the end how many inputs of each kind were accepted and refused; seen with `-s`."""
    yield
    for subject in ("config", "data set"):
        for kind in dict.fromkeys(kind for about, kind, _ in TALLY if about == subject):
            accepted, refused = (TALLY[subject, kind, answer] for answer in (True, False))
            print(
                f"\n{subject}: {kind}: {accepted + refused}, accepted {accepted}, refused {refused}", end=""
            )


def matches(written, taken) -> bool:
    """Whether what was taken is what was written, be it by a width for both or a number as text."""
    if isinstance(taken, dict):
        if type(written) is int:
            return taken == {"weights": written, "activations": written} or taken == {"dense": written}
        return isinstance(written, dict) and all(matches(written[key], taken[key]) for key in written)
    if isinstance(taken, list | tuple):
        return isinstance(written, list) and len(written) == len(taken) and all(map(matches, written, taken))
    if isinstance(taken, float):
        return not isinstance(written, bool) and isfinite(taken) and isclose(float(written), taken)
    return type(written) is type(taken) and written == taken


def holds_what_was_written(path: Path) -> bool:
    """Whether a config that was accepted is what an independent reader takes it for."""
    written, study = yaml.safe_load(path.read_bytes()), load_study(path)
    everything = sorted(written["experiments"])
    for name, own in written["experiments"].items():
        taken = study.experiments[name]
        assert matches((written.get("defaults") or {}) | (own or {}), taken.model_dump())
        assert parse_spec(TrainingSpec, taken.spec.model_dump_json()) == taken.spec
        assert taken.dataset in study.datasets
    for section, taken in (("estimators", study.estimators), ("figures", study.figures)):
        for name, own in (written.get(section) or {}).items():
            own = {"experiments": "all", **own} if section == "estimators" else own
            own = own | {"experiments": everything} if own["experiments"] == "all" else own
            assert matches(own, taken[name].model_dump())
    assert canonical([each.model_dump(mode="json") for each in study.figures.values()])
    return study.results == written.get("results", "results")


def answer_to_config(ask, folder: Path, content: bytes) -> bool:
    path = folder / "mine.yaml"
    path.write_bytes(content)
    status, output, errors = ask("check", str(path))
    if status:
        assert (status, output) == (1, "") and is_one_line_that_names(errors, str(path))
    else:
        assert errors == "" and output.startswith(f"{path}: ") and holds_what_was_written(path)
    assert [each.name for each in folder.iterdir()] == ["mine.yaml"]
    return not status


many = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("kind", CONFIGS)
@settings(many, max_examples=12)
@given(data=st.data())
def test_some_configs(kind, tmp_path, data):
    answer_to_config(in_process, tmp_path, CONFIGS[kind](data.draw))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFIGS)
@settings(many, max_examples=50)
@given(data=st.data())
def test_configs(kind, tmp_path, data):
    content = CONFIGS[kind](data.draw)
    TALLY["config", kind, answer_to_config(in_process, tmp_path, content)] += 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFIGS)
@settings(many, max_examples=5)
@given(data=st.data())
def test_configs_by_a_process(kind, tmp_path, data):
    answer_to_config(by_a_process, tmp_path, CONFIGS[kind](data.draw))


@pytest.mark.parametrize(
    "content",
    [b"a: 1\na: 2", b"a: &a [*a]", b"a: \xff", b"a: " + b"[" * 600],
)
def test_some_configs_by_a_process(tmp_path, content):
    assert not answer_to_config(by_a_process, tmp_path, content)


def refusal(tmp_path, content: str) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        load_study(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_key_said_twice_is_refused_where_it_stands(tmp_path):
    assert refusal(tmp_path, "a:\n  b: 1\n  b: 2") == "line 2: 'b' stands twice in one mapping; remove one"
    assert refusal(tmp_path, "a: {<<: {}, <<: {}}").startswith("line 1: '<<' stands twice")


def test_a_merged_key_may_be_overridden(tmp_path):
    path = tmp_path / "mine.yaml"
    text = yaml.safe_dump(CONFIG, sort_keys=False).replace("  two:", "  two: &two")
    path.write_text(text.replace("three:\n", "three:\n    <<: *two\n"))
    assert load_study(path).experiments["three"].protocol == "controlled"
    assert load_study(path).experiments["three"].bits == "float32"


@pytest.mark.parametrize("start", ["a0: &a0 [x, x]", "a0: &a0 {k: v}"])
def test_aliases_to_aliases_are_bounded(tmp_path, start):
    levels = [
        f"a{n + 1}: &a{n + 1} " + ("{<<: [%s]}" if "{" in start else "[%s]") % ", ".join([f"*a{n}"] * 9)
        for n in range(60)
    ]
    assert "more than 100000 values; " in refusal(tmp_path, "\n".join([start, *levels]))


def test_long_values_are_shown_in_part(tmp_path):
    for text in ("results: [" + "x, " * 50_000 + "]", "a" * 1000 + ": 1", "x: 0x" + "f" * 10_000):
        assert len(refusal(tmp_path, text)) < 500


@pytest.mark.parametrize("model", [TrainingSpec, EstimatorSpec, FigureSpec])
@settings(many, max_examples=50)
@given(text=st.text(max_size=20) | junk.map(json.dumps))
def test_specs(model, text):
    with pytest.raises(UserError) as caught:
        parse_spec(model, text)
    assert str(caught.value).startswith("--spec: ") and ";" in str(caught.value)


@pytest.mark.parametrize("text", ['{"kind": "exact", "kind": "exact"}', "[" * 100_000, "9" * 5000])
def test_specs_that_python_stumbles_over(text):
    with pytest.raises(UserError, match=r"^--spec: .*; "):
        parse_spec(EstimatorSpec, text)


@pytest.mark.parametrize("text", ["0-2147483648", "0-" + "9" * 5000, "9" * 5000 + "-3"])
def test_repetitions_beyond_their_type_are_refused(text):
    files = ["--dataset", "d", "--trajectory", "t", "--history", "h"]
    status, _, errors = in_process("training", "--spec", "{}", "--repetitions", text, *files)
    assert status == 1 and len(errors) < 500 and is_one_line_that_names(errors, "--repetitions")


# Data sets

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
    "inputs again and again": again,
    "headers that lie": other_header,
    "damaged arrays in a whole archive": header_damaged,
    "damaged archives": zip_damaged,
    "no archives, also pickles": no_npz,
    "members that are there twice, or are no arrays": other_members,
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
@settings(many, max_examples=6)
@given(data=st.data())
def test_some_data_sets(kind, tmp_path, data):
    answer_to_data(in_process, tmp_path, DATA[kind](data.draw))


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATA)
@settings(many, max_examples=20)
@given(data=st.data())
def test_data_sets(kind, tmp_path, data):
    content = DATA[kind](data.draw)
    TALLY["data set", kind, answer_to_data(in_process, tmp_path, content)] += 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATA)
@settings(many, max_examples=4)
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
