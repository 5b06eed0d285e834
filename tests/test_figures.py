"""Figures show the numbers of the tables, say what they are of, and come out the same, byte for byte."""

import re
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulation
from drawings import assert_readable, contains, drawn, panels, words
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from PIL import Image

from infoplane.artifacts import parse_description
from infoplane.config import FigureSpec
from infoplane.errors import UserError
from infoplane.figures import draw
from infoplane.figures.curves import lines
from infoplane.figures.means import curve, read_means
from infoplane.figures.style import EPOCHS, PREFIT_GROUND, PREFIT_LINE, epoch_norm, epoch_ticks
from infoplane.statistics import summarise_accuracy, summarise_information

KINDS = ["plane", "curves", "readings", "runs", "accuracy"]
HAPPENED = {
    "bad": "6 runs, 1 bad fit",
    "failed": "5 of 6 runs (1 failed)",
    "single": "1 run",
    "none": "0 of 1 runs (1 failed)",
    "quick": "3 runs",
}
NOTE = "quick study: 4 repetitions, 400 epochs"
LONG = "synthetic-tanh-float32", "synthetic-relu-float32"
PREFIT, HOURGLASS = "synthetic-tanh-8bit-prefit", "mnist-hourglass-8bit"


def spec(kind: str, experiments=("fine",), estimators=("exact",), **options) -> FigureSpec:
    estimators = None if kind == "accuracy" else estimators
    return FigureSpec(kind=kind, category="A", experiments=experiments, estimators=estimators, **options)


