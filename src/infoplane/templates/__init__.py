"""Pages for a browser, from templates that lie beside the modules that fill them in."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infoplane.digests import canonical

__all__ = ["embedded", "page_from"]

SHARED = Path(__file__).parent


def page_from(template: Path, **values: Any) -> str:
    """An HTML page in one file; values are escaped, and files of the template's folder can be included.

    A template extends `page.html`, which has the colours of all pages, light and dark.

    Args:
        template: the template, in the language of Jinja (https://jinja.palletsprojects.com).
        values: what it is filled in with; a name that the template uses and that is missing is an error.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template.name).render(values)


def embedded(value: Any) -> str:
    """Canonical JSON that can stand within a `script` element.

    >>> embedded({"label": "</script>"})
    '{"label":"\\\\u003c/script>"}'
    """
    return canonical(value).replace("<", "\\u003c")
