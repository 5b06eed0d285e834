"""The explorer: its page holds what the tables do, and a reader moves it."""

import json
import re
from base64 import b64decode

import numpy as np
import pytest
from browsers import opened, started_browser
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from infoplane.artifacts import parse_description, read_table
from infoplane.errors import UserError
from infoplane.figures.descriptions import figure_description
from infoplane.figures.drawing import write_figure
from infoplane.figures.explorer import write
from infoplane.figures.explorer.contents import EPOCHS, MISSING, contents_of, largest_step, packed
from infoplane.figures.tables import read_tables
from infoplane.plotting.axes import epoch_ticks

from .study import EPOCHS as TRAINED
from .study import figure_spec

SHOWN = ("fine", "tanh", "prefit", "hourglass")
BY = ("exact", "coarse")


def unpacked(pack) -> np.ndarray:
    codes = np.frombuffer(b64decode(pack["codes"]), "<u2").astype(float)
    return np.where(codes == MISSING, np.nan, pack["from"] + pack["step"] * codes)


def explorer(experiments=SHOWN, estimators=BY, **options):
    return figure_spec("explorer", experiments, estimators, **options)


def contents(path):
    (text,) = re.findall('<script type="application/json" id="contents">(.*?)</script>', path.read_text())
    return json.loads(text)


