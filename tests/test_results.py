"""Results of a study in Python: tables with what they are of, and means."""

import contextlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import simulation
import torch

import infoplane
from infoplane.artifacts import digest, read_table, write_table
from infoplane.config.kinds import TABLES
from infoplane.datasets import save_dataset
from infoplane.errors import UserError
from infoplane.information import run as run_information
from infoplane.information.resolution import resolution
from infoplane.results import KINDS
from infoplane.statistics.tables import summarise_information
from infoplane.training import run as run_training


@pytest.fixture
def folder(tmp_path):
    """Results of two experiments seen by one estimator, in chunks."""
    for name in ("relu", "tanh"):
        training = {"record_every": 20, "epochs": 200, "activation": name}
        chunks = []
        for first in (0, 2):
            runs = range(first, first + 2)
            path = tmp_path / "information" / name / "exact" / f"{first}-{first + 1}.parquet"
            chunks.append(
                simulation.write_information(path, simulation.information(runs, 200, 20), **training)
            )
            history = tmp_path / "training" / name / f"{first}-{first + 1}.parquet"
            simulation.write_history(history, simulation.history(runs, 200), **training)
        histories = sorted((tmp_path / "training" / name).glob("*.parquet"))
        statistics = tmp_path / "statistics" / name / "exact"
        summarise_information(
            chunks, histories, statistics / "aggregates.parquet", statistics / "phases.parquet"
        )
    (tmp_path / "statistics" / "claims.csv").write_text("claim,k\nC1,3\n")
    return tmp_path


def test_a_study_knows_its_experiments_estimators_and_tables(folder):
    study = infoplane.load_study(str(folder))
    assert [*study.experiments] == ["relu", "tanh"] and [*study.estimators] == ["exact"]
    assert study.experiments["tanh"].activation == "tanh" and study.estimators["exact"].kind == "exact"
    assert {*study.tables} == {
        "claims",
        *(f"{n}/exact/{t}" for n in study.experiments for t in ("aggregates", "phases")),
    }
    assert "relu, tanh; by exact" in repr(study)


def test_tables_carry_what_they_are_of(folder):
    study = infoplane.load_study(folder)
    phases = study.table("phases", "relu", "exact")
    assert len(phases) == 4 * 6 and phases.attrs["spec"]["training"]["activation"] == "relu"
    assert study.table("claims")["k"].tolist() == [3]
    information = study.table("information", "tanh", "exact")
    assert information["repetition"].unique().tolist() == [0, 1, 2, 3]
    assert information.attrs["dataset"]["inputs"] == 4096


def test_means_of_the_runs_are_those_of_the_study(folder):
    study = infoplane.load_study(folder)
    ours = infoplane.aggregate(study.table("information", "relu", "exact"))
    theirs = study.table("aggregates", "relu", "exact").query("runs == 'all'")
    pd.testing.assert_frame_equal(ours, theirs.reset_index(drop=True), check_dtype=False)
    assert (ours["q10"] <= ours["q90"]).all()


def test_a_failed_run_enters_no_mean():
    table = simulation.information(range(3), 200, 20)
    means = infoplane.aggregate(simulation.fail(table, 1, 100))
    pd.testing.assert_frame_equal(means, infoplane.aggregate(table.query("repetition != 1")))
    assert (means["count"] == 2).all()


@pytest.mark.parametrize("name", ["repetition", "epoch", "layer", "h_t"])
def test_columns_without_numbers_are_not_averaged(name):
    table = simulation.information(range(2), 100, 20)
    first = repr(str(table[name].iloc[0]))
    for wrong, words in (
        (table.assign(**{name: table[name].astype(str)}), f"^the table's column {name} holds {first}, "),
        (table.assign(**{name: True}), f"^the table's column {name} holds True, expected numbers"),
        (pd.concat([table, table[name]], axis=1), f"^the table has several columns {name}; leave one"),
    ):
        with pytest.raises(UserError, match=words):
            infoplane.aggregate(wrong)
    if name != "h_t":
        with pytest.raises(UserError, match=f"^the table's column {name} lacks numbers in some rows; "):
            infoplane.aggregate(table.assign(**{name: np.nan}))


def test_columns_that_tell_rows_apart_are_kept():
    table = simulation.information(range(2), 100, 20).drop(columns="part")
    named = table.assign(layer_name="conv" + table["layer"].astype(str), estimator="exact")
    means = infoplane.aggregate(named)
    assert {"layer_name", "estimator", "part"} <= {*means}
    np.testing.assert_allclose(means["mean"], infoplane.aggregate(table)["mean"])


