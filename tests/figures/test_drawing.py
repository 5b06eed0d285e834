"""Figures of every kind: drawn whatever happened, legible, the same bytes whatever settings a user has."""

import os
import re
import subprocess
import sys

import matplotlib as mpl
import pytest
from drawings import assert_readable, panels, words
from matplotlib.image import imread
from PIL import Image

from infoplane.artifacts import parse_description
from infoplane.config.kinds import FIGURES
from infoplane.errors import UserError
from infoplane.figures import KINDS, MOVING
from infoplane.figures.drawing import draw_figure, write_figure
from infoplane.figures.style import WIDTH
from infoplane.figures.tables import read_tables

from .study import figure_spec

NOTE = "quick study: 4 repetitions, 400 epochs"
OF_SETTINGS = {"forest", "settings", "signs"}
OF_RUNS = sorted({*KINDS} - {"margins", "merging", "scatter", "saturation", "prevalence"} - OF_SETTINGS)
HAPPENED = {
    "bad": "6 runs, 1 bad fit",
    "failed": "5 of 6 runs (1 failed)",
    "single": "1 run",
    "none": "0 of 1 runs (1 failed)",
}
WITHOUT_BAD_FITS = {"levels", "reliability", "resolution", "errors"}
# Of several thousand points, which are drawn as pixels
OF_PIXELS = {"scatter"}


def test_every_kind_has_its_module_and_its_row():
    assert {*KINDS} | {*MOVING} == {*FIGURES} and not {*KINDS} & {*MOVING}
    for kind, module in {**KINDS, **MOVING}.items():
        assert module.__name__ == f"infoplane.figures.{kind}"


@pytest.mark.parametrize("experiment", HAPPENED)
@pytest.mark.parametrize("kind", KINDS)
def test_is_drawn_whatever_happened_and_says_so(study, kind, experiment, tmp_path):
    figure = study.draw(figure_spec(kind, (experiment,), note=NOTE, dpi=40), tmp_path / "a.png")
    assert imread(tmp_path / "a.png").std() > 0.01
    said = words(figure)
    assert NOTE in said
    if kind in OF_RUNS:
        runs = HAPPENED[experiment]
        assert (runs.partition(",")[0] if kind in WITHOUT_BAD_FITS else runs) in said


@pytest.mark.parametrize(
    ("kind", "experiment", "reason"),
    [
        *((kind, "none", "every run failed") for kind in ("plane", "curves", "readings", "runs", "accuracy")),
        *((kind, "none", "every run failed") for kind in ("levels", "reliability", "errors", "tradeoff")),
        ("tradeoff", "single", "a correlation needs three runs at least"),
        ("merging", "none", "repetition 0 has become NaN"),
        ("scatter", "none", "repetition 0 has become NaN"),
        ("resolution", "none", "no run is long enough to be measured"),
        ("settings", "none", "no run has a measure"),
        ("signs", "none", "no estimate and exact value of the same runs and epochs"),
    ],
)
def test_an_empty_panel_says_why(study, kind, experiment, reason):
    assert reason in words(study.draw(figure_spec(kind, (experiment,))))


@pytest.mark.parametrize("experiments", [("fine", "tanh"), ("prefit", "hourglass", "fine", "bad")])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_within_the_figure_and_do_not_overlap(study, kind, experiments):
    figure = study.draw(figure_spec(kind, experiments, note=NOTE))
    assert_readable(figure)
    assert figure.get_figwidth() <= WIDTH


@pytest.mark.parametrize("kind", ["plane", "prevalence", "errors", "readings"])
def test_texts_of_several_estimators_do_not_overlap(study, kind):
    assert_readable(study.draw(figure_spec(kind, ("fine", "hourglass"), ("rebinned", "coarse", "fine"))))


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_experiments_and_estimators_are_replaced_by_labels(study, kind):
    given = {"hourglass": "an hourglass", "coarse": "thirty bins"}
    figure = study.draw(figure_spec(kind, ("fine", "hourglass"), ("coarse", "fine"), labels=given))
    said = " ".join(words(figure).split())
    if "experiments" in FIGURES[kind].takes:
        assert "ReLU, 8 bits" in said
        assert "an hourglass" in said or kind == "settings"  # where a point has no label of its own
        assert "MNIST hourglass" in " ".join(words(study.draw(figure_spec(kind, ("hourglass",)))).split())
    if "estimators" in FIGURES[kind].takes:
        assert "thirty bins" in said


