"""`infoplane run`: the workflow in any folder, in processes or in one, and how it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from infoplane.running.folder import CLAIM, LOCKS
from infoplane.running.study import snakefile, target_names

STUDY = {
    "defaults": {
        "dataset": "synthetic",
        "network": [4, 2],
        "bits": 8,
        "epochs": 4,
        "record_every": 1,
        "repetitions": 2,
        "chunk": 2,
    },
    "experiments": {"relu": {"activation": "relu"}},
    "estimators": {"exact": {"kind": "exact"}},
    "figures": {
        "plane": {"kind": "plane", "category": "main", "experiments": ["relu"], "estimators": ["exact"]},
        "accuracy": {"kind": "accuracy", "category": "F", "experiments": "all"},
    },
    "figure_defaults": {"dpi": 50},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with a config and nothing else."""
    write(tmp_path, STUDY)
    return tmp_path


def write(folder: Path, study: dict) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(study))


def start(
    folder: Path, *arguments: str, python: str = sys.executable, **environment: str
) -> subprocess.Popen:
    return subprocess.Popen(
        [python, "-P", "-m", "infoplane.cli", "run", *arguments],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # what runs in the background of a shell ignores this signal, and so do its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    process = start(folder, *arguments, **environment)
    output, errors = process.communicate(timeout=900)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def failure(folder: Path, *arguments: str, **environment: str) -> str:
    """The one line that a run ends in which fails."""
    done = run(folder, *arguments, **environment)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    *_, line = done.stderr.splitlines()
    assert line.startswith("infoplane: ")
    return line.removeprefix("infoplane: ")


def contents(folder: Path) -> dict[str, bytes]:
    """All results, their logs and benchmarks aside."""
    files = (path for path in (folder / "results").rglob("*") if path.is_file())
    found = {str(path.relative_to(folder / "results")): path.read_bytes() for path in files}
    return {
        name: content for name, content in found.items() if name.split("/")[0] not in ("logs", "benchmarks")
    }


def test_targets_are_those_of_the_workflow():
    assert snakefile() == ROOT / "workflow" / "Snakefile"
    assert target_names()[:4] == ["all", "claims", "paper", "synthetic"]


@pytest.mark.slow
def test_jobs_in_one_process_have_the_bytes_of_jobs_in_processes(folder, tmp_path):
    """Afterwards Snakemake has nothing to do, neither by itself nor by `infoplane run`."""
    shutil.copytree(folder, tmp_path / "other")
    for arguments, place in ((["--cores", "2"], folder), (["--in-process"], tmp_path / "other")):
        done = run(place, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("jobs done; results are in results\n")
    made = contents(folder)
    assert made == contents(tmp_path / "other")
    assert {"figures/plane.png", "statistics/claims.csv", "training/relu/0-1.safetensors"} <= set(made)
    benchmark = tmp_path / "other" / "results" / "benchmarks" / "training" / "relu" / "0-1.tsv"
    assert float(benchmark.read_text().splitlines()[1].split("\t")[0]) > 0
    log = tmp_path / "other" / "results" / "logs" / "training" / "relu" / "0-1.log"
    assert log.read_text().startswith("infoplane training") and "finished" in log.read_text().splitlines()[-1]
    for place in (folder, tmp_path / "other"):
        assert run(place).stdout == "nothing to do: everything is in results\n"
        by_itself = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile()), "--dry-run"]
        told = subprocess.run(by_itself, cwd=place, capture_output=True, text=True)
        assert "Nothing to be done" in told.stdout + told.stderr


def test_a_dry_run_counts_jobs_and_runs_none(folder):
    done = run(folder, "-n", "results/figures/plane.png")
    assert done.returncode == 0, done.stderr
    counted = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()[:-1]}
    assert counted == {
        "datasets": "1",
        "training": "1",
        "information": "1",
        "statistics": "1",
        "figures": "1",
    }
    assert done.stdout.endswith("\n5 jobs would run\n") and not done.stderr
    assert not (folder / "results").exists()


def test_a_target_may_stand_without_a_config(folder):
    done = run(folder, "claims", "--dry-run")
    assert done.returncode == 0 and "figures" not in done.stdout, done.stdout + done.stderr


