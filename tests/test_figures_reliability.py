"""Figures of reliability and of levels show the means of their tables, and say what they are of."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulation
from drawings import assert_readable, drawn, panels, words
from matplotlib.figure import Figure

from infoplane.artifacts import read_table, write_table
from infoplane.config import FigureSpec
from infoplane.config.study import resolve
from infoplane.errors import UserError
from infoplane.figures.averages import read_averages

ESTIMATORS = ["plug-in", "miller-madow", "chao-shen"]
KINDS = ["reliability", "levels"]


def table_of(kind: str, repetitions: range, layers: int, inputs: int, prefit: int = 0) -> pd.DataFrame:
    """Curves that rise over epochs, one for each repetition; other estimators are 1 and 4 bits up."""
    time = simulation.passes(1200, 100, prefit)
    axes = {"repetition": repetitions, "time": range(len(time)), "layer": range(1, layers + 1)}
    if kind == "reliability":
        axes |= {"sample": [inputs // divisor for divisor in (1, 2, 4, 8)], "estimator": ESTIMATORS}
    table = pd.MultiIndex.from_product(axes.values(), names=list(axes)).to_frame(index=False)
    place = table.pop("time")
    table.insert(1, "part", time.get_level_values("part")[place])
    table.insert(2, "epoch", time.get_level_values("epoch")[place])
    share = (2 + table["epoch"].clip(0) / 300) / (2 + table["layer"]) + table["repetition"] / 100
    if kind == "levels":
        return table.assign(
            levels=pd.array(256 * share.clip(0, 1), "Float64").round().astype("Int32"), of=256
        )
    h_t = np.log2(table["sample"]) * share.clip(0, 1)
    up = table["estimator"].map(dict(zip(ESTIMATORS, [0, 1, 4], strict=True)))
    return table.assign(h_t=h_t + up, i_ty=0.5, distinct=(2**h_t).astype("int32"))


class Study:
    """Chunks of experiments, named by what happened in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chunks: dict[str, dict[str, list[Path]]] = {kind: {} for kind in KINDS}

    def add(self, name: str, runs: int, layers: int = 6, fails: int | None = None, **training) -> None:
        dataset = simulation.DATASETS[training.get("dataset", "synthetic")]
        bits = {"weights": 8, "activations": 8}
        spec = {"training": simulation.TRAINING | {"epochs": 1200, "bits": bits} | training}
        prefit = training.get("prefit_epochs", 0)
        for kind in KINDS:
            table = table_of(kind, range(runs), layers, dataset["inputs"], prefit)
            if fails is not None:
                late = (table["repetition"] == fails) & (table["epoch"] >= 600)
                table.loc[late, "levels" if kind == "levels" else ["h_t", "i_ty"]] = None
            halves = [table[table["repetition"] < runs / 2], table[table["repetition"] >= runs / 2]]
            self.chunks[kind][name] = [
                simulation.write(self.folder / f"{name}-{kind}-{number}.parquet", half, kind, spec)
                for number, half in enumerate(halves)
                if len(half)
            ]

    def draw(self, kind: str, *experiments: str, output: Path | None = None, **options) -> Figure:
        spec = FigureSpec(kind=kind, category="A", experiments=experiments, **options)
        return drawn(spec, {kind: self.chunks[kind]}, *([output] if output else []))


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    study = Study(tmp_path_factory.mktemp("study"))
    study.add("fine", 4)
    study.add("failed", 4, fails=1)
    study.add("single", 1)
    study.add("none", 1, fails=0)
    study.add("mnist-hourglass-8bit", 4, layers=7, dataset="mnist")
    study.add("synthetic-tanh-8bit-prefit", 4, prefit_epochs=300)
    return study


@pytest.mark.parametrize("kind", KINDS)
class TestBoth:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("fine", "4 runs"),
            ("failed", "3 of 4 runs (1 failed)"),
            ("single", "1 run"),
            ("none", "0 of 1 runs (1 failed)"),
        ],
    )
    def test_draws_whatever_happened_and_says_so(self, study, kind, name, said, tmp_path):
        figure = study.draw(kind, name, output=tmp_path / "a.png", note="quick study", dpi=40)
        assert (tmp_path / "a.png").stat().st_size > 1000
        text = words(figure)
        assert said in text and name in text and "quick study" in text

    @pytest.mark.parametrize(
        "names", [("fine",), ("mnist-hourglass-8bit", "synthetic-tanh-8bit-prefit", "fine", "failed")]
    )
    def test_texts_are_within_the_figure_and_do_not_overlap(self, study, kind, names):
        figure = study.draw(kind, *names, note="quick study: 4 repetitions, 400 epochs")
        assert_readable(figure)

    def test_bytes_depend_on_content_alone(self, study, kind, tmp_path):
        for name in ("first", "second"):
            study.draw(kind, "fine", output=tmp_path / f"{name}.pdf")
        assert (tmp_path / "first.pdf").read_bytes() == (tmp_path / "second.pdf").read_bytes()

    def test_refuses_to_leave_out_what_it_was_not_given(self, study, kind, tmp_path):
        with pytest.raises(UserError, match=rf"^elsewhere: .*its {kind} is not given"):
            study.draw(kind, "fine", "elsewhere", output=tmp_path / "a.pdf")

    def test_takes_no_estimators(self, kind):
        config = {
            "experiments": {"mine": EXPERIMENT},
            "estimators": {"exact": {"kind": "exact"}},
            "figures": {
                "one": {"kind": kind, "category": "A", "experiments": "all", "estimators": ["exact"]}
            },
        }
        with pytest.raises(UserError, match=rf"figures.one: kind {kind} takes no estimators; remove them"):
            resolve(config, "mine.yaml")


