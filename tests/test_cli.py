"""Commands do their stage, and end in one line and a status where they cannot."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from infoplane import commands
from infoplane.cli import main
from infoplane.datasets import save_dataset, synthetic

QUICK = Path(__file__).parents[1] / "config" / "quick.yaml"


@pytest.mark.parametrize("module", ["infoplane.cli", "infoplane.config"])
def test_commands_and_configs_load_without_libraries_that_take_seconds(module):
    slow = {"matplotlib", "numba", "numpy", "pandas", "pyarrow", "scipy", "torch"}
    code = f"import sys, {module}; print(*sorted({slow} & {{*sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "\n"


def test_help_has_examples(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert all(stage in shown for stage in ("datasets", "training", "information", "statistics", "figures"))


@pytest.mark.parametrize(
    "command",
    [
        ["training"],
        ["information"],
        ["statistics", "information"],
        ["statistics", "accuracy"],
        ["statistics", "join-information"],
        ["statistics", "join-phases"],
        ["statistics", "join-fits"],
        ["statistics", "join-violations"],
        ["statistics", "errors"],
        ["figures"],
        ["datasets"],
        ["check"],
    ],
)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    assert "usage: infoplane" in capsys.readouterr().out


def test_dataset_is_made(tmp_path):
    path = tmp_path / "deep" / "synthetic.npz"
    assert main(["datasets", "--spec", '{"name": "synthetic"}', "--output", str(path)]) == 0
    assert path.exists()


def test_check_counts(capsys):
    assert main(["check", str(QUICK)]) == 0
    assert capsys.readouterr().out.startswith(f"{QUICK}: 15 experiments, 6 estimators, 29 figures; ")


OWN = """
datasets: {{mine: {{kind: npz, path: mine.npz}}}}
defaults:
  {{dataset: mine, network: shwartz-ziv, activation: relu, bits: 8, epochs: 1, record_every: 1,
   repetitions: 1, chunk: 1}}
