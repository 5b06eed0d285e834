"""An exported study holds all that its figures need, and less than its results."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pypdf
import pytest
from answers import in_process, is_one_line_that_names

from infoplane import export
from infoplane.artifacts import read_table, write_table
from infoplane.config.study import load_config
from infoplane.digests import file_digest
from infoplane.export import (
    EPOCHS,
    export_study,
    exported_tables,
    redraw,
    thinned,
    with_curves,
    without_repetition,
)
from infoplane.layout import Layout
from infoplane.paper import write_paper


@pytest.fixture
def exported(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    export_study(finished.config, finished.folder / "export")
    return finished.folder / "export"


def test_all_figures_are_drawn_again_without_results(exported, finished):
    shutil.rmtree(finished.folder / "results")
    redraw(exported, exported / "figures", formats=("png", "svg"))
    names = load_config(exported / "config.yaml").figures
    assert {path.name for path in (exported / "figures").iterdir()} == {
        f"{name}.{suffix}" for name in names for suffix in ("png", "svg")
    }
    redraw(exported, exported / "one", ["plane"])
    assert (exported / "one" / "plane.png").read_bytes() == (exported / "figures" / "plane.png").read_bytes()


def test_exported_tables_are_those_of_the_study(exported, finished):
    results = finished.folder / "results"
    for name in ("claims.csv", "synthetic/prevalence.csv"):
        assert (exported / "statistics" / name).read_bytes() == (results / "statistics" / name).read_bytes()
    kinds = exported_tables(Layout(load_config(finished.config)))
    assert {*kinds.values()} == {"aggregates", "accuracy", "information", "phases"}
    for path, kind in kinds.items():
        table, description = read_table(exported / path, kind)
        whole, origin = read_table(results / path, kind)
        if kind == "phases":
            assert table.equals(whole) and description == origin
            continue
        assert description.pop("thinned") == {"epochs": 400, "decimals": 4} and description == origin
        left_out = {"std", "lower", "upper"} if kind == "aggregates" else set()
        assert {*whole} - {*table} == left_out
        keys = [name for name in whole if not pd.api.types.is_float_dtype(whole[name]) and name != "count"]
        told, made = (each.set_index(keys)[[*table.drop(columns=keys)]] for each in (table, whole))
        # Of four decimals, and float32
        np.testing.assert_allclose(told, made.reindex(told.index), rtol=2**-24, atol=5.0001e-5)
        assert len(told) == len(made)


def test_means_over_good_fits_are_told_where_there_are_bad_ones():
    rows = [("tanh", "all", 50), ("tanh", "good-fit", 50), ("relu", "all", 50), ("relu", "good-fit", 48)]
    table = pd.DataFrame(rows, columns=["experiment", "runs", "count"]).assign(
        estimator="exact", epoch=-1, layer=1
    )
    told = without_repetition(table)
    assert list(zip(told["experiment"], told["runs"], strict=True)) == [
        ("tanh", "all"),
        ("relu", "all"),
        ("relu", "good-fit"),
    ]


def test_joined_tables_keep_what_has_curves(tmp_path):
    """A difference needs both of its experiments."""
    pairs = [("tanh", "exact"), ("relu", "exact"), ("tanh", "kde"), ("relu", "kde")]
    rows = [(name, estimator, "all", 50, 0, 1) for name, estimator in pairs]
    information = tmp_path / "information.csv"
    columns = ["experiment", "estimator", "runs", "count", "epoch", "layer"]
    pd.DataFrame(rows, columns=columns).to_csv(information, index=False)
    kept = with_curves(information, {("tanh", "exact"), ("relu", "kde")})
    assert list(zip(kept["experiment"], kept["estimator"], strict=True)) == [
        ("tanh", "exact"),
        ("relu", "kde"),
    ]

    differences = tmp_path / "differences.csv"
    rows = [("tanh", "relu", estimator) for estimator in ("exact", "kde")]
    pd.DataFrame(rows, columns=["experiment", "against", "estimator"]).to_csv(differences, index=False)
    kept = with_curves(differences, {("tanh", "exact"), ("relu", "exact"), ("tanh", "kde")})
    assert list(kept["estimator"]) == ["exact"]


def test_an_export_says_what_it_was_made_from(exported, finished):
    told = json.loads((exported / "provenance.json").read_text())
    assert told["config_sha256"] == file_digest(finished.config) == file_digest(exported / "config.yaml")
    assert told["engine"] == 1 and "numpy" in told["versions"]


def test_curves_keep_both_parts_their_ends_and_every_row_of_an_epoch():
    parts = {"prefit": range(-1, 1000), "main": range(-1, 8000, 5)}
    rows = [(part, epoch, layer) for part, epochs in parts.items() for epoch in epochs for layer in (1, 2)]
    curve = pd.DataFrame(rows, columns=["part", "epoch", "layer"])
    fewer, _ = thinned(curve, {})
    assert (fewer.groupby(["part", "epoch"]).size() == 2).all()
    for part, epochs in parts.items():
        kept = fewer.loc[fewer["part"] == part, "epoch"].unique()
        assert {-1, 0, epochs[-1]} - {*kept} <= {0} and len(kept) <= EPOCHS + 1
        assert {*kept} <= {*epochs}


def test_a_paper_of_an_export_has_the_joined_phases(exported, finished, tmp_path):
    """They are there run by run alone."""
    pytest.importorskip("typst")
    joined = pd.read_csv(finished.folder / "results" / "statistics" / "synthetic" / "phases.csv")
    runs = joined.query("estimator == 'exact'")
    (tmp_path / "paper.typ").write_text(
        '#import "tables.typ": *\n#rows("synthetic/phases.csv", estimator: "exact").len()'
    )
    output = write_paper(exported / "config.yaml", tmp_path / "own.pdf", tmp_path, exported)
    assert pypdf.PdfReader(output).pages[0].extract_text().strip() == str(len(runs))
    assert len(runs)
    assert not [*exported.rglob("phases.csv")]


def test_results_are_not_replaced_by_what_is_thinned(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    before = {path: file_digest(path) for path in sorted(Path("results").rglob("*.parquet"))}
    for folder in ("results", "./results/../results", f"{finished.folder}/results"):
        answer = in_process("export", str(finished.config), folder)
        assert is_one_line_that_names(answer.errors, "holds results of a study; name another folder")
    assert {path: file_digest(path) for path in before} == before


def test_the_commit_is_that_of_the_code_alone(tmp_path, monkeypatch):
    """Not that of a repository in which the package is installed."""
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        names = ["-c", "user.name=they", "-c", "user.email=they@example.org"]
        subprocess.run(["git", "-C", tmp_path, *names, *command], check=True)
    (tmp_path / "export.py").touch()
    monkeypatch.setattr(export, "__file__", str(tmp_path / "export.py"))
    assert export.commit() is None


@pytest.mark.parametrize("column", ["part", "epoch", "std"])
def test_tables_of_other_columns_are_one_line(finished, monkeypatch, column):
    monkeypatch.chdir(finished.folder)
    for path in sorted(Path("results").rglob("aggregates.parquet")):
        table, description = read_table(path, "aggregates")
        write_table(path, table.drop(columns=column), description)
    answer = in_process("export", str(finished.config), "export")
    line = answer.errors.splitlines()[-1]
    assert answer.status == 1
    assert is_one_line_that_names(line, f"aggregates.parquet: has no column {column}; if the workflow made")


def test_joined_means_of_other_columns_are_one_line(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    path = next(Path("results").rglob("information.csv"))
    path.write_text("experiment,layer\nrelu,1\n")
    answer = in_process("export", str(finished.config), "export")
    line = answer.errors.splitlines()[-1]
    assert answer.status == 1 and is_one_line_that_names(line, f"{path}: has no column runs; if the")


def test_what_is_missing_is_one_line(exported, finished):
    (exported / "statistics" / "relu" / "exact" / "aggregates.parquet").unlink()
    (finished.folder / "results" / "statistics" / "claims.csv").unlink()
    for words, place in [
        (("redraw", str(exported), "plane"), "aggregates.parquet"),
        (("redraw", str(exported), "plan"), "plan: no figure of this study"),
        (("export", str(finished.config), "again"), "claims.csv"),
    ]:
        answer = in_process(*words)
        line = answer.errors.splitlines()[-1]  # after lines of progress
        assert answer.status == 1 and is_one_line_that_names(line, place)
