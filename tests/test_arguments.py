"""Mistakes on the command line are one line with the nearest name; help says commands and defaults."""

import re
import subprocess
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from importlib.metadata import version

import pytest

from infoplane.cli import main, parser


def mistake(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["chek"], "infoplane: 'chek' is not a command; did you mean 'check'? (see infoplane --help)"),
        (["rnu", "a.yaml"], "infoplane: 'rnu' is not a command; did you mean 'run'? (see infoplane --help)"),
        (
            ["statistics", "join-phase"],
            "infoplane: 'join-phase' is not a command; did you mean 'join-phases'? (see infoplane "
            "statistics ",
        ),
        (
            ["run", "--corse", "2"],
            "infoplane: '--corse' is not an option; did you mean '--cores'? (see infoplane run --help)",
        ),
        (
            ["run", "--in-proces=yes"],
            "infoplane: argument --in-process: ignored explicit argument 'yes' (see infoplane run --help)",
        ),
        (
            ["statistics", "accuracy", "--histroy", "a"],
            "infoplane: '--histroy' is not an option; did you mean '--history'? (see ",
        ),
        (["statistics", "errors"], "infoplane: the following arguments are required: --exact, "),
        (["Check"], "infoplane: 'Check' is not a command; did you mean 'check'? (see infoplane --help)"),
        (["run", "a.yaml", "-z", "claims"], "infoplane: '-z' is not an option (see infoplane run --help)"),
        (["check", "a.yaml", "b.yaml"], "infoplane: 'b.yaml' is one word too many; "),
        ([], "infoplane: the following arguments are required: COMMAND (see infoplane --help)"),
        (
            ["information", "--device", "gpu"],
            "infoplane: 'gpu' is not a value of --device; did you mean 'cuda'? (see ",
        ),
    ],
)
def test_a_mistake_is_one_line(capsys, arguments, line):
    assert mistake(capsys, *arguments).startswith(line)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["redraw", "F", "--output", "X", "a", "b"], ["a", "b"]),
        (["redraw", "F", "a", "--output", "X", "b"], ["a", "b"]),
        (["redraw", "F", "--output", "X", "--", "a", "-b"], ["a", "-b"]),
        (["redraw", "--output", "X", "F"], []),
    ],
)
def test_names_may_stand_behind_options(arguments, found):
    given = parser().parse_args(arguments)
    assert (str(given.folder), str(given.output), given.figures) == ("F", "X", found)


def test_targets_may_stand_behind_options():
    given = parser().parse_args(["run", "a.yaml", "-n", "claims", "--cores", "2", "paper"])
    assert (str(given.config), given.dry_run, given.cores) == ("a.yaml", True, 2)
    assert given.target == ["claims", "paper"]


def test_a_number_of_cores_is_a_number(capsys):
    assert main(["run", "--cores", "all"]) == 1
    assert capsys.readouterr().err == "infoplane: 'all' is not a number of cores; give 1 or more\n"


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"infoplane {version('infoplane')}\n"


def test_help_has_commands_for_people_first_and_stages_apart():
    before, after = parser().format_help().split("commands of single stages")
    listed = re.findall(r"^    (\w+)  +\S", before, re.MULTILINE)
    assert listed[:4] == ["init", "run", "check", "status"] and "training" not in listed
    assert re.findall(r"^  (\w+)  +\S", after, re.MULTILINE)[:3] == ["datasets", "training", "information"]


def parsers(top: ArgumentParser) -> Iterator[ArgumentParser]:
    yield top
    for action in top._actions:
        if isinstance(action, _SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def test_help_says_every_default():
    for each in parsers(parser()):
        for action in each._actions:
            if action.default not in (None, False, [], "==SUPPRESS=="):
                assert "by default" in action.help, (each.prog, action.dest)


def test_every_command_says_what_it_does():
    for each in parsers(parser()):
        assert each.description, each.prog
        assert all(action.help for action in each._actions if not isinstance(action, _SubParsersAction)), (
            each.prog
        )


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_commands_and_options(capsys, shell):
    with pytest.raises(SystemExit, match="0"):
        main(["--print-completion", shell])
    script = capsys.readouterr().out
    assert all(word in script for word in ("init", "status", "--in-process", "--cores"))
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_shell_that_is_not_known(capsys):
    assert mistake(capsys, "--print-completion", "bsh").startswith(
        "infoplane: --print-completion: 'bsh' is not a known shell; did you mean 'bash'?"
    )
