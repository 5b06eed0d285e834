"""Bundle: the index of a study and all that it links to, in one archive."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infoplane.artifacts import MOVE_AWAY, written_aside
from infoplane.errors import UserError

__all__ = ["linked_files", "write_bundle"]

# Archives say when a file was made, of which nothing here depends
TIME = (1980, 1, 1, 0, 0, 0)


def write_bundle(index: Path, output: Path) -> None:
    """Write an archive (zip) whose bytes depend on the files alone.

    Args:
        index: the index of a study.
        output: the archive to write.

    Raises:
        UserError: the index, or a file that it links to, is missing.
    """
    paths = [index, *linked_files(index)]
    with written_aside(output) as aside, ZipFile(aside, "w") as archive:
        for path in paths:
            if not path.is_file():
                raise UserError(f"{path}: missing; run the workflow to its end first")
            name = Path(output.stem, path.relative_to(index.parent)).as_posix()
            archive.writestr(ZipInfo(name, TIME), path.read_bytes(), ZIP_DEFLATED)


def linked_files(index: Path) -> Iterator[Path]:
    """The files that a page links to or shows, each once, in the order of the page.

    Raises:
        UserError: there is no such page, or it is none.
    """
    links = Links()
    try:
        links.feed(index.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{index}: missing; run the workflow to its end first") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{index}: cannot be read as a page; {MOVE_AWAY}") from error
    for each in dict.fromkeys(links.found):
        if not each.startswith("#"):
            yield index.parent / each


class Links(HTMLParser):
    """What the links and pictures of a page point to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]
