"""A study whose estimators share replays: what is left, and what runs again."""

import pytest
import yaml

from infoplane.verify import verify

NAMES = {"relu": ["exact", "rebinned", "bins"], "tanh": ["exact", "rebinned"]}
CHUNKS = ["0-1", "2-2"]
KEPT = "measured with other estimators before"


def sharing(config):
    config["experiments"] = {
        "relu": {"activation": "relu", "bits": 8, "repetitions": 3},
        "tanh": {"activation": "tanh", "bits": 4, "repetitions": 3},
    }
    config["estimators"] = {
        "exact": {"kind": "exact"},
        "rebinned": {"kind": "rebinned"},
        "bins": {"kind": "uniform", "bins": 30, "range": "global", "experiments": ["relu"]},
    }
    config["figures"] = {}


def measured(jobs):
    return {job for job in jobs if job.startswith("information ")}


def ready(workflow):
    return {
        str(path.relative_to(workflow.folder / "results")) for path in workflow.folder.glob("results/**/.*")
    }


def run(workflow, *arguments):
    done = workflow.snakemake(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def said(workflow, experiment, estimator, chunk):
    log = workflow.folder / "results" / "logs" / "information" / experiment / estimator / f"{chunk}.log"
    return log.read_text()


@pytest.fixture
def shared(fresh):
    """A study that was run to its end."""
    fresh.edit(sharing)
    run(fresh)
    return fresh


def test_every_other_table_is_made_by_the_job_of_the_exact_one(shared):
    for experiment, estimators in NAMES.items():
        for estimator in estimators:
            for chunk in CHUNKS:
                assert (KEPT in said(shared, experiment, estimator, chunk)) == (estimator != "exact")
    assert not ready(shared) and not shared.jobs()
    assert verify(shared.folder / "results")[0] == []

    def rename(config):
        config["estimators"]["precise"] = config["estimators"].pop("exact")

    shared.edit(rename)
    new = {f"information {name} precise {chunk}" for name in NAMES for chunk in CHUNKS}
    assert measured(shared.announced()) == new, "nothing else is measured again"
    run(shared)
    assert not ready(shared)

    (shared.folder / "results/information/relu/precise/2-2.parquet").unlink()
    assert measured(shared.announced("results/information/relu/precise/2-2.parquet")) == {
        "information relu precise 2-2"
    }

    shared.edit(lambda config: config["estimators"]["bins"].update(bins=31))
    new = {f"information relu bins {chunk}" for chunk in CHUNKS} | {"information relu precise 2-2"}
    assert measured(shared.announced("results/statistics/claims.csv")) == new


def test_what_is_left_of_a_part_of_a_study_is_used_or_removed(fresh):
    fresh.edit(sharing)
    run(fresh, "--", "results/information/relu/exact/0-1.parquet")
    left = {f"information/relu/{name}/.0-1.parquet.ready" for name in ("rebinned", "bins")}
    assert ready(fresh) == left
    assert verify(fresh.folder / "results")[0] == []
    fresh.edit(lambda config: config["estimators"]["bins"].update(bins=31))
    run(fresh)
    assert not ready(fresh) and verify(fresh.folder / "results")[0] == []
    assert KEPT in said(fresh, "relu", "rebinned", "0-1") and KEPT not in said(fresh, "relu", "bins", "0-1")
    estimators = yaml.safe_load(fresh.config.read_text())["estimators"]
    assert estimators["bins"]["bins"] == 31
