"""How far a study is, by the files that its jobs leave."""

import fcntl
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import save_file

from infoplane.artifacts import KEY, describe, write_table
from infoplane.cli import main
from infoplane.config.study import load_config
from infoplane.datasets import synthetic
from infoplane.digests import canonical
from infoplane.layout import benchmark_of, log_of, repetitions_of
from infoplane.provenance import Provenance, made_from
from infoplane.status import duration, expected_chunks, size, state, summary

CONFIG = {
    "results": "there",
    "defaults": {
        "dataset": "synthetic",
        "network": "shwartz-ziv",
        "activation": "relu",
        "epochs": 3,
        "record_every": 1,
        "repetitions": 5,
        "chunk": 2,
    },
    "experiments": {"one": {"bits": 8}, "other": {"bits": 4, "repetitions": 2}},
    "estimators": {"exact": {"kind": "exact"}, "rebinned": {"kind": "rebinned", "experiments": ["other"]}},
}
DATA = synthetic().description
FINISHED = "started …\nfinished 2026-11-22 22:00:00+00:00 after 3.0 s\n"


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return load_config(Path("mine.yaml"))


def chunk(study, place):
    """The chunk of a place as `training/one/0-1`."""
    (found,) = (each for each in expected_chunks(study) if each.path == f"{place}.parquet")
    return found


def make(study, each, changes=None, took=None, words=FINISHED, data=DATA):
    """Write what the job of a chunk leaves."""
    seen_by = study.estimators[each.estimator].spec if each.estimator else None
    spec = made_from(study.experiments[each.experiment].spec, seen_by)
    spec["training"] |= changes or {}
    repetitions = [*repetitions_of(each.repetitions)]
    for kind, path in each.files.items():
        described = describe(kind, spec, repetitions=repetitions, dataset=data)
        if path.endswith(".parquet"):
            write_table(Path("there", path), pd.DataFrame({"loss": [0.5]}), described)
        else:
            arrays = {"repetitions": np.array(repetitions)}
            save_file(arrays, Path("there", path), metadata={KEY: canonical(described)})
    leave_log(each, words)
    if took is not None:
        benchmark = Path("there", benchmark_of(each.path))
        benchmark.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text(f"s\th:m:s\tmax_rss\n{took}\t0:00:00\t1.0\n")


def leave_log(each, words):
    log = Path("there", log_of(each.path))
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(words)
    return log


def table(study):
    """The rows of the summary, by experiment and stage: numbers, disk and time left."""
    _, *rows = [line.split(maxsplit=7) for line in summary(study)]
    rows = rows[: rows.index([])]
    return {tuple(row[:2]): [*map(int, row[2:7]), " ".join(row[7].split())] for row in rows}


def test_chunks_are_those_of_every_experiment_and_estimator(study):
    assert [each.path.removesuffix(".parquet") for each in expected_chunks(study)] == [
        "training/one/0-1",
        "training/one/2-3",
        "training/one/4-4",
        "information/one/exact/0-1",
        "information/one/exact/2-3",
        "information/one/exact/4-4",
        "training/other/0-1",
        "information/other/exact/0-1",
        "information/other/rebinned/0-1",
    ]


def test_nothing_is_there_before_the_first_run(study, tmp_path):
    assert table(study) == {
        ("one", "training"): [3, 0, 0, 0, 0, "0 B unknown"],
        ("one", "exact"): [3, 0, 0, 0, 0, "0 B unknown"],
        ("other", "training"): [1, 0, 0, 0, 0, "0 B unknown"],
        ("other", "exact"): [1, 0, 0, 0, 0, "0 B unknown"],
        ("other", "rebinned"): [1, 0, 0, 0, 0, "0 B unknown"],
    }
    assert list(summary(study))[-1] == "0 of 9 chunks present; there takes 0 B; time left 0 s, and 5 unknown"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


