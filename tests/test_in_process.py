"""A command in this process writes to its log as one in a process of its own does, and fails as it does."""

import os
import subprocess
import sys

import pytest

from infoplane.in_process import output_to, run_here


@pytest.fixture
def run_rule(capfd):
    """What Snakemake makes of a rule; output is not captured meanwhile."""

    def shell(command: str, log: str) -> None:
        with capfd.disabled():
            run_here("{command} > {log:q} 2>&1")

    return shell


def test_all_output_goes_to_the_file_meanwhile(tmp_path, capfd):
    with capfd.disabled(), output_to(tmp_path / "a.log"):
        print("one", flush=True)
        os.write(2, b"two\n")
        subprocess.run(["echo", "three"], check=True)
        print("four", file=sys.stderr)
    assert (tmp_path / "a.log").read_text().splitlines() == ["one", "two", "three", "four"]
    print("after")
    assert capfd.readouterr() == ("after\n", "")


def test_a_command_leaves_its_log(tmp_path, run_rule):
    output, log = tmp_path / "a b.npz", tmp_path / "a b.log"
    command = (
        f"A=1 python -P -m infoplane.cli datasets --spec '{{\"name\": \"synthetic\"}}' --output '{output}'"
    )
    run_rule(command, str(log))
    first, *_, last = log.read_text().splitlines()
    assert output.exists() and first.startswith("infoplane datasets") and last.startswith("finished")


@pytest.mark.parametrize("spec", ['{"name": "synthetics"}', "{"])
def test_a_mistake_is_in_the_log_and_an_error(tmp_path, run_rule, spec):
    log = tmp_path / "a.log"
    with pytest.raises(subprocess.CalledProcessError) as error:
        run_rule(f"python -m infoplane.cli datasets --spec '{spec}' --output {tmp_path}/a.npz", str(log))
    assert error.value.returncode == 1
    assert "Traceback" not in log.read_text() and log.read_text().splitlines()[-1].startswith("infoplane: ")


def test_a_fault_of_ours_is_a_traceback_in_the_log(tmp_path, run_rule, monkeypatch):
    def fail(arguments):
        raise RuntimeError("a fault")

    monkeypatch.setattr("infoplane.in_process.execute", fail)
    with pytest.raises(subprocess.CalledProcessError):
        run_rule("python -m infoplane.cli pages", str(tmp_path / "a.log"))
    assert "Traceback" in (text := (tmp_path / "a.log").read_text()) and text.endswith(
        "RuntimeError: a fault\n"
    )
