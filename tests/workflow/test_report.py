"""The report as a browser shows it: every figure and table at its place, the claims first."""

import json
import re
import subprocess
import zipfile
from collections import defaultdict

import pytest
from browsers import installed_browser
from conftest import copy_of

from infoplane.layout import JOINS

# Goes through the menu as a reader would, and leaves behind what was seen.
READER = """
<script>
const pause = (time) => new Promise((done) => setTimeout(done, time));
const links = (within) => [...document.querySelectorAll(`${within} a`)];
const go = async (link) => { link.click(); await pause(200); };
const seen = () => {
  const picture = document.querySelector("img[src^='data/']");
  const frame = document.querySelector("iframe");
  if (frame && frame.contentDocument.querySelector("table")) {
    const page = frame.contentDocument;
    const column = [...page.querySelectorAll("th")].findIndex((head) => head.textContent === "layer");
    const head = page.querySelectorAll("th")[Math.max(column, 0)];
    const rows = () => [...page.querySelectorAll("tbody tr")];
    const cells = () => rows().map((row) => row.cells[Math.max(column, 0)].textContent);
    head.click();
    const up = cells();
    head.click();
    return { rows: up.length, up: up, down: cells() };
  }
  return picture ? { width: picture.naturalWidth } : {};
};
const read = async () => {
  await pause(500);
  const front = document.querySelector(".prose").innerText;
  const menu = links("nav").map((link) => link.textContent).filter((text) => text);
  const found = [];
  for (const category of menu.slice(menu.indexOf("About") + 1)) {
    await go(links("nav").find((link) => link.textContent === category));
    for (let row = 0; row < document.querySelectorAll("nav tbody tr").length; row++) {
      const entry = document.querySelectorAll("nav tbody tr")[row];
      const label = entry.cells[0].textContent;
      await go(entry.querySelector("a"));
      await pause(500);
      found.push({ category, label, ...seen() });
    }
    await go(links("nav ol")[0]);
  }
  return { front, menu, found };
};
window.addEventListener("load", async () => {
  const told = document.createElement("pre");
  told.id = "told";
  told.textContent = JSON.stringify(await read().catch((error) => ({ error: error.stack })));
  document.body.append(told);
});
</script>
"""


@pytest.fixture(scope="module")
def browser():
    return installed_browser()


@pytest.fixture(scope="module")
def report(first_run, tmp_path_factory):
    """The folder of the report, unpacked."""
    workflow, run = first_run
    assert run.returncode == 0, run.stdout + run.stderr
    workflow = copy_of(workflow.folder, tmp_path_factory.mktemp("report") / "study")
    made = workflow.snakemake("--report", "results/report.zip")
    assert made.returncode == 0, made.stdout + made.stderr
    with zipfile.ZipFile(workflow.folder / "results" / "report.zip") as archive:
        archive.extractall(workflow.folder)
    return workflow.folder / "report"


@pytest.mark.slow
def test_a_browser_shows_every_figure_and_table(report, browser):
    page = report / "reader.html"
    before, end, after = (report / "report.html").read_text().rpartition("</body>")
    page.write_text(f"{before}{READER}{end}{after}")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    shown = subprocess.run(
        [browser, *flags, "--virtual-time-budget=60000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    (told,) = re.findall('<pre id="told">(.*?)</pre>', shown, re.DOTALL)
    told = json.loads(told.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert "error" not in told, told
    assert "2 experiments, evaluated by 2 estimators" in told["front"]
    categories = ["Claims", "Figures", "Figures, appendix B", "Figures, appendix F", "Tables"]
    assert told["menu"] == ["Workflow", "Statistics", "About", *categories]
    found = defaultdict(dict)
    for each in told["found"]:
        found[each["category"]][each["label"]] = each
    assert {category: set(entries) for category, entries in found.items()} == {
        "Claims": {"claims", "cells", "margins", "verdicts"},
        "Figures": {"plane"},
        "Figures, appendix B": {"curves", "runs"},
        "Figures, appendix F": {"accuracy"},
        "Tables": {f"synthetic/{table}" for table, join in JOINS.items() if not join.figures},
    }
    for category, entries in found.items():
        for label, entry in entries.items():
            if category.startswith("Figures"):
                assert entry["width"] > 100, label
            elif label not in ("synthetic/violations", "synthetic/differences"):
                assert entry["rows"] > 0, label
    layers = found["Tables"]["synthetic/phases"]
    assert layers["up"] == sorted(layers["up"]) == layers["down"][::-1]
    assert len(set(layers["up"])) == 6
