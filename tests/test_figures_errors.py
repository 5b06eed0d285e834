"""Figures of errors and of signs show the numbers of the tables, and say what they are of."""

from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import simulation
from drawings import assert_readable, drawn, panels, words
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.image import imread

from infoplane.artifacts import describe, read_table, write_table
from infoplane.config import FigureSpec
from infoplane.config.study import resolve
from infoplane.errors import UserError
from infoplane.figures import draw
from infoplane.figures.means import curve, read_means
from infoplane.figures.style import PREFIT_GROUND
from infoplane.statistics import phases, summarise_errors
from infoplane.statistics.aggregates import failures
from infoplane.statistics.inference import infer

RANGES = {"global": "global", "layer": "layer", "neuron": "neuron", "fixed": [-1, 1]}
BINS = [30, 256]
EPOCHS = 400
UNIFORM = {
    f"uniform-{bins}-{name}": {"kind": "uniform", "bins": bins, "range": chosen}
    for (name, chosen), bins in product(RANGES.items(), BINS)
}
ESTIMATORS = {
    "exact": {"kind": "exact"},
    "rebinned": {"kind": "rebinned"},
    "adaptive-30": {"kind": "adaptive", "bins": 30},
    **UNIFORM,
}
WANTED = {
    "errors": ("rebinned", "uniform-30-global", "uniform-256-fixed"),
    "signs": ("exact", *UNIFORM),
}
KINDS = list(WANTED)
NOTE = "quick study: 4 repetitions, 400 epochs"
PREFIT, HOURGLASS = "synthetic-tanh-8bit-prefit", "mnist-hourglass-8bit"
HAPPENED = {
    "fine": "12 runs",
    "failed": "11 of 12 runs (1 failed)",
    "single": "1 run",
    "none": "0 of 1 runs (1 failed)",
}


def spec(kind: str, experiments=("fine",), estimators=(), **options) -> FigureSpec:
    shown = estimators or WANTED[kind]
    return FigureSpec(kind=kind, category="ours", experiments=experiments, estimators=shown, **options)