def test_a_job_that_fails_is_one_line_and_holds_up_no_other(folder):
    """A log is named, and the command that made it stands in it."""
    study = STUDY | {"datasets": {"broken": {"kind": "npz", "path": "broken.npz"}}}
    study["experiments"] = STUDY["experiments"] | {"lost": {"dataset": "broken", "activation": "relu"}}
    study["figures"] = {"accuracy": {"kind": "accuracy", "category": "F", "experiments": ["relu"]}}
    write(folder, study)
    (folder / "broken.npz").write_text("no arrays")
    line = failure(folder, "--in-process")
    assert line.startswith("datasets broken failed: broken.npz")
    assert line.endswith("(log: results/logs/datasets/broken.log)")
    assert (folder / "results" / "figures" / "accuracy.png").exists()
    assert not (folder / LOCKS).exists() or not any((folder / LOCKS).iterdir())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["config/config.yaml", "cliams"], "'cliams' is not a target; did you mean 'claims'?"),
        (["cliams"], "'cliams' is not a target; did you mean 'claims'?"),
        (["none.yaml"], "none.yaml: "),
        (
            ["config/config.yaml", "results/none.png"],
            "'results/none.png' is no file of this study; did you mean 'results/figures/plane.png'?",
        ),
    ],
)
def test_a_mistake_is_one_line(folder, arguments, line):
    assert failure(folder, *arguments).startswith(line)


def test_what_is_missing_is_said_in_one_line(folder):
    """The package alone runs no studies."""
    (folder / "hidden.py").write_text(
        "import sys\nsys.modules['snakemake'] = None\n"
        "from infoplane.cli import main\nsys.exit(main(['run']))\n"
    )
    done = subprocess.run([sys.executable, "hidden.py"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "infoplane: snakemake, which `infoplane run` needs, is not installed; "
        "pip install 'infoplane[study]'\n"
    )


def long_training(folder: Path) -> None:
    study = json.loads(json.dumps(STUDY))
    study["defaults"] |= {"epochs": 3_000_000, "record_every": 100_000}
    write(folder, study)


def wait_for_training(folder: Path, process: subprocess.Popen) -> None:
    log = folder / "results" / "logs" / "training" / "relu" / "0-1.log"
    while not log.exists() or "training: " not in log.read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("mode", "number", "status"),
    [
        ("--cores=2", signal.SIGINT, 130),
        ("--in-process", signal.SIGINT, 130),
        ("--cores=2", signal.SIGTERM, 143),
    ],
)
def test_an_interrupt_ends_all_jobs_and_leaves_no_lock(folder, mode, number, status):
    long_training(folder)
    process = start(folder, mode)
    wait_for_training(folder, process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status and "Traceback" not in errors
    assert not (folder / CLAIM).exists() and not (folder / LOCKS).exists()
    assert not running_in(folder)
    assert run(folder, "--dry-run").returncode == 0


def running_in(folder: Path) -> list[str]:
    """The processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder:
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_the_lock_of_a_run_that_was_killed_goes_by_itself(folder):
    """As long as its Snakemake goes on, another run is refused."""
    long_training(folder)
    process = start(folder, "--cores=2")
    wait_for_training(folder, process)
    process.kill()
    process.communicate()
    assert "another `infoplane run` is running here" in failure(folder)
    (snakemake,) = [each for each in Path("/proc").glob("[0-9]*") if is_child_in(each, folder)]
    os.killpg(int(snakemake.name), signal.SIGKILL)
    while running_in(folder):
        time.sleep(0.1)
    assert any((folder / LOCKS).iterdir())
    write(folder, STUDY)
    done = run(folder, "--in-process", "config/config.yaml", "results/datasets/synthetic.npz")
    assert done.returncode == 0, done.stderr


def is_child_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").resolve() == folder and "infoplane.running.child" in (
            process / "cmdline"
        ).read_text()
    except OSError:
        return False


def test_the_lock_of_another_snakemake_is_its_own_to_remove(folder):
    (folder / LOCKS).mkdir(parents=True)
    (folder / LOCKS / "0.output.lock").write_text("results/datasets/synthetic.npz\n")
    target = "results/datasets/synthetic.npz"
    line = failure(folder, "config/config.yaml", target)
    assert line.startswith("another Snakemake is running in this folder") and "infoplane run --unlock" in line
    assert run(folder, "--unlock").returncode == 0
    assert run(folder, "config/config.yaml", target).returncode == 0