SETTINGS = {
    "text.usetex": True,
    "font.size": 20,
    "font.family": "monospace",
    "savefig.bbox": "tight",
    "savefig.facecolor": "red",
    "figure.autolayout": True,
    "axes.prop_cycle": mpl.cycler(color=["r"]),
    "axes.grid": True,
    "lines.linewidth": 5,
    "image.cmap": "gray",
    "axes.formatter.use_locale": True,
    "path.simplify": False,
    "svg.fonttype": "none",
    "pdf.compression": 0,
}


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_depend_on_content_alone(study, kind, tmp_path):
    spec = figure_spec(kind, dpi=40, note=NOTE)
    formats = ("pdf", "png", "svg")
    study.draw(spec, *(tmp_path / f"first.{each}" for each in formats))
    with mpl.rc_context(SETTINGS):
        study.draw(spec, *(tmp_path / f"second.{each}" for each in reversed(formats)))
    for each in formats:
        first, second = ((tmp_path / f"{name}.{each}").read_bytes() for name in ("first", "second"))
        assert first == second
        assert b"CreationDate" not in first and b"tIME" not in first and b"<dc:date>" not in first
    page = (tmp_path / "first.pdf").read_bytes()
    assert b"/FontFile2" in page and b"/Type3" not in page
    assert (b"/Subtype /Image" in page) == (kind in OF_PIXELS)
    size = re.search(rb"MediaBox \[ ?0 0 (\S+) (\S+)", page).groups()
    picture = Image.open(tmp_path / "first.png")
    assert picture.size == tuple(round(float(points) / 72 * 40) for points in size)
    description = parse_description(picture.text["Description"], tmp_path / "first.png", "figure")
    assert description["spec"]["note"] == NOTE
    assert len(description["sources"]) == (2 if kind == "signs" else 1)  # the exact value too


def test_bytes_do_not_depend_on_settings_and_backend_of_the_process(study, tmp_path):
    spec = figure_spec("curves", dpi=40)
    study.draw(spec, tmp_path / "first.png")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 30\nsavefig.bbox: tight\n")
    (path,) = study.tables(spec)["aggregates"]["fine", "exact"]
    command = [sys.executable, "-m", "infoplane.cli", "figures", "--aggregates", f"fine/exact={path}"]
    command += ["--spec", spec.model_dump_json(exclude_defaults=True), "--output", tmp_path / "second.png"]
    settings = {"MATPLOTLIBRC": str(tmp_path), "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    subprocess.run(command, env=os.environ | settings, check=True, capture_output=True)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_refuses_an_output_of_another_format(study, tmp_path):
    with pytest.raises(UserError, match=r"a\.gif: a figure is written as \.pdf, \.png or \.svg; rename"):
        study.draw(figure_spec("margins"), tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_to_leave_out_what_it_was_not_given(study, kind, tmp_path):
    spec = figure_spec(kind)
    with pytest.raises(UserError, match=rf"its {spec.reads[0]} is not given; give --{spec.reads[0]}"):
        write_figure(spec, {}, [tmp_path / "a.pdf"])
    assert not list(tmp_path.iterdir())


def test_refuses_a_table_that_is_not_there(study, tmp_path):
    with pytest.raises(UserError, match="missing"):
        study.draw(figure_spec("plane", ("nowhere",)), tmp_path / "a.pdf")


def test_refuses_chunks_of_other_runs(study, tmp_path):
    spec = figure_spec("runs")
    tables = study.tables(spec)
    tables["information"]["fine", "exact"] = [study.path("information", "single", "exact")]
    with pytest.raises(UserError, match="the repetitions of the runs"):
        write_figure(spec, tables, [tmp_path / "a.pdf"])


def test_a_figure_is_drawn_without_a_file(study):
    spec = figure_spec("plane")
    assert draw_figure(spec, read_tables(spec, study.tables(spec))).axes


@pytest.mark.parametrize("kind", ["plane", "accuracy", "curves", "levels"])
def test_a_failed_experiment_takes_no_ticks_from_its_neighbours(study, kind):
    figure = study.draw(figure_spec(kind, ("fine", "none")))
    figure.draw_without_rendering()
    drawn = [axes for axes in panels(figure) if axes.lines]
    assert drawn and all(len(axis.get_majorticklocs()) for axes in drawn for axis in (axes.xaxis, axes.yaxis))
