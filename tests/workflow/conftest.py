"""A copy of the workflow in a folder of its own, and a tiny study that it has run to the end."""

import os
import pickle
import re
import shutil
import subprocess
import sys
from collections import Counter
from fcntl import LOCK_EX, flock
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest
import yaml
from snakemake.cli import main

ROOT = Path(__file__).parents[2]
STUDIES = [Path(__file__).with_name(name) for name in ("study.yaml", "paper.yaml")]


class Workflow:
    """The workflow in a folder, and the tiny study as its config."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "study.yaml"

    def start(self, *arguments: str, config: str | None = "study.yaml", **options: Any) -> subprocess.Popen:
        """Start the real entry point, as a user would."""
        configured = ["--configfile", config] if config else []
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *configured, *arguments],
            cwd=self.folder,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def snakemake(self, *arguments: str, config: str | None = "study.yaml") -> subprocess.CompletedProcess:
        """Run it to its end."""
        run = self.start(*arguments, config=config)
        output, errors = run.communicate(timeout=600)
        return subprocess.CompletedProcess(run.args, run.returncode, output, errors)

    def dry_run(self, *targets: str, config: str = "study.yaml") -> str:
        """What a dry run says, by the same entry point in a process that has its imports behind it."""
        with TemporaryFile("w+") as said:
            if not (child := os.fork()):
                status = 1
                try:
                    for name in [name for name in sys.modules if name.partition(".")[0] == "infoplane"]:
                        del sys.modules[name]  # the folder has its own
                    sys.stdout = sys.stderr = said
                    os.chdir(self.folder)
                    main(["--configfile", config, "--cores", "2", "--dry-run", *targets])
                except SystemExit as end:
                    status = end.code
                finally:
                    said.flush()
                    os._exit(status)
            _, status = os.waitpid(child, 0)
            said.seek(0)
            told = said.read()
        assert status == 0, told
        return told

    def announced(self, *targets: str, config: str = "study.yaml") -> set[str]:
        """The jobs that a dry run announces, the targets themselves aside: rule and values of wildcards."""
        told = self.dry_run(*targets, config=config)
        details = r"(?:    (?!wildcards).*\n)*"
        job = rf"^(?:local)?rule (\w+):\n{details}    output: .*\n{details}(?:    wildcards: (.*))?"
        jobs = re.findall(job, told, re.MULTILINE)
        return {" ".join([rule, *re.findall(r"=([^,]+)", wildcards)]) for rule, wildcards in jobs}

    def jobs(self, config: str = "study.yaml") -> Counter:
        """How many jobs of each rule a dry run announces, `all` aside."""
        return Counter(job.partition(" ")[0] for job in self.announced(config=config))

    def read(self) -> dict[str, Any]:
        """The config as it stands."""
        return yaml.safe_load(self.config.read_text())

    def edit(self, change) -> None:
        """Apply a function to the config."""
        config = self.read()
        change(config)
        self.config.write_text(yaml.safe_dump(config, sort_keys=False))


def copy_of(source: Path, folder: Path) -> Workflow:
    shutil.copytree(source, folder)
    return Workflow(folder)


@pytest.fixture(scope="session")
def untouched(tmp_path_factory) -> Workflow:
    folder = tmp_path_factory.mktemp("untouched")
    for name in ("config", "src", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (ROOT / "Snakefile", ROOT / "environment.yml", *STUDIES):
        shutil.copy2(file, folder)
    return Workflow(folder)


@pytest.fixture(scope="session")
def first_run(untouched, tmp_path_factory, request) -> tuple[Workflow, subprocess.CompletedProcess]:
    """A workflow that has run, and what was said; one process of the tests runs it, others copy it."""
    place = tmp_path_factory.getbasetemp()
    shared = (place.parent if hasattr(request.config, "workerinput") else place) / "first-run"
    with open(f"{shared}.lock", "w") as lock:
        flock(lock, LOCK_EX)
        if not shared.exists():
            run = copy_of(untouched.folder, shared / "study").snakemake()
            (shared / "said.pickle").write_bytes(pickle.dumps(run))
    run = pickle.loads((shared / "said.pickle").read_bytes())
    return copy_of(shared / "study", tmp_path_factory.mktemp("finished") / "study"), run


@pytest.fixture
def fresh(untouched, tmp_path) -> Workflow:
    """A workflow that has not run."""
    return copy_of(untouched.folder, tmp_path / "study")


@pytest.fixture
def finished(first_run, tmp_path) -> Workflow:
    """A workflow that has run the tiny study to its end."""
    workflow, run = first_run
    assert run.returncode == 0, run.stdout + run.stderr
    return copy_of(workflow.folder, tmp_path / "study")
