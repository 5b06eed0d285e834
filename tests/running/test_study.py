"""How a run ends that Snakemake itself ends: in one line with the reason, and with its log."""

import errno
import re

import pytest
import yaml

import infoplane.running.study as study
from infoplane import UserError
from infoplane.config.study import resolve
from infoplane.layout import PARTS, Layout
from infoplane.running.folder import CLAIM, LOCKS, is_locked
from infoplane.running.study import (
    Options,
    in_one_line,
    refuse_other_targets,
    run_study,
    snakefile,
    target_names,
)

CONFIG = {
    "defaults": {
        "dataset": "synthetic",
        "network": [4, 2],
        "bits": 8,
        "epochs": 3,
        "record_every": 1,
        "repetitions": 2,
        "chunk": 2,
    },
    "experiments": {"relu": {"activation": "relu"}},
    "estimators": {"exact": {"kind": "exact"}},
}
TRACEBACK = "Traceback (most recent call last):\n"
RULES = 'rule all:\n    output: "made"\n    run:\n        open("made", "w").close()\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("MissingRuleException:\n  No rule to produce x\n", "MissingRuleException: No rule to produce x"),
        (
            f'{TRACEBACK}  File "a.py", line 3, in f\n    g()\n    ^^^\nKeyError: 1\n',
            "KeyError: 1",
        ),
        (
            f'{TRACEBACK}  File "a.py", line 3, in f\nOSError: one\n\nDuring handling:\n\n'
            f'{TRACEBACK}  File "b.py", line 3\n    h(\n\nx.MineError: two:\n  three\n',
            "x.MineError: two: three",
        ),
        (
            'NameError in file "S", line 2:\nno name\n  File "S", line 2, in <module>',
            'NameError in file "S", line 2: no name',
        ),
    ],
)
def test_an_error_of_snakemake_is_one_line(text, line):
    assert in_one_line(text) == line


def test_a_long_error_is_shortened():
    assert len(in_one_line("word " * 1000)) < 250


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (RULES + 'raise RuntimeError("inside")\n', "inside"),
        (RULES.replace('output: "made"', 'output: "made", "made"'), "Duplicate o"),
        (RULES + "rule all:\n    input: 1\n", "RuleException in file"),
    ],
    ids=["raises", "ambiguous", "twice"],
)
def test_a_workflow_that_fails_is_one_line_and_a_log(tmp_path, monkeypatch, rules, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Snakefile").write_text(rules)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.setattr(study, "snakefile", lambda: tmp_path / "Snakefile")
    with pytest.raises(UserError) as error:
        run_study(tmp_path / "study.yaml", [], Options(cores=1))
    line = str(error.value)
    assert words in line and "\n" not in line and 'File "' not in line and "Traceback" not in line
    *_, log = line.removesuffix(")").rpartition("(log: ")
    assert (tmp_path / log).read_text() and log.startswith(".snakemake/log/"), line


@pytest.fixture
def started(tmp_path, monkeypatch):
    """The children of a run in an empty folder, which have a lock and do nothing."""
    children = []

    class IdleChild:
        def __init__(self, *_: object) -> None:
            self.stopped = False
            (tmp_path / LOCKS).mkdir(parents=True, exist_ok=True)
            (tmp_path / LOCKS / "1.input.lock").touch()
            children.append(self)

        def stop(self, patience: float) -> None:
            self.stopped = True

    (tmp_path / "study.yaml").write_text(yaml.safe_dump(CONFIG))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study, "Child", IdleChild)
    return children


def fail_to_follow(monkeypatch, error: BaseException) -> None:
    def follow(*_: object) -> None:
        raise error

    monkeypatch.setattr(study, "follow", follow)


@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(),
        OSError(errno.ENOSPC, "No space left on device"),
        ValueError("no JSON"),
        KeyboardInterrupt(),
        SystemExit(129),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_ends_a_run_stops_its_jobs_and_leaves_no_lock(tmp_path, monkeypatch, started, error):
    fail_to_follow(monkeypatch, error)
    with pytest.raises(type(error)):
        run_study(tmp_path / "study.yaml", [], Options(cores=1))
    (child,) = started
    assert child.stopped
    assert not is_locked(tmp_path) and not (tmp_path / CLAIM).exists()


@pytest.mark.parametrize("claim", [None, ""], ids=["claim of its own", "claim of a killed run"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_run_that_is_cut_off_leaves_the_lock_of_another_snakemake(
    tmp_path, monkeypatch, started, claim, dry_run
):
    fail_to_follow(monkeypatch, KeyboardInterrupt())
    (tmp_path / LOCKS).mkdir(parents=True)
    (tmp_path / LOCKS / "0.input.lock").touch()
    if claim is not None:
        (tmp_path / CLAIM).write_text(claim)
    with pytest.raises(KeyboardInterrupt):
        run_study(tmp_path / "study.yaml", [], Options(cores=1, dry_run=dry_run))
    left = {path.name for path in (tmp_path / LOCKS).iterdir()}
    assert started[0].stopped and left - {"1.input.lock"} == {"0.input.lock"}


PLANE = {"kind": "plane", "category": "main", "experiments": ["relu"], "estimators": ["exact"]}


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("planez", "did you mean 'results/figures/planes.pdf'?"),
        ("cliams", "did you mean 'claims'?"),
        ("figure_man", "did you mean 'figure_main'?"),
        ("mnistt", f"use {', '.join(PARTS)}, or paths below results"),
        ("42", f"use {', '.join(PARTS)}, or paths below results"),
    ],
)
def test_what_is_no_target_is_answered_by_what_the_study_has(target, remedy):
    own = resolve({**CONFIG, "figures": {"planes": PLANE}}, "study.yaml")
    refuse_other_targets(own, ["all", "mnist", "results/figures/planes.png"])
    with pytest.raises(UserError) as error:
        refuse_other_targets(own, [target])
    assert str(error.value) == f"'{target}' is not a target; {remedy}"


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("results/figures/nope.png", "did you mean 'results/figures/planes.png'?"),
        ("results/figures/plane.png", "did you mean 'results/figures/planes.png'?"),
        ("results/training/relu/0-9.parquet", "did you mean 'results/training/relu/0-1.parquet'?"),
        ("figures/planes.png", "did you mean 'results/figures/planes.png'?"),
        ("results/figures", "name one as 'results/figures/planes.pdf'"),
    ],
)
def test_a_path_of_no_file_is_answered_by_one_of_the_study(target, remedy):
    own = resolve({**CONFIG, "figures": {"planes": PLANE}}, "study.yaml")
    with pytest.raises(UserError) as error:
        refuse_other_targets(own, [target])
    assert str(error.value) == f"'{target}' is no file of this study; {remedy}"


def test_every_file_of_the_study_is_a_target():
    own = resolve({**CONFIG, "figures": {"planes": PLANE}}, "study.yaml")
    rest = ["training/relu/0-1.safetensors", "datasets/synthetic.npz", "statistics/relu/accuracy.parquet"]
    for path in (*Layout(own).targets(), *rest):
        refuse_other_targets(own, [f"results/{path}"])


def test_targets_of_the_workflow_are_the_parts_of_the_study():
    assert target_names() == [*PARTS]
    asked = re.findall(r"^rule (\w+):.*?below_results\((.*?)\),\n", snakefile().read_text(), re.M | re.S)
    assert asked == [(name, f'layout.part("{name}")') for name in PARTS]
