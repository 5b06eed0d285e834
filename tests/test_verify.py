"""Each kind of damage to a folder of results is found, and a sound folder has none."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from infoplane import UserError, load_dataset, load_trajectory
from infoplane.artifacts import canonical, describe, digest, read_table, write_table
from infoplane.cli import main
from infoplane.config import DatasetSpec, EstimatorSpec, FigureSpec, TrainingSpec
from infoplane.datasets import images, run, save_dataset
from infoplane.figures.drawing import write_figure
from infoplane.information import run as inform
from infoplane.statistics import (
    join_fits,
    join_information,
    join_phases,
    summarise_accuracy,
    summarise_information,
    write_claims,
)
from infoplane.training import run as train
from infoplane.trajectory import save_trajectory
from infoplane.verify import verify
from infoplane.verify.chain import check_history, check_information, check_table
from infoplane.verify.chunks import repetitions_of, tables_in
from infoplane.verify.datasets import as_idx, check_download, sha256
from infoplane.verify.figures import check_figure

EXPERIMENTS = {"relu": ("relu", 8, "published"), "tanh": ("tanh", "float32", "published")}
ESTIMATORS = {"exact": EstimatorSpec(kind="exact"), "rebinned": EstimatorSpec(kind="rebinned")}
CHUNKS = (range(0, 2), range(2, 3))
INPUTS = 150


def name_of(repetitions: range) -> str:
    return f"{repetitions[0]}-{repetitions[-1]}"


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """A folder of results with every kind of artifact."""
    results = tmp_path_factory.mktemp("study") / "results"
    statistics, dataset = results / "statistics", results / "datasets" / "mine.npz"
    random = np.random.default_rng(0)
    labels = np.arange(INPUTS) % 2
    np.savez(
        results.parent / "mine.npz",
        inputs=random.integers(0, 2, (INPUTS, 9)) | labels[:, None],
        labels=labels,
    )
    run(DatasetSpec(name="mine", kind="npz", path=str(results.parent / "mine.npz")), dataset)
    for experiment, (activation, bits, protocol) in EXPERIMENTS.items():
        spec = TrainingSpec(
            dataset="mine",
            network=(5, 4),
            activation=activation,
            bits=bits,
            protocol=protocol,
            epochs=6,
            prefit_epochs=1,
            record_every=3,
            learning_rate=0.01,
        )
        training = results / "training" / experiment
        histories = [training / f"{name_of(each)}.parquet" for each in CHUNKS]
        for chunk, history in zip(CHUNKS, histories, strict=True):
            train(spec, dataset, chunk, history.with_suffix(".safetensors"), history)
        for estimator, estimated in ESTIMATORS.items():
            folder, its = (
                results / "information" / experiment / estimator,
                statistics / experiment / estimator,
            )
            tables = [folder / history.name for history in histories]
            for history, table in zip(histories, tables, strict=True):
                inform(estimated, dataset, history.with_suffix(".safetensors"), table)
            summarise_information(tables, histories, its / "aggregates.parquet", its / "phases.parquet")
        summarise_accuracy(histories, dataset, statistics / experiment / "accuracy.parquet")
    pairs = [(experiment, estimator) for experiment in EXPERIMENTS for estimator in ESTIMATORS]
    aggregates, phases = (
        {pair: statistics.joinpath(*pair, f"{held}.parquet") for pair in pairs}
        for held in ("aggregates", "phases")
    )
    join_information(aggregates, statistics / "mine" / "information.csv")
    join_phases(phases, statistics / "mine" / "phases.csv")
    accuracies = {experiment: statistics / experiment / "accuracy.parquet" for experiment in EXPERIMENTS}
    join_fits(accuracies, statistics / "mine" / "fits.csv")
    write_claims(phases, *(statistics / f"{name}.csv" for name in ("claims", "cells", "margins")))
    figure = FigureSpec(
        kind="plane", category="main", experiments=("relu",), estimators=("exact",), dpi=30, note="(a × b)"
    )
    tables = {"aggregates": {("relu", "exact"): [aggregates["relu", "exact"]]}}
    write_figure(figure, tables, [results / "figures" / f"plane.{suffix}" for suffix in ("pdf", "png")])
    return results


@pytest.fixture
def results(study, tmp_path) -> Path:
    """A copy to be damaged, without figures, which take long to draw again."""
    return shutil.copytree(study, tmp_path / "results", ignore=shutil.ignore_patterns("figures"))


@pytest.fixture
def runs(results) -> Path:
    """A copy without statistics."""
    shutil.rmtree(results / "statistics")
    return results


@pytest.fixture
def drawn(study, tmp_path) -> Path:
    """A copy of the figures and of what they show."""
    folders = shutil.ignore_patterns("tanh", "mine", "rebinned", "claims.csv", "cells.csv")
    return shutil.copytree(study, tmp_path / "results", ignore=folders)


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def problem(results: Path, *named: str) -> str:
    """The one problem with a folder, which names a file or folder of it and what to do."""
    (line,) = verify(results)[0]
    assert line.startswith(f"{results}/") and "\n" not in line
    assert any(remedy in line for remedy in ("workflow again", "remove it", "leave one of them out"))
    for words in named:
        assert words in line
    return line


def change(path: Path, change) -> None:
    """Write a table anew with other rows, as sound a file as before."""
    kind = (
        "information" if "information" in path.parts else "history" if "training" in path.parts else path.stem
    )
    table, described = read_table(path, kind)
    write_table(path, change(table), described)


def test_a_sound_folder_has_no_problems(study):
    problems, counts = verify(study)
    assert not problems
    told = [" ".join(line.split()[:3]) for line in counts]
    assert told == [
        "1 data sets",
        "4 histories are",
        "4 trajectories are",
        "2 experiments have",
        "8 tables of",
        "4 estimates are",
        "4 pairs of",
        "2 tables of",
        "3 joined tables",
        "1 tables of",
        "2 figures are",
    ]


def test_status_and_output_of_the_command(study, results, capsys):
    assert main(["verify", str(study)]) == 0
    assert "4 trajectories are whole" in capsys.readouterr().out
    table = results / "statistics" / "mine" / "fits.csv"
    table.write_text(table.read_text().replace("relu,3", "relu,4"))
    assert main(["verify", str(results)]) == 1
    shown = capsys.readouterr()
    assert f"{table}: is not what the tables that it rests on give; " in shown.out
    assert shown.err.splitlines()[-1].startswith(f"infoplane: {results}: 1 problem, ")


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no results"):
        verify(tmp_path)


ARTIFACTS = [
    "datasets/mine.npz",
    "training/relu/0-1.safetensors",
    "training/relu/0-1.parquet",
    "information/tanh/rebinned/2-2.parquet",
    "statistics/relu/exact/aggregates.parquet",
    "statistics/relu/exact/phases.parquet",
    "statistics/relu/accuracy.parquet",
]


def named(problems: list[str]) -> set[str]:
    return {line.partition(": ")[0] for line in problems}


def test_truncated_files_are_found(results):
    for name in ARTIFACTS:
        (results / name).write_bytes((results / name).read_bytes()[: (results / name).stat().st_size // 2])
    problems, _ = verify(results)
    assert {f"{results / name}: truncated or damaged" for name in ARTIFACTS} <= {
        line.partition(";")[0] for line in problems
    }


def test_foreign_files_are_found(results):
    for name in ARTIFACTS:
        (results / name).write_text("not an artifact")
    assert {str(results / name) for name in ARTIFACTS} <= named(verify(results)[0])


def test_a_flipped_bit_of_a_data_set_is_found(runs):
    path = runs / "datasets" / "mine.npz"
    whole, description = path.read_bytes(), load_dataset(path).description
    for place in np.random.default_rng(0).integers(0, len(whole), 100):
        flip(path, int(place))
        try:
            assert load_dataset(path).description == description
        except UserError as error:
            assert str(error).startswith(f"{path}: ")
        path.write_bytes(whole)


def test_a_parameter_that_became_another_is_found(runs):
    path = runs / "training" / "relu" / "2-2.safetensors"
    trajectory = load_trajectory(path)
    trajectory.parameters[0, -1] = trajectory.parameters[0, 0]
    save_trajectory(path, trajectory)
    problems, _ = verify(runs)
    tables = [runs / "information" / "relu" / name / "2-2.parquet" for name in ESTIMATORS]
    assert [line.partition(":")[0] for line in problems] == [str(table) for table in tables]
    assert all("when it is replayed" in line for line in problems)


def test_trajectories_of_other_runs_are_found(runs):
    path, other = (runs / "training" / name / "0-1.safetensors" for name in ("relu", "tanh"))
    whole = path.read_bytes()
    shutil.copy(other, path)
    assert any(line.startswith(f"{path}: its spec is") for line in verify(runs)[0])
    path.write_bytes(whole)
    shutil.copy(path.with_stem("2-2"), path)
    assert any(line.startswith(f"{path}: the list of its repetitions is [2], ") for line in verify(runs)[0])


def test_tables_of_other_specs_are_found(runs):
    table, other = (runs / "information" / name / "exact" / "2-2.parquet" for name in ("relu", "tanh"))
    shutil.copy(other, table)
    problems, _ = verify(runs)
    assert any(line.startswith(f"{table}: the spec is ") for line in problems)


def test_a_stale_artifact_of_another_spec_is_found(runs):
    """All tables of an estimator say one spec, and the trainings another."""
    for table in runs.glob("information/relu/exact/*.parquet"):
        frame, described = read_table(table, "information")
        described["spec"]["training"]["learning_rate"] = 0.5
        write_table(table, frame, described | {"spec_hash": digest(described["spec"])})
    problems, _ = verify(runs)
    assert any(
        line.startswith(f"{runs / 'information' / 'relu' / 'exact'}: the training spec is ")
        for line in problems
    )


def test_a_spec_without_its_hash_is_found(runs):
    path = runs / "information" / "relu" / "exact" / "2-2.parquet"
    table = pq.read_table(path)
    described = json.loads(table.schema.metadata[b"infoplane"])
    described["spec"]["estimator"]["subset"] = "test"
    metadata = {**table.schema.metadata, b"infoplane": canonical(described).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, write_page_checksum=True)
    assert problem(runs).startswith(f"{path}: its spec does not match its hash; ")


def set_value(**values):
    """Put values into the last row."""

    def change(table):
        table.loc[table.index[-1], list(values)] = list(values.values())
        return table

    return change


@pytest.mark.parametrize(
    ("name", "to", "fact"),
    [
        ("training/relu/2-2", set_value(test_accuracy=1.01), "0 ≤ test_accuracy ≤ 1"),
        ("training/relu/2-2", set_value(loss=-0.1), "0 ≤ loss"),
        ("training/relu/2-2", lambda table: table[1:], "its rows are not all of its repetitions"),
        ("information/tanh/exact/2-2", lambda table: table[::-1], "its rows are not all of its repetitions"),
        ("information/tanh/exact/2-2", set_value(h_t=7.3, i_xt=7.3), "H(T) ≤ log₂ N"),
        ("information/tanh/exact/2-2", set_value(h_t=0.3), "I(X;T) = H(T)"),
        ("information/tanh/exact/2-2", set_value(distinct=151), "distinct codes ≤ N"),
        ("information/tanh/exact/2-2", set_value(distinct=2), "H(T) ≤ log₂ of the distinct codes"),
        ("information/tanh/exact/2-2", set_value(i_ty=-1e-6), "0 ≤ I(T;Y)"),
        ("information/tanh/exact/2-2", set_value(i_ty=1.1), "I(T;Y) ≤ H(Y)"),
        ("information/tanh/exact/2-2", set_value(h_t=0.1, i_xt=0.1, i_ty=0.2), "I(T;Y) ≤ H(T)"),
        ("information/tanh/exact/2-2", set_value(h_t=np.nan, i_xt=np.nan), "NaN and 0 codes together"),
        ("information/relu/rebinned/2-2", lambda table: hidden(table), "equal to exact in the hidden layers"),
    ],
)  # fmt: skip
def test_values_out_of_bounds_are_found(runs, name, to, fact):
    path = runs / f"{name}.parquet"
    change(path, to)
    with pytest.raises(UserError, match=re.escape(fact)) as error:
        (check_history if "training" in name else check_information)(path)
    assert str(error.value).startswith(f"{path}: ")


def hidden(table):
    table.loc[0, ["h_t", "i_xt"]] -= 0.5
    return table


def test_a_layer_that_knows_more_than_the_one_before_is_found(runs):
    path = runs / "information" / "relu" / "exact" / "2-2.parquet"

    def swapped(table):
        table.loc[0, ["h_t", "i_xt"]] = table.loc[1, "h_t"] - 0.1
        return table

    change(path, swapped)
    place = "in 1 rows, the first at repetition 2, part prefit, epoch -1, layer 2"
    with pytest.raises(UserError, match=re.escape(f"{path}: not H(T) ≤ that of the layer before {place}")):
        check_information(path)


def test_chunks_that_are_missing_or_overlap_are_found(runs):
    folder = runs / "information" / "relu" / "exact"
    (folder / "2-2.parquet").rename(runs / "kept")
    assert f"{folder}: repetitions [2] are missing; run the workflow again" in verify(runs)[0]
    (runs / "kept").rename(folder / "2-2.parquet")
    table, described = read_table(folder / "2-2.parquet", "information")
    both = pd.concat([table, table.assign(repetition=np.int32(3))], ignore_index=True)
    both["repetition"] -= 1
    write_table(folder / "1-2.parquet", both, described | {"repetitions": [1, 2]})
    problems, _ = verify(runs)
    assert any("1-2.parquet: repetitions [1] are in another chunk too" in line for line in problems)


def test_a_chunk_that_has_grown_may_leave_what_it_was(runs):
    for folder in (
        runs / "training" / "relu",
        *(runs / "information" / "relu" / each for each in ESTIMATORS),
    ):
        (folder / "2-2.parquet").rename(folder / "2-3.parquet")
        table, described = read_table(
            folder / "2-3.parquet", "history" if "training" in folder.parts else "information"
        )
        write_table(folder / "2-2.parquet", table, described)
        both = pd.concat([table, table.assign(repetition=np.int32(3))], ignore_index=True)
        write_table(folder / "2-3.parquet", both, described | {"repetitions": [2, 3]})
    assert not verify(runs)[0]


def test_a_repetition_that_nobody_trained_is_found(runs):
    for path in runs.glob("training/relu/0-1.*"):
        path.unlink()
    assert (
        f"{runs / 'training' / 'relu'}: repetitions [0, 1] are missing; run the workflow again"
        in verify(runs)[0]
    )


TABLES = ["relu/exact/aggregates", "tanh/exact/phases", "tanh/accuracy"]


def test_statistics_of_other_numbers_are_found(results):
    paths = [results / "statistics" / f"{name}.parquet" for name in TABLES]
    for path in paths:
        column = "blocks" if path.stem == "phases" else "mean"
        change(
            path,
            lambda table, its=column: table.assign(**{its: table[its] + (1 if its == "blocks" else 1e-6)}),
        )
    problems, _ = verify(results)
    told = "is not what the tables that it rests on give; move it away and run the workflow again"
    assert {f"{path}: {told}" for path in paths} <= {*problems}


def test_tables_that_were_edited_are_found(results):
    paths = [results / "statistics" / f"{name}.csv" for name in ("mine/information", "mine/phases", "claims")]
    for path in paths:
        table = pd.read_csv(path)
        column = {"claims": "shows", "phases": "blocks"}.get(path.stem, "h_t_mean")
        table.assign(**{column: table[column] + 1}).to_csv(path, index=False)
    problems, _ = verify(results)
    assert named(problems) == set(map(str, paths))


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_damaged_figures_are_found(drawn, suffix):
    path = drawn / "figures" / f"plane.{suffix}"
    whole = path.read_bytes()
    assert not verify(drawn)[0]
    path.write_bytes(whole[: len(whole) // 2])
    assert problem(drawn).startswith(f"{path}: truncated, damaged or no figure of a study; ")
    path.write_bytes(whole)
    flip(path, len(whole) // 3)
    assert problem(drawn).startswith(f"{path}: ")


def test_figures_of_other_tables_are_found(drawn):
    path = drawn / "statistics" / "relu" / "exact" / "aggregates.parquet"
    change(path, lambda table: table.assign(mean=table["mean"] * 0.9))
    problems, _ = verify(drawn)
    for suffix in ("png", "pdf"):
        assert any(
            line.startswith(f"{drawn / 'figures' / 'plane'}.{suffix}: is not what its tables")
            for line in problems
        )


def test_the_synthetic_data_are_the_published_ones(tmp_path):
    path = tmp_path / "datasets" / "synthetic.npz"
    run(DatasetSpec(name="synthetic", kind="synthetic"), path)
    assert not verify(tmp_path)[0]
    dataset = load_dataset(path)
    dataset.labels[7] ^= 1
    save_dataset(path, dataset, kind="synthetic", fraction=1.0)
    assert problem(tmp_path).startswith(f"{path}: the SHA-256 of labels is ")


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_images_and_downloads_are_the_published_ones(tmp_path, monkeypatch, fraction):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 4))
    arrays = {"images-idx3": pixels, "labels-idx1": np.array([0, 1, 0, 1, 0, 1])}
    files = {f"{part}-{name}-ubyte": as_idx(arrays[name]) for part in ("train", "t10k") for name in arrays}
    digests = {name: sha256(data) for name, data in files.items()}
    monkeypatch.setitem(images.IMAGES, "mnist", images.Images(digests, ()))
    folder = tmp_path / "datasets" / "mnist"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    path = tmp_path / "datasets" / "mine.npz"
    run(DatasetSpec(name="mine", kind="mnist", fraction=fraction), path)
    assert not verify(tmp_path)[0]

    dataset = load_dataset(path)
    dataset.inputs[0, 0, 0] ^= 1
    save_dataset(path, dataset, kind="mnist", fraction=fraction)
    assert problem(tmp_path).startswith(f"{path}: ")
    run(DatasetSpec(name="mine", kind="mnist", fraction=fraction), path)
    if fraction == 1:
        flip(folder / "t10k-labels-idx1-ubyte", -1)
        assert problem(tmp_path).startswith(f"{folder / 't10k-labels-idx1-ubyte'}: its SHA-256 is ")


def test_what_is_left_over_or_a_stranger_is_named(drawn):
    left = drawn / "training" / "relu" / ".0-1.safetensors.123.partial"
    stranger = drawn / "information" / "relu" / "exact" / "notes.txt"
    other = drawn / "datasets" / "mine.npz.bak"
    for path in (left, stranger, other):
        path.write_text("")
    problems, _ = verify(drawn)
    assert problems == [
        f"{other}: is no artifact of a study; remove it",
        f"{stranger}: is no artifact of a study; remove it",
        f"{left}: left by a job that was killed; remove it",
    ]


def test_a_file_beside_downloads_is_a_stranger(tmp_path):
    path = tmp_path / "datasets" / "mine" / "train-images-idx3-ubyte"
    with pytest.raises(UserError, match="is not a file of a public data set; remove it"):
        check_download(path)


def test_files_named_after_no_repetitions_and_folders_without_tables_are_refused(tmp_path):
    with pytest.raises(UserError, match="is not named after its repetitions, such as 0-19; remove it"):
        repetitions_of(tmp_path / "first.parquet")
    with pytest.raises(UserError, match="contains no tables; run the workflow again"):
        tables_in(tmp_path)


def test_any_other_table_must_be_whole(tmp_path):
    path = tmp_path / "levels.parquet"
    write_table(path, pd.DataFrame({"levels": [4, 7]}), describe("levels", {"bits": 3}))
    check_table(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="truncated or damaged"):
        check_table(path)


def test_a_table_that_lacks_what_its_kind_says_of_itself_is_named(tmp_path):
    path = tmp_path / "training" / "mine" / "0-0.parquet"
    write_table(path, pd.DataFrame({"loss": [0.5]}), describe("history", {}, repetitions=[0]))
    problems, _ = verify(tmp_path)
    assert f"{path}: is not what its name says (KeyError: 'training')" in problems[0]


def test_binned_estimates_of_shuffled_training_inputs_obey_their_laws(runs):
    """Every repetition has an H(Y) of its own, of its own labels."""
    known = read_table(runs / "training" / "relu" / "2-2.parquet", "history")[1]["spec"]["training"]
    spec = TrainingSpec.model_validate(known | {"labels": "shuffled"})
    dataset, trajectory = runs / "datasets" / "mine.npz", runs / "training" / "shuffled" / "0-1.safetensors"
    train(spec, dataset, range(2), trajectory, trajectory.with_suffix(".parquet"))
    path = runs / "information" / "shuffled" / "uniform" / "0-1.parquet"
    inform(EstimatorSpec(kind="uniform", bins=4, range="layer", subset="train"), dataset, trajectory, path)
    check_information(path)
    change(path, set_value(h_t=4.5, i_xt=4.5, distinct=100))  # of two neurons with four bins each
    with pytest.raises(UserError, match=re.escape("H(T) ≤ bits · width")):
        check_information(path)


def test_pools_of_inputs_with_more_levels_than_the_network_are_sound(tmp_path):
    """One pool of the whole image, whose 200 values 2 bits don't tell apart."""
    folder = tmp_path / "results"
    images, labels = (
        np.arange(200, dtype=np.uint8)[:, None, None] * np.ones((2, 2), np.uint8),
        np.arange(200) % 2,
    )
    np.savez(tmp_path / "mine.npz", inputs=images, labels=labels)
    run(DatasetSpec(name="mine", kind="npz", path=f"{tmp_path}/mine.npz"), folder / "datasets" / "mine.npz")
    spec = {"dataset": "mine", "network": ({"pool": 2}, 3), "activation": "relu", "bits": 2}
    trajectory = folder / "training" / "pool" / "0-0.safetensors"
    trained = TrainingSpec(**spec, epochs=1, record_every=1)
    train(trained, folder / "datasets" / "mine.npz", range(1), trajectory, trajectory.with_suffix(".parquet"))
    for (name, estimator), distinct in zip(ESTIMATORS.items(), (200, 5), strict=True):
        path = folder / "information" / "pool" / name / "0-0.parquet"
        inform(estimator, folder / "datasets" / "mine.npz", trajectory, path)
        table = read_table(path, "information")[0]
        assert (table.loc[table["layer"] == 1, "distinct"] == distinct).all()
        check_information(path)


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_what_is_no_figure_is_found(tmp_path, suffix):
    path = tmp_path / f"plane.{suffix}"
    path.write_text("no figure")
    with pytest.raises(UserError, match="truncated, damaged or no figure of a study"):
        check_figure(path)


