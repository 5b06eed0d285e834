"""Reference of the config: its tables in config/README.md and its JSON schema, from the models.

`python -m infoplane.config.reference config` writes both anew.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from infoplane.artifacts import written_aside
from infoplane.config.data import DatasetSpec
from infoplane.config.fields import Strict
from infoplane.config.figures import FigureSpec
from infoplane.config.recorded import RecordedExperiment, RecordedFiles
from infoplane.config.study import Estimator, Experiment, Sections
from infoplane.config.sweeps import Sweeps

__all__ = ["keys_table", "schema", "with_tables"]

# Which table of the reference shows the keys of which model
TABLES: dict[str, type[Strict]] = {
    "sections": Sections,
    "datasets": DatasetSpec,
    "experiments": Experiment,
    "sweeps": Sweeps,
    "recorded experiments": RecordedExperiment,
    "recorded": RecordedFiles,
    "estimators": Estimator,
    "figures": FigureSpec,
}
PLACE = re.compile(r"(<!-- keys of ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def keys_table(model: type[Strict]) -> str:
    """Markdown table of a model's keys: key, meaning, default, values.

    >>> from infoplane.config import EstimatorSpec
    >>> print(keys_table(EstimatorSpec).splitlines()[-1].rpartition("; ")[2])
    ranges are still those of all inputs | `all` | `all`, `train`, `test` |
    """
    rows = ["| key | meaning | default | values |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if field.description:
            rows.append(f"| `{name}` | {field.description} | {default_of(field)} | {values_of(field)} |")
    return "\n".join(rows) + "\n"


def default_of(field: FieldInfo) -> str:
    if unset := extra_of(field)["unset"]:
        return str(unset)
    if field.is_required():
        return "required"
    default = field.get_default()
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def values_of(field: FieldInfo) -> str:
    if values := extra_of(field)["values"]:
        return str(values)
    return ", ".join(f"`{name}`" for name in get_args(field.annotation) if isinstance(name, str))


def extra_of(field: FieldInfo) -> dict[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {"values": "", "unset": ""}


def with_tables(page: str) -> str:
    """A Markdown page with each table between `<!-- keys of … -->` and `<!-- end -->` written anew."""
    return PLACE.sub(lambda place: place[1] + keys_table(TABLES[place[2]]) + place[3], page)


def schema() -> dict[str, Any]:
    """JSON schema of a config file, by which an editor completes keys and shows their meaning."""
    whole = Sections.model_json_schema()
    definitions: dict[str, Any] = {}
    properties = whole["properties"]
    for section, model in TABLES.items():
        if section in properties:
            keys = optional_keys(model, definitions)
            if model is Experiment:
                keys["properties"] |= Sweeps.model_json_schema()["properties"]
            others = [RecordedExperiment.model_json_schema()] if model is Experiment else []
            for each in others:
                definitions |= each.pop("$defs", {})
            (pattern,) = properties[section].pop("patternProperties")
            properties[section] |= {
                "propertyNames": {"pattern": pattern},
                "additionalProperties": {"anyOf": [keys, *others, {"type": "null"}]},
            }
    properties["defaults"] = optional_keys(Experiment, definitions) | {
        "description": properties["defaults"]["description"]
    }
    properties["figure_defaults"] = optional_keys(FigureSpec, definitions) | {
        "description": properties["figure_defaults"]["description"]
    }
    whole |= {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": definitions}
    cleaned: dict[str, Any] = without(whole, {"values", "unset", "title"})
    return cleaned


def optional_keys(model: type[Strict], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a model of which every key may be left out; models inside go to `definitions`."""
    own = model.model_json_schema()
    definitions |= own.pop("$defs", {})
    if "experiments" in own["properties"]:
        names = own["properties"]["experiments"]
        own["properties"]["experiments"] = {
            "description": names["description"],
            "anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}],
        }
    return {name: value for name, value in own.items() if name not in ("required", "description")}


def without(value: Any, names: set[str]) -> Any:
    """A schema without some of its annotations; properties keep their names."""
    if isinstance(value, dict):
        return {
            name: (
                {key: without(own, names) for key, own in each.items()}
                if name == "properties"
                else without(each, names)
            )
            for name, each in value.items()
            if name not in names
        }
    return [without(each, names) for each in value] if isinstance(value, list) else value


def write_reference(folder: Path) -> None:
    """Write the tables of `README.md` and `schema.json` in a folder anew."""
    page = folder / "README.md"
    with written_aside(page) as aside:
        aside.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
    with written_aside(folder / "schema.json") as aside:
        aside.write_text(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
