"""Studies through a real SLURM: to their figures, past cancelled jobs, and on after Snakemake was killed."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
from single_node import LIVE, CannotStart, SingleNode, single_node, wait_until

from infoplane.config.study import load_config

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "cluster.md"

# It ends with these tests, however they end.
SNAKEMAKE = ["setpriv", "--pdeathsig", "KILL", "snakemake"]
# Seconds between questions to SLURM: the tests don't wait as long as one should on a login node.
EAGER = {
    "slurm": ["--slurm-init-seconds-before-status-checks", "2"],
    "cluster-generic": ["--seconds-between-status-checks", "2"],
}
profiles = pytest.mark.parametrize("profile", EAGER)

pytestmark = pytest.mark.slow


class Study:
    """A copy of the workflow, the tiny study as its `mine.yaml`, and a SLURM for its jobs."""

    def __init__(self, folder: Path, node: SingleNode) -> None:
        self.folder = folder
        self.node = node
        path = f"{Path(sys.executable).parent}{os.pathsep}{node.environment['PATH']}"
        self.environment = node.environment | {"PATH": path}
        self.started: list[subprocess.Popen] = []

    def start(self, profile: str, *arguments: str, config: str = "mine.yaml") -> subprocess.Popen:
        """Snakemake with a profile, in the background."""
        profiled = ["--workflow-profile", f"workflow/profiles/{profile}", *EAGER[profile]]
        with open(self.folder / "told", "w") as told:
            run = subprocess.Popen(
                [*SNAKEMAKE, "--configfile", config, *profiled, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
            )
        self.started.append(run)
        return run

    def told(self) -> str:
        """What Snakemake has printed so far."""
        return (self.folder / "told").read_text()

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """Its jobs in the order of their submission."""
        return [job for job in self.node.jobs(states) if job["folder"] == str(self.folder)]

    def trainings(self, states: str = "all") -> dict[str, list[dict[str, str]]]:
        """The jobs that were to train a chunk, for each of them."""
        trainings: dict[str, list[dict[str, str]]] = {}
        for job in self.jobs(states):
            if "training" in job["name"] + job["comment"]:
                trainings.setdefault(re.search(r"\d+-\d+", job["comment"])[0], []).append(job)
        return trainings

    def trained(self) -> set[str]:
        """The chunks that Snakemake has seen to the end of their training."""
        told = self.told()
        details = r"(?:    .*\n)*?"
        job = rf"^rule training:\n{details}    jobid: (\d+)\n{details}    wildcards: .*chunk=(\d+-\d+)"
        chunks = dict(re.findall(job, told, re.MULTILINE))
        return {chunks[number] for number in re.findall(r"Finished jobid: (\d+) \(Rule: training\)", told)}


@pytest.fixture(scope="module")
def node():
    for plugin in ("slurm", "cluster_generic"):
        module = f"snakemake_executor_plugin_{plugin}"
        pytest.importorskip(module, reason="Snakemake's plugins for clusters are not installed")
    with ExitStack() as stack:
        try:
            node = stack.enter_context(single_node())
        except CannotStart as reason:
            pytest.skip(str(reason))
        yield node


@pytest.fixture
def study(node, tmp_path):
    folder = tmp_path / "study"
    for name in ("config", "src", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / file, folder)
    shutil.copy2(Path(__file__).with_name("study.yaml"), folder / "mine.yaml")
    study = Study(folder, node)
    yield study
    for run in study.started:
        run.kill()
        run.wait()
    node.cancel(study.jobs(LIVE))


@profiles
def test_study_runs_to_its_figures(study, profile):
    assert study.start(profile).wait(1800) == 0, study.told()
    results = study.folder / "results"
    assert (results / "figures" / "plane.pdf").read_bytes().startswith(b"%PDF")
    assert len(pd.read_csv(results / "statistics" / "synthetic" / "phases.csv")) == 4 * 6
    assert {job["state"] for job in study.jobs()} == {"COMPLETED"}
    assert study.trainings().keys() == {"0-1", "2-3"}
    for (job,) in study.trainings().values():
        assert (job["memory"], job["limit"]) == ("2000M", "1-00:00:00")


@profiles
def test_cancelled_job_is_tried_again_with_more(study, profile):
    run = study.start(profile, "--until", "training")
    ((chunk, (job,)), *_) = wait_until(lambda: list(study.trainings("running").items()), 600)
    study.node.tell("scancel", job["id"])
    assert run.wait(1800) == 0, study.told()
    first, second = study.trainings().pop(chunk)
    assert (first["state"], second["state"]) == ("CANCELLED", "COMPLETED")
    assert (second["memory"], second["limit"]) == ("8000M", "2-00:00:00")
    ((other,),) = (jobs for name, jobs in study.trainings().items() if name != chunk)
    assert other["state"] == "COMPLETED"
    assert len(list(study.folder.glob("results/training/relu/*.safetensors"))) == 2


def test_device_cuda_asks_for_a_gpu(study):
    config = study.folder / "mine.yaml"
    config.write_text(config.read_text().replace("defaults:", "device: cuda\n\ndefaults:"))
    run = study.start("slurm", "--retries", "0")
    assert run.wait(1800) == 1, "there is no GPU"
    asks = {job["comment"]: study.node.tell("scontrol", "show", "job", job["id"]) for job in study.jobs()}
    of_training = [job for job in study.jobs() if "training" in job["comment"]]
    assert len(of_training) == 2 and len(asks) == 3
    assert all(("TresPerJob=gres:gpu:1" in its) == ("training" in rule) for rule, its in asks.items())
    assert "device cuda: PyTorch finds no GPU" in study.told()


def state_of(file: Path) -> tuple[str, int]:
    return hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns


def test_no_chunk_is_trained_twice_after_a_kill(study):
    """The page's commands are followed word by word."""
    config = study.folder / "mine.yaml"
    three = config.read_text().replace("chunk: 2", "chunk: 1").replace("repetitions: 4", "repetitions: 3")
    config.write_text(three)
    run = study.start("slurm")
    wait_until(study.trained, 600)
    run.kill()
    run.wait()
    files = {chunk: study.folder / f"results/training/relu/{chunk}.safetensors" for chunk in study.trained()}
    before = {chunk: state_of(file) for chunk, file in files.items()}
    left = {job["id"] for job in study.jobs(LIVE)}
    assert left, "jobs outlive Snakemake"

    section = PAGE.read_text().partition("\n## After a kill\n")[2]
    commands = re.search(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[1]
    shell = ["bash", "-c", f"set -euo pipefail; {commands}"]
    place = {"cwd": study.folder, "env": study.environment}
    again = subprocess.run(shell, **place, capture_output=True, text=True, timeout=1800)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (study.folder / "results" / "figures" / "plane.pdf").exists()
    assert "CANCELLED" in {job["state"] for job in study.jobs() if job["id"] in left}
    for chunk, file in files.items():
        assert state_of(file) == before[chunk]
        assert len(study.trainings()[chunk]) == 1
    assert all(jobs[-1]["state"] == "COMPLETED" for jobs in study.trainings().values())


def test_quick_study_runs_to_its_figures(study):
    assert study.start("slurm", config="config/quick.yaml").wait(5400) == 0, study.told()
    figures = study.folder / "results" / "quick" / "figures"
    quick = load_config(study.folder / "config" / "quick.yaml")
    assert {path.stem for path in figures.glob("*.pdf")} == set(quick.figures)
    assert {job["state"] for job in study.jobs()} == {"COMPLETED"}
