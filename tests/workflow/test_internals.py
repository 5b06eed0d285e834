"""What the workflow uses of Snakemake's internals is there, and is named where it is not."""

import re
import subprocess
import sys
import types

import pytest
import snakemake
from conftest import ROOT
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.persistence import PersistenceBase
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.workflow import Workflow

INTERNALS = (ROOT / "workflow" / "rules" / "internals.smk").read_text()


def guard():
    """The function `internal`, as the workflow defines it."""
    (text,) = re.findall(r"^def internal\(.*?(?=^#|^def )", INTERNALS, re.MULTILINE | re.DOTALL)
    names = {"snakemake": snakemake, "WorkflowError": WorkflowError}
    exec(text, names)
    return names["internal"]


def test_this_version_has_all_of_them():
    for name in ("metadata", "params_changed", "input_changed", "code_changed", "software_stack_changed"):
        assert callable(getattr(PersistenceBase, name)) and f'"{name}"' in INTERNALS
    for owner, name in (
        *((DAG, name) for name in ("forcefiles", "bfs", "depending")),
        (JobScheduler, "job_rate_limiter"),
    ):
        assert re.search(rf"(self\.|def ){name}\b", owner_source(owner)) and f'"{name}"' in INTERNALS
    assert "def modifier" in owner_source(Workflow) and '"modifier"' in INTERNALS
    root = (ROOT / "Snakefile").read_text()
    assert "self.default_target" in owner_source(Workflow) and '"default_target"' in root


def owner_source(owner: type) -> str:
    return open(sys.modules[owner.__module__].__file__).read()


def test_one_that_has_gone_is_one_line_with_a_remedy():
    assert guard()(types.SimpleNamespace(forcefiles={1}), "forcefiles") == {1}
    with pytest.raises(
        WorkflowError, match=r"has no SimpleNamespace.forcefiles; install snakemake>=9.27,<10"
    ):
        guard()(types.SimpleNamespace(), "forcefiles")


def test_no_other_file_of_the_workflow_uses_any():
    internals = r"forcefiles|persistence|workflow\.(scheduler|dag|modifier|default_target)\b|set_input"
    for path in (ROOT / "workflow" / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")):
        if path.name != "internals.smk":
            assert not re.search(internals, path.read_text()), path


def test_the_limit_of_starts_is_lifted_on_one_machine(fresh):
    """A script that runs the workflow sees the scheduler that it leaves behind."""
    with open(fresh.folder / "Snakefile", "a") as file:
        file.write("\n\nonsuccess:\n    print('limited:', workflow.scheduler.job_rate_limiter)\n")
    run = fresh.snakemake("--", "results/datasets/synthetic.npz")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "limited: None" in run.stdout + run.stderr


def test_the_workflow_passes_snakemakes_lint():
    lint = [sys.executable, "-m", "snakemake", "--lint"]
    run = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
