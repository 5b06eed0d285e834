"""A notebook as a page: its texts, its code, and what the code printed and drew."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["page_of", "pictures_of"]

PNG = "image/png"


def page_of(path: Path) -> str:
    """A notebook as Markdown; its pictures are files beside the page, as `pictures_of` names them."""
    return "\n\n".join(blocks(path)) + "\n"


def pictures_of(path: Path) -> dict[str, bytes]:
    """The pictures of a notebook, by their names."""
    drawn = [out["data"][PNG] for _, outputs in cells(path) for out in outputs if PNG in out.get("data", {})]
    return {
        f"{path.stem}-{number}.png": base64.b64decode("".join(each)) for number, each in enumerate(drawn, 1)
    }


def cells(path: Path) -> Iterator[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        yield cell, cell.get("outputs", [])


def blocks(path: Path) -> Iterator[str]:
    pictures = iter(pictures_of(path))
    for cell, outputs in cells(path):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield source
            continue
        language = "bash" if source.startswith("%%bash") else "python"
        yield f"```{language}\n{source.removeprefix('%%bash').strip()}\n```"
        for out in outputs:
            data = out.get("data", {})
            if PNG in data:
                yield f"![figure of the notebook]({next(pictures)})"
            elif "text/html" in data:
                table = "".join(data["text/html"]).replace("\n\n", "\n").strip()
                yield f'<div class="scroll" tabindex="0">\n{table}\n</div>'
            elif text := "".join(out.get("text") or data.get("text/plain", "")).rstrip():
                yield f"```text\n{text}\n```"
