"""The index of a study: what it says is in the tables, what it links to is there, a reader can use it."""

import re
import shutil
import zipfile
from html.parser import HTMLParser

import numpy
import pytest
from browsers import opened, started_browser
from PIL import Image
from recorded_runs import save_runs

from infoplane.artifacts import digest, read_csv, read_table, write_table
from infoplane.cli import main
from infoplane.config import EstimatorSpec, RecordedSpec, TrainingSpec
from infoplane.errors import UserError
from infoplane.figures.drawing import write_figure
from infoplane.pages import write_page
from infoplane.pages.bundle import linked_files, write_bundle
from infoplane.pages.index import claims_in, engines_of, write_index
from infoplane.pages.methods import methods
from infoplane.pages.verdicts import reading_in_words, write_verdicts
from infoplane.recognition import description_of
from infoplane.recorded import write_history, write_information
from infoplane.statistics.joins import write_claims
from infoplane.statistics.tables import summarise_information

from .study import figure_spec

FIGURES = {
    "plane-fine": (figure_spec("plane", ("fine",), dpi=40, note="<i>a note</i>"), ("pdf", "png", "svg")),
    "explorer": (figure_spec("explorer", ("fine", "prefit")), ("html",)),
    "tables": (figure_spec("accuracy", ("fine",), dpi=40), ("pdf", "png", "svg")),
}
EXPERIMENTS = ("fine", "prefit", "bad")
KEYS = {"dataset": "synthetic", "network": "shwartz-ziv", "record_every": 1}


@pytest.fixture(scope="module")
def results(study, tmp_path_factory):
    """A folder of results, with what an index shows."""
    folder = tmp_path_factory.mktemp("index") / "mine"
    figures, statistics = [], folder / "statistics"
    for name, (spec, formats) in FIGURES.items():
        its = [folder / "figures" / f"{name}.{each}" for each in formats]
        write_figure(spec, study.tables(spec), its)
        figures += its
    accuracy, aggregates = [], []
    for name in EXPERIMENTS:
        accuracy.append(statistics / name / "accuracy.parquet")
        aggregates.append(statistics / name / "exact" / "aggregates.parquet")
        aggregates[-1].parent.mkdir(parents=True)
        shutil.copy2(study.path("accuracy", name), accuracy[-1])
        shutil.copy2(study.path("aggregates", name, "exact"), aggregates[-1])
    phases = {(name, "exact"): study.path("phases", name, "exact") for name in EXPERIMENTS}
    tables = [statistics / f"{name}.csv" for name in ("claims", "cells", "margins")]
    write_claims(phases, *tables)
    write_verdicts(tables[0], [statistics / "verdicts.html"])
    pages = [folder / "pages" / f"{table.stem}.html" for table in tables]
    for table, page in zip(tables, pages, strict=True):
        write_page(table, page)
    given = figures, pages, tables[:1], accuracy, aggregates, {"fine": "a label"}
    write_index(*given, folder / "index.html")
    first = (folder / "index.html").read_bytes()
    write_index(*given, folder / "index.html")
    assert (folder / "index.html").read_bytes() == first
    return folder


