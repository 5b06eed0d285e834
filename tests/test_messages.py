"""What messages look like, all of them: as they are written in the source, and as they are put together."""

import ast
import re
from pathlib import Path

import pytest

import infoplane
from infoplane import EstimatorSpec, TrainingSpec, UserError
from infoplane.config import DatasetSpec, FigureSpec, parse_spec
from infoplane.networks.layers import network_of

SOURCE = Path(infoplane.__file__).parent
MINUS = "\N{MINUS SIGN}"


def messages():
    """The text of every error that is meant for a user, with {} in place of what is filled in."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = {"UserError", "ValueError", "Unavailable"}
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names and node.args:
                yield f"{path.relative_to(SOURCE)}:{node.lineno}", text_of(node.args[0])


def text_of(node):
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(text_of, parts))
        case ast.BinOp(left=left, right=right):
            return text_of(left) + text_of(right)
    return "{}"


def test_messages_are_well_formed():
    """A remedy is pasted: its minus is that of Python."""
    found = [*messages()]
    assert len(found) > 200
    for place, text in found:
        assert not re.search(r": :|::|  |;;|\n", text), (place, text)
        assert not text.rstrip().endswith((".", ";", ":")), (place, text)
        assert not re.search(rf"[(,\s]{MINUS}\d", text.partition(";")[2]), (place, text)


@pytest.mark.parametrize(
    ("model", "text", "line"),
    [
        (EstimatorSpec, '{"kind": "quantized"}', "--spec: kind quantized needs range; add it"),
        (EstimatorSpec, '{"kind": "exact", "bins": 3}', "--spec: kind exact takes no bins"),
        (EstimatorSpec, '{"kind": "exact", "bin": 3}', "--spec: bin: unknown key; did you mean 'bins'?"),
        (DatasetSpec, '{"name": "mine", "kind": "npz"}', "--spec: "),
        (FigureSpec, '{"kind": "plane", "category": "A"}', "--spec: kind plane needs experiments; add them"),
    ],
)
def test_what_is_wrong_with_a_whole_spec_names_no_key(model, text, line):
    with pytest.raises(UserError) as error:
        parse_spec(model, text)
    assert str(error.value).startswith(line) and ": :" not in str(error.value)


@pytest.mark.parametrize("layer", [{"conv": 2, "kernel": 5}, {"pool": 7}])
def test_a_layer_is_named_as_it_is_written(layer):
    spec = TrainingSpec(
        dataset="mine", network=[layer, 3], activation="relu", bits=8, epochs=1, record_every=1
    )
    with pytest.raises(UserError) as error:
        network_of(spec, (1, 4, 4), 2)
    words = str(layer).replace("'", '"').replace(" ", "")
    assert str(error.value).startswith(f"network: {words} needs images of at least ")


def test_one_text_of_every_kind_is_read():
    (call,) = ast.parse('UserError(f"{path}: is " "no " + f"{what!r}; give one")').body
    assert text_of(call.value.args[0]) == "{}: is no {}; give one"
