"""Small tables of HTML, for notebooks."""

from collections.abc import Mapping
from html import escape
from typing import Any

__all__ = ["html_table"]


def html_table(title: str, rows: Mapping[str, Any]) -> str:
    """A table of names and values, without styles.

    >>> html_table("Spec", {"bits": 8})
    '<table><caption>Spec</caption><tbody><tr><th scope="row">bits</th><td>8</td></tr></tbody></table>'
    """
    cells = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{cells}</tbody></table>"
