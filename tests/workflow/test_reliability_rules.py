"""What is told of reliability and of levels is made where a figure shows it, and nowhere else."""

import pytest

FIGURES = {
    "reliability": {"kind": "reliability", "category": "reliability", "experiments": ["relu", "tanh"]},
    "levels": {"kind": "levels", "category": "reliability", "experiments": ["relu"]},
}


def test_stages_run_for_the_experiments_of_their_figures_alone(finished):
    finished.edit(lambda config: config["figures"].update(FIGURES))
    made = {"reliability": 3, "levels": 2, "figures": 2, "statistics_join": 2, "pages": 2, "index": 1}
    assert finished.jobs() == made


@pytest.mark.slow
def test_figures_are_drawn(finished):
    finished.edit(lambda config: config["figures"].update(FIGURES))
    run = finished.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    results = finished.folder / "results"
    for chunk in ("reliability/relu/0-1", "reliability/relu/2-2", "reliability/tanh/0-1", "levels/relu/2-2"):
        assert (results / f"{chunk}.parquet").exists()
        assert (results / "logs" / f"{chunk}.log").exists()
    for name in FIGURES:
        assert (results / "figures" / f"{name}.pdf").stat().st_size > 1000
    assert not finished.jobs()
