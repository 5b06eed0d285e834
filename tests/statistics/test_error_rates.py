"""The simulation of error rates puts in what it says, and its jitter is found again."""

import error_rates
import numpy as np
import pandas as pd
import pytest
import simulation
from error_rates import HALVES, JITTERS, OTHERS, PACES, courses, jittering, main, simulate

from infoplane.statistics.phases import compression_of


@pytest.mark.parametrize("pace", [1, 4, 16])
def test_courses_fall_by_what_is_known_at_every_pace(pace):
    """Give or take what a curve rises by from one recorded epoch to the next: 1 bit in a quarter of them."""
    falls = np.array([0, 0.05, 1, 3])
    step = 4 * pace / (error_rates.EPOCHS - 1)
    np.testing.assert_allclose(compression_of(courses(falls, np.full(4, pace)))[0], falls, atol=step)


@pytest.mark.parametrize("name", HALVES)
def test_half_of_all_runs_compress(name):
    falls = HALVES[name](np.random.default_rng(0), 100_000)
    # four standard errors of a share of one half
    assert (falls > 0.1).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(100_000))


@pytest.mark.parametrize(("name", "status"), [("none", "lacks"), ("all", "shows")])
@pytest.mark.parametrize("fastest", PACES.values())
def test_what_all_runs_do_is_found_at_every_pace(name, status, fastest):
    found = simulate(OTHERS[name], fastest, JITTERS["8 bits"], 2)
    assert (found.statuses(50) == status).all() and found.misjudged == 0


def test_jitter_is_measured_as_it_was_put_in(tmp_path, monkeypatch):
    monkeypatch.setattr(error_rates, "EPOCHS", 20_000)
    jitter = JITTERS["the output of tanh networks"]
    curves = 8 + jittering(np.random.default_rng(0), jitter, 2)
    axes = {"repetition": [0, 1], "epoch": range(1000, 21_000)}
    rows = pd.DataFrame({"i_xt": curves.ravel()}, pd.MultiIndex.from_product(axes.values(), names=axes))
    table = rows.reset_index().assign(part="main", layer=1)
    path = simulation.write_information(tmp_path / "i.parquet", table)
    *_, row = main(["jitter", str(path)])
    spread, memory = (float(cell) for cell in row.split("|")[3:5])
    # of the variance, a running mean of 21 keeps this share, which what is left has lost
    kept = (1 + jitter.memory) / (1 - jitter.memory) / 21
    assert spread == pytest.approx(jitter.spread * np.sqrt(1 - kept), rel=0.05)
    assert memory == pytest.approx((jitter.memory - kept) / (1 - kept), abs=0.05)