def test_every_kind_that_is_named_is_read_as_a_table(folder):
    study = infoplane.load_study(folder)
    assert {*TABLES} <= {*KINDS}
    for kind in KINDS:
        with contextlib.suppress(UserError):
            study.table(kind, "relu", "exact")


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        ({"bits": ["exact", "1", "2"]}, "select one value of bits, as 'exact'"),
        ({"sample": [512, 1024, 4096]}, "select one value of sample, as 512"),
        ({}, "give each run a repetition of its own"),
        ({"layer_name": ["T", "T", "T"], "source": ["a", "b", "b"]}, "select one value of source, as 'a'"),
    ],
)
def test_rows_that_are_no_runs_are_not_averaged(columns, advice):
    single = simulation.information(range(2), 100, 20)
    own = [single.assign(**{name: values[place] for name, values in columns.items()}) for place in range(3)]
    table = pd.concat(own, ignore_index=True)
    for read in (infoplane.aggregate, infoplane.plot_plane, infoplane.plot_curves):
        with pytest.raises(UserError) as caught:
            read(table)
        message = str(caught.value)
        assert message.startswith("the table has 3 rows of repetition 0, part main, epoch -1, layer 1")
        assert message.endswith(f"; {advice}") and "\n" not in message
    assert (infoplane.aggregate(own[0])["count"] == 2).all()


