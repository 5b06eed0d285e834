"""A study of one's own data: its file is an input of the workflow."""

import numpy as np
import pytest

from infoplane import load_dataset


@pytest.fixture
def own(fresh):
    """A workflow whose data set is a file of the user's."""

    def of_own_data(config):
        config["datasets"] = {"mine": {"kind": "npz", "path": "mine.npz", "scale": 0.5}}
        config["defaults"]["dataset"] = "mine"

    fresh.edit(of_own_data)
    return fresh


def save(workflow, inputs):
    np.savez(workflow.folder / "mine.npz", inputs=inputs, labels=np.arange(12) % 3)


def test_own_data_are_made_again_when_their_file_changes(own):
    save(own, np.arange(24).reshape(12, 2))
    run = own.snakemake("--until", "datasets")
    assert run.returncode == 0, run.stdout + run.stderr
    dataset = load_dataset(own.folder / "results" / "datasets" / "mine.npz")
    assert (dataset.name, dataset.inputs.shape, dataset.classes, dataset.scale) == ("mine", (12, 2), 3, 0.5)
    assert "datasets" not in own.jobs()
    save(own, np.arange(24).reshape(12, 2) + 1)
    assert own.jobs()["datasets"] == 1


def test_missing_own_data_are_named_before_any_job_starts(own):
    dry_run = own.snakemake("--dry-run")
    assert dry_run.returncode == 1
    assert "mine.npz" in dry_run.stdout + dry_run.stderr
