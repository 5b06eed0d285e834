"""The documentation site: it builds without a warning, it is whole, and it loads nothing from elsewhere."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

import infoplane

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"})
    return folder


class Page(HTMLParser):
    """Ids of a page, where its links lead, and what it loads."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loaded = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        its = dict(attributes)
        self.ids |= {its[key] for key in ("id", "name") if its.get(key)}
        if tag == "a" and "href" in its:
            self.links.append(its["href"])
        self.loaded += [its["src"]] if its.get("src") else []
        self.loaded += [its["href"]] if tag == "link" and its.get("rel") != "canonical" else []


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_every_link_leads_somewhere(pages):
    broken = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].ids):
                broken.append(f"{path.name}: {link}")
    assert not broken


def test_nothing_is_loaded_from_elsewhere(pages, site):
    assert not [link for page in pages.values() for link in page.loaded if urlsplit(link).scheme != ""]
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert "url(http" not in styles and "@import" not in styles


def test_every_figure_is_in_the_gallery_once(pages, site):
    figures = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["figures"]
    text = (site / "gallery.html").read_text(encoding="utf-8")
    for name in figures:
        assert text.count(f'<h3 id="{name}">') == 1


def test_every_public_name_is_in_the_reference(pages, site):
    documented = {each.rpartition(".")[2] for each in pages[site / "api.html"].ids if "." in each}
    assert {*infoplane.__all__} <= documented