def test_one_resolution_of_a_table_has_its_means():
    spec = infoplane.TrainingSpec(
        dataset="synthetic", network=[3], bits=4, activation="tanh", epochs=2, record_every=1
    )
    dataset = infoplane.load_dataset("synthetic")
    trajectory, _ = infoplane.train(spec, 2, dataset, progress=False)
    table = resolution(trajectory, dataset)
    with pytest.raises(UserError, match=r"^the table has 17 rows of .*; select one value of bits, as '1'$"):
        infoplane.aggregate(table)
    means = infoplane.aggregate(table[table["bits"] == "4"])
    assert (means["count"] == 2).all()


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda folder: infoplane.load_study(folder / "nowhere"), "contains no statistics of a study"),
        (lambda folder: infoplane.load_table(folder / "nowhere.parquet"), "missing"),
        (lambda folder: infoplane.load_table(folder / "nowhere.csv"), "missing"),
        (lambda folder: infoplane.load_study(folder).table("phases", "relu", "binned"), "missing"),
        (
            lambda folder: infoplane.load_study(folder).table("information", "gelu", "exact"),
            "there is no information",
        ),
        (
            lambda folder: infoplane.load_study(folder).table("phase", "relu", "exact"),
            "^kind: 'phase' is unknown; use accuracy, activations, aggregates, .*, resolution or tradeoff$",
        ),
        *(
            (
                lambda folder, kind=kind: infoplane.load_study(folder).table(kind, "relu", "exact"),
                "^kind: .* is unknown; use accuracy, activations, aggregates, cells, claims, ",
            )
            for kind in (
                "dataset",
                "trajectory",
                "joined",
                "verdicts",
                "figure",
                "page",
                "index",
                None,
                ["a"],
            )
        ),
        (
            lambda folder: infoplane.load_study(folder).table("information"),
            "^experiment: is missing; give one of relu, tanh$",
        ),
        (
            lambda folder: infoplane.load_study(folder).table("phases", "relu"),
            "^estimator: is missing; give one of exact$",
        ),
    ],
)
def test_what_is_not_there_is_one_line(folder, ask, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        ask(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_a_study_with_a_damaged_or_foreign_table_is_one_line(folder):
    path = folder / "statistics" / "relu" / "exact" / "aggregates.parquet"
    sound, (frame, told) = path.read_bytes(), read_table(path, "aggregates")
    unknown = {**told["spec"], "training": {**told["spec"]["training"], "momentum": 0.9}}
    unseen = {**told["spec"], "estimator": {"kind": "psychic"}}
    without = {"training": told["spec"]["training"]}

    def write(spec):
        write_table(path, frame, told | {"spec": spec, "spec_hash": digest(spec)})

    for damage, words in (
        (lambda: path.write_bytes(sound[: len(sound) // 2]), "is of an unknown format, or cut off"),
        (lambda: path.write_bytes(b""), "is an empty file"),
        (lambda: path.write_text("not a table of any kind"), "is a text file"),
        (lambda: frame.to_parquet(path), "is a parquet table that infoplane has not written"),
        (lambda: write_table(path, frame, told | {"kind": "phases"}), "is a table of phases"),
        (lambda: write(unknown), f"was made by infoplane {told['versions']['infoplane']} from a spec that"),
        (lambda: write(unseen), "was made by .* from a spec that this version does not know"),
        (lambda: write(without), "was made by .* from a spec that this version does not know"),
    ):
        damage()
        with pytest.raises(UserError, match=f"^{path}: {words}") as caught:
            infoplane.load_study(folder)
        assert "\n" not in str(caught.value) and "again" in str(caught.value)
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=f"^{path}: is a folder, expected a table of aggregates"):
        infoplane.load_study(folder)


def test_files_of_others_are_said_to_be_that(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(UserError, match="was not written by infoplane"):
        infoplane.load_table(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(UserError, match="is not a Parquet file"):
        infoplane.load_table(tmp_path / "text.parquet")
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)) * 8)
    with pytest.raises(UserError, match="cannot be read as a table") as caught:
        infoplane.load_table(tmp_path / "bytes.csv")
    assert "\n" not in str(caught.value)
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(UserError, match="is not a Parquet file"):
        infoplane.load_table(tmp_path / "folder.parquet")


@pytest.mark.parametrize("keys", [{}, {"epochs": 12}], ids=["all epochs", "a few"])
@pytest.mark.parametrize("data", ["synthetic", "mine"])
def test_phases_of_an_estimate_are_those_of_the_workflow(tmp_path, data, keys):
    """Of all inputs that there are, and of a sample; after shuffled labels; bad fits where they are known."""
    dataset = infoplane.load_dataset("synthetic")
    if data == "mine":
        dataset = infoplane.Dataset("mine", dataset.inputs[::16], dataset.labels[::16])
    spec = infoplane.TrainingSpec(
        dataset=data,
        network=[3],
        activation="tanh",
        bits=4,
        epochs=1000,
        prefit_epochs=2,
        record_every=20,
        batch_size="whole",
        learning_rate=0.01,
    )
    estimator = infoplane.EstimatorSpec(kind="exact", **keys)
    paths = [tmp_path / name for name in ("d.npz", "0-1.safetensors", "0-1.parquet", "exact.parquet")]
    save_dataset(paths[0], dataset)
    run_training(spec, paths[0], range(2), *paths[1:3])
    run_information([estimator], paths[0], paths[1], [paths[3]])
    summarise_information(
        [paths[3]], [paths[2]], tmp_path / "aggregates.parquet", tmp_path / "phases.parquet"
    )
    expected = infoplane.load_table(tmp_path / "phases.parquet")

    trajectory, history = infoplane.train(spec, 2, dataset, progress=False)
    table = infoplane.estimate(estimator, trajectory, dataset, progress=False)
    found = infoplane.phases(table, dataset, history)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert found["bad_fit"].notna().all() and found["near_log2_n"].dtype == bool
    of_labels = infoplane.phases(table, dataset.labels)
    assert of_labels["bad_fit"].isna().all()
    left = ["bad_fit"] + ["near_log2_n"] * (data == "synthetic")
    pd.testing.assert_frame_equal(of_labels.drop(columns=left), expected.drop(columns=left))
    axes = infoplane.plot_phases(found)
    drawn = {text.get_text() for text in axes.texts}
    assert drawn == {text.get_text() for text in infoplane.plot_phases(expected, plt.figure().gca()).texts}
    plt.close("all")


def test_phases_of_a_recorder_have_the_names_of_its_layers():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(12, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    dataset = infoplane.load_dataset("synthetic")
    binned = {"kind": "uniform", "bins": 8, "range": "layer"}
    recorder = infoplane.Recorder(model, dataset.inputs.astype("float32"), dataset.labels, estimators=binned)
    for epoch in range(-1, 30):
        recorder.record(epoch)
        with torch.no_grad():
            model[0].weight *= 0.8
    found = infoplane.phases(recorder.table(), dataset.labels)
    assert found["layer_name"].tolist() == ["1", "softmax"] and not found["failed"].any()
    assert found["compression"].notna().all()
    assert [text.get_text() for text in infoplane.plot_phases(found).texts]
    plt.close("all")


def test_tables_without_phases_are_refused_in_one_line(folder):
    table = infoplane.load_study(folder).table("information", "relu", "exact")
    labels = np.arange(4096) % 2
    for wrong, words in (
        (table.drop(columns="i_ty"), "has no column i_ty"),
        (pd.concat([table, table]), "twice"),
        (table.iloc[1:], "lacks snapshots"),
        (table.iloc[:0], "lacks snapshots"),
        (table.assign(part="prefit"), "lacks snapshots"),
    ):
        with pytest.raises(UserError, match=words):
            infoplane.phases(wrong, labels)
    history = simulation.history(range(4), 200)
    for name in ("repetition", "epoch", "train_accuracy"):
        wrong = history.assign(**{name: history[name].astype(str)})
        with pytest.raises(UserError, match=rf"^the history's column {name} holds '[\d.]+', expected "):
            infoplane.phases(table, labels, wrong)
