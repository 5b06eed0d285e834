"""Chunks that are made once more have the values of the first time, whatever they are compiled for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infoplane import load_trajectory
from infoplane.artifacts import read_table, write_table
from infoplane.cli import main
from infoplane.digests import digest
from infoplane.trajectory import save_trajectory
from infoplane.verify.remake import compilation_target, draw_sample, remakable, remake

from .study import flip

FILES = [
    "training/relu/0-1.safetensors",
    "training/relu/0-1.parquet",
    "information/relu/exact/0-1.parquet",
    "information/relu/rebinned/0-1.parquet",
]


def test_every_chunk_is_made_again_to_the_same_values(study, capsys):
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    assert main(["verify", str(study), "--remake", "1"]) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first == f"code compiled for {compilation_target()}"
    chunks = ["relu 0-1", "relu 2-2", "tanh 0-1", "tanh 2-2"]
    assert lines == [f"{number} of 4: {chunk}: 4 of 4 files equal" for number, chunk in enumerate(chunks, 1)]
    assert last == "4 of 4 chunks made again, 4 of them equal"
    assert {path: path.stat().st_mtime_ns for path in study.rglob("*")} == before


def changed_table(path: Path, column: str) -> None:
    """Write a table anew whose last value is the next number."""
    table, description = read_table(path, path.parts[-4] if "exact" in path.parts else "history")
    table.loc[table.index[-1], column] += 2**-40
    write_table(path, table, description)


def changed_trajectory(path: Path) -> None:
    trajectory = load_trajectory(path)
    trajectory.parameters[-1, -1, -1] += 2**-20
    save_trajectory(path, trajectory)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (FILES[0], changed_trajectory),
        (FILES[1], lambda path: changed_table(path, "loss")),
        (FILES[2], lambda path: changed_table(path, "h_t")),
    ],
)
def test_values_that_differ_are_found_in_a_file_that_is_whole(runs, capsys, name, change):
    """Its checksums and digests are right: nothing but the training itself knows better."""
    change(runs / name)
    ((path, found, made),) = [each for each in remake(runs / FILES[1]) if each.found != each.made]
    assert path == runs / name and len(found) == len(made) == 64
    assert main(["verify", str(runs), "--remake", "1"]) == 1
    shown = capsys.readouterr()
    assert (
        f"1 of 4: relu 0-1: 3 of 4 files equal\n{path}: its values have the digest {found}, made again {made}"
        in (shown.out)
    )
    assert shown.err.splitlines()[-1].startswith(f"infoplane: {runs}: 1 of 4 chunks differ")


def test_a_damaged_file_does_not_hide_the_other_chunks(runs, capsys):
    flip(runs / FILES[2], 5000)
    (runs / "information" / "tanh" / "exact" / "2-2.parquet").write_bytes(b"")
    assert main(["verify", str(runs), "--remake", "1"]) == 1
    told = capsys.readouterr().out
    assert "relu 2-2: 4 of 4 files equal" in told and "tanh 0-1: 4 of 4 files equal" in told
    assert "tanh/exact/2-2.parquet: " in told and "2 of them equal" in told


@pytest.mark.parametrize("name", FILES[1:3])
def test_specs_of_another_version_are_one_line_each(runs, capsys, name):
    kind = "history" if name == FILES[1] else "information"
    table, description = read_table(runs / name, kind)
    spec = {each: its | {"momentum": 0.9} for each, its in description["spec"].items()}
    write_table(runs / name, table, description | {"spec": spec, "spec_hash": digest(spec)})
    assert main(["verify", str(runs), "--remake", "1"]) == 1
    told = capsys.readouterr().out
    assert told.count(f"\n{runs / name}: was ") == 1 and "a spec that this version does not know" in told
    assert "relu 2-2: 4 of 4 files equal" in told


def test_trajectories_that_were_dropped_are_not_missed(runs):
    for path in runs.glob("training/*/*.safetensors"):
        path.unlink()
    compared = [*remake(runs / FILES[1])]
    assert [each.path for each in compared] == [runs / name for name in FILES[1:]]
    assert all(each.found == each.made for each in compared)


def test_other_trainings_are_left_out(runs, capsys):
    """Bytes of PyTorch depend on the processor, and other kernels come to others."""
    for path in runs.glob("training/*/*.parquet"):
        table, description = read_table(path, "history")
        write_table(path, table, description | {"engine": 0})
    assert not remakable(runs)
    assert main(["verify", str(runs), "--remake", "0.5"]) == 1
    assert "contains no trainings by version" in capsys.readouterr().err


def test_a_share_is_at_least_one_chunk_and_follows_its_seed():
    paths = [Path(f"{number:03}.parquet") for number in range(100)]
    assert len(draw_sample(paths, 1e-9, seed=0)) == 1
    assert draw_sample(paths, 1, seed=0) == paths
    tenth = draw_sample(paths, 0.1, seed=3)
    assert len({*tenth}) == 10 and tenth == sorted(tenth) == draw_sample(paths, 0.1, seed=3)
    assert tenth != draw_sample(paths, 0.1, seed=4)


@pytest.mark.parametrize("share", ["0", "-1", "1.01", "nan", "10%", ""])
def test_what_is_no_share_is_one_line(tmp_path, capsys, share):
    assert main(["verify", str(tmp_path), f"--remake={share}"]) == 1
    assert "is not a share; give a number above 0 and up to 1" in capsys.readouterr().err


@pytest.mark.slow
def test_code_of_another_target_is_compiled_and_not_taken_from_the_cache(study, tmp_path):
    """Both targets cache their code in one folder, the present one first."""
    command = [sys.executable, "-m", "infoplane.cli", "verify", str(study), "--remake", "0.01"]
    cached = []
    for target in ({}, {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": ""}):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)} | target
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        name = target.get("NUMBA_CPU_NAME", compilation_target().partition(" ")[0])
        assert done.stdout.split()[:4] == ["code", "compiled", "for", name]
        cached.append({path.name for path in tmp_path.rglob("*.nbc")})
    present, both = cached
    assert present and present < both and len(both) == 2 * len(present)
