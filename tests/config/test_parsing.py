"""Config files are read as YAML or JSON in UTF-8, and other files are refused in one line."""

import json

import pytest

from infoplane import UserError
from infoplane.config.parsing import from_yaml

CONFIG = {"experiments": {"mine": {"label": "ReLU\t·", "rates": [1e-4, 2]}}}


@pytest.mark.parametrize("indent", ["\t", 2, None])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_json_is_read_however_it_is_indented(tmp_path, indent, encoding):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(CONFIG, indent=indent, ensure_ascii=False), encoding=encoding)
    assert from_yaml(path) == CONFIG


def test_a_key_that_occurs_twice_in_json_is_refused(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{\n\t"seed": 1,\n\t"seed": 2\n}')
    with pytest.raises(UserError, match="'seed' occurs twice in one mapping; remove one"):
        from_yaml(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1", "cp1252"])
def test_other_encodings_are_refused(tmp_path, encoding):
    path = tmp_path / "mine.yaml"
    path.write_text("label: naïve\n", encoding=encoding)
    with pytest.raises(UserError, match=r"mine\.yaml: is not UTF-8; save it in this encoding$"):
        from_yaml(path)


def test_an_alias_of_nothing_is_named(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &one 1\nb: *none\n")
    with pytest.raises(UserError) as error:
        from_yaml(path)
    assert str(error.value) == (
        f"{path}: undefined alias 'none' in line 2; write &none before the value that it stands for, or "
        "quote a text that begins with *"
    )