@pytest.mark.parametrize(
    ("kind", "changed", "column"),
    [
        ("accuracy", "statistics/relu/accuracy.parquet", "mean"),
        ("runs", "information/relu/exact/0-1.parquet", "i_ty"),
    ],
)
def test_figures_of_other_accuracies_and_runs_are_found(results, kind, changed, column):
    statistics, information = (results / stage / "relu" for stage in ("statistics", "information"))
    chunks = [information / "exact" / f"{name_of(each)}.parquet" for each in CHUNKS]
    tables = {
        "accuracy": {"relu": [statistics / "accuracy.parquet"]},
        "aggregates": {("relu", "exact"): [statistics / "exact" / "aggregates.parquet"]},
        "information": {("relu", "exact"): chunks},
    }
    estimators = {"estimators": ("exact",)} if kind == "runs" else {}
    spec = FigureSpec(kind=kind, category="main", experiments=("relu",), dpi=30, **estimators)
    path = results / "figures" / f"{kind}.png"
    write_figure(spec, {held: tables[held] for held in spec.reads}, [path])
    check_figure(path)
    change(results / changed, lambda table: table.assign(**{column: table[column] * 0.5}))
    with pytest.raises(UserError, match="is not what its tables show"):
        check_figure(path)


def test_figures_are_not_drawn_again_by_other_versions(drawn, monkeypatch):
    change(
        drawn / "statistics" / "relu" / "exact" / "aggregates.parquet",
        lambda table: table.assign(mean=table["mean"] * 0.9),
    )
    monkeypatch.setattr("infoplane.verify.figures.describe", lambda *_: {"versions": {}})
    check_figure(drawn / "figures" / "plane.png")


def test_figures_of_phases_need_only_be_whole(study, tmp_path):
    phases = {("relu", "exact"): [study / "statistics" / "relu" / "exact" / "phases.parquet"]}
    spec = FigureSpec(kind="prevalence", category="B", experiments=("relu",), estimators=("exact",), dpi=30)
    path = tmp_path / "figures" / "phases.png"
    write_figure(spec, {"phases": phases}, [path])
    check_figure(path)
