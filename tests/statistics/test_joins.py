"""Tables over all experiments tell what those of single ones tell."""

import numpy as np
import pandas as pd
import pytest
import simulation
from observations import seen
from phase_files import write_phases
from statistics_chunks import HISTORY, INFORMATION, REPETITIONS, chunks, summarise

from infoplane.artifacts import describe, read_table, write_table
from infoplane.errors import UserError
from infoplane.statistics.differences import DIFFERENCES
from infoplane.statistics.joins import (
    join_differences,
    join_errors,
    join_fits,
    join_information,
    join_levels,
    join_phases,
    join_prevalence,
    join_reliability,
    join_resolution,
    join_settings,
)
from infoplane.statistics.tables import summarise_accuracy, summarise_errors


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two experiments: one with a failed and a bad repetition, and a short one."""
    folder = tmp_path_factory.mktemp("study")
    history = simulation.fit_badly(simulation.fail(HISTORY, 4, 700), 2)
    for name, frame in {"long": history, "short": HISTORY[HISTORY["epoch"] < 999]}.items():
        paths = chunks(folder / name, history=frame)
        summarise(folder / name, *paths)
        dataset = simulation.write_dataset(folder)
        summarise_accuracy(paths[1], dataset, folder / name / "accuracy.parquet")
    return folder


class TestJoins:
    def test_information(self, study):
        tables = {(name, "exact"): study / name / "aggregates.parquet" for name in ("long", "short")}
        join_information(tables, study / "information.csv")
        joined = pd.read_csv(study / "information.csv")
        names, values = joined.columns[:6], joined.columns[6:]
        assert names.tolist() == ["experiment", "estimator", "epoch", "layer", "runs", "count"]
        measures = [f"{each}_{what}" for each in ("h_t", "i_ty", "distinct") for what in ("mean", "std")]
        assert values.tolist() == measures
        assert joined["epoch"].unique().tolist() == [-1, 0, 50, 100, 200, 300, 500, 1000, 1150]
        assert joined["experiment"].unique().tolist() == ["long", "short"]
        row = joined.query("experiment == 'short' and epoch == 300 and layer == 5")
        values = INFORMATION.query("epoch == 300 and layer == 5")
        assert row["h_t_mean"].item() == pytest.approx(values["h_t"].mean(), rel=1e-5)
        assert row["i_ty_std"].item() == pytest.approx(values["i_ty"].std(ddof=1), rel=1e-5)
        assert row["count"].item() == REPETITIONS

    def test_phases(self, study):
        tables = {(name, "exact"): study / name / "phases.parquet" for name in ("long", "short")}
        join_phases(tables, study / "phases.csv")
        joined = pd.read_csv(study / "phases.csv")
        assert len(joined) == 2 * REPETITIONS * simulation.LAYERS
        assert joined.query("failed")["repetition"].unique().tolist() == [4]
        phases, _ = read_table(tables["long", "exact"], "phases")
        np.testing.assert_allclose(joined["fitting"][: len(phases)], phases["fitting"], rtol=1e-5)

    def test_fits(self, study):
        join_fits({name: study / name / "accuracy.parquet" for name in ("long", "short")}, study / "fits.csv")
        long, short = pd.read_csv(study / "fits.csv").to_dict("records")
        assert (long["experiment"], long["repetitions"], long["bad_fits"], long["failed"]) == (
            "long",
            6,
            1,
            1,
        )
        assert (short["repetitions"], short["failed"]) == (6, 0) and np.isnan(short["bad_fits"])
        assert long["chance"] == short["chance"] == pytest.approx(2118 / 4096, rel=1e-5)
        last = HISTORY[HISTORY["epoch"] == 998]
        for name in ("train_accuracy", "test_accuracy"):
            assert short[name] == pytest.approx(last[name].mean(), rel=1e-5)

    def test_prevalence(self, study):
        """A row for each phase of each layer, ablations among them."""
        tables = {(name, "exact"): study / name / "phases.parquet" for name in ("long", "short")}
        join_prevalence(tables, study / "prevalence.csv")
        joined = pd.read_csv(study / "prevalence.csv")
        assert len(joined) == 2 * simulation.LAYERS * 6
        assert joined["phase"].unique().tolist() == [
            "fitting",
            "fitting_with_headroom",
            "compression",
            "conditional",
            "order",
            "zigzag",
        ]
        runs, _ = read_table(tables["short", "exact"], "phases")
        for phase, does in (("compression", "compresses"), ("fitting", "fits")):
            rows = joined[(joined["experiment"] == "short") & (joined["phase"] == phase)]
            counted = runs.astype({does: int}).groupby("layer")[does].sum()
            assert rows["k"].tolist() == counted.tolist() and (rows["n"] == REPETITIONS).all()
        row = joined.query("experiment == 'short' and phase == 'order' and layer == 6").iloc[0]
        both = runs.query("layer == 6 and fits and compresses")
        assert (row["k"], row["n"]) == ((both["fitted_at_onset"] > 0.5).sum(), len(both))

    def test_differences(self, tmp_path):
        pairs = dict(
            write_phases(tmp_path, each)
            for each in (seen("a"), seen("b", activation="tanh"), seen("c", bits=4))
        )
        join_differences(pairs, tmp_path / "differences.csv")
        joined = pd.read_csv(tmp_path / "differences.csv")
        assert [*joined] == DIFFERENCES
        assert joined.drop_duplicates(["experiment", "against"])["key"].tolist() == ["activation", "bits"]

    def test_errors(self, tmp_path):
        exact = simulation.write_information(tmp_path / "exact.parquet", INFORMATION)
        lower = INFORMATION.assign(h_t=INFORMATION["h_t"] - 0.5, i_ty=INFORMATION["i_ty"] - 0.1)
        other = simulation.write_information(tmp_path / "other.parquet", lower, estimator="rebinned")
        summarise_errors([exact], [other], tmp_path / "errors.parquet")
        join_errors({("a", "rebinned"): tmp_path / "errors.parquet"}, tmp_path / "errors.csv")
        joined = pd.read_csv(tmp_path / "errors.csv")
        assert joined["epoch"].unique().tolist() == [-1, 0, 50, 100, 200, 300, 500, 1000, 1150]
        np.testing.assert_allclose(joined["h_t_mean"], -0.5, rtol=1e-5)
        np.testing.assert_allclose(joined["i_ty_mean"], -0.1, rtol=1e-5)
        assert (joined["distinct_mean"] == 0).all() and (joined["count"] == REPETITIONS).all()

    def test_levels(self, tmp_path):
        axes = {"repetition": [0, 1], "part": ["main"], "epoch": [-1, 0, 18, 90, 1199], "layer": [1, 2]}
        index = pd.MultiIndex.from_product(axes.values(), names=axes)
        table = pd.DataFrame(
            {"levels": pd.array(range(1, 21), dtype="Int32"), "of": 256}, index
        ).reset_index()
        table.loc[table["epoch"].eq(1199) & table["repetition"].eq(1), "levels"] = pd.NA
        path = simulation.write(tmp_path / "l.parquet", table, "levels", {"training": simulation.TRAINING})
        join_levels({"a": [path]}, tmp_path / "levels.csv")
        joined = pd.read_csv(tmp_path / "levels.csv")
        assert joined["epoch"].unique().tolist() == [-1, 0, 18, 90, 1199]
        last = joined.query("epoch == 1199 and layer == 2").iloc[0]
        assert (last["count"], last["levels_mean"], last["of"]) == (1, 10, 256)
        first = joined.query("epoch == -1 and layer == 1").iloc[0]
        assert (first["count"], first["levels_mean"]) == (1, 1)

    def test_resolution_and_reliability(self, tmp_path):
        """Of four runs the first two compress, by 1 and 0.5 bit, one gains 0.75 bit, and one has failed."""
        axes = {"repetition": range(4), "part": ["prefit", "main"], "epoch": [-1, 9, 99], "layer": [1, 2]}
        keys = pd.MultiIndex.from_product(axes.values(), names=axes).to_frame(index=False)
        gained = keys["repetition"].map({0: -1.0, 1: -0.5, 2: 0.75, 3: np.nan})
        h_t = 5 + gained.where(keys["epoch"].eq(99) | gained.isna(), 0)
        # In the prefit, every run compresses by 3 bit
        h_t += 3 * (keys["part"].eq("prefit") & keys["epoch"].eq(9))
        table = keys.assign(h_t=h_t.astype("float32"), i_ty=np.float32(0), distinct=1)
        of = {"training": simulation.TRAINING}
        for join, kind, by in (
            (join_resolution, "resolution", {"bits": "exact"}),
            (join_reliability, "reliability", {"sample": 512, "estimator": "plug-in"}),
        ):
            path = simulation.write(tmp_path / f"{kind}.parquet", table.assign(**by), kind, of)
            join({"a": [path]}, tmp_path / f"{kind}.csv")
            joined = pd.read_csv(tmp_path / f"{kind}.csv")
            assert joined["layer"].tolist() == [1, 2] and (joined[list(by)] == pd.Series(by)).all(axis=None)
            for _, row in joined.iterrows():
                assert (row["experiment"], row["k"], row["n"]) == ("a", 2, 3)
                assert (row["h_t_mean"], row["mean"], row["median"]) == (4.75, 0.25, 0.5)
                assert row["lower"] < row["prevalence"] == 0.666667 < row["upper"]

    def test_settings_of_another_version_are_one_line(self, tmp_path):
        spec = {"training": simulation.TRAINING | {"momentum": 0.9}, "estimator": {"kind": "exact"}}
        runs = pd.DataFrame({"repetition": [0], "layer": 1, "compression": 0.5})
        path = tmp_path / "tradeoff.parquet"
        for wrong in (spec, {"estimator": {"kind": "exact"}}):
            write_table(path, runs, describe("tradeoff", wrong))
            with pytest.raises(UserError, match=f"^{path}: was made by infoplane .* does not know; "):
                join_settings({("relu", "exact"): path}, tmp_path / "settings.csv")

    def test_of_nothing_but_failures(self, tmp_path):
        history = HISTORY.assign(loss=np.nan)
        information, histories = chunks(tmp_path, history=history)
        aggregates, told, phases, _ = summarise(tmp_path, information, histories)
        assert aggregates.empty and phases["failed"].all() and told["failed"] == list(range(REPETITIONS))
        summarise_accuracy(histories, simulation.write_dataset(tmp_path), tmp_path / "accuracy.parquet")
        join_fits({"none": tmp_path / "accuracy.parquet"}, tmp_path / "fits.csv")
        join_information({("none", "exact"): tmp_path / "aggregates.parquet"}, tmp_path / "information.csv")
        (row,) = pd.read_csv(tmp_path / "fits.csv").to_dict("records")
        assert row["failed"] == REPETITIONS and np.isnan(row["train_accuracy"])