class Study:
    """Errors and phases of experiments, named by what happened in them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def path(self, held: str, experiment: str, estimator: str) -> Path:
        return self.folder / experiment / estimator / f"{held}.parquet"

    def add(self, experiment: str, exact: pd.DataFrame, **training) -> None:
        training = simulation.TRAINING | {"epochs": EPOCHS, "record_every": 25} | training
        dataset = simulation.DATASETS[training["dataset"]]
        failed, bad = failures(exact), pd.Series(pd.NA, exact["repetition"].unique(), dtype="boolean")
        repetitions = bad.index.tolist()
        for number, (name, its) in enumerate(ESTIMATORS.items()):
            seen = exact if name == "exact" else estimate(exact, number)
            own = {"training": training, "estimator": its}
            known = {"dataset": dataset, "repetitions": repetitions, "failed": failed, "bad_fits": None}
            found = phases(seen, dataset["inputs"], failed, bad)
            write_table(self.path("phases", experiment, name), found, describe("phases", own, **known))
            if name in WANTED["errors"] or name == "exact":
                simulation.write(self.path("information", experiment, name), seen, "information", own)
            if name in WANTED["errors"]:
                paths = [[self.path("information", experiment, each)] for each in ("exact", name)]
                summarise_errors(*paths, self.path("errors", experiment, name))

    def tables(self, wanted: FigureSpec) -> dict[str, dict]:
        pairs = [*product(wanted.experiments, wanted.estimators)]
        return {held: {pair: [self.path(held, *pair)] for pair in pairs} for held in ("errors", "phases")}

    def draw(self, wanted: FigureSpec, *outputs: Path) -> Figure:
        return drawn(wanted, self.tables(wanted), *outputs)


def estimate(exact: pd.DataFrame, number: int) -> pd.DataFrame:
    """Estimates that lose more or less, the more so the later it is: some make compression of it."""
    scale = 0.02 * number**2 * (1 + exact["epoch"] / EPOCHS * (number % 3 - 1)) * exact["layer"] / 6
    i_xt = exact["i_xt"] - scale.clip(upper=exact["i_xt"])
    return exact.assign(h_t=i_xt, i_xt=i_xt, i_ty=exact["i_ty"] - 0.01 * scale)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    study = Study(tmp_path_factory.mktemp("study"))
    exact = simulation.information(range(12), EPOCHS, 25)
    study.add("fine", exact)
    study.add("failed", simulation.fail(exact, 2, 100))
    study.add("single", exact.query("repetition == 0"))
    study.add("none", simulation.fail(exact.query("repetition == 0"), 0, 100))
    study.add(PREFIT, simulation.information(range(12), EPOCHS, 25, prefit=100), prefit_epochs=100)
    study.add(
        HOURGLASS, simulation.information(range(12), EPOCHS, 25, dataset="mnist", layers=7), dataset="mnist"
    )
    return study


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    @pytest.mark.parametrize("experiment", HAPPENED)
    def test_draws_whatever_happened_and_says_so(self, study, kind, experiment, tmp_path):
        figure = study.draw(spec(kind, (experiment,), note=NOTE, dpi=40), tmp_path / "a.png")
        assert imread(tmp_path / "a.png").std() > 0.01
        said = words(figure)
        assert NOTE in said and experiment in said and HAPPENED[experiment] in said

    def test_files_depend_on_content_alone_and_are_fit_to_print(self, study, kind, tmp_path):
        for name in ("first", "second"):
            study.draw(spec(kind, dpi=40), tmp_path / f"{name}.pdf")
        first, second = ((tmp_path / f"{name}.pdf").read_bytes() for name in ("first", "second"))
        assert first == second
        assert b"/FontFile2" in first and b"/Type3" not in first and b"/Subtype /Image" not in first

    @pytest.mark.parametrize("experiments", [("fine",), (PREFIT, HOURGLASS)])
    def test_texts_are_within_the_figure_and_do_not_overlap(self, study, kind, experiments):
        figure = study.draw(spec(kind, experiments, note=NOTE))
        assert_readable(figure)

    def test_refuses_to_leave_out_what_it_was_not_given(self, study, kind, tmp_path):
        with pytest.raises(UserError, match=r"fine.*its (errors|phases) is not given"):
            draw(spec(kind), {}, [tmp_path / "a.pdf"])
        assert not list(tmp_path.iterdir())


class TestErrors:
    def test_lines_are_means_with_a_band_of_their_interval(self, study):
        figure = study.draw(spec("errors"))
        shown = np.array(panels(figure)).reshape(2, 3)
        assert [axes.get_title() for axes in shown[0]] == list(WANTED["errors"])
        for row, quantity in zip(shown, ("i_xt", "i_ty"), strict=True):
            for axes, estimator in zip(row, WANTED["errors"], strict=True):
                table, _ = read_means(study.path("errors", "fine", estimator), "errors")
                mean, lower, upper = (curve(table, quantity, value) for value in ("mean", "lower", "upper"))
                drawn = [line for line in axes.lines if line.get_label().startswith("$T")]
                for layer, line, band in zip(mean, drawn, axes.collections, strict=True):
                    assert np.array_equal(line.get_ydata(), mean[layer])
                    edges = band.get_paths()[0].vertices[:, 1]
                    assert edges.min() == pytest.approx(lower[layer].min())
                    assert edges.max() == pytest.approx(min(0, upper[layer].max()))

    def test_estimators_have_one_axis_that_shows_all_of_the_margin(self, study):
        shown = np.array(panels(study.draw(spec("errors")))).reshape(2, 3)
        for row, margin in zip(shown, (0.1, 0.01), strict=True):
            (limits,) = {axes.get_ylim() for axes in row}
            assert limits[0] <= -margin and limits[1] == margin
            assert row[0].yaxis.get_transform().linthresh == margin
            lowest = min(np.min(line.get_ydata()) for axes in row for line in axes.lines)
            assert limits[0] < lowest

    def test_no_error_is_a_line_at_zero(self, study, tmp_path):
        wanted = spec("errors", estimators=("rebinned",))
        path = study.path("information", "fine", "exact")
        summarise_errors([path], [path], tmp_path / "errors")
        with patch("infoplane.figures.drawing.save") as saved:
            draw(wanted, {"errors": {("fine", "rebinned"): [tmp_path / "errors"]}}, [tmp_path / "a.pdf"])
        above, below = panels(saved.call_args.args[0])
        assert all(not np.any(line.get_ydata()) for line in above.lines)
        for axes, margin in ((above, 0.1), (below, 0.01)):
            low, high = axes.get_ylim()
            assert -0.1 <= low <= -margin and high == margin

    def test_a_prefit_is_on_grey_ground(self, study):
        figure = study.draw(spec("errors", (PREFIT,)))
        assert all(axes.patches for axes in panels(figure))
        assert "prefit on shuffled labels" in words(figure)
        assert PREFIT_GROUND not in words(figure)


class TestSigns:
    def cells(self, axes) -> dict[tuple[float, float], float]:
        """The colour value of every cell, by its upper left corner."""
        (boxes,) = (found for found in axes.collections if isinstance(found, PatchCollection))
        corners = [tuple(path.vertices[0].round(3)) for path in boxes.get_paths()]
        return dict(zip(corners, boxes.get_array().tolist(), strict=True))

    def compression(self, study, experiment: str, estimator: str, layer: int) -> np.ndarray:
        table, _ = read_table(study.path("phases", experiment, estimator), "phases")
        return table.loc[table["layer"] == layer, "compression"].dropna().to_numpy(float)

    def test_rows_are_ranges_columns_numbers_of_bins_and_the_exact_value_stands_beside(self, study):
        figure = study.draw(spec("signs"))
        shown = panels(figure)
        assert [axes.get_title() for axes in shown] == [f"$T_{{{layer}}}$" for layer in range(1, 7)]
        for layer, axes in enumerate(shown, start=1):
            cells = self.cells(axes)
            for (row, name), (column, bins) in product(enumerate(RANGES), enumerate(BINS)):
                runs = self.compression(study, "fine", f"uniform-{bins}-{name}", layer)
                assert cells.pop((column, row)) == pytest.approx(runs.mean(), abs=1e-12)
            ((left, top), exact) = cells.popitem()
            assert left > 2 and top == 0 and not cells
            assert exact == pytest.approx(self.compression(study, "fine", "exact", layer).mean(), abs=1e-12)
        labels = [label.get_text() for label in shown[0].get_xticklabels()]
        assert labels == ["30", "256", "exact"]
        assert [label.get_text() for label in shown[0].get_yticklabels()] == [
            "global",
            "layer",
            "neuron",
            "[−1, 1]",
        ]

    def test_numbers_are_printed_in_the_cells(self, study):
        axes = panels(study.draw(spec("signs")))[1]
        printed = {
            (round(text.get_position()[0] - 0.5, 3), int(text.get_position()[1])): text.get_text()
            for text in axes.texts
        }
        mean = self.compression(study, "fine", "uniform-256-neuron", 2).mean()
        assert printed[1, 2] == f"{mean:+.2f}".replace("-", "−")

    def test_marks_say_what_is_shown_and_what_is_lacking(self, study):
        axes = panels(study.draw(spec("signs")))[1]
        marks = {
            (int(line.get_xdata()[0]), int(line.get_ydata()[0])): line.get_marker() for line in axes.lines
        }
        for (row, name), (column, bins) in product(enumerate(RANGES), enumerate(BINS)):
            runs = infer(self.compression(study, "fine", f"uniform-{bins}-{name}", 2), 0.1)
            if marks.get((column, row)) == "v":
                assert runs.lower > 0.1 and runs.p < 0.05
            elif marks.get((column, row)) == "o":
                assert runs.lower > -0.1 and runs.upper < 0.1 and runs.tost_p < 0.05
            else:
                assert not -0.1 < runs.lower <= runs.upper < 0.1
        assert {"v", "o"} <= set(marks.values())

    def test_a_saturated_layer_is_marked_as_that(self, study):
        axes = panels(study.draw(spec("signs", estimators=("exact",))))[0]
        assert [line.get_marker() for line in axes.lines] == ["x"]

    def test_opposite_signs_have_opposite_colours_and_no_effect_is_white(self, study):
        (boxes,) = (
            found
            for found in panels(study.draw(spec("signs")))[5].collections
            if isinstance(found, PatchCollection)
        )
        red, _, blue, _ = np.transpose(boxes.cmap(boxes.norm([1, 0.05, -0.05, -1])))
        assert np.sign(red - blue).tolist() == [1, 1, -1, -1]
        assert boxes.cmap(boxes.norm(0.0))[:3] == pytest.approx((0.97, 0.97, 0.97), abs=0.01)

    def test_layers_are_those_asked_for(self, study):
        shown = panels(study.draw(spec("signs", (PREFIT, "fine"), layers=(2, 6))))
        assert [axes.get_title() for axes in shown] == ["$T_{2}$", "$T_{6}$"] * 2

    def test_refuses_a_layer_that_is_not_there(self, study, tmp_path):
        with pytest.raises(UserError, match="fine: has 6 layers and no layer 7; remove it"):
            study.draw(spec("signs", layers=(7,)), tmp_path / "a.pdf")

    def test_bins_of_equal_mass_have_a_row_and_rebinned_stands_beside(self, study):
        axes = panels(study.draw(spec("signs", estimators=tuple(ESTIMATORS))))[0]
        assert [label.get_text() for label in axes.get_xticklabels()][-2:] == ["exact", "rebinned"]
        assert "equal mass" in [label.get_text() for label in axes.get_yticklabels()]


CONFIG = {
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "bits": 8,
        "epochs": 1,
        "record_every": 1,
        "repetitions": 1,
        "chunk": 1,
    },
    "experiments": {"one": {}, "two": {}},
    "estimators": {
        "exact": {"kind": "exact", "experiments": ["one"]},
        "exact-test": {"kind": "exact", "subset": "test"},
        "rebinned": {"kind": "rebinned"},
    },
}


@pytest.mark.parametrize(
    ("figure", "complaint"),
    [
        (
            {"kind": "errors", "experiments": ["one"], "estimators": ["exact"]},
            "exact is exact, it has no error; remove it",
        ),
        (
            {"kind": "errors", "experiments": ["two"], "estimators": ["rebinned"]},
            "two has no exact value; apply an estimator of kind exact to it",
        ),
        (
            {"kind": "signs", "experiments": ["one"], "estimators": ["exact-test"]},
            "exact-test counts a subset of the inputs; kind signs takes estimators of all of them",
        ),
        (
            {"kind": "errors", "experiments": ["one"], "estimators": ["rebinned"], "layers": [1]},
            "kind errors takes no layers; remove them",
        ),
        ({"kind": "signs", "experiments": ["one"]}, "kind signs needs estimators; add them"),
    ],
)
def test_a_figure_that_cannot_be_is_one_line(figure, complaint):
    with pytest.raises(UserError) as caught:
        resolve(CONFIG | {"figures": {"mine": figure | {"category": "ours"}}}, "mine.yaml")
    assert str(caught.value) == f"mine.yaml: figures.mine: {complaint}"


def test_layers_are_numbers_from_1():
    for wrong in ([0], [], 3, ["1"]):
        figure = {"kind": "signs", "category": "a", "experiments": ["one"], "estimators": ["exact"]}
        with pytest.raises(UserError, match=r"figures\.mine\.layers.* is refused; it must be"):
            resolve(CONFIG | {"figures": {"mine": figure | {"layers": wrong}}}, "mine.yaml")
