"""Whatever is in a config, it is taken for what it says, or refused in one line.

`pytest tests/config/test_validation.py -m slow -s` sends 600 configs through the command line, and 60 through
processes of their own, and prints how many of the first were accepted and how many refused.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from math import isclose, isfinite
from pathlib import Path

import numpy as np
import pytest
import yaml
from answers import MANY, by_a_process, in_process, is_one_line_that_names
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import small_images

from infoplane.config import EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.config.study import load_config
from infoplane.config.validation import parse_spec
from infoplane.digests import canonical
from infoplane.errors import UserError

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
        "one": {"bits": 8, "ranges": {"output": [-6, 6], "activations": "ema"}},
        "two": {"bits": {"weights": 8, "activations": 4}, "protocol": "controlled", "activation": "gelu"},
        "three": {
            "bits": "float32",
            "dataset": "mine",
            "network": [{"conv": 2, "kernel": 3}, {"pool": 2}, 16],
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


@pytest.fixture(autouse=True)
def own_data(tmp_path_factory, monkeypatch):
    """The file that the config names: without it, every config would be refused."""
    folder = tmp_path_factory.mktemp("data")
    images = small_images((9, 8))
    np.savez(folder / "mine.npz", inputs=images.inputs, labels=images.labels, allow_pickle=False)
    monkeypatch.chdir(folder)


def test_the_config_itself_is_accepted(tmp_path):
    assert answer_to_config(in_process, tmp_path, yaml.safe_dump(CONFIG).encode())


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
    "a key given twice": lambda draw: say_twice(draw, CONFIG),
    "aliases, also as bombs": lambda draw: refer(draw, CONFIG),
    "tags, objects, other encodings": lambda draw: tag(draw, CONFIG),
}


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
    written, study = yaml.safe_load(path.read_bytes()), load_config(path)
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


@pytest.mark.parametrize("kind", CONFIGS)
@settings(MANY, max_examples=12)
@given(data=st.data())
def test_some_configs(kind, tmp_path, data):
    answer_to_config(in_process, tmp_path, CONFIGS[kind](data.draw))


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFIGS)
@settings(MANY, max_examples=50)
@given(data=st.data())
def test_configs(kind, tmp_path, tally, data):
    content = CONFIGS[kind](data.draw)
    tally[kind, answer_to_config(in_process, tmp_path, content)] += 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", CONFIGS)
@settings(MANY, max_examples=5)
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
        load_config(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_key_said_twice_is_refused_where_it_stands(tmp_path):
    assert refusal(tmp_path, "a:\n  b: 1\n  b: 2") == "line 2: 'b' occurs twice in one mapping; remove one"
    assert refusal(tmp_path, "a: {<<: {}, <<: {}}").startswith("line 1: '<<' occurs twice")


def test_a_merged_key_may_be_overridden(tmp_path):
    path = tmp_path / "mine.yaml"
    text = yaml.safe_dump(CONFIG, sort_keys=False).replace("  two:", "  two: &two")
    path.write_text(text.replace("three:\n", "three:\n    <<: *two\n"))
    assert load_config(path).experiments["three"].protocol == "controlled"
    assert load_config(path).experiments["three"].bits == "float32"


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
@settings(MANY, max_examples=50)
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
