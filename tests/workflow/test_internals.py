"""What the workflow uses of Snakemake's internals is there, and is named where it is not."""

import re
import subprocess
import sys
import types

import pytest
from conftest import ROOT
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError
from snakemake.persistence import PersistenceBase
from snakemake.scheduling.job_scheduler import JobScheduler
from snakemake.workflow import Workflow

from infoplane.reruns import COMPARISONS, NotAncient, Reruns, internal

MODULE = (ROOT / "src" / "infoplane" / "reruns.py").read_text()
INTERNALS = MODULE + (ROOT / "workflow" / "rules" / "internals.smk").read_text()


def test_this_version_has_all_of_them():
    for name in ("metadata", *COMPARISONS):
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
    assert internal(types.SimpleNamespace(forcefiles={1}), "forcefiles") == {1}
    with pytest.raises(
        WorkflowError, match=r"has no SimpleNamespace.forcefiles; install snakemake>=9.27,<10"
    ):
        internal(types.SimpleNamespace(), "forcefiles")


def test_no_other_file_of_the_workflow_uses_any():
    internals = r"forcefiles|persistence|workflow\.(scheduler|dag|modifier|default_target)\b|set_input"
    for path in (ROOT / "workflow" / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")):
        if path.name != "internals.smk":
            assert not re.search(internals, path.read_text()), path


class File(str):
    """A file of Snakemake."""

    def __new__(cls, path, ancient=False):
        made = super().__new__(cls, path)
        made.is_ancient = ancient
        return made


def test_the_search_for_later_jobs_ends_at_ancient_files(tmp_path):
    """A file that is not there is made whatever its times: what comes after it comes after the job."""
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.touch()
    depending = {
        "job": {
            "by ancient ones": [File(there, ancient=True)],
            "by one that is gone": [File(there, ancient=True), File(gone, ancient=True)],
            "by times": [File(there, ancient=True), File(there)],
        }
    }
    assert NotAncient(depending)["job"].keys() == {"by one that is gone", "by times"}


def test_snakemake_is_corrected_once_and_under_renamed_rules():
    """`is_settled` is asked once for every job, and must not wrap what it has wrapped."""

    class Persistence:
        def answer(self, job, file=None):
            return ["changed"]

    for name in COMPARISONS:  # each is called by its own name
        method = types.FunctionType(Persistence.answer.__code__, {}, name, (None,))
        setattr(Persistence, name, method)

    class Dag:
        depending, forcefiles = {}, set()

        def bfs(self, direction, *jobs):
            return direction

    workflow = types.SimpleNamespace(
        modifier=types.SimpleNamespace(modify_rulename=lambda name: f"study_{name}"),
        persistence=Persistence(),
        dag=Dag(),
    )
    provenance = types.SimpleNamespace(describes_itself=lambda kind, names: names["experiment"] == "relu")
    reruns = Reruns(workflow, None, provenance)
    reruns.correct()
    before = [getattr(workflow.persistence, name) for name in COMPARISONS]
    reruns.correct()
    assert before == [getattr(workflow.persistence, name) for name in COMPARISONS]

    def job(rule, experiment):
        return types.SimpleNamespace(
            rule=types.SimpleNamespace(name=rule), wildcards={"experiment": experiment}
        )

    for compared in before:
        assert compared(job("study_training", "relu")) == ()
        assert compared(job("study_training", "tanh")) == ["changed"]
        assert compared(job("training", "relu")) == ["changed"]
    assert isinstance(workflow.dag.bfs(workflow.dag.depending), NotAncient)
    assert workflow.dag.bfs("dependencies") == "dependencies"


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
