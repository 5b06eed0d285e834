"""A sound folder of results has no problems, and every problem is one line."""

import pandas as pd
import pytest

from infoplane import UserError
from infoplane.artifacts import describe, digest, read_table, write_table
from infoplane.cli import main
from infoplane.verify import verify
from infoplane.verify.results import CHECKS
from infoplane.verify.trainings import check_history

from .study import change, named


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


def test_a_fault_of_a_check_is_no_problem_of_the_results(runs, monkeypatch):
    """Advice to move sound results away would cost a user their results."""

    def faulty(path):
        raise TypeError("a fault of the code")

    checks = [each._replace(made=faulty) if each.made is check_history else each for each in CHECKS]
    monkeypatch.setattr("infoplane.verify.results.CHECKS", checks)
    with pytest.raises(TypeError, match="a fault of the code"):
        verify(runs)


@pytest.mark.parametrize("name", ["training/relu/0-1.parquet", "information/tanh/rebinned/2-2.parquet"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda table: table.astype(str),
        lambda table: table.iloc[: len(table) // 2],
        lambda table: table.iloc[:0],
        lambda table: pd.DataFrame({"a": [1]}),
    ],
)
def test_what_rests_on_a_refused_table_is_not_to_be_moved_away(results, name, damage):
    change(results / name, damage)
    refused, *others = [line for line in verify(results)[0] if "contains no" not in line]
    assert refused.startswith(f"{results / name}: ") and refused.endswith("and run the workflow again")
    assert all("\n" not in line for line in others)
    told = {line.partition(": ")[0]: line for line in others}
    rest = results / "statistics" / ("relu" if "relu" in name else "tanh")
    # What rests on it is named, or the table once more, by what reads it
    assert any(path.startswith((str(rest), str(results / name))) for path in told)
    for path, line in told.items():
        assert "not what its name says" not in line or path.startswith(str(results / name).rsplit("/", 1)[0])


def test_a_table_of_another_version_is_one_line(runs):
    path = runs / "training" / "relu" / "0-1.parquet"
    frame, told = read_table(path, "history")
    spec = {"training": {**told["spec"]["training"], "unknown": 1}}
    write_table(path, frame, told | {"spec": spec, "spec_hash": digest(spec)})
    lines = verify(runs)[0]
    assert f"{path}: is of a spec that this version does not know; verify it by its own or, " in lines[0]
    assert not any("\n" in line for line in lines)