class Text(HTMLParser):
    """The words of a page outside of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words, self.within = "", ""
        self.feed(page)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag, attrs):
        self.within = tag

    def handle_endtag(self, tag):
        self.within = ""

    def handle_data(self, data):
        self.words += "" if self.within in ("script", "style") else data


@pytest.fixture(scope="module")
def text(results):
    return Text((results / "index.html").read_text()).words


def test_all_links_lead_to_files(results):
    linked = [*linked_files(results / "index.html")]
    assert all(path.is_file() for path in linked)
    named = {path.relative_to(results).as_posix() for path in linked}
    assert named >= {"figures/explorer.html", "pages/cells.html", "statistics/cells.csv"}
    assert {f"figures/plane-fine.{each}" for each in ("pdf", "png", "svg")} <= named


def test_a_figure_may_bear_the_name_of_a_section(results):
    page = (results / "index.html").read_text()
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len({*ids}) and {"tables", "figure-tables", "figure-explorer"} <= {*ids}
    assert {*re.findall('href="#([^"]+)"', page)} <= {*ids}


def test_verdicts_are_those_of_the_table_with_their_runs(results, text):
    claims = read_csv(results / "statistics" / "claims.csv")
    spoken = claims[claims["verdict"] != "no data"]
    assert len(spoken) > 3 and {*claims["verdict"]} > {"no data"}
    for _, row in spoken.iterrows():
        assert f"{row['claim']} {row['statement']}" in text
        if row["lower"]:
            assert re.search(rf"\b{row['k']} of (the )?{row['n']} (pairs of )?runs\b", text)
        assert f"under the {row['protocol']} protocol, {reading_in_words(row['reading'])}: " in text
    assert not any(claim in text for claim in {*claims["claim"]} - {*spoken["claim"]})


def test_a_fragile_verdict_is_called_so(results):
    """As in the table of verdicts: with the margins by which it is another."""
    claims = read_csv(results / "statistics" / "claims.csv").query("verdict != 'no data'")
    told = claims_in(claims.assign(fragile="True", flips="5 %: mixed; 1 bit: mixed"), {})
    found = [finding["found"] for claim in told for finding in claim["findings"]]
    assert found and all("Fragile: at a margin of 5 % or 1 bit it is mixed." in each for each in found)
    shown = Text((results / "index.html").read_text()).words
    assert {*claims["fragile"]} == {"True", "False"} and "Fragile: at a margin of " in shown


def test_without_a_claim_that_is_spoken_of_there_are_no_verdicts(results, tmp_path):
    claims = read_csv(results / "statistics" / "claims.csv").assign(verdict="no data")
    claims.to_csv(tmp_path / "claims.csv", index=False)
    accuracy, aggregates = (
        sorted(results.glob(f"statistics/**/{name}.parquet")) for name in ("accuracy", "aggregates")
    )
    pages = [results / "pages" / "cells.html"]
    for tables in ([tmp_path / "claims.csv"], []):
        write_index([], pages, tables, accuracy, aggregates, {}, results / "other.html")
        assert "Verdict" not in Text((results / "other.html").read_text()).words


def test_a_missing_table_is_one_line(results):
    for kind in ("accuracy", "aggregates"):
        missing = results / "statistics" / "none" / "exact" / f"{kind}.parquet"
        tables = [[missing], []] if kind == "accuracy" else [[], [missing]]
        with pytest.raises(UserError, match=rf"none/exact/{kind}\.parquet"):
            write_index([], [], [], *tables, {}, results / "other.html")


def test_a_figure_that_does_not_say_what_it_shows_is_one_line(results, tmp_path):
    accuracy = sorted(results.glob("statistics/**/accuracy.parquet"))
    figures = {each: results / "figures" / f"plane-fine.{each}" for each in ("pdf", "svg", "png")}
    for name, content in {"empty": b"", "text": b"no picture of any kind", "cut": b"\x89PNG\r\n"}.items():
        (tmp_path / f"{name}.png").write_bytes(content)
        (tmp_path / f"{name}.html").write_bytes(content)
    Image.new("L", (2, 2)).save(tmp_path / "foreign.png")
    damaged = [[each] for each in sorted(tmp_path.iterdir())]
    for files in ([figures["pdf"]], [figures["pdf"], figures["svg"]], *damaged):
        with pytest.raises(UserError, match=f"^{files[0]}: ") as caught:
            write_index(files, [], [], accuracy, [], {}, results / "other.html")
        assert "\n" not in str(caught.value) and "; give " in str(caught.value)


def test_tables_of_another_version_or_kind_are_one_line(results, tmp_path):
    for kind, part in (("accuracy", "training"), ("aggregates", "training"), ("aggregates", "estimator")):
        frame, told = read_table(next(results.glob(f"statistics/**/{kind}.parquet")), kind)
        spec = {**told["spec"], part: {**told["spec"][part], "unknown": 1}}
        path = tmp_path / "mine" / "exact" / f"{kind}.parquet"
        write_table(path, frame, told | {"spec": spec, "spec_hash": digest(spec)})
        tables = [[path], []] if kind == "accuracy" else [[], [path]]
        with pytest.raises(UserError, match=f"^{path}: was made by .* from a spec that this version"):
            write_index([], [], [], *tables, {}, results / "other.html")
    (tmp_path / "claims.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="the table of claims has no column"):
        write_index([], [], [tmp_path / "claims.csv"], [], [], {}, results / "other.html")


def test_headings_tell_explorers_apart(results):
    explorer = results / "figures" / "explorer.html"
    shutil.copy2(explorer, results / "figures" / "second.html")
    accuracy = sorted(results.glob("statistics/**/accuracy.parquet"))
    for names, headings in (
        (("explorer",), ["Explorer"]),
        (("explorer", "second"), ["Explorer: explorer", "Explorer: second"]),
    ):
        files = [explorer.with_stem(name) for name in names]
        write_index(files, [], [], accuracy, [], {}, results / "other.html")
        page = (results / "other.html").read_text()
        assert re.findall("<h2>(Explorer.*?)</h2>", page) == headings
        assert re.findall(">(Explorer.*?)</a></li>", page) == headings


def test_recorded_runs_without_accuracies_are_in_every_table(tmp_path):
    paths = save_runs(tmp_path, epochs=range(-1, 4), metrics=())
    folder = tmp_path / "mine" / "statistics" / "own" / "exact"
    history, information = tmp_path / "history.parquet", tmp_path / "information.parquet"
    write_history(paths, "inputs", history)
    write_information(EstimatorSpec(kind="exact"), paths, "inputs", information)
    aggregates = folder / "aggregates.parquet"
    summarise_information([information], [history], aggregates, folder / "phases.parquet")
    page = tmp_path / "mine" / "index.html"
    write_index([], [], [], [], [aggregates], {"own": "a label"}, page)
    assert "<td>own</td><td>a label</td><td>inputs</td><td>4</td><td>2</td><td>0</td>" in page.read_text()
    text = Text(page.read_text()).words
    described = description_of(history)
    assert "1 experiment, evaluated by 1 estimator." in text and "1 experiment was recorded." in text
    assert f"runsown{described['spec_hash']}" in text and f"inputs{described['dataset']['digest']}" in text


def test_captions_labels_methods_versions_and_hashes_are_told(text):
    assert "plane-fine. Information planes" in text and "<i>a note</i>." in text
    assert "Shown: a label (by exact)." in text or "Shown: ReLU, 8 bits (by exact)." in text
    assert "3 experiments, evaluated by 1 estimator." in text
    assert "1 experiment first fitted shuffled labels for 300 epochs." in text
    assert f"numpy {numpy.__version__}, " in text and "data setsynthetic8f67ed15" in text
    assert "The networks of 3 experiments were trained by version 1 of the kernels, with which equal" in text


def test_versions_are_those_of_the_tables_and_not_of_the_page(results, monkeypatch):
    """Also where two tables were made by different ones."""
    aggregates = sorted(results.glob("statistics/**/aggregates.parquet"))[:2]
    frame, told = read_table(aggregates[0], "aggregates")
    other = results.parent / "statistics" / "other" / "exact" / "aggregates.parquet"
    write_table(other, frame, told | {"versions": told["versions"] | {"numpy": "0.9"}})
    monkeypatch.setattr("infoplane.artifacts.version", lambda name: "of the page")
    write_index([], [], [], [], [*aggregates, other], {}, results / "other.html")
    words = Text((results / "other.html").read_text()).words
    assert f"numpy {numpy.__version__} and 0.9, " in words and "of the page" not in words


def test_equal_bytes_are_promised_of_kernels_alone(training):
    torch = training.model_copy(update={"engine": "torch"})
    recorded = RecordedSpec(files=("ab",), layers=("one",))
    assert "kernels" not in engines_of([torch, recorded]) and "kernels" in engines_of([training, torch])
    assert "byte-identical" not in engines_of([torch, recorded]) and engines_of([recorded]) == ""


@pytest.fixture
def training():
    return TrainingSpec(activation="relu", bits=8, epochs=300, **KEYS)


def test_methods_are_those_of_the_specs(training):
    trainings = {
        "a": training,
        "b": TrainingSpec(activation="tanh", bits="float32", epochs=20, learning_rate=0.01, **KEYS),
    }
    told = methods(
        trainings,
        {"thirty": EstimatorSpec(kind="uniform", bins=30, range="global")},
        {"a": {"repetitions": [0, 1]}, "b": {"repetitions": [0]}},
    )
    assert "with activations ReLU and tanh were trained on synthetic data" in told
    assert "data, at 8 bits and in float32, under the published protocol." in told
    assert "20 to 300 epochs of Adam with a learning rate of 0.0001 to 0.01, in batches of 256." in told
    assert (
        "Each experiment has 1 to 2 runs, each with its own seed" in told
        and "were computed from 30 bins of equal width over the range of the run." in told
    )


def test_methods_of_one_run_of_one_epoch_in_one_batch(training):
    its = {"epochs": 1, "prefit_epochs": 1, "batch_size": "whole", "labels": "shuffled"}
    told = methods({"a": training.model_copy(update=its)}, {}, {"a": {"repetitions": [0]}})
    assert "Training took 1 epoch of Adam" in told and "for 1 epoch." in told
    assert "of 0.0001, in one batch of the whole training set." in told
    assert "1 experiment trained on shuffled labels." in told
    assert "Each experiment has 1 run; the network was recorded every epoch." in told
    several = {"a": training.model_copy(update=its), "b": training, "c": training.model_copy(update=its)}
    told = methods(several, {}, {name: {"repetitions": [0, 1]} for name in several})
    assert "in batches of 256 or in one batch of the whole training set." in told
    assert "2 experiments trained on shuffled labels." in told


def test_methods_say_which_estimators_see_a_few_epochs(training):
    few = "10 of these epochs, evenly spaced on a logarithmic axis"
    exact, kde = EstimatorSpec(kind="exact"), EstimatorSpec(kind="kde", noise=0.1, epochs=10)
    known = {"a": {"repetitions": [0]}}
    told = methods({"a": training}, {"exact": exact, "kde": kde}, known)
    assert f"Z of variance 0.1 (at about {few})." in told and "outputs; from" in told
    both = {"all": exact, "few": EstimatorSpec(kind="exact", epochs=32, subset="test"), "kde": kde}
    told = methods({"a": training}, both, known)
    assert (
        "(on all inputs and the test inputs alone; in part at about 32 of these epochs, evenly spaced on "
        "a logarithmic axis)"
    ) in told
    seen = {str(epochs): kde.model_copy(update={"epochs": epochs}) for epochs in (32, 10)}
    assert "(at about 10 or 32 of these epochs" in methods({"a": training}, seen, known)


def test_a_bundle_holds_the_index_and_what_it_links_to(results, tmp_path):
    for name in ("first", "second"):
        write_bundle(results / "index.html", tmp_path / name / "mine.zip")
    assert (tmp_path / "first" / "mine.zip").read_bytes() == (tmp_path / "second" / "mine.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "first" / "mine.zip") as archive:
        archive.extractall(tmp_path)
    assert (tmp_path / "mine" / "index.html").read_bytes() == (results / "index.html").read_bytes()
    assert all(path.is_file() for path in linked_files(tmp_path / "mine" / "index.html"))


def test_a_bundle_of_what_is_not_there_is_one_line(results, tmp_path, capsys):
    with pytest.raises(UserError, match=r"index\.html: missing; run the workflow to its end first"):
        write_bundle(tmp_path / "index.html", tmp_path / "a.zip")
    (tmp_path / "index.html").write_text('<a href="b.html">b</a>')
    with pytest.raises(UserError, match=r"b\.html: missing; run the workflow to its end first"):
        write_bundle(tmp_path / "index.html", tmp_path / "a.zip")
    for content in (bytes(range(256)), b"\xff" * 20):
        (tmp_path / "index.html").write_bytes(content)
        with pytest.raises(UserError, match=r"index\.html: cannot be read as a page; if the workflow made"):
            write_bundle(tmp_path / "index.html", tmp_path / "a.zip")
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").mkdir()
    with pytest.raises(UserError, match=r"index\.html: cannot be read as a page; if the workflow made this"):
        write_bundle(tmp_path / "index.html", tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    assert main(["bundle", str(tmp_path / "none.yaml"), "--output", str(tmp_path / "a.zip")]) == 1
    assert "none.yaml" in capsys.readouterr().err


@pytest.fixture(scope="module")
def browser():
    with started_browser() as browser:
        yield browser


PAGES = (
    "index.html",
    "pages/cells.html",
    "pages/claims.html",
    "statistics/verdicts.html",
    "figures/explorer.html",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_that_keeps_a_reader_out(results, browser, page, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    with opened(browser, results / page, color_scheme=scheme) as shown:
        found = axe.Axe().run(shown).response["violations"]
    assert not [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


def test_on_paper_figures_are_whole_and_ink_is_dark(results, browser):
    with opened(browser, results / "index.html", color_scheme="dark") as shown:
        shown.emulate_media(media="print", color_scheme="dark")
        assert shown.evaluate("getComputedStyle(document.body).color") == "rgb(34, 34, 34)"
        for picture in shown.locator("figure img").all():
            picture.scroll_into_view_if_needed()
            assert picture.bounding_box()["height"] <= 0.8 * 900
        assert not shown.get_by_role("navigation").is_visible()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", ["index.html", "pages/cells.html"])
def test_pages_fit_the_screen(results, browser, page, width):
    with opened(browser, results / page, width) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width


NAMES = {
    "relu": "synthetic-relu-learning_rate-0_005-batch_size-32",
    "label": "Fashion-MNIST 1024-20-20-20, leaky ReLU, 4/16 bits, SGD, 0.005",
}


def test_tables_of_long_names_fit_their_page_and_are_not_squeezed_on_a_phone(results, browser, tmp_path):
    """In all columns of the experiments and of the hashes, with long names and labels."""
    page = (results / "index.html").read_text()
    for old, new in ((">prefit<", f">{NAMES['relu']}<"), (">a label<", f">{NAMES['label']}<")):
        assert old in page
        page = page.replace(old, new)
    (tmp_path / "long.html").write_text(page)
    for width in (1440, 1280, 390):
        with opened(browser, tmp_path / "long.html", width) as shown:
            for fold in shown.locator("details.table summary").all():
                fold.click()
            assert shown.evaluate("document.documentElement.scrollWidth") <= width
            for table in shown.locator("details.table .rows").all():
                inside, around = table.evaluate("each => [each.scrollWidth, each.clientWidth]")
                assert width == 390 or inside <= around
            for cell in shown.locator("#methods td:nth-child(-n+2)").all():
                assert cell.bounding_box()["width"] > 80


def test_every_table_can_be_downloaded_on_a_phone(results, browser):
    with opened(browser, results / "index.html", 390) as shown:
        boxes = [link.bounding_box() for link in shown.locator("#tables a[download]").all()]
        assert len(boxes) == 3
        assert all(box["x"] > 0 and box["x"] + box["width"] <= 390 for box in boxes)


def test_figures_are_seen_and_told_to_who_cannot_see_them(results, browser):
    with opened(browser, results / "index.html") as shown:
        for picture in shown.locator("img").all():
            picture.scroll_into_view_if_needed()
            assert picture.get_attribute("alt").startswith("Figure ")
            assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") > 100


def test_tables_are_sorted_by_keys_and_follow_the_colours_of_the_reader(results, browser):
    grounds = []
    for scheme in ("light", "dark"):
        with opened(browser, results / "index.html", color_scheme=scheme) as shown:
            grounds.append(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
            head = shown.locator("#methods th").first
            assert not head.is_visible()
            shown.get_by_text(f"Experiments ({len(EXPERIMENTS)})").press("Enter")
            names = shown.locator("#methods tbody tr td:first-child")
            for direction in (1, -1):
                head.press("Enter")
                assert names.all_inner_texts() == sorted(EXPERIMENTS)[::direction]
            assert head.get_attribute("aria-sort") == "descending"
    assert len({*grounds}) == 2
