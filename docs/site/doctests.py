"""Doctests in docstrings are shown as blocks of code."""

import re
from typing import Any

import griffe

DOCTEST = re.compile(r"^(?P<space> *)>>> .*(?:\n(?P=space).+)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Puts a fence around every doctest of a docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = DOCTEST.sub(fenced, obj.docstring.value)


def fenced(doctest: re.Match[str]) -> str:
    """A doctest, up to the next empty line, as a block of code."""
    space = doctest["space"]
    return f"{space}```pycon\n{doctest[0]}\n{space}```"
