"""Damaged figures, and figures of other tables, are found."""

import pytest

from infoplane import UserError
from infoplane.config import FigureSpec
from infoplane.figures.drawing import write_figure
from infoplane.verify import verify
from infoplane.verify.figures import check_figure

from .study import CHUNKS, change, flip, name_of, problem


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_damaged_figures_are_found(drawn, suffix):
    path = drawn / "figures" / f"plane.{suffix}"
    whole = path.read_bytes()
    assert not verify(drawn)[0]
    path.write_bytes(whole[: len(whole) // 2])
    assert problem(drawn).startswith(f"{path}: is no whole figure of a study; ")
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


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_what_is_no_figure_is_found(tmp_path, suffix):
    path = tmp_path / f"plane.{suffix}"
    path.write_text("no figure")
    with pytest.raises(UserError, match="is no whole figure of a study"):
        check_figure(path)


@pytest.mark.parametrize(
    ("kind", "changed", "column"),
    [
        ("accuracy", "statistics/relu/accuracy.parquet", "mean"),
        ("runs", "information/relu/exact/0-1.parquet", "i_ty"),
        ("explorer", "training/relu/0-1.parquet", "train_accuracy"),
        ("film", "information/relu/exact/0-1.parquet", "i_ty"),
    ],
)
def test_figures_of_other_accuracies_and_runs_are_found(results, kind, changed, column):
    statistics, information = (results / stage / "relu" for stage in ("statistics", "information"))
    chunks = [information / "exact" / f"{name_of(each)}.parquet" for each in CHUNKS]
    tables = {
        "accuracy": {"relu": [statistics / "accuracy.parquet"]},
        "aggregates": {("relu", "exact"): [statistics / "exact" / "aggregates.parquet"]},
        "information": {("relu", "exact"): chunks},
        "history": {"relu": [results / "training" / "relu" / path.name for path in chunks]},
    }
    estimators = {} if kind == "accuracy" else {"estimators": ("exact",)}
    spec = FigureSpec(kind=kind, category="main", experiments=("relu",), dpi=30, **estimators)
    path = results / "figures" / f"{kind}.{'png' if 'png' in spec.formats else spec.formats[0]}"
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
