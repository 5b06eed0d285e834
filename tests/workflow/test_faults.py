"""Faults that are really caused: each ends in the right result or in one line, never in a wrong number.

`pytest tests/workflow/test_faults.py` causes all of them; with `-m "not slow"`, five kills of jobs and the
others.
"""

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path

import numpy as np
import psutil
import pytest
from conftest import Workflow, copy_of

from infoplane import load_dataset
from infoplane.cli import main
from infoplane.verify.datasets import as_idx

KILLS = 20
DEADLINE = 600
SPEC = {
    "dataset": "synthetic",
    "network": "shwartz-ziv",
    "activation": "relu",
    "bits": 8,
    "epochs": 12,
    "record_every": 5,
}


def digests(workflow: Workflow) -> dict[str, str]:
    """SHA-256 of every artifact by its path; logs, benchmarks and what a killed job has left are none."""
    results = workflow.folder / "results"
    files = [path for path in sorted(results.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    names = [str(path.relative_to(results)) for path in files]
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in zip(names, files, strict=True)
        if not name.startswith(("logs/", "benchmarks/"))
    }


@pytest.fixture(scope="session")
def small(untouched, tmp_path_factory) -> Workflow:
    """A workflow that has not run, with a study of two trainings, two estimators and one figure."""

    def cut(config):
        config["experiments"] = {"relu": {"activation": "relu", "bits": 8, "repetitions": 2, "chunk": 1}}
        config["estimators"] = {kind: {"kind": kind} for kind in ("exact", "rebinned")}  # in one replay
        config["figures"] = {"accuracy": {"kind": "accuracy", "category": "F", "experiments": "all"}}

    workflow = copy_of(untouched.folder, tmp_path_factory.mktemp("small") / "study")
    workflow.edit(cut)
    return workflow


@pytest.fixture(scope="session")
def undisturbed(small, tmp_path_factory) -> tuple[dict[str, str], float]:
    """The digests of the study, and how many seconds it took."""
    workflow = copy_of(small.folder, tmp_path_factory.mktemp("undisturbed") / "study")
    start = time.monotonic()
    run = workflow.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return digests(workflow), time.monotonic() - start


def kill_workflow(run: subprocess.Popen, chance: random.Random, seconds: float) -> None:
    """Kill Snakemake and all its jobs at a random moment of a run of so many seconds."""
    with suppress(subprocess.TimeoutExpired):
        run.communicate(timeout=chance.uniform(0, seconds))
    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
    run.communicate()


def resume(workflow: Workflow) -> None:
    workflow.snakemake("--unlock")
    run = workflow.snakemake("--rerun-incomplete")
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.slow
def test_three_kills_of_one_study_change_no_byte(small, undisturbed, tmp_path):
    expected, seconds = undisturbed
    workflow, chance = copy_of(small.folder, tmp_path / "study"), random.Random(0)
    for _ in range(3):
        workflow.snakemake("--unlock")
        kill_workflow(workflow.start("--rerun-incomplete"), chance, seconds / 3)
    resume(workflow)
    assert digests(workflow) == expected
    assert not [*workflow.folder.glob("results/**/.*.ready")]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_study_is_resumed_to_the_same_bytes(small, undisturbed, tmp_path, number):
    expected, seconds = undisturbed
    workflow = copy_of(small.folder, tmp_path / "study")
    kill_workflow(workflow.start(), random.Random(number), seconds)
    resume(workflow)
    assert digests(workflow) == expected
    assert not [*workflow.folder.glob("results/**/.*.ready")]


@pytest.mark.slow
def test_of_two_workflows_at_once_the_second_says_so_and_ends(small, undisturbed, tmp_path):
    workflow = copy_of(small.folder, tmp_path / "study")
    first = workflow.start()
    while not list(workflow.folder.glob(".snakemake/locks/*")):
        assert first.poll() is None
        time.sleep(0.01)
    second = workflow.snakemake()
    assert second.returncode == 1
    assert "cannot be locked" in second.stdout + second.stderr
    assert "Traceback" not in second.stdout + second.stderr
    output, errors = first.communicate(timeout=DEADLINE)
    assert first.returncode == 0, output + errors
    assert digests(workflow) == undisturbed[0]


# Runs commands, each in a fork that has its imports behind it, and kills what takes longer than it may.
FORKS = """
import json, os, signal, sys, time
import infoplane.figures, infoplane.information, infoplane.statistics, infoplane.training
from infoplane.cli import main
for line in sys.stdin:
    arguments, seconds = json.loads(line)
    start = time.monotonic()
    if not (child := os.fork()):
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1), os.dup2(silence, 2)
        os._exit(main(arguments))
    ended = 0
    while not ended and time.monotonic() < start + seconds:
        time.sleep(0.001)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    print(json.dumps([status, time.monotonic() - start]), flush=True)
"""


@pytest.fixture(scope="module")
def run_for() -> Iterator[Callable[[list[str], float], tuple[int, float]]]:
    """Run a command for so many seconds at most; its status as `os.waitpid` has it, and how long it took."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None and server.stdout is not None

        def run(arguments: list[str], seconds: float) -> tuple[int, float]:
            print(json.dumps([arguments, seconds]), file=server.stdin, flush=True)
            status, took = json.loads(server.stdout.readline())
            return status, took

        yield run
        server.stdin.close()


def commands(to: Path) -> list[tuple[list[str], list[str]]]:
    """The jobs of a study of one chunk, one after the other, and the files that each writes."""
    spec = json.dumps(SPEC)
    figure = {
        "kind": "plane",
        "category": "main",
        "experiments": ["relu"],
        "estimators": ["exact"],
        "dpi": 50,
    }
    data, trajectory, history, table, aggregates, phases, plane = (
        f"{to}/{name}"
        for name in (
            "d.npz",
            "t.safetensors",
            "h.parquet",
            "i.parquet",
            "a.parquet",
            "p.parquet",
            "plane.png",
        )
    )
    made = ["datasets", "--spec", '{"name": "synthetic"}', "--output", data]
    trained = ["training", "--spec", spec, "--dataset", data, "--repetitions", "0-1"]
    trained += ["--trajectory", trajectory, "--history", history]
    measured = ["information", "--spec", '{"kind": "exact"}', "--dataset", data, "--trajectory", trajectory]
    measured += ["--output", table]
    summarised = ["statistics", "information", "--information", table, "--history", history]
    summarised += ["--aggregates", aggregates, "--phases", phases]
    drawn = ["figures", "--spec", json.dumps(figure), "--aggregates", f"relu/exact={aggregates}"]
    drawn += ["--output", plane]
    return [
        (made, [data]),
        (trained, [trajectory, history]),
        (measured, [table]),
        (summarised, [aggregates, phases]),
        (drawn, [plane]),
    ]


@pytest.fixture(scope="module")
def finished_jobs(run_for, tmp_path_factory) -> tuple[dict[str, bytes], list[float]]:
    """What undisturbed jobs write, and how long each took."""
    folder = tmp_path_factory.mktemp("jobs")
    ends = [run_for(arguments, DEADLINE) for arguments, _ in commands(folder)]
    assert [status for status, _ in ends] == [0] * len(ends)
    return {path.name: path.read_bytes() for path in folder.iterdir()}, [took for _, took in ends]


@pytest.mark.parametrize("kills", [5, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_killed_jobs_leave_nothing_or_all_and_are_made_good(run_for, finished_jobs, tmp_path, kills):
    """Each job is killed at random moments before it may end; what it has written is whole, or not there."""
    (expected, seconds), chance, killed = finished_jobs, random.Random(kills), 0
    for (arguments, outputs), took in zip(commands(tmp_path), seconds, strict=True):
        for _ in range(kills // len(seconds)):
            status, _ = run_for(arguments, chance.uniform(0, took))
            killed += status == signal.SIGKILL
            for path in map(Path, outputs):
                assert not path.exists() or path.read_bytes() == expected[path.name]
                path.unlink(missing_ok=True)
        assert run_for(arguments, DEADLINE)[0] == 0
    assert killed
    print(f"{killed} jobs killed")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name[0] != "."} == expected


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> Path:
    """A folder with an artifact of every stage: data, two trainings of different specs, information."""
    folder = tmp_path_factory.mktemp("stages")
    assert main(["datasets", "--spec", '{"name": "synthetic"}', "--output", f"{folder}/data.npz"]) == 0
    for name, rate in (("mine", 1e-4), ("other", 1e-3)):
        train(folder, SPEC | {"learning_rate": rate}, folder / name)
        assert inform(folder, folder / name) == 0
    return folder


def train(folder: Path, spec: dict, to: Path) -> None:
    arguments = ["--spec", json.dumps(spec), "--dataset", f"{folder}/data.npz", "--repetitions", "0-0"]
    outputs = ["--trajectory", f"{to}.safetensors", "--history", f"{to}.parquet"]
    assert main(["training", *arguments, *outputs]) == 0


def inform(folder: Path, name: Path) -> int:
    inputs = ["--dataset", f"{folder}/data.npz", "--trajectory", f"{name}.safetensors"]
    return main(["information", "--spec", '{"kind": "exact"}', *inputs, "--output", f"{name}.exact.parquet"])


def summarise(folder: Path, information: str, history: str) -> int:
    inputs = ["--information", f"{folder}/{information}", "--history", f"{folder}/{history}"]
    outputs = ["--aggregates", f"{folder}/aggregates.parquet", "--phases", f"{folder}/phases.parquet"]
    return main(["statistics", "information", *inputs, *outputs])


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path: Path, place: float = 0.4) -> None:
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 16
    path.write_bytes(data)


def foreign(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5000))


DAMAGES = [
    *product(("data.npz", "mine.safetensors", "mine.parquet", "mine.exact.parquet"), (truncated, foreign)),
    ("data.npz", flipped),
    ("mine.safetensors", flipped),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=lambda value: getattr(value, "__name__", value))
def test_a_damaged_input_is_one_line_and_nothing_is_written(stages, tmp_path, capsys, name, damage):
    folder = shutil.copytree(stages, tmp_path / "stages")
    damage(folder / name)
    written = folder / "mine.exact.parquet"
    if name.endswith(("npz", "safetensors")):
        written.unlink()
        assert inform(folder, folder / "mine") == 1
        assert not written.exists()
    else:
        assert summarise(folder, "mine.exact.parquet", "mine.parquet") == 1
        assert not (folder / "phases.parquet").exists()
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "infoplane: " in line] == lines[-1:]
    assert lines[-1].startswith(f"infoplane: {folder / name}: ")


@pytest.mark.parametrize("name", ["mine.parquet", "mine.exact.parquet"])
def test_a_flipped_bit_of_a_table_is_one_line_or_changes_nothing(stages, tmp_path, capsys, name):
    """Some bytes of a parquet file mean nothing to who reads it whole."""
    folder = shutil.copytree(stages, tmp_path / "stages")
    assert summarise(folder, "mine.exact.parquet", "mine.parquet") == 0
    tables = [folder / "aggregates.parquet", folder / "phases.parquet"]
    expected = [table.read_bytes() for table in tables]
    whole, refused = (folder / name).read_bytes(), 0
    for place in random.Random(0).sample(range(1000), 12):
        flipped(folder / name, place / 1000)
        capsys.readouterr()
        if summarise(folder, "mine.exact.parquet", "mine.parquet"):
            refused += 1
            assert capsys.readouterr().err.startswith(f"infoplane: {folder / name}: ")
        else:
            assert [table.read_bytes() for table in tables] == expected
        (folder / name).write_bytes(whole)
    assert refused


def test_a_stale_artifact_under_the_right_name_is_one_line(stages, tmp_path, capsys):
    """A table of another spec in the place of the right one, with the same repetitions."""
    folder = shutil.copytree(stages, tmp_path / "stages")
    shutil.copy(folder / "other.exact.parquet", folder / "mine.exact.parquet")
    assert summarise(folder, "mine.exact.parquet", "mine.parquet") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith(f"infoplane: {folder / 'mine.parquet'}: the spec of the runs is ")
    assert not (folder / "phases.parquet").exists()


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[Path]:
    """Mount something on a folder, where that is permitted."""
    folder.mkdir()
    mount = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if mount.returncode:
        pytest.skip(f"mounting is not permitted here: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def writers(stages: Path, to: Path) -> dict[str, list[str]]:
    """By the file that it writes first, one command for each kind of artifact."""
    spec = json.dumps(SPEC | {"record_every": 1})
    return {
        "data.npz": ["datasets", "--spec", '{"name": "synthetic"}', "--output", f"{to}/data.npz"],
        "t.safetensors": [
            *("training", "--spec", spec, "--dataset", f"{stages}/data.npz", "--repetitions", "0-1"),
            *("--trajectory", f"{to}/t.safetensors", "--history", f"{to}/h.parquet"),
        ],
        "aggregates.parquet": [
            *("statistics", "information", "--information", f"{stages}/mine.exact.parquet"),
            *("--history", f"{stages}/mine.parquet"),
            *("--aggregates", f"{to}/aggregates.parquet", "--phases", f"{to}/phases.parquet"),
        ],
    }


def test_a_full_disk_is_one_line_and_leaves_nothing(stages, tmp_path, capsys):
    with mounted(tmp_path / "full", "-t", "tmpfs", "-o", "size=4k", "tmpfs") as disk:
        for name, command in writers(stages, disk).items():
            assert main(command) == 1
            line = capsys.readouterr().err.splitlines()[-1]
            assert line.startswith(f"infoplane: {disk / name}: cannot be written (")
            assert not list(disk.iterdir())


def test_a_read_only_folder_is_one_line(stages, tmp_path, capsys):
    with mounted(tmp_path / "locked", "-t", "tmpfs", "-o", "ro", "tmpfs") as disk:
        for name, command in writers(stages, disk).items():
            assert main(command) == 1
            line = capsys.readouterr().err.splitlines()[-1]
            assert line.startswith(f"infoplane: {disk / name}: cannot be written (Read-only file system)")


# Images of two pixels, known by their digests, from the mirror that is named
DOWNLOAD = """
import json, sys
from infoplane.cli import main
from infoplane.datasets.images import IMAGES, Images
from infoplane.datasets.sources import Mirror
IMAGES["mnist"] = Images(json.loads(sys.argv[1]), (Mirror(sys.argv[2]),))
sys.exit(main(["datasets", "--spec", '{"name": "mnist"}', "--output", sys.argv[3]]))
"""
IMAGE_FILES = {
    f"{part}-{name}-ubyte": as_idx(array)
    for part in ("train", "t10k")
    for name, array in (("images-idx3", np.arange(8).reshape(4, 1, 2)), ("labels-idx1", np.arange(4) % 2))
}


class Mirror(BaseHTTPRequestHandler):
    """Gives the first file, and half of every other: then it breaks off, or is silent, or goes on."""

    then = "break off"

    def do_GET(self):
        content = gzip.compress(IMAGE_FILES[self.path.strip("/").removesuffix(".gz")])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if self.then == "be silent":
            silent.set()
            time.sleep(DEADLINE)
        if self.then == "go on" or "train-images" in self.path:
            self.wfile.write(content[len(content) // 2 :])

    def log_message(self, *_):
        pass


silent = threading.Event()


def test_an_interrupted_download_is_one_line_and_is_made_good(tmp_path):
    """The mirror breaks off; the job is killed while it waits for the rest; then all goes well."""
    known = {name: hashlib.sha256(data).hexdigest() for name, data in IMAGE_FILES.items()}
    output = tmp_path / "results" / "datasets" / "mnist.npz"
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        job = [sys.executable, "-c", DOWNLOAD, json.dumps(known), url, str(output)]
        environment = os.environ | {"no_proxy": "*"}
        broken = subprocess.run(job, env=environment, capture_output=True, text=True, timeout=DEADLINE)
        assert broken.returncode == 1
        assert broken.stderr.splitlines()[-1].startswith("infoplane: mnist: could not be obtained from ")
        assert not list(output.parent.glob("**/*-ubyte*")) and not output.exists()

        Mirror.then = "be silent"
        killed = subprocess.Popen(job, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert silent.wait(DEADLINE)
        killed.kill()
        killed.communicate()
        assert not list(output.parent.glob("**/*-ubyte*")) and not output.exists()

        Mirror.then = "go on"
        subprocess.run(job, env=environment, capture_output=True, check=True, timeout=DEADLINE)
        server.shutdown()
    assert load_dataset(output).inputs.ravel().tolist() == 2 * [*range(8)]
    assert {path.name: path.read_bytes() for path in (output.parent / "mnist").iterdir()} == IMAGE_FILES
