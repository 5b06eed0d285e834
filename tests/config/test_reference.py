"""The reference of the config says what its models say."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from infoplane.config.reference import TABLES, keys_table, schema, with_tables, write_reference

CONFIG = Path(__file__).parents[2] / "config"
RENEW = "run: python -m infoplane.config.reference config"


def test_tables_and_schema_are_those_of_the_models():
    page = (CONFIG / "README.md").read_text(encoding="utf-8")
    assert with_tables(page) == page, RENEW
    assert json.loads((CONFIG / "schema.json").read_text(encoding="utf-8")) == schema(), RENEW


def test_reference_is_written_anew(tmp_path):
    (tmp_path / "README.md").write_text("before <!-- keys of sections -->\nold\n<!-- end --> after")
    write_reference(tmp_path)
    start, end = "before <!-- keys of sections -->\n", "<!-- end --> after"
    assert (tmp_path / "README.md").read_text() == f"{start}{keys_table(TABLES['sections'])}{end}"
    assert json.loads((tmp_path / "schema.json").read_text()) == schema()


@pytest.mark.parametrize("model", TABLES.values())
def test_every_key_is_described(model):
    internal = {"name"} if "name" in model.model_fields else set()
    assert {key for key, field in model.model_fields.items() if not field.description} == internal


@pytest.mark.parametrize("name", ["config", "quick"])
def test_schema_takes_the_configs(name):
    assert Draft202012Validator(schema()).is_valid(read(name))


@pytest.mark.parametrize(
    ("section", "name", "key", "value"),
    [
        ("defaults", None, "epocs", 3),
        ("defaults", None, "batch_size", 0),
        ("experiments", None, "a" * 101, {}),
        ("experiments", None, "a b", {}),
        ("experiments", "synthetic-relu-8bit", "activation", "rellu"),
        ("experiments", "synthetic-relu-8bit", "bits", 17),
        ("experiments", "synthetic-relu-8bit", "network", [{"convv": 2}]),
        ("estimators", "exact", "kind", "exat"),
        ("figures", "main-relu", "experiment", ["synthetic-relu-8bit"]),
        ("datasets", "mnist", "fraction", 2),
    ],
)
def test_schema_refuses_mistakes(section, name, key, value):
    config = deepcopy(read("quick"))
    (config[section][name] if name else config[section])[key] = value
    assert not Draft202012Validator(schema()).is_valid(config)


@pytest.mark.parametrize("value", [8, {"weights": 8, "activations": 4}, "float32"])
def test_schema_takes_every_spelling_of_bits(value):
    config = deepcopy(read("quick"))
    config["experiments"]["synthetic-relu-8bit"] |= {"bits": value, "network": [{"conv": 2}, {"pool": 2}, 16]}
    assert Draft202012Validator(schema()).is_valid(config)


def read(name):
    return yaml.safe_load((CONFIG / f"{name}.yaml").read_text(encoding="utf-8"))