@pytest.fixture(scope="module")
def page(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    spec = explorer(note="<b>4 repetitions</b>")
    write_figure(spec, study.tables(spec), [path])
    return path


@pytest.fixture(scope="module")
def browser():
    with started_browser() as browser:
        yield browser


FLOATS = st.floats(-1e6, 1e6) | st.just(np.nan)


@given(arrays(float, st.integers(0, 20), elements=FLOATS))
def test_numbers_are_rounded_to_half_a_step_at_most(values):
    pack = packed({"runs": values})["runs"]
    found = unpacked(pack)
    assert np.array_equal(np.isnan(found), np.isnan(values))
    known = values[~np.isnan(values)]
    rounding = 8 * np.finfo(float).eps * (abs(known).max(initial=0) + pack["step"])
    assert (abs(found[~np.isnan(values)] - known) <= pack["step"] / 2 + rounding).all()
    spread = np.ptp(known) if known.size else 0
    assert pack["step"] <= max(1e-4, 2.5 * spread / (MISSING - 2)) * (1 + 1e-9)


@given(st.lists(FLOATS, min_size=3, max_size=3), st.lists(FLOATS, max_size=9))
def test_arrays_of_one_quantity_keep_their_order(ordered, others):
    """Equal numbers are equal after they are rounded, whatever else stands in their arrays."""
    low, mean, high = np.sort(ordered)
    arrays = {"low": [low, *others], "mean": [mean], "high": [high], "alike": [*others, low]}
    found = {name: unpacked(its) for name, its in packed({k: np.array(v) for k, v in arrays.items()}).items()}
    assert not found["low"][0] > found["mean"][0] and not found["mean"][0] > found["high"][0]
    np.testing.assert_array_equal(found["low"][0], found["alike"][-1])


def test_means_quantiles_and_runs_are_those_of_the_tables(study):
    tables = read_tables(explorer(), study.tables(explorer()))
    found = contents_of(explorer(), tables)
    assert len(found["views"]) == len(SHOWN) * len(BY)
    for view in found["views"]:
        pair = view["experiment"], view["estimator"]
        means, single = tables["aggregates"][pair], tables["information"][pair]
        assert set(view["parts"]) == set(means["part"])
        for part, its in view["parts"].items():
            epochs = np.array(its["passes"]) - 1
            for quantity in ("i_xt", "i_ty"):
                rows = means.query("part == @part and quantity == @quantity and runs == 'all'")
                for name, column in (("mean", "mean"), ("low", "q10"), ("high", "q90")):
                    table = rows.pivot(index="epoch", columns="layer", values=column).loc[epochs]
                    assert_close(its[quantity][name], table.to_numpy())
                runs = single[(single["part"] == part) & single["epoch"].isin(epochs)]
                table = runs.pivot(index=["repetition", "epoch"], columns="layer", values=quantity)
                assert_close(its[quantity]["runs"], table.to_numpy())


def test_runs_keep_their_places_where_an_estimator_failed_in_one(study):
    """As where activations are infinite in a run that is trained to its end."""
    spec = explorer(("fine",), ("exact",))
    whole, some = (read_tables(spec, study.tables(spec)) for _ in range(2))
    names = whole["accuracy"]["fine"].attrs["repetitions"]
    some["aggregates"]["fine", "exact"].attrs["failed"] = [names[1]]
    views = [contents_of(spec, tables)["views"][0]["parts"]["main"] for tables in (whole, some)]
    runs = [unpacked(its["i_xt"]["runs"]).reshape(len(names), -1) for its in views]
    assert np.isnan(runs[1][1]).all() and not np.isnan(runs[0]).any()
    assert np.allclose(np.delete(runs[0], 1, 0), np.delete(runs[1], 1, 0), atol=2e-4)


def test_accuracies_are_those_of_the_tables(study):
    tables = read_tables(explorer(), study.tables(explorer()))
    for name, its in contents_of(explorer(), tables)["experiments"].items():
        for part, accuracy in its["accuracy"].items():
            epochs = np.array(accuracy["passes"]) - 1
            means = tables["accuracy"][name].query("part == @part")
            runs = tables["history"][name]
            runs = runs[runs["part"] == part]
            for quantity in ("train_accuracy", "test_accuracy"):
                rows = means.query("quantity == @quantity and runs == 'all'")
                rows = rows.set_index("epoch").loc[epochs]
                for key, column in (("mean", "mean"), ("low", "q10"), ("high", "q90")):
                    assert_close(accuracy[quantity][key], rows[column].to_numpy())
                table = runs.pivot(index="repetition", columns="epoch", values=quantity)[epochs]
                assert_close(accuracy[quantity]["runs"], table.to_numpy())


def assert_close(pack, values):
    np.testing.assert_allclose(unpacked(pack), values.ravel(), rtol=0, atol=pack["step"] / 2 + 1e-9)


def test_many_epochs_are_thinned_evenly_in_their_logarithm(study, monkeypatch):
    spec = explorer(("fine",), ("exact",))
    tables = read_tables(spec, study.tables(spec))
    monkeypatch.setattr("infoplane.figures.explorer.contents.EPOCHS", 10)
    found = contents_of(spec, tables)["views"][0]["parts"]["main"]["passes"]
    recorded = np.unique(tables["information"]["fine", "exact"]["epoch"]) + 1
    spots = np.linspace(np.log1p(recorded[0]), np.log1p(recorded[-1]), 10)
    nearest = {recorded[np.abs(np.log1p(recorded) - spot).argmin()] for spot in spots}
    assert found == sorted(nearest)


@pytest.mark.parametrize(
    ("experiment", "said"),
    [
        ("bad", "6 runs, 1 bad fit"),
        ("failed", "5 of 6 runs (1 failed)"),
        ("single", "1 run"),
        ("none", "0 of 1 runs (1 failed)"),
    ],
)
def test_is_written_whatever_happened_and_says_so(study, experiment, said, tmp_path):
    spec = explorer((experiment,), ("exact",))
    write_figure(spec, study.tables(spec), [tmp_path / "a.html"])
    its = contents(tmp_path / "a.html")["experiments"][experiment]
    assert its["runs"] == said
    assert len(its["repetitions"]) == {"bad": 6, "failed": 5, "single": 1, "none": 0}[experiment]


def test_bytes_depend_on_content_alone(study, page, tmp_path):
    spec = explorer(note="<b>4 repetitions</b>")
    write_figure(spec, study.tables(spec), [tmp_path / "again.html"])
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_texts_are_escaped_and_the_page_says_what_it_is(page):
    text = page.read_text()
    assert "&lt;b&gt;4 repetitions&lt;/b&gt;" in text and "<b>4 rep" not in text
    assert f"At most {EPOCHS} recorded epochs" in text
    assert f"coarsest step is {largest_step(contents(page)):g}." in text
    described = parse_description(figure_description(page), page, "figure")
    assert described["spec"]["experiments"] == [*SHOWN]


def test_only_html_is_written(study, tmp_path):
    spec = explorer()
    with pytest.raises(UserError, match=r"a\.png: an explorer is written as \.html; rename the output"):
        write_figure(spec, study.tables(spec), [tmp_path / "a.png"])


def test_layers_can_be_chosen(study):
    spec = explorer(layers=[2, 5])
    found = contents_of(spec, read_tables(spec, study.tables(spec)))
    assert all(its["layers"] == [2, 5] for view in found["views"] for its in view["parts"].values())


@pytest.mark.parametrize("kind", ["accuracy", "history"])
def test_tables_of_other_runs_are_refused(study, kind, tmp_path):
    spec = explorer(("fine",), ("exact",))
    tables = study.tables(spec)
    tables[kind]["fine"] = [study.path(kind, "tanh")]
    with pytest.raises(UserError, match="the spec of the runs is"):
        write_figure(spec, tables, [tmp_path / "a.html"])


# In a browser


def move(page, place: int) -> None:
    page.evaluate(
        "place => { const slider = document.getElementById('slider'); slider.value = place;"
        "slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        place,
    )


def heads(page, side: int = 0) -> list[str]:
    marks = page.locator(f"#side-{side} .means path")
    return marks.evaluate_all("marks => marks.map(mark => mark.getAttribute('transform'))")


def printed(page, side: int = 0) -> np.ndarray:
    rows = page.locator(f"#side-{side} tbody tr").all_inner_texts()
    return np.array([[float(cell.split()[0]) for cell in row.split("\t")[1:]] for row in rows])


def numbers_in_table(shown) -> np.ndarray:
    """Mean and both ends of the range as they are printed, over layers and quantities."""
    cells = shown.locator("tbody td").all_inner_texts()
    return np.array([[float(each) for each in re.split(r"[\s–]+", cell)] for cell in cells])


def test_a_range_is_never_printed_backwards_nor_beside_its_mean(study, browser, tmp_path):
    """Where all runs have one value that rounds up, and where they differ by less than is printed."""
    spec = explorer(("fine",), ("exact",))
    tables = read_tables(spec, study.tables(spec))
    means, single = tables["aggregates"]["fine", "exact"], tables["information"]["fine", "exact"]
    for each, columns in ((means, ["mean", "q10", "q90"]), (single, ["i_xt", "i_ty"])):
        each.loc[each["epoch"] == each["epoch"].max(), columns] = np.log2(3)
    for column, shift in (("q10", -0.3), ("q90", 0.77731)):  # at other epochs, so that scales differ
        means.loc[means["epoch"] < means["epoch"].max(), column] += shift
    write(spec, tables, [tmp_path / "a.html"], {})
    with opened(browser, tmp_path / "a.html") as shown:
        mean, low, high = numbers_in_table(shown).T
        assert (low == mean).all() and (mean == high).all()
        assert abs(mean - np.log2(3)).max() < 0.0003


def test_the_slider_moves_the_points_of_both_sides(page, browser):
    with opened(browser, page) as shown:
        places = []
        for place in (0, 10, 20):
            move(shown, place)
            places.append([heads(shown, 0), heads(shown, 1)])
        for side in (0, 1):
            assert len({tuple(each[side]) for each in places}) == 3


def test_values_in_the_page_are_those_of_the_tables(study, page, browser):
    with opened(browser, page) as shown:
        experiments = shown.locator("select[name=experiment-1] option").evaluate_all(
            "all => all.map(each => each.value)"
        )
        assert experiments == [*SHOWN]
        for experiment in SHOWN:
            shown.select_option("select[name=experiment-1]", experiment)
            for estimator in BY:
                shown.select_option("select[name=estimator-1]", estimator)
                compare(study, shown, experiment, estimator, "main")
                if experiment == "prefit":
                    shown.select_option("select[name=part-1]", "prefit")
                    compare(study, shown, experiment, estimator, "prefit")
                    shown.select_option("select[name=part-1]", "main")


def compare(study, shown, experiment, estimator, part):
    means, known = read_table(study.path("aggregates", experiment, estimator), "aggregates")
    means = means.query("part == @part and runs == 'all'")
    for key in ("Home", "End"):
        shown.keyboard.press("Escape")
        shown.locator("#slider").press(key)
        epoch = means["epoch"].min() if key == "Home" else means["epoch"].max()
        now = means[means["epoch"] == epoch]
        table = now.pivot(index="layer", columns="quantity", values="mean")[["i_xt", "i_ty"]]
        trained = known["spec"]["training"]["prefit_epochs" if part == "prefit" else "epochs"]
        assert f"After {epoch + 1} of {trained} epochs" in shown.locator("#side-1 caption").inner_text()
        # rounded to half a step of 0.0005 at most, and printed with four digits
        np.testing.assert_allclose(printed(shown, 1), table.to_numpy(), rtol=0, atol=0.00025 + 0.00005)


def test_a_menu_changes_the_points_and_names_what_is_shown(page, browser):
    with opened(browser, page) as shown:
        before = heads(shown), heads(shown, 1)
        shown.select_option("select[name=estimator-0]", "coarse")
        assert heads(shown) != before[0] and heads(shown, 1) == before[1]
        label = shown.locator("#side-0 svg.plane").get_attribute("aria-label")
        assert "30 bins" in label and f"after {TRAINED - 49} of {TRAINED} epochs" in label
        shown.select_option("select[name=experiment-0]", "hourglass")
        assert "MNIST hourglass" in shown.locator("#side-0 svg.plane").get_attribute("aria-label")
        assert len(heads(shown)) == 7


def test_layers_runs_and_means_can_be_hidden(page, browser):
    with opened(browser, page) as shown:
        dots = shown.locator("#side-0 .dots circle")
        assert dots.count() == 6 * 6 and len(heads(shown)) == 6
        shown.click("#layer-6")
        assert shown.locator("#layer-6").get_attribute("aria-pressed") == "false"
        assert dots.count() == 6 * 5 and len(heads(shown)) == 5
        shown.uncheck("#show-runs")
        assert dots.count() == 0
        shown.uncheck("#show-mean")
        assert heads(shown) == []


def test_a_tooltip_tells_run_epoch_information_and_accuracy(study, page, browser):
    with opened(browser, page) as shown:
        shown.uncheck("#show-mean")
        for layer in range(1, 6):
            shown.click(f"#layer-{layer}")
        dot = shown.locator("#side-0 .dots circle").first.bounding_box()
        shown.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
        told = shown.locator("#tooltip").inner_text()
        run = int(re.search(r"T6, run (\d)", told)[1])
        single, _ = read_table(study.path("information", "fine", "exact"), "information")
        row = single.query("repetition == @run and layer == 6").iloc[-1]
        assert f"epochs trained: {row['epoch'] + 1} of {TRAINED}\n" in told
        x, y = (float(re.search(rf"{re.escape(name)}: (\S+) bits", told)[1]) for name in ("I(X;T)", "I(T;Y)"))
        np.testing.assert_allclose([x, y], [row["i_xt"], row["i_ty"]], rtol=0, atol=0.0003)
        history, _ = read_table(study.path("history", "fine"), "history")
        (accuracy,) = history.query("repetition == @run and epoch == @row.epoch")["train_accuracy"]
        assert float(re.search(r"accuracy: (\S+) training", told)[1]) == pytest.approx(accuracy, abs=0.0002)
        shown.mouse.down()
        shown.mouse.up()
        assert shown.locator("#side-0 .followed circle").count() == 1
        assert shown.input_value("select[name=run-1]") == str(run)


def test_keys_move_the_slider_and_play(page, browser):
    with opened(browser, page) as shown:
        shown.keyboard.press("Home")
        assert shown.input_value("#slider") == "0"
        shown.keyboard.press("ArrowRight")
        assert shown.input_value("#slider") == "1"
        assert shown.locator("#slider").get_attribute("aria-valuetext") == f"1 of {TRAINED} epochs trained"
        shown.keyboard.press("Space")
        assert shown.locator("#play").inner_text() == "Pause"
        shown.wait_for_function("Number(document.getElementById('slider').value) > 2")
        shown.keyboard.press("Space")
        assert shown.locator("#play").inner_text() == "Play"


@pytest.mark.parametrize("control", ["#play", "#layer-1", "#show-runs", "#slider", "#zoom"])
def test_keys_move_the_slider_by_one_wherever_the_focus_is(page, browser, control):
    with opened(browser, page) as shown:
        last = int(shown.locator("#slider").get_attribute("max"))
        shown.click(control)
        assert shown.locator(control).evaluate("each => each === document.activeElement")
        moves = ("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", last)
        for key, place in moves:
            shown.keyboard.press(key)
            assert shown.input_value("#slider") == str(place)
            assert shown.locator("#play").inner_text() == "Play"


def test_keys_of_a_control_stay_its_own(page, browser):
    """Space presses a button or a checkbox once, and arrows go through a menu."""
    with opened(browser, page) as shown:
        place = shown.input_value("#slider")
        shown.locator("#show-runs").press("Space")
        shown.locator("#layer-1").press("Space")
        assert not shown.is_checked("#show-runs")
        assert shown.locator("#layer-1").get_attribute("aria-pressed") == "false"
        menu = shown.locator("select[name=experiment-0]")
        before = menu.input_value()
        menu.press("ArrowRight")
        assert menu.input_value() != before and shown.input_value("#slider") == place
        assert shown.locator("#play").inner_text() == "Play"
        shown.locator("#play").press("Space")
        assert shown.locator("#play").inner_text() == "Pause"


def middle(mark) -> tuple[float, float]:
    box = mark.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_tap_tells_values_until_the_next_tap_elsewhere(page, browser):
    with opened(browser, page, 390, has_touch=True, is_mobile=True) as shown:
        mark = shown.locator("#side-0 .means path").last
        mark.scroll_into_view_if_needed()
        shown.touchscreen.tap(*middle(mark))
        assert "mean of 6 runs" in shown.locator("#tooltip").inner_text()
        shown.touchscreen.tap(*middle(shown.locator("#side-0 .runs")))
        assert shown.locator("#tooltip").is_hidden()


def test_controls_are_large_where_fingers_use_them(page, browser):
    with opened(browser, page, 390, has_touch=True, is_mobile=True) as shown:
        for control in shown.locator("button, select, #slider, .choices label").all():
            assert control.bounding_box()["height"] >= 44
        for box in shown.locator("input[type=checkbox]").all():
            assert min(box.bounding_box()["width"], box.bounding_box()["height"]) >= 24


def ticks(page, side: int, chart: str) -> list[list[float]]:
    """Numbers at the horizontal and at the vertical axis of a chart."""
    axes = page.locator(f"#side-{side} svg.{chart} .axis")
    return [
        [float(each) for each in axes.nth(place).locator(".tick").all_text_contents()] for place in (0, 1)
    ]


def test_planes_have_one_scale_if_their_data_set_is_the_same(page, browser):
    with opened(browser, page) as shown:
        assert ticks(shown, 0, "plane") == ticks(shown, 1, "plane")
        shown.select_option("select[name=experiment-1]", "hourglass")
        (x, y), (other_x, other_y) = (ticks(shown, side, "plane") for side in (0, 1))
        assert max(x) <= 12 < max(other_x) and max(y) <= 1 < max(other_y)


def test_the_zoom_leaves_out_runs_far_from_all_others(study, browser, tmp_path):
    spec = explorer(("fine",), ("exact",), layers=[6])
    tables = read_tables(spec, study.tables(spec))
    single = tables["information"]["fine", "exact"]
    single.loc[single["repetition"] == 0, ["i_xt", "i_ty"]] = 0.0
    write(spec, tables, [tmp_path / "a.html"], {})
    means = tables["aggregates"]["fine", "exact"].query("runs == 'all' and layer == 6 and part == 'main'")
    bounds = means.groupby("quantity")[["q10", "q90"]].agg({"q10": "min", "q90": "max"})
    with opened(browser, tmp_path / "a.html") as shown:
        shown.check("#zoom")
        ends = shown.evaluate("[state.sides[0].x, state.sides[0].y].map((scale) => scale.domain())")
    for (low, high), quantity in zip(ends, ("i_xt", "i_ty"), strict=True):
        room = 0.06 * (bounds["q90"] - bounds["q10"])[quantity] + 0.003
        assert bounds["q10"][quantity] - room < low < bounds["q10"][quantity]
        assert bounds["q90"][quantity] < high < bounds["q90"][quantity] + room


def test_time_ends_with_the_training_as_in_other_figures(page, browser):
    with opened(browser, page) as shown:
        assert shown.locator("#epoch").inner_text() == f"{TRAINED - 49} of {TRAINED}"
        assert ticks(shown, 0, "i_xt")[0] == [0, *[*epoch_ticks(TRAINED)][1:]]


def test_print_has_a_legend_and_breaks_between_charts(page, browser):
    with opened(browser, page) as shown:
        shown.click("#layer-6")
        shown.emulate_media(media="print")
        assert shown.locator("#layer-1").is_visible() and shown.locator("#layer-6").is_hidden()
        assert shown.locator("#zoom").is_hidden() and shown.locator("#slider").is_hidden()
        inside = shown.locator("#side-0").evaluate("side => getComputedStyle(side).breakInside")
        assert inside == "auto"


@pytest.mark.parametrize("width", [1280, 840, 390])
def test_nothing_is_wider_than_the_screen_and_all_controls_have_names(page, browser, width):
    with opened(browser, page, width) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        for table in shown.locator(".numbers").all():
            assert table.evaluate("each => each.scrollWidth <= each.clientWidth")
        for control in shown.locator("button, select, input").all():
            name = control.evaluate(
                "each => (each.labels && each.labels[0] ? each.labels[0] : each).innerText || each.ariaLabel"
            )
            assert name.strip()
        for picture in shown.locator("svg.chart").all():
            assert picture.get_attribute("role") == "img" and picture.get_attribute("aria-label")


LONG = "leaky ReLU, 4/16 bits, controlled, SGD, learning rate 0.005"


@pytest.mark.parametrize("width", [1280, 390])
def test_a_long_label_is_read_in_full_below_menus_that_cut_it(study, browser, tmp_path, width):
    spec = explorer(("fine", "tanh"), ("exact",), labels={"fine": LONG})
    write_figure(spec, study.tables(spec), [tmp_path / "a.html"])
    with opened(browser, tmp_path / "a.html", width) as shown:
        side, menu = (shown.locator(each).bounding_box() for each in ("#side-0", "select[name=experiment-0]"))
        assert side["x"] <= menu["x"] and menu["x"] + menu["width"] <= side["x"] + side["width"]
        whole = shown.locator("#side-0 .whole")
        assert whole.is_visible() == (width == 390)
        if width == 390:
            assert whole.inner_text().strip() == f"{LONG}, exact."
            assert menu["width"] == side["width"]
            shown.select_option("select[name=experiment-0]", "tanh")
            assert whole.inner_text().strip() == "tanh, 8 bits, exact."


def test_colours_follow_the_reader(page, browser):
    grounds = []
    for scheme in ("light", "dark"):
        with opened(browser, page, color_scheme=scheme) as shown:
            grounds.append(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(22, 24, 27)"]


def test_a_study_of_failed_runs_says_so(study, browser, tmp_path):
    spec = explorer(("none",), ("exact",))
    write_figure(spec, study.tables(spec), [tmp_path / "a.html"])
    with opened(browser, tmp_path / "a.html") as shown:
        assert "0 of 1 runs (1 failed): there is nothing to show" in shown.locator("#side-0").inner_text()


def test_nothing_is_told_of_an_experiment_that_failed(study, browser, tmp_path):
    """Neither the numbers of the one that was shown before, nor tooltips."""
    spec = explorer(("fine", "none"), ("exact",))
    write_figure(spec, study.tables(spec), [tmp_path / "a.html"])
    with opened(browser, tmp_path / "a.html") as shown:
        side = shown.locator("#side-0")
        assert side.locator("tbody tr").count()
        side.locator("select[name=experiment-0]").select_option(index=1)
        assert "there is nothing to show" in side.inner_text()
        assert not side.locator("tbody tr").count() and not side.locator("caption").inner_text()
        side.locator("svg.plane").hover(force=True)
        assert shown.locator("#tooltip").is_hidden()


def named_page(study, path, names):
    """A page of two experiments whose layers have names, by experiment."""
    spec = explorer([*names], ("exact",))
    tables = read_tables(spec, study.tables(spec))
    for kind in ("aggregates", "information"):
        for (experiment, _), table in tables[kind].items():
            if names[experiment]:
                table["layer_name"] = [names[experiment][layer - 1] for layer in table["layer"]]
    write(spec, tables, [path], {})
    return path


NAMES = ["conv.0", "relu <1>", "pool", "fc1", "fc2", "softmax"]


def test_layers_are_called_by_their_names(study, browser, tmp_path):
    """In the legend, in tooltips, in the table of values, and for those who hear the page."""
    path = named_page(study, tmp_path / "page.html", {"fine": NAMES, "tanh": NAMES})
    with opened(browser, path) as shown:
        assert shown.locator("#layers button span").all_text_contents() == NAMES
        assert shown.locator("#side-0 tbody th").all_text_contents() == NAMES
        plane = shown.locator("#side-0 svg[aria-label^='Information plane']")
        assert f"{NAMES[1]} at " in plane.get_attribute("aria-label")
        for layer in (1, 3, 4, 5, 6):
            shown.click(f"#layer-{layer}")
        dot = shown.locator("#side-0 .means path").bounding_box()
        shown.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
        assert shown.locator("#tooltip").inner_text().startswith(f"{NAMES[1]}, mean of ")


def test_layers_whose_names_differ_have_numbers_in_the_legend(study, browser, tmp_path):
    others = ["conv.0", "tanh", "pool", "fc1", "fc2", "softmax"]
    path = named_page(study, tmp_path / "page.html", {"fine": NAMES, "tanh": others})
    with opened(browser, path) as shown:
        assert shown.locator("#layers button span").all_text_contents() == [NAMES[0], "T2", *NAMES[2:]]
        assert shown.locator("#side-1 tbody th").all_text_contents() == others
    path = named_page(study, tmp_path / "page.html", {"fine": NAMES, "tanh": None})
    with opened(browser, path) as shown:
        assert shown.locator("#layers button span").all_text_contents() == [f"T{n}" for n in range(1, 7)]
        assert shown.locator("#side-0 tbody th").all_text_contents() == NAMES
