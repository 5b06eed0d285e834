"""What needs no SLURM: the profiles are read, every state has a status, nobody else's SLURM is touched."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from single_node import CannotStart, single_node

ROOT = Path(__file__).parents[2]
STATUS = ROOT / "workflow" / "profiles" / "cluster-generic" / "status.sh"


@pytest.mark.parametrize("profile", ["slurm", "cluster-generic"])
def test_snakemake_reads_the_profile(tmp_path, profile):
    pytest.importorskip(f"snakemake_executor_plugin_{profile.replace('-', '_')}")
    for name in ("src", "workflow"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / file, tmp_path)
    study = Path(__file__).with_name("study.yaml")
    dry_run = ["--dry-run", "--configfile", study, "--workflow-profile", f"workflow/profiles/{profile}"]
    snakemake = [sys.executable, "-m", "snakemake", *dry_run]
    run = subprocess.run(snakemake, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "results/figures/plane.pdf" in run.stdout


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("COMPLETED", "success"),
        ("PENDING", "running"),
        ("RUNNING", "running"),
        ("COMPLETING", "running"),
        ("REQUEUED", "running"),
        ("CANCELLED", "failed"),
        ("FAILED", "failed"),
        ("NODE_FAIL", "failed"),
        ("OUT_OF_MEMORY", "failed"),
        ("TIMEOUT", "failed"),
        ("slurm_load_jobs error: Invalid job id specified", "failed"),
        ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", "running"),
    ],
)
def test_every_state_has_a_status(tmp_path, answer, status):
    squeue = tmp_path / "squeue"
    said = f"echo '{answer}' >&2; exit 1" if "error" in answer else f"echo '{answer}'"
    squeue.write_text(f'#!/bin/sh\ncase "$*" in *--jobs=17) {said} ;; esac\n')
    squeue.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    run = subprocess.run([STATUS, "17"], env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, f"{status}\n")


@pytest.mark.parametrize("link", [False, True])
def test_configuration_of_others_stays(tmp_path, monkeypatch, link):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: program)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    theirs, configured = tmp_path / "theirs.conf", tmp_path / "slurm.conf"
    theirs.write_text("ClusterName=theirs")
    configured.symlink_to(theirs) if link else shutil.copy2(theirs, configured)
    with pytest.raises(CannotStart) as refusal, single_node(configured):
        pass
    assert str(refusal.value) == f"{configured} is somebody else's"
    assert configured.read_text() == theirs.read_text() == "ClusterName=theirs"


def test_reason_to_skip_where_there_is_no_slurm(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "slurmd" else program)
    with pytest.raises(CannotStart, match="SLURM is not installed: there is no slurmd"), single_node():
        pass


def test_reason_to_skip_where_one_is_not_root(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(CannotStart, match="only root can start SLURM"), single_node():
        pass
