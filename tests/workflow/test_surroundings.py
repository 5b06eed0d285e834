"""A small study where users keep theirs: odd folders, locales, paths of modules, and no place to write to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Workflow

LETTERS = "abcdefghijklmnopqrstuvwxyz-0123456789_"
LONG = (LETTERS * 3)[:100]
CONFIG = {
    "results": 'résultats d\'un "essai"',
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "bits": 8,
        "epochs": 4,
        "record_every": 1,
        "repetitions": 1,
        "chunk": 1,
    },
    "experiments": {"claims": {}, LONG: {}},
    "estimators": {LONG: {"kind": "exact"}},
    "figures": {LONG: {"kind": "accuracy", "category": "main", "experiments": "all", "note": "ä – ✓"}},
}


def copied(folder: Path) -> Path:
    for name in ("config", "src", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "Snakefile", folder)
    return folder


def run(clone: Path, place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Snakemake by the Python of an environment that is not active, with nothing of this environment."""
    kept = {
        name: os.environ[name] for name in ("HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME") if name in os.environ
    }
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(clone / "Snakefile"), "--cores", "2"]
    return subprocess.run(
        [*command, *arguments],
        cwd=place,
        env=kept | {"PATH": os.defpath} | environment,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=1800,
    )


def locale_of_latin_1(folder: Path) -> dict[str, str]:
    if not shutil.which("localedef"):
        pytest.skip("localedef is not installed")
    folder.mkdir()
    made = subprocess.run(
        ["localedef", "--inputfile=en_US", "--charmap=ISO-8859-1", str(folder / "latin1")], check=False
    )
    if made.returncode > 1 or not (folder / "latin1").exists():
        pytest.skip("there is no source of locales")
    return {"LOCPATH": str(folder), "LC_ALL": "latin1"}


@pytest.mark.slow
def test_a_study_runs_in_odd_surroundings(tmp_path):
    """All of it at once: names of folders and of experiments, a locale of Latin 1, modules of the user's."""
    clone = copied(tmp_path / 'it\'s a "clône" 1')
    for name in ("place ü", "temporary $ñ"):
        (tmp_path / name).mkdir()
    place = tmp_path / "place ü"
    place.joinpath("mine.yaml").write_text(yaml.safe_dump(CONFIG, allow_unicode=True), "utf-8")
    theirs = tmp_path / "theirs" / "infoplane"
    theirs.mkdir(parents=True)
    (theirs / "__init__.py").write_text('raise RuntimeError("not ours")')
    (theirs.parent / "sitecustomize.py").write_text(f"open({str(tmp_path / 'seen')!r}, 'w').close()")
    environment = {
        "PYTHONPATH": str(theirs.parent),
        "PYTHONOPTIMIZE": "2",
        "TMPDIR": str(tmp_path / "temporary $ñ"),
        **locale_of_latin_1(tmp_path / "locales"),
    }
    refused = run(clone, place, "--configfile", "mine.yaml", **environment)
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert refused.stderr.splitlines()[-1].endswith(
        "a name that is not ASCII takes UTF-8, and the locale says iso8859-1; start with PYTHONUTF8=1"
    )
    done = run(clone, place, "--configfile", "mine.yaml", **environment, PYTHONUTF8="1")
    assert done.returncode == 0, done.stdout + done.stderr
    results = place / CONFIG["results"]
    assert (results / "figures" / f"{LONG}.png").read_bytes().startswith(b"\x89PNG")
    logs = results / "logs" / "statistics"
    assert "statistics claims" in (logs / "claims.log").read_text("utf-8")
    assert "statistics accuracy" in (logs / "claims" / "accuracy.log").read_text("utf-8")
    assert (tmp_path / "seen").exists(), "the user's modules are found behind ours"


@pytest.mark.parametrize("option", ["--snakefile", "--directory"])
def test_a_study_is_planned_from_elsewhere(tmp_path, option):
    """The config is that of the folder where Snakemake is started or, if it has none, that of the clone."""
    place = tmp_path / "place"
    place.mkdir()
    arguments = ["--directory", str(place)] if option == "--directory" else []
    done = run(ROOT, tmp_path if arguments else place, "claims", "--dry-run", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(place.glob("results"))


@pytest.mark.parametrize("letter", [":", "{", "}"])
def test_a_folder_that_cannot_hold_modules_is_one_line(tmp_path, letter):
    clone = copied(tmp_path / f"a{letter}b")
    refused = run(clone, clone, "--dry-run")
    assert refused.returncode == 1
    (line,) = [line for line in refused.stderr.splitlines() if line.startswith("infoplane: ")]
    assert line.endswith(f"a folder of modules can have no {letter} in its name; rename it")


@pytest.mark.parametrize("name", ["x" * 21, "ab" * 30, f"run-{'0' * 20}"])
def test_a_name_that_snakemake_refuses_is_one_line(fresh: Workflow, name):
    fresh.edit(lambda config: config["figures"].update({name: config["figures"]["plane"]}))
    refused = fresh.snakemake("--dry-run")
    assert refused.returncode == 1
    line = refused.stderr.splitlines()[-1]
    assert line.startswith(f"infoplane: study.yaml: figures: {name!r} ends in ") and "; shorten it" in line


@pytest.mark.parametrize("key", ["path", "folder"])
def test_own_data_that_are_gone_are_one_line(fresh: Workflow, key):
    own = {"kind": "npz", "path": "gone.npz"} if key == "path" else {"kind": "mnist", "folder": "gone"}
    fresh.edit(lambda config: config.update(datasets={"mine": own}))
    fresh.edit(lambda config: config["experiments"]["relu"].update(dataset="mine"))
    refused = fresh.snakemake()
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith(f"infoplane: study.yaml: datasets.mine.{key}: gone")


def test_home_is_expanded_in_paths(fresh: Workflow, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    fresh.edit(lambda config: config.update(results="~/elsewhere"))
    told = fresh.dry_run("claims")
    assert f"{tmp_path}/elsewhere/statistics/claims.csv" in told and "~" not in told
