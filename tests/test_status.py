"""How far a study is, by the files that its jobs leave."""

import fcntl
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import save_file

from infoplane.artifacts import KEY, canonical, describe, write_table
from infoplane.cli import main
from infoplane.config import DatasetSpec
from infoplane.config.study import load_study
from infoplane.provenance import is_dataset, is_made_from, made_from
from infoplane.status import chunks_of, duration, size, state, summary

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
FINISHED = "started …\nfinished 2026-11-22 22:00:00+00:00 after 3.0 s\n"


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return load_study(Path("mine.yaml"))


def chunk(study, place):
    """The chunk of a place as `training/one/0-1`."""
    (found,) = (each for each in chunks_of(study) if str(each.folder / each.name) == place)
    return found


def make(each, changes=None, took=None, words=FINISHED):
    """Write what the job of a chunk leaves."""
    spec = each.made_from | {"training": each.made_from["training"] | (changes or {})}
    described = describe("history", spec, repetitions=[*each.repetitions])
    for path in each.files:
        if path.suffix == ".parquet":
            write_table(path, pd.DataFrame({"loss": [0.5]}), described)
        else:
            save_file({"parameters": np.zeros(1)}, path, metadata={KEY: canonical(described)})
    leave_log(each, words)
    if took is not None:
        benchmark = Path("there/benchmarks", each.folder, f"{each.name}.tsv")
        benchmark.parent.mkdir(parents=True, exist_ok=True)
        benchmark.write_text(f"s\th:m:s\tmax_rss\n{took}\t0:00:00\t1.0\n")


def leave_log(each, words):
    log = Path("there/logs", each.folder, f"{each.name}.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(words)
    return log


def table(study):
    """The rows of the summary, by experiment and stage: numbers, disk and time left."""
    _, *rows = [line.split(maxsplit=7) for line in summary(study)]
    rows = rows[: rows.index([])]
    return {tuple(row[:2]): [*map(int, row[2:7]), " ".join(row[7].split())] for row in rows}


def test_chunks_are_those_of_every_experiment_and_estimator(study):
    assert [(str(each.folder), each.name) for each in chunks_of(study)] == [
        ("training/one", "0-1"),
        ("training/one", "2-3"),
        ("training/one", "4-4"),
        ("information/one/exact", "0-1"),
        ("information/one/exact", "2-3"),
        ("information/one/exact", "4-4"),
        ("training/other", "0-1"),
        ("information/other/exact", "0-1"),
        ("information/other/rebinned", "0-1"),
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
    make(chunk(study, "training/one/0-1"), took=240)
    running = leave_log(chunk(study, "training/one/2-3"), "training: 40 %\n")
    leave_log(chunk(study, "training/one/4-4"), "started …\nfailed …\ninfoplane: out of memory; …\n")
    make(chunk(study, "training/other/0-1"), changes={"learning_rate": 0.5}, took=7)
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
    assert state(each, Path("there")) == "failed"
    log.write_text("")
    assert state(each, Path("there")) == "running"
    os.utime(log, (0, 0))
    assert state(each, Path("there")) == "failed"
    log.write_text(FINISHED)
    assert state(each, Path("there")) == "missing", "somebody removed its files"


@pytest.mark.parametrize("name", ["training/one/0-1.parquet", "training/one/0-1.safetensors"])
@pytest.mark.parametrize("damage", [b"", b"no artifact"])
def test_damaged_files_are_not_present(study, name, damage):
    each = chunk(study, "training/one/0-1")
    make(each)
    assert state(each, Path("there")) == "present"
    Path("there", name).write_bytes(damage)
    assert state(each, Path("there")) == "outdated"
    Path("there", name).unlink()
    assert state(each, Path("there")) == "missing"


def test_dropped_trajectories_are_not_missed(study):
    Path("mine.yaml").write_text(yaml.safe_dump(CONFIG | {"trajectories": "drop"}))
    make(chunk(study, "training/one/0-1"))
    Path("there/training/one/0-1.safetensors").unlink()
    assert state(chunk(load_study(Path("mine.yaml")), "training/one/0-1"), Path("there")) == "present"


def test_finished_study_has_no_time_left(study):
    for each in chunks_of(study):
        make(each, took=1)
    assert all(row[0] == row[1] and row[5].endswith(" 0 s") for row in table(study).values())
    assert "9 of 9 chunks present" in list(summary(study))[-1]


def test_command(study, capsys):
    assert main(["status", "mine.yaml"]) == 0
    assert capsys.readouterr().out.splitlines() == list(summary(study))
    assert main(["status", "none.yaml"]) == 1
    with pytest.raises(SystemExit, match="0"):
        main(["status", "--help"])
    assert "holds a lock on its log" in capsys.readouterr().out


def test_a_table_is_of_one_spec_and_of_some_repetitions(study):
    each = chunk(study, "information/other/exact/0-1")
    make(each)
    (path,) = each.files
    other, exact = study.experiments["other"].spec, study.estimators["exact"].spec
    assert is_made_from(path, made_from(other, exact), range(2))
    assert not is_made_from(path, made_from(other, exact), range(3))
    assert not is_made_from(path, made_from(other), range(2))
    assert not is_made_from(path, made_from(other, study.estimators["rebinned"].spec), range(2))
    assert not is_made_from(path, made_from(study.experiments["one"].spec, exact), range(2))


def test_own_data_are_known_by_their_content(study):
    def dataset(**own):
        data = CONFIG | {"datasets": {"mine": {"kind": "npz", **own}}}
        data["defaults"] = CONFIG["defaults"] | {"dataset": "mine"}
        Path("own.yaml").write_text(yaml.safe_dump(data))
        return load_study(Path("own.yaml")).datasets["mine"]

    for name, shift in (("a", 0), ("b", 1)):
        np.savez(f"{name}.npz", inputs=np.arange(24).reshape(12, 2) + shift, labels=np.arange(12) % 3)
    spec = dataset(path="a.npz")
    path = Path("there/datasets/mine.npz")
    assert not is_dataset(path, spec)
    assert main(["datasets", "--spec", spec.model_dump_json(), "--output", str(path)]) == 0
    assert is_dataset(path, spec)
    for changed in ({"path": "b.npz"}, {"scale": 2.0}, {"fraction": 0.5}, {"path": "none.npz"}):
        assert not is_dataset(path, dataset(**{"path": "a.npz", **changed})), changed


def test_public_data_are_known_by_their_names(tmp_path):
    path = tmp_path / "synthetic.npz"
    assert main(["datasets", "--spec", '{"name": "synthetic"}', "--output", str(path)]) == 0
    assert is_dataset(path, DatasetSpec(name="synthetic"))
    assert not is_dataset(path, DatasetSpec(name="mnist"))


def test_numbers_are_read_easily():
    assert [size(each) for each in (0, 999, 1000, 9_900, 12_345, 1e15)] == [
        "0 B", "999 B", "1.0 kB", "9.9 kB", "12 kB", "1000 TB",
    ]  # fmt: skip
    assert [duration(each) for each in (59.4, 60, 3599, 3600, 100 * 3600)] == [
        "59 s", "1 min", "1 h 00 min", "1 h 00 min", "100 h 00 min",
    ]  # fmt: skip
