"""A sound folder of results has no problems, and every problem is one line."""

import pandas as pd
import pytest

from infoplane import UserError
from infoplane.artifacts import describe, write_table
from infoplane.cli import main
from infoplane.verify import verify

from .study import named


def test_a_sound_folder_has_no_problems(study):
    problems, counts = verify(study)
    assert not problems
    told = [" ".join(line.split()[:3]) for line in counts]
    assert told == [
        "1 data sets",
        "4 histories are",
        "4 trajectories are",
        "2 experiments have",
        "8 tables of",
        "4 estimates are",
        "4 pairs of",
        "2 tables of",
        "5 joined tables",
        "1 tables of",
        "2 figures are",
        "8 other tables",
    ]


def test_status_and_output_of_the_command(study, results, capsys):
    assert main(["verify", str(study)]) == 0
    assert "4 trajectories are whole" in capsys.readouterr().out
    table = results / "statistics" / "mine" / "fits.csv"
    table.write_text(table.read_text().replace("relu,3", "relu,4"))
    assert main(["verify", str(results)]) == 1
    shown = capsys.readouterr()
    assert f"{table}: is not what the tables that it rests on give; " in shown.out
    assert shown.err.splitlines()[-1].startswith(f"infoplane: {results}: 1 problem, ")


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(UserError, match="contains no results"):
        verify(tmp_path)


ARTIFACTS = [
    "datasets/mine.npz",
    "training/relu/0-1.safetensors",
    "training/relu/0-1.parquet",
    "information/tanh/rebinned/2-2.parquet",
    "statistics/relu/exact/aggregates.parquet",
    "statistics/relu/exact/phases.parquet",
    "statistics/relu/accuracy.parquet",
]


def test_truncated_files_are_found(results):
    for name in ARTIFACTS:
        (results / name).write_bytes((results / name).read_bytes()[: (results / name).stat().st_size // 2])
    problems, _ = verify(results)
    assert {f"{results / name}: is of an unknown format, or cut off" for name in ARTIFACTS} <= {
        line.partition(", expected")[0] for line in problems
    }


def test_foreign_files_are_found(results):
    for name in ARTIFACTS:
        (results / name).write_text("not an artifact")
    assert {str(results / name) for name in ARTIFACTS} <= named(verify(results)[0])


def test_what_is_left_over_or_a_stranger_is_named(drawn):
    left = drawn / "training" / "relu" / ".0-1.safetensors.123.partial"
    stopped, waiting = (drawn / "training" / "relu" / f".{name}.checkpoint" for name in ("0-1", "7-8"))
    ready, awaited = (drawn / "information/relu/exact" / f".{name}.parquet.ready" for name in ("0-1", "7-8"))
    stranger = drawn / "information" / "relu" / "exact" / "notes.txt"
    other = drawn / "datasets" / "mine.npz.bak"
    for path in (left, stopped, waiting, ready, awaited, stranger, other):
        path.write_text("")
    problems, _ = verify(drawn)
    assert problems == [
        f"{other}: is not an artifact of a study; remove it",
        f"{ready}: left by a job that was killed; remove it",
        f"{stranger}: is not an artifact of a study; remove it",
        *(f"{path}: left by a job that was killed; remove it" for path in (stopped, left)),
    ]


def test_a_table_that_lacks_what_its_kind_says_of_itself_is_named(tmp_path):
    path = tmp_path / "training" / "mine" / "0-0.parquet"
    write_table(path, pd.DataFrame({"loss": [0.5]}), describe("history", {}, repetitions=[0]))
    problems, _ = verify(tmp_path)
    assert f"{path}: is not what its name says (KeyError: 'training')" in problems[0]
