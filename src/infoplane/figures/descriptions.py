"""What the files of figures say of themselves."""

import re
from pathlib import Path

from PIL import Image

__all__ = ["figure_description"]

DESCRIPTION = re.compile(r'<script type="application/json" id="description">(.*?)</script>')


def figure_description(path: Path) -> str | None:
    """The description that a figure carries, as JSON; None if it has none, or is of another format.

    Args:
        path: a PNG, GIF or HTML file.
    """
    if path.suffix in (".gif", ".png"):
        with Image.open(path) as image:
            text: str | bytes | None = image.info.get("comment" if path.suffix == ".gif" else "Description")
            return text.decode() if isinstance(text, bytes) else text
    found = DESCRIPTION.search(path.read_text(encoding="utf-8")) if path.suffix == ".html" else None
    return found[1] if found else None
