"""A study whose estimators share replays: what is left, and what runs again."""

from infoplane.verify import verify

NAMES = ["exact", "rebinned", "bins"]
CHUNKS = ["0-0", "1-1"]


def sharing(config):
    config["experiments"] = {"relu": {"activation": "relu", "bits": 8, "repetitions": 2, "chunk": 1}}
    config["estimators"] = {
        "exact": {"kind": "exact"},
        "rebinned": {"kind": "rebinned"},
        "bins": {"kind": "uniform", "bins": 30, "range": "global"},
    }
    config["figures"] = {}


def tables(*names, chunks=CHUNKS):
    return [f"results/information/relu/{name}/{chunk}.parquet" for name in names for chunk in chunks]


def jobs(*names, chunks=CHUNKS):
    return {f"information relu {name} {chunk}" for name in names for chunk in chunks}


def ready(workflow):
    return {
        str(path.relative_to(workflow.folder / "results")) for path in workflow.folder.glob("results/**/.*")
    }


def run(workflow, *targets):
    done = workflow.snakemake("--", *targets)
    assert done.returncode == 0, done.stdout + done.stderr


def is_kept(workflow, estimator, chunk):
    """Whether the job of a table has found it measured."""
    log = workflow.folder / "results" / "logs" / "information" / "relu" / estimator / f"{chunk}.log"
    return "already measured by another job" in log.read_text()


def test_every_other_table_is_made_by_the_job_of_the_exact_one(fresh):
    fresh.edit(sharing)
    run(fresh, *tables(*NAMES))
    for estimator in NAMES:
        for chunk in CHUNKS:
            assert is_kept(fresh, estimator, chunk) == (estimator != "exact")
    assert not ready(fresh) and verify(fresh.folder / "results")[0] == []

    def rename(config):
        config["estimators"]["precise"] = config["estimators"].pop("exact")

    fresh.edit(rename)
    assert fresh.announced(*tables("precise", "rebinned", "bins")) == jobs("precise")
    fresh.edit(lambda config: config["estimators"].update(exact=config["estimators"].pop("precise")))
    assert fresh.announced(*tables(*NAMES)) == set()

    (fresh.folder / "results/information/relu/exact/1-1.parquet").unlink()
    assert fresh.announced(*tables(*NAMES)) == jobs("exact", chunks=["1-1"])
    fresh.edit(lambda config: config["estimators"]["bins"].update(bins=31))
    assert fresh.announced(*tables(*NAMES)) == jobs("bins") | jobs("exact", chunks=["1-1"])
    fresh.edit(lambda config: config["estimators"].update(new={"kind": "rebinned", "subset": "test"}))
    assert fresh.announced(*tables("new")) == jobs("new") | jobs("exact", chunks=["1-1"])


def test_what_is_left_of_a_part_of_a_study_is_used_or_removed(fresh):
    fresh.edit(sharing)
    run(fresh, *tables("exact", chunks=["0-0"]))
    assert ready(fresh) == {f"information/relu/{name}/.0-0.parquet.ready" for name in ("rebinned", "bins")}
    assert verify(fresh.folder / "results")[0] == []
    fresh.edit(lambda config: config["estimators"]["bins"].update(bins=31))
    run(fresh, *tables(*NAMES, chunks=["0-0"]))
    assert not ready(fresh) and verify(fresh.folder / "results")[0] == []
    assert is_kept(fresh, "rebinned", "0-0") and not is_kept(fresh, "bins", "0-0")
