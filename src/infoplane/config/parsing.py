"""YAML and JSON as plain values: no repeated keys, no objects, a bounded number of values."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from infoplane.errors import UserError

__all__ = ["duplicates", "from_here", "from_json", "from_yaml", "printable", "quoted", "shortened"]

KINDS = ("str", "int", "float", "bool", "null", "seq", "map", "merge")
PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in KINDS}
# A few levels of aliases to aliases stand for billions of values
MOST_VALUES = 100_000
# Python refuses to read longer numbers, or takes its time
MOST_DIGITS = 100
MOST_SHOWN = 200


def quoted(value: Any) -> str:
    """A value in quotation marks, shortened, for a message.

    >>> quoted("a" * 500)[-5:]
    'aaaa…'
    """
    return shortened(repr(value))


def shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def printable(text: str) -> str:
    r"""A text as one line, with escapes for what cannot be printed.

    >>> printable("one\ntwo")
    'one\\ntwo'
    """
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def from_yaml(path: Path) -> Any:
    """The values of a YAML file, or of a JSON file, which may be indented by tabs.

    Raises:
        UserError: it is neither, or not UTF-8, a key occurs twice, a value is not plain, or there is too much
            of it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8; save it in this encoding") from error
    if text.lstrip().startswith("{") and "\t" in text:  # which YAML does not allow
        text = json.dumps(from_json(text, str(path)))
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return None
        count_values(node, path, {})
        return yaml.constructor.SafeConstructor().construct_document(node)
    except (yaml.YAMLError, ValueError, LookupError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark else ""
        if alias := re.search(r"undefined alias '(.*)'", str(getattr(error, "problem", ""))):
            raise UserError(
                f"{path}: undefined alias {alias[1]!r}{place}; write &{alias[1]} before the value that it "
                "stands for, or quote a text that begins with *"
            ) from error
        raise UserError(f"{path}: not YAML{place}; check indentation, brackets and quotes") from error
    except RecursionError as error:
        raise UserError(f"{path}: nested too deeply; remove brackets or indentation") from error


def count_values(node: yaml.Node, path: Path, counts: dict[yaml.Node, int]) -> int:
    """Count the values that a node stands for, aliases followed, and refuse values that are not plain.

    Args:
        node: the node.
        path: the file, for errors.
        counts: of the nodes that were counted, 0 of those that it stands in.
    """
    place = f"{path}: line {node.start_mark.line + 1}"
    if node in counts:
        if not counts[node]:
            raise UserError(f"{place}: an alias refers to a value that contains it; remove it")
        return counts[node]
    if node.tag not in PLAIN:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        raise UserError(f"{place}: {quoted(kind)} is not a plain value; quote it, or remove its tag")
    counts[node] = 0
    inside: list[yaml.Node] = []
    match node:
        case yaml.MappingNode(value=pairs):
            names = [(key.tag, key.value) for key, _ in pairs if isinstance(key, yaml.ScalarNode)]
            if twice := duplicates(names):
                raise UserError(f"{place}: {quoted(twice[0][1])} occurs twice in one mapping; remove one")
            inside = [each for pair in pairs for each in pair]
        case yaml.SequenceNode(value=values):
            inside = values
        case yaml.ScalarNode(tag="tag:yaml.org,2002:int" | "tag:yaml.org,2002:float", value=digits):
            if len(digits) > MOST_DIGITS:
                raise UserError(f"{place}: {quoted(digits)} is too long a number; shorten or quote it")
    total = 1 + sum(count_values(each, path, counts) for each in inside)
    if total > MOST_VALUES:
        raise UserError(f"{place}: expands to more than {MOST_VALUES} values; use fewer aliases to aliases")
    counts[node] = total
    return total


def from_json(text: str, source: str) -> Any:
    """The values of a JSON text.

    Raises:
        UserError: it is not JSON, or a key occurs twice.

    >>> from_json('{"a": 1, "a": 2}', "--spec")
    Traceback (most recent call last):
    infoplane.errors.UserError: --spec: 'a' occurs twice in one mapping; remove one
    """

    def mapping(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
        if twice := duplicates(name for name, _ in pairs):
            raise UserError(f"{source}: {quoted(twice[0])} occurs twice in one mapping; remove one")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=mapping)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{source}: not JSON ({error}); check its brackets and quotes") from error


def duplicates(names: Iterable[Any]) -> list[Any]:
    """Names that occur more than once.

    >>> duplicates("abcb")
    ['b']
    """
    return [name for name, count in Counter(names).items() if count > 1]


def from_here(path: str) -> str:
    """Where a path begins, for a message; nothing for one that begins at the root."""
    return "" if Path(path).is_absolute() else f" in {Path.cwd()}, from which paths count"
