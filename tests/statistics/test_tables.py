"""Statistics from chunks on disk to tables on disk: nothing mixed, nothing dropped, nothing left over."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import simulation
from pandas.testing import assert_frame_equal
from statistics_chunks import EPOCHS, EVERY, HISTORY, INFORMATION, REPETITIONS, chunks, summarise

from infoplane.artifacts import describe, read_table, write_table
from infoplane.config import TrainingSpec
from infoplane.datasets.synthetic import synthetic
from infoplane.errors import UserError
from infoplane.statistics.chunks import read_chunks
from infoplane.statistics.joins import join_fits, join_information, join_phases
from infoplane.statistics.tables import POPULATION, summarise_accuracy, summarise_information


def refusal(function, *arguments) -> str:
    with pytest.raises(UserError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_shapes_and_descriptions(tmp_path):
    aggregates, told, phases, _ = summarise(tmp_path, *chunks(tmp_path))
    epochs = 1 + EPOCHS // EVERY
    assert len(aggregates) == epochs * simulation.LAYERS * 4 * 2
    assert set(aggregates["quantity"]) == {"h_t", "i_xt", "i_ty", "distinct"}
    assert set(aggregates["runs"]) == {"all", "good-fit"}
    assert (aggregates["count"] == REPETITIONS).all()
    assert len(phases) == REPETITIONS * simulation.LAYERS
    assert phases["injective"].tolist() == [True, True, False, False, False, False] * REPETITIONS
    assert (phases["headroom"] + INFORMATION.query("epoch == -1")["i_ty"].to_numpy()).tolist() == [
        pytest.approx(simulation.H_Y)
    ] * len(phases)
    training = TrainingSpec.model_validate(simulation.TRAINING).differences()
    assert told["spec"] == {"training": training, "estimator": {"kind": "exact"}}
    assert told["repetitions"] == list(range(REPETITIONS))
    assert (told["failed"], told["bad_fits"]) == ([], [])
    assert told["dataset"] == simulation.DATASET


def test_any_chunking_gives_the_same_tables(tmp_path):
    first = summarise(tmp_path / "one", *chunks(tmp_path / "one"))
    information, history = chunks(tmp_path / "three", (1, 4))
    second = summarise(tmp_path / "three", information[::-1], history)
    for index in (0, 2):
        assert_frame_equal(first[index], second[index], check_exact=True)
    assert first[1] == second[1]


def test_chunks_are_joined_row_by_row(tmp_path):
    information, _ = chunks(tmp_path, (1, 4))
    joined, known = read_chunks(information[::-1], "information")
    rows = [
        row for path in information[::-1] for row in read_table(path, "information")[0].to_numpy().tolist()
    ]
    assert joined.to_numpy().tolist() == rows
    assert joined.index.equals(pd.RangeIndex(len(rows)))
    assert known["repetitions"] == list(range(REPETITIONS))


def test_only_the_given_chunks_count(tmp_path):
    information, history = chunks(tmp_path, (2, 4))
    _, told, phases, _ = summarise(tmp_path, information[:2], history[:2])
    assert told["repetitions"] == [0, 1, 2, 3]
    assert phases["repetition"].unique().tolist() == [0, 1, 2, 3]


def test_failed_and_bad_repetitions_are_marked_counted_and_left_out(tmp_path, capsys):
    information = simulation.fail(INFORMATION, 1, 600)
    history = simulation.fit_badly(simulation.fail(HISTORY, 4, 700), 2)
    aggregates, told, phases, _ = summarise(tmp_path, *chunks(tmp_path, (3,), information, history))
    assert (told["failed"], told["bad_fits"]) == ([1, 4], [2])
    assert aggregates.groupby("runs")["count"].unique().to_dict() == {"all": [4], "good-fit": [3]}
    fine = INFORMATION[INFORMATION["repetition"].isin([0, 3, 5])]
    row = aggregates.query("runs == 'good-fit' and epoch == -1 and layer == 6 and quantity == 'i_xt'")
    mean = fine.query("epoch == -1 and layer == 6")["i_xt"].mean()
    assert row["mean"].item() == pytest.approx(mean, rel=1e-14)
    marks = phases.drop_duplicates("repetition").set_index("repetition")
    assert marks.index[marks["failed"]].tolist() == [1, 4]
    assert marks["bad_fit"].tolist()[:4] == [False, False, True, False]
    assert phases.set_index("repetition").loc[[1, 4], "compression"].isna().all()
    assert "6 repetitions; bad fits: 1 [2]; failed: 2 [1, 4]" in capsys.readouterr().out


def test_bad_fits_are_undefined_in_a_short_training(tmp_path, capsys):
    history = HISTORY[HISTORY["epoch"] < 999]
    aggregates, told, phases, _ = summarise(tmp_path, *chunks(tmp_path, history=history))
    assert told["bad_fits"] is None
    assert phases["bad_fit"].isna().all()
    assert set(aggregates["runs"]) == {"all"}
    assert "bad fits: undefined; failed: 0 []" in capsys.readouterr().out


def test_accuracy(tmp_path):
    _, history = chunks(tmp_path, (2,), history=simulation.fit_badly(HISTORY, 0))
    summarise_accuracy(history, simulation.write_dataset(tmp_path), tmp_path / "accuracy.parquet")
    table, told = read_table(tmp_path / "accuracy.parquet", "accuracy")
    assert list(table.columns) == [
        "part",
        "epoch",
        "quantity",
        "runs",
        "mean",
        "std",
        "lower",
        "upper",
        "q10",
        "q90",
        "count",
    ]
    assert len(table) == EPOCHS * 3 * 2
    assert (told["bad_fits"], told["chance"]) == ([0], 2118 / 4096)
    last = table.query(f"epoch == {EPOCHS - 1} and quantity == 'train_accuracy'").set_index("runs")["mean"]
    assert last["all"] < last["good-fit"]


class TestPrefit:
    """A prefit part has aggregates of its own; bad fits, phases and joins are those of the main part."""

    @pytest.fixture
    def tables(self, tmp_path) -> dict[str, Path]:
        """The same training with its prefit part and without it."""
        information = simulation.information(range(REPETITIONS), EPOCHS, EVERY, prefit=300)
        history = simulation.fit_badly(simulation.history(range(REPETITIONS), EPOCHS, prefit=300), 2)
        # in the prefit all but one are at chance, which must make no bad fit of them
        early = (history["part"] == "prefit") & (history["repetition"] != 2)
        history.loc[early, "train_accuracy"] = 0.5
        for name, frames in {
            "both": (information, history),
            "main": (information.query("part == 'main'"), history.query("part == 'main'")),
        }.items():
            paths = chunks(tmp_path / name, (2,), *frames)
            summarise(tmp_path / name, *paths)
            dataset = simulation.write_dataset(tmp_path)
            summarise_accuracy(paths[1], dataset, tmp_path / name / "accuracy.parquet")
        return {name: tmp_path / name for name in ("both", "main")}

    @pytest.mark.parametrize("kind", ["aggregates", "accuracy"])
    def test_aggregates_are_by_part(self, tables, kind):
        both, main = (read_table(tables[name] / f"{kind}.parquet", kind)[0] for name in ("both", "main"))
        assert_frame_equal(both.query("part == 'main'").reset_index(drop=True), main)
        prefit = both.query("part == 'prefit' and runs == 'all'")
        first = {"aggregates": [-1, 0, EVERY], "accuracy": [0, 1, 2]}[kind]
        assert prefit["epoch"].unique().tolist()[:3] == first and prefit["epoch"].max() < 300
        assert set(prefit["quantity"]) == set(main["quantity"]) and (prefit["count"] == REPETITIONS).all()

    def test_bad_fits_and_phases_are_those_of_the_main_part(self, tables):
        both, main = (read_table(tables[name] / "phases.parquet", "phases") for name in ("both", "main"))
        assert_frame_equal(both[0], main[0])
        assert both[1]["bad_fits"] == main[1]["bad_fits"] == [2]

    @pytest.mark.parametrize(
        ("join", "kind", "names"),
        [
            (join_information, "aggregates", ("some", "exact")),
            (join_phases, "phases", ("some", "exact")),
            (join_fits, "accuracy", "some"),
        ],
    )
    def test_joins_take_the_main_part(self, tables, join, kind, names):
        for folder in tables.values():
            join({names: folder / f"{kind}.parquet"}, folder / "joined.csv")
        both, main = (folder / "joined.csv" for folder in tables.values())
        assert both.read_text() == main.read_text()

    def test_a_repetition_that_failed_in_it_has_failed(self, tmp_path):
        history = simulation.history(range(REPETITIONS), EPOCHS, prefit=300)
        history.loc[(history["repetition"] == 1) & (history["epoch"] == 299), "loss"] = np.nan
        information = simulation.information(range(REPETITIONS), EPOCHS, EVERY, prefit=300)
        _, told, phases, _ = summarise(tmp_path, *chunks(tmp_path, (), information, history))
        assert told["failed"] == [1] and phases.query("failed")["repetition"].unique().tolist() == [1]


class TestRefusals:
    def summarise(self, folder, information, history) -> str:
        message = refusal(summarise_information, information, history, folder / "a", folder / "p")
        assert not (folder / "a").exists() and not (folder / "p").exists()
        return message

    def test_chunks_of_other_specs(self, tmp_path):
        information, history = chunks(tmp_path, (3,))
        frame = INFORMATION[INFORMATION["repetition"] >= 3]
        simulation.write_information(information[1], frame, estimator="rebinned")
        assert f"{information[1]}: the spec is" in self.summarise(tmp_path, information, history)

    def test_chunks_on_other_data(self, tmp_path):
        information, history = chunks(tmp_path, (3,))
        frame, known = read_table(information[1], "information")
        write_table(information[1], frame, known | {"dataset": known["dataset"] | {"digest": "0"}})
        assert f"{information[1]}: the data set is" in self.summarise(tmp_path, information, history)

    def test_histories_of_another_training(self, tmp_path):
        information, history = chunks(tmp_path)
        simulation.write_history(history[0], HISTORY, bits=4)
        assert f"{history[0]}: the spec of the runs is" in self.summarise(tmp_path, information, history)

    def test_histories_on_other_data(self, tmp_path):
        information, history = chunks(tmp_path)
        frame, known = read_table(history[0], "history")
        write_table(history[0], frame, known | {"dataset": known["dataset"] | {"digest": "0"}})
        assert f"{history[0]}: the data set is" in self.summarise(tmp_path, information, history)

    def test_overlapping_chunks(self, tmp_path):
        information, history = chunks(tmp_path, (3,))
        simulation.write_information(information[1], INFORMATION[INFORMATION["repetition"] >= 2])
        message = self.summarise(tmp_path, information, history)
        assert f"{information[1]}: repetitions [2] are in another chunk too" in message

    def test_histories_of_other_repetitions(self, tmp_path):
        information, history = chunks(tmp_path, (3, 5))
        message = self.summarise(tmp_path, information, history[:2])
        assert message == (
            f"{history[0]}: histories and information differ in repetitions [5]; "
            "give the chunks of the same repetitions"
        )

    def test_a_missing_chunk(self, tmp_path):
        information, history = chunks(tmp_path)
        information[0].unlink()
        assert f"{information[0]}: missing" in self.summarise(tmp_path, information, history)

    def test_a_table_of_another_kind(self, tmp_path):
        _, history = chunks(tmp_path)
        assert "is a history of training" in self.summarise(tmp_path, history, history)


def test_an_accuracy_is_compared_with_chance_on_its_own_data(tmp_path):
    _, history = chunks(tmp_path)
    other = simulation.write_dataset(tmp_path, "mnist")
    assert f"{other}: the data set is" in refusal(summarise_accuracy, history, other, tmp_path / "a")


class TestPopulation:
    def test_is_the_synthetic_data_set(self):
        description = synthetic().description
        assert {name: description[name] for name in POPULATION} == POPULATION

    @pytest.mark.parametrize(
        ("dataset", "marked"), [(simulation.DATASET, False), (simulation.DATASETS["mnist"], True)]
    )
    def test_layers_near_log2_n_are_those_of_a_sample(self, tmp_path, dataset, marked):
        information = simulation.information(range(REPETITIONS), EPOCHS, EVERY, dataset=dataset["name"])
        training = {"dataset": dataset["name"]}
        simulation.write_information(tmp_path / "i.parquet", information, **training)
        simulation.write_history(tmp_path / "h.parquet", HISTORY, **training)
        *_, phases, _ = summarise(tmp_path, [tmp_path / "i.parquet"], [tmp_path / "h.parquet"])
        assert phases.query("layer == 1")["near_log2_n"].unique().tolist() == [marked]

    def test_a_part_of_it_is_a_sample(self, tmp_path):
        information, history = chunks(tmp_path)
        frame, known = read_table(information[0], "information")
        write_table(information[0], frame, known | {"dataset": known["dataset"] | {"inputs": 3276}})
        *_, phases, _ = summarise(tmp_path, information, history)
        assert phases.query("layer == 1")["near_log2_n"].all()


def test_parts_of_shuffled_labels_have_no_headroom(tmp_path):
    """Each repetition has an H(Y) of its own, which no table tells."""
    for folder, subset in ((tmp_path / "all", "all"), (tmp_path / "test", "test")):
        information, history = chunks(folder)
        simulation.write_history(history[0], HISTORY, labels="shuffled")
        simulation.write_information(information[0], INFORMATION, labels="shuffled")
        frame, known = read_table(information[0], "information")
        estimator = {"estimator": {"kind": "exact", "subset": subset}}
        spec = known["spec"] | estimator
        write_table(information[0], frame, describe("information", spec, **{
            name: known[name] for name in ("repetitions", "dataset", "layers")
        }))  # fmt: skip
        *_, phases, _ = summarise(folder, information, history)
        assert phases["headroom"].isna().all() == (subset == "test")
        assert phases["fitting"].notna().all()
