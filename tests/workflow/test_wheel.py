"""A wheel in an environment of its own: a study in an empty folder, and the workflow as a module."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from test_run import STUDY, write

MODULE = """
configfile: "config/config.yaml"


module infoplane:
    snakefile: {snakefile}
    config: config


use rule * from infoplane as study_*


rule mine:
    input:
        "results/information/relu/exact/0-1.parquet",
    output:
        "size.txt",
    shell:
        "wc --bytes {{input}} > {{output}}"
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """The Python of an environment that has the wheel, and all else from the present one."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / "venv", symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "venv" / "lib" / version / "site-packages"
    (packages / "present.pth").write_text(sysconfig.get_path("purelib"))
    made = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(made),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    assert (packages / "infoplane" / "workflow" / "Snakefile").exists()
    return made


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints, which must succeed with nothing of the present environment's paths."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_study_in_an_empty_folder(python, tmp_path):
    infoplane = python.parent / "infoplane"
    where = run(tmp_path, python, "-c", "import infoplane; print(infoplane.__file__)")
    assert where.startswith(str(python.parents[1]))
    run(tmp_path, infoplane, "init")
    assert "nothing wrong" in run(tmp_path, infoplane, "check")
    run(tmp_path, infoplane, "run", "config/config.yaml", "results/datasets/bars.npz", "--cores", "1")
    run(tmp_path, infoplane, "run", "--in-process")
    for figure in yaml.safe_load((tmp_path / "config" / "config.yaml").read_text())["figures"]:
        assert (tmp_path / "results" / "figures" / f"{figure}.png").stat().st_size > 10_000
    assert "nothing to do" in run(tmp_path, infoplane, "run", "--dry-run")


@pytest.mark.slow
def test_a_module_of_another_workflow(python, tmp_path):
    """Its rules may have other names, and results that tell what they are of are still believed."""
    write(tmp_path, STUDY)
    snakefile = 'str(__import__("infoplane.running").running.snakefile())'
    (tmp_path / "Snakefile").write_text(MODULE.format(snakefile=snakefile))
    snakemake = [python, "-m", "snakemake", "--cores", "1"]
    run(tmp_path, *snakemake, "mine")
    assert (tmp_path / "size.txt").read_text().endswith("results/information/relu/exact/0-1.parquet\n")
    said = run(tmp_path, *snakemake, "--dry-run", "mine")
    assert "Nothing to be done" in said and "localrules directive" not in said
    told = run(tmp_path, *snakemake, "--dry-run", "study_claims")
    assert "study_statistics_claims" in told and "study_training" not in told
    rules = python.parents[1].glob("lib/*/site-packages/infoplane/workflow/rules/common.smk")
    (rule,) = rules
    text = rule.read_text()
    try:
        rule.write_text(text.replace("{params.command} >", "time {params.command} >"))
        told = run(tmp_path, *snakemake, "--dry-run", "mine")
    finally:
        rule.write_text(text)
    assert "rule study_datasets:" in told
    assert "study_training" not in told and "study_information" not in told


def commit(folder: Path) -> str:
    """Make a repository of the workflow; its commit."""
    folder.mkdir()
    for name in ("Snakefile", "workflow", "config"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "--message=one"]):
        run(folder, "git", *arguments)
    return run(folder, "git", "rev-parse", "HEAD").strip()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_module_from_far_away_runs_what_is_installed(python, tmp_path):
    number = commit(tmp_path / "far")
    write(tmp_path, STUDY)
    snakefile = f'gitfile("{tmp_path}/far", path="workflow/Snakefile", commit="{number}")'
    (tmp_path / "Snakefile").write_text(MODULE.format(snakefile=snakefile))
    target = "results/datasets/synthetic.npz"
    run(tmp_path, python, "-m", "snakemake", "--cores", "1", target)
    assert (tmp_path / target).exists()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_snakedeploy_finds_the_workflow_and_its_config(python, tmp_path):
    """It writes where the workflow is fetched from, which here is a repository of this machine."""
    deploy = pytest.importorskip("snakedeploy.deploy").deploy
    number = commit(tmp_path / "far")
    deploy(str(tmp_path / "far"), name="study", tag=None, branch=None, dest_path=tmp_path / "here")
    deployed = tmp_path / "here" / "workflow" / "Snakefile"
    text = deployed.read_text()
    assert '"workflow/Snakefile"' in text
    far = f'gitfile("{tmp_path}/far", path="workflow/Snakefile", commit="{number}")'
    deployed.write_text(text.replace('"workflow/Snakefile"', far))
    shutil.copy(tmp_path / "here" / "config" / "quick.yaml", tmp_path / "here" / "config" / "config.yaml")
    told = run(tmp_path / "here", python, "-m", "snakemake", "--cores", "1", "--dry-run")
    assert "figures" in told and "training" in told