experiments: {{good: {{}}, other: {{network: {network}}}}}
estimators: {{exact: {{kind: exact}}}}
"""


@pytest.mark.parametrize(
    ("arrays", "network", "words"),
    [
        (
            {"inputs": np.eye(12), "labels": np.arange(12) % 2},
            "[{conv: 2, kernel: 3}]",
            "experiments.other: ",
        ),
        ({"inputs": np.ones((8, 5, 5)), "labels": np.arange(8) % 2}, "[{conv: 2, kernel: 7}]", "other: "),
        ({"inputs": np.eye(12), "labels": np.zeros(12, int)}, "[3]", "mine.npz: labels are all 0; "),
        ({"labels": np.arange(12) % 2}, "[3]", "mine.npz: inputs missing; "),
    ],
)
def test_check_opens_the_data(capsys, tmp_path, monkeypatch, arrays, network, words):
    """What the jobs would refuse is refused before any job is run."""
    monkeypatch.chdir(tmp_path)
    np.savez("mine.npz", **arrays)
    Path("mine.yaml").write_text(OWN.format(network=network))
    assert main(["check", "mine.yaml"]) == 1
    shown = capsys.readouterr()
    assert not shown.out
    assert all(line.startswith("infoplane: mine.yaml: ") for line in shown.err.splitlines())
    assert words in shown.err.splitlines()[-1]


def refused(capsys, *arguments: str) -> str:
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("infoplane: ")
    return line.removeprefix("infoplane: ")


def test_bad_spec(capsys, tmp_path):
    spec = '{"name": "mine", "kind": "synthetics"}'
    line = refused(capsys, "datasets", "--spec", spec, "--output", str(tmp_path / "a.npz"))
    assert line == "--spec: kind: 'synthetics' is unknown; did you mean 'synthetic'?"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["3", "3-1", "a-b", "-1-3", "0-1-2"])
def test_bad_repetitions(capsys, text):
    files = ["--dataset", "d", "--trajectory", "t", "--history", "h"]
    line = refused(capsys, "training", "--spec", "{}", f"--repetitions={text}", *files)
    assert line.startswith(f"--repetitions: {text!r} is not a chunk; ")


@pytest.mark.parametrize("text", ["a.parquet", "relu=a.parquet", "relu/=a.parquet", "relu/exact="])
def test_bad_table_name(capsys, text):
    line = refused(capsys, "statistics", "join-phases", "--tables", text, "--output", "o")
    assert line.startswith(f"{text!r}: names no table; ")


def test_missing_file(capsys, tmp_path):
    missing = str(tmp_path / "none.parquet")
    files = ["--history", missing, "--dataset", missing, "--output", str(tmp_path / "o")]
    line = refused(capsys, "statistics", "accuracy", *files)
    assert line.startswith(f"{missing}: missing; ")


def torch_error() -> RuntimeError:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    return caught.value


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "out of memory; end other programs, or run fewer jobs at a time (--cores)"),
        (torch_error(), "out of memory; end other programs, or run fewer jobs at a time (--cores)"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "big.npz"),
            "big.npz: No space left on device; check its path, its rights and the space on its disk",
        ),
    ],
)
def test_machine_at_its_end(capsys, monkeypatch, error, line):
    def fail(path):
        raise error

    monkeypatch.setattr(commands, "load_config", fail)
    assert refused(capsys, "check", "config.yaml") == line


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        ("datasets", "end other programs, or run fewer jobs at a time (--cores)"),
        ("training", "use a smaller chunk in the config"),
        ("information", "use a smaller chunk in the config"),
        ("figures", "use a smaller dpi in the config, or show fewer experiments"),
    ],
)
def test_memory_is_saved_where_the_command_takes_it(capsys, monkeypatch, command, remedy):
    def fail(model, text):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    files = {"training": ["--dataset", "d", "--repetitions", "0-1", "--trajectory", "t", "--history", "h"]}
    files |= {"information": ["--dataset", "d", "--trajectory", "t", "--output", "o"]}
    monkeypatch.setattr(commands, "parse_spec", fail)
    line = refused(capsys, command, "--spec", "{}", *files.get(command, ["--output", "o"]))
    assert line == f"out of memory; {remedy}"


def test_other_errors_of_pytorch_are_ours(monkeypatch):
    def fail(path):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(commands, "load_config", fail)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        main(["check", "config.yaml"])


def test_interrupt(capsys, monkeypatch):
    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "load_config", interrupt)
    assert main(["check", "config.yaml"]) == 130
    assert capsys.readouterr().err == "infoplane: interrupted\n"


ON_A_SMALL_DISK = """
import resource, signal, sys
from infoplane.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
status = main(["datasets", "--spec", '{"name": "synthetic"}', "--output", sys.argv[1]])
resource.setrlimit(resource.RLIMIT_FSIZE, limits)  # where coverage is measured, it is written at the end
sys.exit(status)
"""


def test_full_disk(tmp_path):
    output = tmp_path / "synthetic.npz"
    run = subprocess.run([sys.executable, "-c", ON_A_SMALL_DISK, str(output)], capture_output=True, text=True)
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert run.stderr.startswith(f"infoplane: {output}: cannot be written")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_killed_training_leaves_nothing(tmp_path, number):
    dataset = tmp_path / "synthetic.npz"
    main(["datasets", "--spec", '{"name": "synthetic"}', "--output", str(dataset)])
    spec = (
        '{"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8, '
        '"epochs": 100000, "record_every": 5}'
    )
    job = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "infoplane.cli",
            "training",
            "--spec",
            spec,
            "--dataset",
            "synthetic.npz",
            "--repetitions",
            "0-1",
            "--trajectory",
            "t",
            "--history",
            "h",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # what runs in the background of a shell ignores this signal, and so do its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert job.stderr is not None
    job.stderr.readline()  # the first line of progress
    job.send_signal(number)
    _, shown = job.communicate(timeout=60)
    assert job.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == [dataset]


@pytest.mark.parametrize("command", ["verify", "init"])
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path, command):
    """Nothing is said, whether the pipe breaks while a command prints or when it has ended."""
    save_dataset(tmp_path / "datasets" / "synthetic.npz", synthetic())
    reading, writing = os.pipe()
    os.close(reading)
    job = [sys.executable, "-m", "infoplane.cli", command, str(tmp_path)]
    done = subprocess.run(job, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    said = [line for line in done.stderr.splitlines() if not line.startswith("verify: ")]
    assert (done.returncode, said) == (128 + signal.SIGPIPE, [])


@pytest.mark.parametrize("command", ["run", "check", "status"])
def test_where_no_study_is_the_command_that_begins_one_is_named(capsys, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    for arguments, path in (([command], "config/config.yaml"), ([command, "nope.yaml"], "nope.yaml")):
        line = refused(capsys, *arguments)
        assert line.startswith(f"{path}: missing; ") and "infoplane init" in line


@pytest.mark.parametrize("command", ["index", "verdicts"])
@pytest.mark.parametrize("given", ["[]", "null", "3", '{"relu": 3}'])
def test_labels_are_a_mapping(capsys, tmp_path, command, given):
    paths = {"index": ["--pages", "a.html"], "verdicts": ["--claims", "claims.csv"]}[command]
    line = refused(capsys, command, *paths, "--spec", given, "--output", str(tmp_path / "out.html"))
    assert line.startswith("--spec: ") and "it must be a mapping of names to labels" in line
    assert not [*tmp_path.iterdir()]


def test_the_index_is_a_command_of_a_stage(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    commands, stages = capsys.readouterr().out.split("commands of single stages")
    assert "    bundle " in commands and "  index " not in commands and "  index " in stages


def test_a_gpu_is_called_cuda(capsys):
    with pytest.raises(SystemExit):
        main(["training", "--device", "gpu"])
    assert "'gpu' is not a value of --device; did you mean 'cuda'?" in capsys.readouterr().err