class Study:
    """Chunks and statistics of experiments, named by what happened in them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def add(self, experiment: str, information: pd.DataFrame, history: pd.DataFrame, epochs: int, **training):
        folder, training = self.folder / experiment, training | {"epochs": epochs}
        chunk = simulation.write_information(folder / "information.parquet", information, **training)
        trained = simulation.write_history(folder / "history.parquet", history, **training)
        summarise_information([chunk], [trained], folder / "aggregates.parquet", folder / "phases.parquet")
        dataset = simulation.write_dataset(folder, training.get("dataset", "synthetic"))
        summarise_accuracy([trained], dataset, folder / "accuracy.parquet")

    def tables(self, wanted: FigureSpec) -> dict[str, dict]:
        pairs = [*product(wanted.experiments, wanted.estimators or ())]
        tables = {
            held: {pair: [self.folder / pair[0] / f"{held}.parquet"] for pair in pairs}
            for held in ("aggregates", "information")
        }
        accuracy = {name: [self.folder / name / "accuracy.parquet"] for name in wanted.experiments}
        return tables | {"accuracy": accuracy}

    def draw(self, wanted: FigureSpec, *outputs: Path) -> Figure:
        return drawn(wanted, self.tables(wanted), *outputs)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    study = Study(tmp_path_factory.mktemp("study"))
    information, history = simulation.information(range(6), 1200, 100), simulation.history(range(6), 1200)
    failing = simulation.fail(information, 2, 300), simulation.fail(history, 2, 300)
    for name in ("fine", *LONG):
        study.add(name, information, history, 1200)
    study.add("bad", information, simulation.fit_badly(history, 1), 1200)
    study.add("failed", *failing, 1200)
    study.add("single", information.query("repetition == 0"), history.query("repetition == 0"), 1200)
    study.add("none", *(frame.query("repetition == 2") for frame in failing), 1200)
    prefit = simulation.information(range(6), 1200, 100, prefit=300)
    study.add(PREFIT, prefit, simulation.history(range(6), 1200, prefit=300), 1200, prefit_epochs=300)
    hourglass = simulation.information(range(6), 1200, 100, dataset="mnist", layers=7)
    study.add(HOURGLASS, hourglass, simulation.history(range(6), 1200, chance=0.1), 1200, dataset="mnist")
    two = simulation.fit_badly(simulation.history(range(2), 1200), 1)
    study.add("two", information.query("repetition < 2"), two, 1200)
    study.add("quick", simulation.information(range(3), 60, 5), simulation.history(range(3), 60), 60)
    return study


def points(axes, index: int = 0) -> PathCollection:
    return [found for found in axes.collections if isinstance(found, PathCollection)][index]


def layer_names(axes) -> list[Annotation]:
    return [text for text in axes.texts if text.get_text().startswith("$T")]


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    @pytest.mark.parametrize("experiment", ["bad", "failed", "single", "none", "quick"])
    def test_draws_whatever_happened_and_says_so(self, study, kind, experiment, tmp_path):
        figure = study.draw(spec(kind, (experiment,), note=NOTE, dpi=40), tmp_path / "a.png")
        assert imread(tmp_path / "a.png").std() > 0.01
        said = words(figure)
        assert NOTE in said and experiment in said and HAPPENED[experiment] in said

    def test_files_depend_on_content_alone_and_are_fit_to_print(self, study, kind, tmp_path):
        for name, order in {"first": ("pdf", "png"), "second": ("png", "pdf")}.items():
            study.draw(spec(kind, dpi=40, note=NOTE), *(tmp_path / f"{name}.{suffix}" for suffix in order))
        for suffix in ("pdf", "png"):
            first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("first", "second"))
            assert first == second
            assert b"CreationDate" not in first and b"tIME" not in first
        page = (tmp_path / "first.pdf").read_bytes()
        assert b"/FontFile2" in page and b"/Type3" not in page and b"/Subtype /Image" not in page
        size = re.search(rb"MediaBox \[ ?0 0 (\S+) (\S+)", page).groups()
        picture = Image.open(tmp_path / "first.png")
        assert picture.size == tuple(round(float(points) / 72 * 40) for points in size)
        description = parse_description(picture.text["Description"], tmp_path / "first.png", "figure")
        assert description["spec"]["note"] == NOTE
        assert len(description["sources"]) == 1

    @pytest.mark.parametrize("columns", [1, 3])
    @pytest.mark.parametrize("experiments", [LONG, (PREFIT, HOURGLASS, "fine")])
    def test_texts_are_within_the_figure_and_do_not_overlap(self, study, kind, experiments, columns):
        estimators = ("uniform-30-global", "uniform-100-global", "uniform-256-global")
        shown = estimators[-columns:] if kind == "plane" else estimators[-1:]
        figure = study.draw(spec(kind, experiments, shown, note=NOTE))
        assert_readable(figure)

    def test_refuses_an_output_of_another_format(self, study, kind, tmp_path):
        with pytest.raises(UserError, match=r"a\.svg: a figure is written as \.pdf or \.png"):
            study.draw(spec(kind), tmp_path / "a.svg")
        assert not list(tmp_path.iterdir())

    def test_refuses_to_leave_out_what_it_was_not_given(self, study, kind, tmp_path):
        with pytest.raises(UserError, match=r"fine.*its (aggregates|accuracy) is not given"):
            draw(spec(kind), {}, [tmp_path / "a.pdf"])
        with pytest.raises(UserError, match="missing"):
            study.draw(spec(kind, ("nowhere",)), tmp_path / "a.pdf")
        assert not list(tmp_path.iterdir())


class TestPlane:
    def test_points_are_the_means_coloured_by_epoch(self, study):
        (axes,) = panels(study.draw(spec("plane")))
        table, _ = read_means(study.folder / "fine" / "aggregates.parquet", "aggregates")
        x, y = curve(table, "i_xt"), curve(table, "i_ty")
        shown = points(axes)
        assert np.array_equal(shown.get_offsets(), np.stack([x, y], -1).reshape(-1, 2))
        assert np.array_equal(shown.get_array(), np.repeat(x.index, 6))
        assert np.array_equal(points(axes, 1).get_offsets(), np.stack([x, y], -1)[-1])

    def test_lines_join_all_layers_of_an_epoch(self, study):
        (axes,) = panels(study.draw(spec("plane")))
        (lines,) = (found for found in axes.collections if isinstance(found, LineCollection))
        table, _ = read_means(study.folder / "fine" / "aggregates.parquet", "aggregates")
        epochs = lines.get_array()
        assert epochs[0] == -1 and (np.diff(epochs) > 0).all()
        for epoch, line in zip(epochs, lines.get_segments(), strict=True):
            assert np.array_equal(line[:, 0], curve(table, "i_xt").loc[epoch])

    def test_every_layer_is_named_once_and_names_lie_apart(self, study):
        figure = study.draw(spec("plane"))
        (axes,) = panels(figure)
        figure.draw_without_rendering()
        names = layer_names(axes)
        numbers = re.findall(r"T_{(\d)}", " ".join(name.get_text() for name in names))
        assert sorted(numbers) == list("123456")
        boxes = [Text.get_window_extent(name) for name in names]
        assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
        assert all(contains(axes.bbox.padded(1), box) for box in boxes)

    def test_saturated_layers_share_a_name(self, study):
        (axes,) = panels(study.draw(spec("plane")))
        assert any(name.get_text().startswith("$T_{1}$, $T_{2}$") for name in layer_names(axes))

    def test_whole_plane_reaches_its_bounds_and_a_zoom_its_limits(self, study):
        (axes,) = panels(study.draw(spec("plane")))
        assert axes.get_xlim()[0] < 0 < 12 < axes.get_xlim()[1]
        assert axes.get_ylim()[0] < 0 < simulation.H_Y < axes.get_ylim()[1]
        (axes,) = panels(study.draw(spec("plane", i_xt=(7.8, 12.2), i_ty=(0.8, 1.01))))
        assert axes.get_xlim() == (7.8, 12.2) and axes.get_ylim() == (0.8, 1.01)

    def test_a_grid_has_experiments_as_rows_and_estimators_as_columns(self, study):
        figure = study.draw(spec("plane", ("fine", "bad"), ("exact", "rebinned", "uniform")))
        titles = [axes.get_title().replace("\n", " ") for axes in panels(figure)]
        assert [title.split(",")[0] for title in titles] == [
            f"{experiment} {estimator}"
            for experiment in ("fine", "bad")
            for estimator in ("exact", "rebinned", "uniform")
        ]
        limits = {(axes.get_xlim(), axes.get_ylim()) for axes in panels(figure)}
        assert len(limits) == 1

    def test_experiments_seen_by_one_estimator_stand_side_by_side(self, study):
        figure = study.draw(spec("plane", ("fine", "bad", "failed")))
        figure.draw_without_rendering()
        first, second, third = panels(figure)
        assert first.bbox.y0 == second.bbox.y0 > third.bbox.y1 and first.bbox.x0 == third.bbox.x0
        numbered = [
            [
                any(label.label1.get_visible() for label in axis.get_major_ticks())
                for axis in (axes.xaxis, axes.yaxis)
            ]
            for axes in (first, second, third)
        ]
        assert numbered == [[False, True], [True, False], [True, True]]
        assert [bool(axes.get_xlabel()) for axes in (first, second, third)] == [False, True, True]

    def test_every_data_set_has_its_bounds(self, study):
        figure = study.draw(spec("plane", (HOURGLASS,)))
        (axes,) = panels(figure)
        assert axes.get_xlim()[0] < 0 < np.log2(70_000) < axes.get_xlim()[1] < 18
        assert axes.get_ylim()[0] < 0 < np.log2(10) < axes.get_ylim()[1] < 4
        for experiments in ((HOURGLASS, "fine"), ("fine", HOURGLASS)):
            assert panels(study.draw(spec("plane", experiments)))[0].get_xlim() == axes.get_xlim()

    def test_layers_of_any_number_are_named(self, study):
        (axes,) = panels(study.draw(spec("plane", (HOURGLASS,))))
        names = sorted(name.get_text() for name in layer_names(axes))
        assert names[0].startswith("$T_{1}$") and names[-1].endswith("$T_{7}$")


class TestPrefit:
    def test_a_plane_has_it_in_grey_beneath(self, study):
        figure = study.draw(spec("plane", (PREFIT,)))
        (axes,) = panels(figure)
        table, _ = read_means(study.folder / PREFIT / "aggregates.parquet", "aggregates")
        x, y = (curve(table, name, part="prefit").to_numpy() for name in ("i_xt", "i_ty"))
        grey = [line for line in axes.lines if line.get_color() == PREFIT_LINE]
        assert np.array_equal([line.get_xydata() for line in grey], np.stack([x, y], -1).swapaxes(0, 1))
        assert max(line.get_zorder() for line in grey) < points(axes).get_zorder()
        main = np.stack([curve(table, "i_xt"), curve(table, "i_ty")], -1).reshape(-1, 2)
        assert np.array_equal(points(axes).get_offsets(), main)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["prefit on shuffled labels"]
        (bar,) = (axes for axes in figure.axes if axes.get_label() == "<colorbar>")
        assert bar.get_yticklabels()[0].get_text() == "start"

    @pytest.mark.parametrize("kind", ["curves", "readings", "accuracy"])
    def test_curves_have_it_left_of_epoch_0_on_grey_ground(self, study, kind):
        figure = study.draw(spec(kind, (PREFIT,)))
        axes = panels(figure)[0]
        main, prefit = (
            [line for line in axes.lines if (line.get_xdata() > 0).any() == after] for after in (True, False)
        )
        assert len(main) == len(prefit) == {"curves": 6, "readings": 1, "accuracy": 2}[kind]
        for first, second in zip(main, prefit, strict=True):
            assert first.get_color() == second.get_color() and first.get_marker() == second.get_marker()
            assert (second.get_xdata()[0], second.get_xdata()[-1]) == (
                (-299, 0) if kind == "accuracy" else (-300, -99)
            )
        labels = dict(
            zip(axes.get_xticks(), (label.get_text() for label in axes.get_xticklabels()), strict=True)
        )
        assert labels == {
            -300: "init",
            -299: "1",
            -290: "10",
            0: "0",
            1: "1",
            10: "10",
            100: "100",
            1000: "1000",
        }
        (ground,) = axes.patches
        assert ground.get_facecolor() == to_rgba(PREFIT_GROUND) and ground.get_extents().x1 == pytest.approx(
            axes.transData.transform((0, 0))[0]
        )
        named = [text.get_text() for legend in figure.findobj(Legend) for text in legend.get_texts()]
        assert named.count("prefit on shuffled labels") == 1 and len(set(named)) == len(named)

    def test_its_epochs_have_an_axis_like_that_of_the_main_part(self, study):
        axes = panels(study.draw(spec("curves", (PREFIT,))))[0]
        passes = np.array([0, 1, 7, 10, 100, 299])
        places = [
            axes.transData.transform(np.stack([passes + start, passes], 1))[:, 0] for start in (-300, 0)
        ]
        np.testing.assert_allclose(np.diff(places[0]), np.diff(places[1]))
        assert axes.bbox.x0 < places[0][0] and places[0][-1] < places[1][0]
        back = axes.transData.inverted().transform(np.stack([places[0], places[0]], 1))[:, 0]
        np.testing.assert_allclose(back, passes - 300, atol=1e-6)

    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_is_said_of_it_where_there_is_none(self, study, kind):
        figure = study.draw(spec(kind))
        assert "prefit" not in words(figure)
        assert not any(axes.patches for axes in panels(figure))

    def test_single_runs_are_shown_from_its_end_on(self, study):
        shown = panels(study.draw(spec("runs", (PREFIT,))))[0]
        information = simulation.information(range(6), 1200, 100, prefit=300).query("part == 'main'")
        runs = {
            tuple(run["i_xt"]) for _, run in information.sort_values(["epoch", "layer"]).groupby("repetition")
        }
        assert tuple(points(shown).get_offsets()[:, 0]) in runs


class TestCurves:
    def test_lines_are_means_with_a_band_of_one_std(self, study):
        left, right = panels(study.draw(spec("curves")))
        table, _ = read_means(study.folder / "fine" / "aggregates.parquet", "aggregates")
        for axes, quantity in ((left, "i_xt"), (right, "i_ty")):
            mean, std = curve(table, quantity), curve(table, quantity, "std")
            assert [line.get_label() for line in axes.lines] == [f"$T_{{{layer}}}$" for layer in range(1, 7)]
            for layer, line, band in zip(mean, axes.lines, axes.collections, strict=True):
                assert np.array_equal(line.get_ydata(), mean[layer])
                edges = band.get_paths()[0].vertices[:, 1]
                assert edges.max() == pytest.approx((mean[layer] + std[layer]).max())
                assert edges.min() == pytest.approx((mean[layer] - std[layer]).min())

    def test_the_state_before_the_first_step_has_its_place(self, study):
        axes, _ = panels(study.draw(spec("curves")))
        assert axes.lines[0].get_xdata()[:2].tolist() == [0, 1]
        places = axes.transData.transform([[0, 0], [1, 0], [10, 0], [100, 0]])[:, 0]
        assert axes.bbox.x0 < places[0] and (np.diff(places) > 10).all()
        assert axes.get_xticklabels()[0].get_text() == "init"

    def test_layers_differ_in_colour_and_marker(self, study):
        axes, _ = panels(study.draw(spec("curves")))
        for attribute in ("get_color", "get_marker"):
            assert len({getattr(line, attribute)() for line in axes.lines}) == 6

    def test_many_layers_differ_in_one_of_them(self):
        axes = Figure().subplots()
        means = pd.DataFrame(np.ones((3, 20)), pd.Index([-1, 0, 5], name="epoch"), pd.RangeIndex(1, 21))
        lines(axes, means, means, 0)
        assert len({(line.get_color(), line.get_marker()) for line in axes.lines}) == 20


class TestReadings:
    def test_lines_are_the_output_as_each_estimator_reads_it(self, study):
        estimators = ("exact", "rebinned")
        shown = panels(study.draw(spec("readings", ("fine", HOURGLASS), estimators)))
        for experiment, rows in {"fine": shown[:2], HOURGLASS: shown[2:]}.items():
            table, _ = read_means(study.folder / experiment / "aggregates.parquet", "aggregates")
            for axes, quantity in zip(rows, ("i_xt", "i_ty"), strict=True):
                assert [line.get_label() for line in axes.lines] == [*estimators]
                output = curve(table, quantity)[7 if experiment == HOURGLASS else 6]
                assert all(np.array_equal(line.get_ydata(), output) for line in axes.lines)


class TestRuns:
    def test_from_the_run_nearest_to_the_mean_to_the_farthest(self, study):
        shown = panels(study.draw(spec("runs")))
        titles = [axes.get_title() for axes in shown]
        information = simulation.information(range(6), 1200, 100).set_index(["repetition", "epoch", "layer"])
        curves = information[["i_xt", "i_ty"]]
        apart = ((curves - curves.groupby(["epoch", "layer"]).mean()) ** 2).sum(axis=1)
        distances = np.sqrt(apart.groupby("repetition").mean()).sort_values()
        for title, place, name in zip(
            titles, [0, 2, 4, 5], ["best", "middle", "second-worst", "worst"], strict=True
        ):
            assert title.startswith(f"{name}: repetition {distances.index[place]}\n")
            assert f"{distances.iloc[place]:.2f} bit" in title
        assert all(axes.get_xlabel() for axes in shown)
        best = information.loc[distances.index[0], ["i_xt", "i_ty"]].sort_index()
        assert np.array_equal(points(shown[0]).get_offsets(), best)

    def test_a_failed_run_is_not_shown(self, study):
        titles = [axes.get_title() for axes in panels(study.draw(spec("runs", ("failed",))))]
        assert len(titles) == 4 and not any("repetition 2\n" in title for title in titles)

    @pytest.mark.parametrize(
        "experiment, names", [("single", ["best"]), ("quick", ["best", "middle", "worst"])]
    )
    def test_no_run_is_shown_twice(self, study, experiment, names):
        titles = [axes.get_title() for axes in panels(study.draw(spec("runs", (experiment,))))]
        assert [title.split(":")[0] for title in titles] == names

    def test_refuses_chunks_of_other_runs(self, study, tmp_path):
        wanted = spec("runs")
        tables = study.tables(wanted)
        (path,) = tables["information"]["fine", "exact"]
        fewer = pd.read_parquet(path).query("repetition > 0")
        tables["information"]["fine", "exact"] = [
            simulation.write_information(tmp_path / "a", fewer, epochs=1200)
        ]
        with pytest.raises(UserError, match="the repetitions of the runs"):
            draw(wanted, tables, [tmp_path / "a.pdf"])


def test_accuracy_shows_means_and_intervals_of_every_experiment(study):
    shown = panels(study.draw(spec("accuracy", ("fine", "bad", "failed", "quick"))))
    assert [axes.get_title().split("\n")[0] for axes in shown] == ["fine", "bad", "failed", "quick"]
    table, _ = read_means(study.folder / "fine" / "accuracy.parquet", "accuracy")
    for quantity, line, band in zip(
        ("train_accuracy", "test_accuracy"), shown[0].lines, shown[0].collections, strict=True
    ):
        rows = table[table["quantity"] == quantity]
        assert np.array_equal(line.get_ydata(), rows["mean"])
        edges = band.get_paths()[0].vertices[:, 1]
        assert (edges.min(), edges.max()) == (rows["lower"].min(), rows["upper"].max())


def test_accuracies_fill_their_axis_however_wide_the_intervals(study):
    narrow, wide = (panels(study.draw(spec("accuracy", (name,))))[0].get_ylim() for name in ("fine", "two"))
    assert narrow == pytest.approx((0.46, 1.01), abs=0.03)
    assert wide == (-0.03, 1.03)


class TestColours:
    def test_later_epochs_are_lighter_in_grey_too(self):
        linear = EPOCHS(range(EPOCHS.N))[:, :3] ** 2.2
        assert (np.diff(linear @ [0.2126, 0.7152, 0.0722]) > 0).all()

    def test_scale_covers_all_epochs(self):
        norm = epoch_norm(8000)
        assert norm(-1) == 0 and norm(8000) == 1

    @pytest.mark.parametrize("epochs", [1, 2, 5, 60, 400, 3000, 8000])
    def test_ticks_are_apart_and_within(self, epochs):
        ticks = epoch_ticks(epochs)
        assert ticks[0] == -1 and ticks[-1] == epochs
        assert (np.diff(epoch_norm(epochs)(ticks)) >= 0.1).all()
