"""Recorded runs in a study, beside a training: from files to figures, and what makes them run again."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, copy_of
from recorded_runs import BINS, save_runs
from torch import nn

import infoplane
from infoplane.artifacts import read_table, write_table
from infoplane.config import RecordedSpec, TrainingSpec, load_config
from infoplane.datasets import Dataset, save_dataset
from infoplane.status import summary
from infoplane.verify import verify

PAGE = (ROOT / "docs" / "own-networks.md").read_text()

STUDY = {
    "defaults": {"dataset": "synthetic", "network": [4, 3], "activation": "tanh", "bits": 8}
    | {"epochs": 12, "record_every": 1, "repetitions": 2, "chunk": 2},
    "experiments": {
        "trained": {},
        "own-relu": {"recorded": {"files": "runs/relu-*.parquet"}},
        "own-tanh": {"recorded": {"files": "runs/tanh-*.parquet"}, "label": "my tanh"},
    },
    "estimators": {"exact": {"kind": "exact"}, "bins": BINS},
    "figure_defaults": {"category": "own", "dpi": 50},
    "figures": {
        "accuracy": {"kind": "accuracy", "experiments": "all"},
        "curves": {"kind": "curves", "experiments": "all", "estimators": ["exact"]},
        "plane": {"kind": "plane", "experiments": "all", "estimators": ["exact", "bins"]},
        "prevalence": {"kind": "prevalence", "experiments": "all", "estimators": ["bins"]},
        "readings": {"kind": "readings", "experiments": ["own-tanh"], "estimators": ["exact", "bins"]},
        "runs": {"kind": "runs", "experiments": ["own-relu"], "estimators": ["bins"]},
        "saturation": {"kind": "saturation", "experiments": "all", "estimators": ["exact"]},
    },
}
TABLES = {"information", "phases", "prevalence", "differences", "fits", "violations"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ended(untouched, tmp_path_factory):
    workflow = copy_of(untouched.folder, tmp_path_factory.mktemp("recorded") / "study")
    (workflow.folder / "runs").mkdir()
    for name, activation in {"relu": nn.ReLU, "tanh": nn.Tanh}.items():
        save_runs(workflow.folder / "runs", name, activation=activation)
    workflow.config.write_text(yaml.safe_dump(STUDY, sort_keys=False))
    run = workflow.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return workflow


@pytest.fixture
def study(ended, tmp_path, monkeypatch):
    workflow = copy_of(ended.folder, tmp_path / "study")
    monkeypatch.chdir(workflow.folder)
    return workflow


def test_every_figure_and_table_shows_recorded_runs(study):
    results = study.folder / "results"
    for name in STUDY["figures"]:
        assert (results / "figures" / f"{name}.png").stat().st_size > 3000
    assert {path.stem for path in (results / "statistics" / "recorded").iterdir()} == TABLES
    phases = pd.read_csv(results / "statistics" / "recorded" / "phases.csv")
    assert {*phases["experiment"]} == {"own-relu", "own-tanh"}
    assert {*phases["layer_name"].astype(str)} == {"1", "3", "softmax"}
    cells = pd.read_csv(results / "statistics" / "cells.csv")
    assert {*cells["experiment"]} == {"trained"}, "no claim rests on recorded runs"


def test_results_are_read_and_verified_and_shown_as_present(study):
    results = infoplane.load_study("results")
    assert isinstance(results.experiments["own-tanh"], RecordedSpec)
    assert isinstance(results.experiments["trained"], TrainingSpec)
    information = results.table("information", "own-relu", "bins")
    recorded = [pd.read_parquet(f"runs/relu-{seed}.parquet").query("estimator != 'exact'") for seed in (0, 1)]
    assert np.array_equal(information["h_t"], pd.concat(recorded)["h_t"])
    problems, _ = verify(study.folder / "results")
    assert problems == []
    assert "9 of 9 chunks present" in "\n".join(summary(load_config(study.config)))


def test_verify_compares_with_the_recordings(study):
    path = study.folder / "results" / "information" / "own-relu" / "exact" / "0-1.parquet"
    table, description = read_table(path, "information")
    table.loc[3, ["i_ty"]] *= 0.5
    write_table(path, table, description)
    problems, _ = verify(study.folder / "results")
    assert any(re.search("is not what runs/relu-0.parquet and the others hold", each) for each in problems)


def test_the_content_of_a_recording_decides_and_not_its_time(study):
    path = study.folder / "runs" / "tanh-1.parquet"
    os.utime(path)
    assert not study.announced()
    save_runs(study.folder / "runs", "tanh", [7])
    (study.folder / "runs" / "tanh-7.parquet").rename(path)
    jobs = study.announced()
    of_runs = {job for job in jobs if job.startswith(("recorded", "training", "information"))}
    assert of_runs == {
        "recorded_history own-tanh 0-1",
        "recorded_information own-tanh bins 0-1",
        "recorded_information own-tanh exact 0-1",
    }
    assert not {job for job in jobs if "own-relu" in job or "trained" in job}
    assert {f"figures {name}" for name in ("plane", "readings")} <= jobs and "figures runs" not in jobs


def test_results_without_records_are_told_by_their_files(study):
    shutil.rmtree(study.folder / ".snakemake")
    assert not {job for job in study.announced() if job.startswith("recorded")}
    save_runs(study.folder / "runs", "relu", [7])  # a third run
    jobs = {job for job in study.announced() if job.startswith("recorded")}
    assert {job.split()[-1] for job in jobs} == {"0-2"}


def test_exported_figures_are_drawn_again_without_the_recordings(study, tmp_path, monkeypatch):
    infoplane_cli = [sys.executable, "-m", "infoplane.cli"]
    subprocess.run([*infoplane_cli, "export", "study.yaml", tmp_path / "exported"], check=True)
    monkeypatch.chdir(tmp_path)
    subprocess.run([*infoplane_cli, "redraw", "exported", "runs", "plane"], check=True)
    assert {path.stem for path in (tmp_path / "exported" / "figures").glob("*.png")} == {"runs", "plane"}


def test_the_page_works_as_it_stands(fresh):
    """The section on recorded runs, after the training loop at the top, on a few images."""
    section = PAGE[PAGE.index("## Recorded runs in a study") : PAGE.index("## Cost")]
    blocks = [*re.findall(r"^```python\n(.*?)^```", PAGE, re.M | re.S)[:1]]
    blocks += re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (100, 28, 28)).astype(np.uint8)
    labels, mask = np.arange(100) % 10, np.arange(100) < 80
    save_dataset(fresh.folder / "mnist.npz", Dataset("images", pixels, labels, mask, 1 / 255))
    subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=fresh.folder, check=True)
    (config,) = re.findall(r"^```yaml\n(.*?)^```", section, re.M | re.S)
    (fresh.folder / "own.yaml").write_text(config)
    run = fresh.snakemake(config="own.yaml")
    assert run.returncode == 0, run.stdout + run.stderr
    results = fresh.folder / "results" / "own"
    assert {path.name for path in (results / "figures").iterdir()} == {
        f"{name}.{form}" for name in yaml.safe_load(config)["figures"] for form in ("pdf", "png", "svg")
    }
    prevalence = pd.read_csv(results / "statistics" / "recorded" / "prevalence.csv")
    assert {*prevalence["experiment"]} == {"own-relu", "own-tanh"}
    assert "relu3" in {*prevalence["layer_name"]}