def test_states_and_time_left(study):
    make(study, chunk(study, "training/one/0-1"), took=240)
    running = leave_log(chunk(study, "training/one/2-3"), "training: 40 %\n")
    leave_log(chunk(study, "training/one/4-4"), "started …\nfailed …\ninfoplane: out of memory; …\n")
    make(study, chunk(study, "training/other/0-1"), changes={"learning_rate": 0.5}, took=7)
    with open(running) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        rows, lines = table(study), list(summary(study))
    # two repetitions took 4 minutes, three are missing
    assert rows["one", "training"][:5] == [3, 1, 0, 1, 1]
    assert rows["one", "training"][5].endswith(" 6 min")
    assert rows["other", "training"][:5] == [1, 0, 1, 0, 0]
    assert rows["other", "training"][5].endswith(" unknown")
    assert "time left 6 min, and 4 unknown" in lines[-3]
    assert lines[-2:] == [
        "running: there/logs/training/one/2-3.log: training: 40 %",
        "failed: there/logs/training/one/4-4.log: infoplane: out of memory; …",
    ]


def test_a_killed_job_has_failed_and_one_that_starts_runs(study):
    each = chunk(study, "training/one/0-1")
    log = leave_log(each, "training: 40 %\n")
    assert state(each, Provenance(study)) == "failed"
    log.write_text("")
    assert state(each, Provenance(study)) == "running"
    os.utime(log, (0, 0))
    assert state(each, Provenance(study)) == "failed"
    log.write_text(FINISHED)
    assert state(each, Provenance(study)) == "missing", "somebody removed its files"


@pytest.mark.parametrize("name", ["training/one/0-1.parquet", "training/one/0-1.safetensors"])
@pytest.mark.parametrize("damage", [b"", b"no artifact"])
def test_damaged_files_are_not_present(study, name, damage):
    each = chunk(study, "training/one/0-1")
    make(study, each)
    assert state(each, Provenance(study)) == "present"
    Path("there", name).write_bytes(damage)
    assert state(each, Provenance(study)) == "outdated"
    Path("there", name).unlink()
    assert state(each, Provenance(study)) == "missing"


def test_dropped_trajectories_are_not_missed(study):
    Path("mine.yaml").write_text(yaml.safe_dump(CONFIG | {"trajectories": "drop"}))
    make(study, chunk(study, "training/one/0-1"))
    Path("there/training/one/0-1.safetensors").unlink()
    dropped = load_config(Path("mine.yaml"))
    assert state(chunk(dropped, "training/one/0-1"), Provenance(dropped)) == "present"


def test_finished_study_has_no_time_left(study):
    for each in expected_chunks(study):
        make(study, each, took=1)
    assert all(row[0] == row[1] and row[5].endswith(" 0 s") for row in table(study).values())
    assert "9 of 9 chunks present" in list(summary(study))[-1]


def test_command(study, capsys):
    assert main(["status", "mine.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == list(summary(study))
    assert main(["status", "none.yaml"]) == 1
    with pytest.raises(SystemExit, match="0"):
        main(["status", "--help"])
    assert "holds a lock on its log" in capsys.readouterr().out


def test_watching_ends_by_ctrl_c(study, capsys, monkeypatch):
    pauses = iter([None, KeyboardInterrupt])

    def sleep(seconds):
        if error := next(pauses):
            raise error

    monkeypatch.setattr("infoplane.status.time.sleep", sleep)
    assert main(["status", "mine.yaml", "--watch"]) == 0
    shown = capsys.readouterr()
    lines = [*summary(study)]
    assert shown.out.count("\n".join(lines)) == 2 and not shown.err and "\x1b" not in shown.out


def test_numbers_are_read_easily():
    assert [size(each) for each in (0, 999, 1000, 9_900, 12_345, 1e15)] == [
        "0 B", "999 B", "1.0 kB", "9.9 kB", "12 kB", "1000 TB",
    ]  # fmt: skip
    assert [duration(each) for each in (59.4, 60, 3599, 3600, 100 * 3600)] == [
        "59 s", "1 min", "1 h 00 min", "1 h 00 min", "100 h 00 min",
    ]  # fmt: skip
