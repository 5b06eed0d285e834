"""The documentation site: it builds without a warning, it is whole, and it loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from browsers import opened, started_browser

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


def test_captions_in_the_gallery_name_what_is_shown(site):
    """With the figure of the paper where there is one; no two are alike."""
    text = (site / "gallery.html").read_text(encoding="utf-8")
    entries = re.split(r'<h3 id="', text)[1:]
    captions = {
        each.partition('"')[0]: re.findall(r"<p>(?!<a|<em>)(.*?)</p>", each, re.DOTALL) for each in entries
    }
    assert len({tuple(each) for each in captions.values()}) == len(captions)
    (paper, told) = captions["b-curves-mnist"]
    assert paper.startswith("Figure of the paper, appendix B: ") and "curves, and the best" in paper
    assert told.endswith("Shown: MNIST bottleneck-2, ReLU, 8 bits. Estimators: exact; re-binned.")
    assert captions["main-relu-zoom"][1].endswith("I(X;T) from 7.8 to 12.2 bit, I(T;Y) from 0.8 to 1.01 bit.")


def test_a_link_to_the_folder_of_figures_leads_to_the_gallery(site):
    assert '<a href="gallery.html">gallery</a>' in (site / "results.html").read_text(encoding="utf-8")


def test_headers_and_dialogs_have_names(pages):
    for path in pages:
        if path.name.startswith("explorer"):  # figures of the study, which are no pages of the site's own
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<th\b[^>]*>\s*</th>", text), path.name
        assert 'role="dialog">' not in text and 'role="dialog" aria-label="Search">' in text


def test_no_page_is_wider_than_a_phone(pages):
    with started_browser() as browser:
        for path in pages:
            if path.parent.name != "source" and "source" not in path.parts:
                with opened(browser, path, 390) as shown:
                    assert shown.evaluate("document.documentElement.scrollWidth") <= 390, path.name


def test_links_in_texts_are_underlined(site):
    with started_browser() as browser, opened(browser, site / "results.html") as shown:
        line = shown.locator("article p a").first.evaluate(
            "link => getComputedStyle(link).textDecorationLine"
        )
        assert line == "underline"


def test_every_public_name_is_in_the_reference(pages, site):
    documented = {each.rpartition(".")[2] for each in pages[site / "api.html"].ids if "." in each}
    assert {*infoplane.__all__} <= documented