EXPERIMENT = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "activation": "relu",
    "bits": 8,
    "epochs": 1,
    "record_every": 1,
    "repetitions": 1,
    "chunk": 1,
}


def test_levels_of_float32_networks_are_refused_before_any_job():
    config = {
        "experiments": {"mine": EXPERIMENT, "float": EXPERIMENT | {"bits": "float32"}},
        "estimators": {"exact": {"kind": "exact"}},
        "figures": {"one": {"kind": "levels", "category": "A", "experiments": "all"}},
    }
    with pytest.raises(
        UserError, match=r"figures.one: shows levels of grids, and float has none; name quant"
    ):
        resolve(config, "mine.yaml")
    config["figures"]["one"]["kind"] = "reliability"
    assert resolve(config, "mine.yaml").figures["one"].reads == ("reliability",)


def test_averages_are_over_runs_that_did_not_fail(study):
    paths = study.chunks["levels"]["failed"]
    means, known = read_averages(paths, "levels")
    assert known["failed"] == [1] and known["repetitions"] == [0, 1, 2, 3]
    runs = pd.concat([pd.read_parquet(path) for path in paths]).query("repetition != 1")
    runs = runs.astype({"levels": float}).groupby(["part", "epoch", "layer", "of"])["levels"]
    found = means.set_index(["part", "epoch", "layer", "of"])
    np.testing.assert_allclose(found["mean"], runs.mean(), rtol=1e-12)
    np.testing.assert_allclose(found["std"], runs.std(), rtol=1e-12, atol=1e-12)


class TestLevels:
    def test_lines_are_the_means_under_one_at_all_levels(self, study):
        (axes,) = panels(study.draw("levels", "fine"))
        means, _ = read_averages(study.chunks["levels"]["fine"], "levels")
        shown = {line.get_label(): line for line in axes.lines}
        assert set(shown["$2^b$ levels"].get_ydata()) == {256}
        for layer, rows in means.groupby("layer"):
            line = shown[f"$T_{{{layer}}}$"]
            assert np.array_equal(line.get_xdata(), rows["epoch"] + 1)
            np.testing.assert_allclose(line.get_ydata(), rows["mean"])

    def test_every_layer_of_any_experiment_has_its_key(self, study):
        figure = study.draw("levels", "fine", "mnist-hourglass-8bit", "synthetic-tanh-8bit-prefit")
        keys = [text.get_text() for text in figure.legends[0].get_texts()]
        layers = [f"$T_{{{layer}}}$" for layer in range(1, 8)]
        assert sorted(keys) == sorted(["$2^b$ levels", *layers, "prefit on shuffled labels"])


class TestReliability:
    def test_upper_panels_are_estimates_at_the_last_epoch_by_number_of_inputs(self, study):
        figure = study.draw("reliability", "fine")
        means, _ = read_averages(study.chunks["reliability"]["fine"], "reliability")
        last = means[(means["epoch"] == 1100) & (means["quantity"] == "h_t")]
        for layer, axes in enumerate(panels(figure)[:6], 1):
            bound, *estimates = axes.lines
            samples = [512, 1024, 2048, 4096]
            assert bound.get_xydata().tolist() == [[sample, np.log2(sample)] for sample in samples]
            for estimator, line in zip(ESTIMATORS, estimates, strict=True):
                rows = last[(last["layer"] == layer) & (last["estimator"] == estimator)]
                assert line.get_xdata().tolist() == samples
                np.testing.assert_allclose(line.get_ydata().astype(float), rows["mean"])

    def test_lower_panels_are_saturation_and_codes_over_epochs(self, study):
        figure = study.draw("reliability", "fine")
        means, _ = read_averages(study.chunks["reliability"]["fine"], "reliability")
        counted = means[(means["sample"] == 4096) & (means["estimator"] == "plug-in")]
        for axes, quantity, unit in zip(panels(figure)[6:], ("h_t", "distinct"), (12, 1), strict=True):
            rows = counted[counted["quantity"] == quantity]
            for layer, line in enumerate(axes.lines[:6], 1):
                own = rows[rows["layer"] == layer]
                assert np.array_equal(line.get_xdata(), own["epoch"] + 1)
                np.testing.assert_allclose(line.get_ydata(), own["mean"] / unit)

    def test_bands_of_the_number_of_codes_end_where_there_can_be_no_more_and_no_fewer(self, tmp_path):
        study = Study(tmp_path)
        study.add("wide", 2)
        one, _ = study.chunks["reliability"]["wide"]
        table, description = read_table(one, "reliability")
        write_table(one, table.assign(distinct=np.int32(1)), description)
        *_, distinct = panels(study.draw("reliability", "wide"))
        edges = np.concatenate([band.get_paths()[0].vertices[:, 1] for band in distinct.collections])
        assert (edges.min(), edges.max()) == (1, 4096)
