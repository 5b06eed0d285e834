"""Hooks of MkDocs: pages from elsewhere in the repository, the gallery, and links between them."""

import re
from os.path import relpath
from pathlib import Path, PurePosixPath
from typing import Any

from gallery import gallery
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebook import page_of, pictures_of

ROOT = Path(__file__).parents[2]
# Pages that lie elsewhere in the repository, and where the site has them
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/table.md": "benchmarks-table.md",
    "config/README.md": "config.md",
    "results/README.md": "results-folder.md",
}
LINK = re.compile(r"(?P<text>!?\[(?:[^\[\]]|\[[^\[\]]*\])*\])\((?P<target>[^\s)]+)\)")
# Folders whose files one page shows
FOLDERS = {"docs/results/figures": "gallery.md"}
EMPTY_HEADER = re.compile(r"<th\b[^>]*>\s*</th>")
LANGUAGES = {".py": "python", ".smk": "python", ".yaml": "yaml", ".cff": "yaml"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures from elsewhere in the repository, the gallery, and linked source files."""
    for source, uri in PAGES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / source)))
    files.append(File.generated(config, "gallery.md", content=gallery(ROOT)))
    notebook = ROOT / "docs" / "tutorial.ipynb"
    files.append(File.generated(config, "tutorial.md", content=page_of(notebook)))
    for name, picture in pictures_of(notebook).items():
        files.append(File.generated(config, name, content=picture))
    linked = {
        target
        for file in files.documentation_pages()
        for _, target in links_of(file.content_string, source_of(file.src_uri))
    }
    for target in sorted(linked - PAGES.keys()):
        path = ROOT / target
        if path.is_file() and not target.startswith("docs/"):
            if path.suffix in {".png", ".svg"}:
                files.append(File.generated(config, target, abs_src_path=str(path)))
            else:
                files.append(File.generated(config, f"source/{target}.md", content=source_page(target)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """A page whose links to files of the repository lead to their pages in the site."""
    uri = page.file.src_uri
    folder = PurePosixPath(source_of(uri)).parent

    def rewritten(link: re.Match[str]) -> str:
        target, mark, anchor = link["target"].partition("#")
        if not target or "://" in target or uri == "gallery.md":
            return link[0]
        path = within_repository(folder, target)
        place = place_of(path)
        if place is None:
            return link["text"][1:-1]  # a folder, which has no page
        return f"{link['text']}({relpath(place, PurePosixPath(uri).parent)}{mark}{anchor})"

    return LINK.sub(rewritten, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """A page whose tables have no empty headers."""
    return EMPTY_HEADER.sub("<td></td>", html)


def on_post_page(output: str, **_: Any) -> str:
    """A page whose dialog for the search has a name."""
    return output.replace(' role="dialog">', ' role="dialog" aria-label="Search">')


def on_post_template(output: str, **_: Any) -> str:
    """The same for a page that is no document: the one for addresses that lead nowhere."""
    return on_post_page(output)


def links_of(markdown: str, source: str) -> list[tuple[str, str]]:
    """The relative links of a page that lies at `source`: as they are written, and from the root."""
    folder = PurePosixPath(source).parent
    targets = (link["target"].partition("#")[0] for link in LINK.finditer(markdown))
    return [(each, within_repository(folder, each)) for each in targets if each and "://" not in each]


def source_of(uri: str) -> str:
    """The path in the repository of a page of the site."""
    return {place: source for source, place in PAGES.items()}.get(uri, f"docs/{uri}")


def place_of(path: str) -> str | None:
    """The path in the site of a file or folder of the repository; None for a folder that no page shows.

    >>> place_of("docs/method.md"), place_of("docs/tutorial.ipynb"), place_of("tests/conftest.py")
    ('method.md', 'tutorial.md', 'source/tests/conftest.py.md')
    """
    if place := (PAGES | FOLDERS).get(path):
        return place
    if (ROOT / path).is_dir():
        return None
    if path.startswith("docs/"):
        return path.removeprefix("docs/").replace(".ipynb", ".md")
    return path if path.endswith((".png", ".svg")) else f"source/{path}.md"


def within_repository(folder: PurePosixPath, target: str) -> str:
    """The path from the root of a link in a folder of the repository.

    >>> within_repository(PurePosixPath("docs"), "../config/README.md")
    'config/README.md'
    """
    return relpath(ROOT / folder / target, ROOT)


def source_page(path: str) -> str:
    """A page that shows a file of the repository; the search does not look into it."""
    text = (ROOT / path).read_text(encoding="utf-8")
    language = LANGUAGES.get(PurePosixPath(path).suffix, "text")
    return f"---\nsearch:\n  exclude: true\n---\n# {path}\n\n````{language}\n{text}````\n"
