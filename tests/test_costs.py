"""Costs are sums over the benchmarks of finished jobs."""

import pytest

from infoplane import UserError
from infoplane.costs import costs_of, with_totals

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def add_job(results, name, wall, cpu, memory):
    path = results / "benchmarks" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}{wall}\t0:00:00\t{memory}\t-\t-\t-\t0\t0\t0\t{cpu}\n")


def test_costs_are_summed_by_stage_and_experiment(tmp_path):
    add_job(tmp_path, "training/relu/0-9", 3600, 1800, 512)
    add_job(tmp_path, "training/relu/10-19", 7200, 3600, 1024)
    add_job(tmp_path, "training/tanh/0-9", 360, 180, 256)
    add_job(tmp_path, "information/relu/exact/0-9", 36, 18, 128)
    add_job(tmp_path, "figures/plane", 3.6, 1.8, 128)
    add_job(tmp_path, "index", 0, 0, 128)
    (tmp_path / "training" / "relu").mkdir(parents=True)
    (tmp_path / "training" / "relu" / "0-9.parquet").write_bytes(bytes(2**20))
    costs = costs_of(tmp_path).set_index(["stage", "experiment"])
    assert costs.loc[("training", "relu")].tolist() == [2, 3.0, 1.5, 1.0, 1.0, 2**-10]
    assert costs.loc[("training", "tanh"), "wall_hours"] == pytest.approx(0.1)
    assert costs.loc[("information", "relu"), "jobs"] == 1
    assert {("figures", ""), ("index", "")} <= {*costs.index} and len(costs) == 5
    total = with_totals(costs.reset_index()).set_index(["stage", "experiment"])
    assert total.loc[("training", "all"), ["jobs", "cpu_hours", "memory_gib"]].tolist() == [3, 1.55, 1.0]
    assert total.loc[("all", "all"), "jobs"] == 6
    assert total.loc[("all", "all"), "hours_on_1"] == pytest.approx(1.5 + 0.05 + 0.005 + 0.0005)
    assert total.loc[("all", "all"), "hours_on_8"] == 1.0, "not less than the longest job"


def test_jobs_without_a_measure_count_as_jobs(tmp_path):
    add_job(tmp_path, "pages/claims", 0.1, "-", "-")
    costs = with_totals(costs_of(tmp_path))
    assert costs.loc[0, ["jobs", "cpu_hours", "longest_hours", "hours_on_2"]].tolist() == [1, 0, 0, 0]


def test_disk_space_is_counted_once(tmp_path):
    """Jobs of the whole study write beside the folders of the experiments."""
    add_job(tmp_path, "statistics/relu/exact/phases", 1, 1, 1)
    add_job(tmp_path, "statistics/claims", 1, 1, 1)
    (tmp_path / "statistics" / "relu").mkdir(parents=True)
    (tmp_path / "statistics" / "relu" / "phases.parquet").write_bytes(bytes(2**20))
    (tmp_path / "statistics" / "claims.csv").write_bytes(bytes(2**19))
    costs = costs_of(tmp_path).set_index("experiment")["disk_gib"]
    assert costs.to_dict() == {"": 2**-11, "relu": 2**-10}
    assert with_totals(costs_of(tmp_path)).set_index("stage").loc["all", "disk_gib"] == 2**-10 + 2**-11


def test_a_job_at_work_is_no_finished_job(tmp_path):
    add_job(tmp_path, "training/relu/0-9", 1, 1, 1)
    (tmp_path / "benchmarks" / "training" / "relu" / "10-19.tsv").touch()
    assert costs_of(tmp_path)["jobs"].tolist() == [1]


@pytest.mark.parametrize(
    "content",
    [b"", HEAD[:9], HEAD, f"{HEAD}12.", f"{HEAD}s\n", "no\n", b"\0" * 9, b"\x80\xff\n"],
)
def test_a_benchmark_that_is_cut_off_counts_as_no_job(tmp_path, content):
    add_job(tmp_path, "training/relu/0-9", 1, 1, 1)
    path = tmp_path / "benchmarks" / "training" / "relu" / "10-19.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "benchmarks" / "folder.tsv").mkdir()
    assert costs_of(tmp_path)["jobs"].tolist() == [1]


def test_no_jobs_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r"contains no benchmarks of finished jobs; run a study first$"):
        costs_of(tmp_path)
