"""The bytes of a repetition depend on its spec and number, not on chunks, threads, order or earlier runs."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from infoplane import load_dataset, load_trajectory
from infoplane.artifacts import read_table
from infoplane.datasets import save_dataset

SPEC = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "activation": "relu",
    "bits": 8,
    "epochs": 6,
    "prefit_epochs": 1,
    "record_every": 2,
}
ESTIMATORS = {"exact": {"kind": "exact"}, "bins": {"kind": "uniform", "bins": 30, "range": "global"}}
# One process does the jobs of some chunks, each by the command line, as a process of its own would.
JOBS = """
import json, sys
from infoplane.cli import main
for arguments in json.loads(sys.argv[1]):
    if status := main(arguments):
        sys.exit(status)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "synthetic.npz"
    save_dataset(path, load_dataset("synthetic"))
    return path


def jobs(data: Path, folder: Path, chunk: str, spec: dict) -> list[list[str]]:
    """The commands that train a chunk and measure its information by every estimator."""
    name = folder / chunk
    trained = ["--dataset", str(data), "--trajectory", f"{name}.safetensors"]
    training = [
        "training",
        "--spec",
        json.dumps(spec),
        "--repetitions",
        chunk,
        "--history",
        f"{name}.parquet",
    ]
    return [
        [*training, *trained],
        *(
            [
                "information",
                "--spec",
                json.dumps(estimator),
                *trained,
                "--output",
                f"{folder}/{key}/{chunk}.parquet",
            ]
            for key, estimator in ESTIMATORS.items()
        ),
    ]


def run(
    data: Path, folder: Path, chunks: list[str], threads: int = 1, spec: dict | None = None
) -> dict[int, str]:
    """Run the jobs of some chunks in this order, and digest what came of each repetition."""
    commands = [each for chunk in chunks for each in jobs(data, folder, chunk, spec or SPEC)]
    environment = os.environ | {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "MKL", "NUMBA")}
    done = subprocess.run(
        [sys.executable, "-c", JOBS, json.dumps(commands)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return digests(folder)


def digests(folder: Path) -> dict[int, str]:
    """SHA-256 of all numbers of each repetition, from trajectories, histories and tables of information."""
    found = {}
    for path in folder.glob("*.safetensors"):
        trajectory = load_trajectory(path)
        tables = {"history": read_table(path.with_suffix(".parquet"), "history")[0]}
        for key in ESTIMATORS:
            tables[key] = read_table(folder / key / f"{path.stem}.parquet", "information")[0]
        for place, repetition in enumerate(trajectory.repetitions.tolist()):
            total = hashlib.sha256(
                trajectory.parameters[place].tobytes() + trajectory.ranges[place].tobytes()
            )
            for table in tables.values():
                total.update(rows_of(table, repetition))
            assert repetition not in found
            found[repetition] = total.hexdigest()
    return dict(sorted(found.items()))


def rows_of(table: pd.DataFrame, repetition: int) -> bytes:
    rows = table[table["repetition"] == repetition]
    return b"".join(np.array(rows[name].tolist()).tobytes() for name in rows)


def chunks_of(size: int, repetitions: int) -> list[str]:
    return [f"{first}-{min(first + size, repetitions) - 1}" for first in range(0, repetitions, size)]


def test_chunks_threads_and_order_change_no_byte(data, tmp_path):
    whole = run(data, tmp_path / "whole", ["0-4"])
    assert len(set(whole.values())) == 5
    parts = run(data, tmp_path / "parts", ["3-4", "0-0", "1-2"], threads=2)
    assert parts == whole


CASES = {
    "relu-8bit": {},
    "tanh-float32": {"activation": "tanh", "bits": "float32"},
    "controlled-4bit": {"bits": 4, "protocol": "controlled"},
    "relu-8bit-torch": {"engine": "torch"},
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_chunks_of_1_5_10_and_50_change_no_byte(data, tmp_path, case):
    spec = SPEC | CASES[case]
    expected = run(data, tmp_path / "50", ["0-49"], spec=spec)
    assert len(set(expected.values())) == 50
    assert run(data, tmp_path / "again", ["0-49"], threads=2, spec=spec) == expected
    for size in (10, 5, 1):
        chunks = chunks_of(size, 50)
        random.Random(size).shuffle(chunks)
        assert run(data, tmp_path / str(size), chunks, spec=spec) == expected


def test_files_of_a_second_run_and_after_a_kill_are_the_same_bytes(data, tmp_path):
    """The kill comes while the job trains; what it leaves does not disturb the next run."""
    expected = run(data, tmp_path / "first", ["0-1"])
    (training, *_), folder = (
        jobs(data, tmp_path / "killed", "0-1", SPEC | {"epochs": 10**5}),
        tmp_path / "killed",
    )
    job = subprocess.Popen(
        [sys.executable, "-m", "infoplane.cli", *training], stderr=subprocess.PIPE, text=True
    )
    assert job.stderr is not None
    job.stderr.readline()  # the first line of progress
    job.send_signal(signal.SIGKILL)
    job.communicate()
    assert not folder.exists() or not list(folder.glob("[!.]*"))
    assert run(data, folder, ["0-1"]) == expected
    for path in sorted((tmp_path / "first").rglob("*.*")):
        assert (folder / path.relative_to(tmp_path / "first")).read_bytes() == path.read_bytes()
