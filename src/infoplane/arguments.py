"""Arguments of the command line: parser, types and options; a mistake is one line with the nearest name."""

import itertools
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from infoplane.config.parsing import printable, quoted
from infoplane.config.suggestions import suggestion
from infoplane.devices import refuse_auto
from infoplane.errors import UserError
from infoplane.layout import repetitions_of

__all__ = [
    "CONFIG",
    "DEVICE",
    "FILE",
    "FILES",
    "NAMED",
    "OF_PAIRS",
    "SPEC",
    "Parser",
    "add_config",
    "add_recorded",
    "add_snapshots",
    "add_trained",
    "complain",
    "positive",
    "proportion",
    "repetitions",
]

CONFIG = Path("config", "config.yaml")
EXPERIMENT = "EXPERIMENT=PATH"
PAIR = "EXPERIMENT/ESTIMATOR=PATH"


class Parser(ArgumentParser):
    """Parser that knows what was probably meant, and says so in one line."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Namespace, list[str]]:
        """Parse a command line; what no parser inside knows is refused here, where its options are known."""
        if not self._subparsers:
            self.refuse_unknown_options(sys.argv[1:] if args is None else args)
        found, unknown = super().parse_known_args(args, namespace)
        unknown = self.added_to_list(found, unknown)
        if unknown:
            what = (
                "not an option"
                if unknown[0].startswith("-")
                else "one word too many; quote names that have spaces"
            )
            self.error(f"{quoted(unknown[0])} is {what}")
        return found, unknown

    def added_to_list(self, found: Namespace, unknown: Sequence[str]) -> list[str]:
        """Add words behind options to the list of names that ends a command; argparse ends it at an option.

        Returns:
            What no list takes.
        """
        lists = [action.dest for action in self._get_positional_actions() if action.nargs == "*"]
        maybe_options = [*itertools.takewhile("--".__ne__, unknown)]
        options = [word for word in maybe_options if word.startswith("-")]
        if not lists or options:
            return options or [*unknown]
        behind_dashes = unknown[len(maybe_options) + 1 :]
        setattr(found, lists[-1], [*getattr(found, lists[-1]), *maybe_options, *behind_dashes])
        return []

    def refuse_unknown_options(self, words: Sequence[str]) -> None:
        """Suggest the nearest option before arguments are missed that stand behind a misspelt one."""
        options = self._option_string_actions
        for word in itertools.takewhile("--".__ne__, words):
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in options):
                self.error(f"{quoted(name)} is not an option; {suggestion(name, options)}")

    def error(self, message: str) -> NoReturn:
        """Print a line on standard error and exit with status 2."""
        if unknown := re.fullmatch(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)", message):
            name, given, choices = unknown.groups()
            kind = "a command" if name in ("COMMAND", "TABLE", "KIND") else f"a value of {name}"
            names = [each.strip(" '") for each in choices.split(",")]
            message = f"{quoted(given)} is not {kind}; {suggestion(given, names)}"
        sys.exit(complain(f"{message} (see {self.prog} --help)", 2))


def complain(line: str, status: int) -> int:
    print(f"infoplane: {printable(line)}", file=sys.stderr)
    return status


def positive(text: str) -> int:
    """A number of at least 1.

    >>> positive("2")
    2
    """
    if not text.isdecimal() or not int(text):
        raise UserError(f"{quoted(text)} is not a number of cores; give 1 or more")
    return int(text)


def proportion(text: str) -> float:
    """A share of a whole, above 0 and at most 1.

    >>> proportion("0.05")
    0.05
    """
    with suppress(ValueError):
        if 0 < (number := float(text)) <= 1:
            return number
    raise UserError(f"{quoted(text)} is not a share; give a number above 0 and up to 1, such as 0.05")


def repetitions(text: str) -> range:
    """The repetitions of a chunk.

    >>> repetitions("20-39")
    range(20, 40)
    """
    try:
        return repetitions_of(text)
    except UserError as error:
        raise UserError(f"--repetitions: {error}") from None


def of_experiment(text: str) -> tuple[str, Path]:
    """An experiment and its table.

    >>> of_experiment("mine=a.parquet")
    ('mine', PosixPath('a.parquet'))
    """
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise UserError(f"{text!r}: names no table; give {EXPERIMENT}")
    return name, Path(path)


def of_study(text: str) -> tuple[str, Path]:
    """A table that is of no experiment.

    >>> of_study("claims.csv")
    ('study', PosixPath('claims.csv'))
    """
    return "study", Path(text)


def of_pair(text: str) -> tuple[tuple[str, str], Path]:
    """An experiment, an estimator and their table.

    >>> of_pair("mine/exact=a.parquet")
    (('mine', 'exact'), PosixPath('a.parquet'))
    """
    name, path = of_experiment(text)
    experiment, slash, estimator = name.partition("/")
    if not (experiment and slash and estimator):
        raise UserError(f"{text!r}: names no table; give {PAIR}")
    return (experiment, estimator), path


SPEC: dict[str, Any] = {"metavar": "JSON", "required": True}
FILE: dict[str, Any] = {"metavar": "PATH", "required": True, "type": Path}
FILES: dict[str, Any] = {**FILE, "nargs": "+"}
DEVICE: dict[str, Any] = {
    "choices": ("cpu", "cuda"),
    "type": refuse_auto,
    "default": "cpu",
    "help": "where it is computed: cpu, or cuda, a GPU; %(default)s by default",
}
OF_EXPERIMENTS: dict[str, Any] = {"metavar": EXPERIMENT, "nargs": "*", "type": of_experiment}
OF_PAIRS: dict[str, Any] = {"metavar": PAIR, "nargs": "*", "type": of_pair}
OF_STUDY: dict[str, Any] = {"metavar": "PATH", "nargs": "*", "type": of_study}
NAMED = {"experiment": OF_EXPERIMENTS, "estimator": OF_PAIRS, "study": OF_STUDY}


def add_config(one: ArgumentParser) -> None:
    one.add_argument(
        "config", type=Path, nargs="?", default=CONFIG, help="the config file; %(default)s by default"
    )


def add_trained(one: ArgumentParser) -> None:
    one.add_argument("--dataset", **FILE, help="the data set that it was trained on")
    one.add_argument("--trajectory", **FILE, help="the trajectory")


def add_recorded(one: ArgumentParser) -> None:
    one.add_argument("--files", **FILES, help="the recordings, one for each run")
    one.add_argument("--dataset", metavar="NAME", required=True, help="the name of the recorded inputs")
    one.add_argument("--output", **FILE, help="the table to write (parquet)")


def add_snapshots(one: ArgumentParser, repetition: int | None, which: str, epochs: str) -> None:
    """Options that choose snapshots of a trajectory.

    Args:
        repetition, which: the one that is chosen if none is given, and in words.
        epochs: those that are chosen if none are given, in words.
    """
    one.add_argument(
        "--repetition",
        metavar="NUMBER",
        type=int,
        default=repetition,
        help=f"which one; {which} by default",
    )
    one.add_argument(
        "--epochs",
        metavar="EPOCH",
        nargs="+",
        type=int,
        help=f"recorded epochs; unless given, those of {epochs} that were recorded, and the last",
    )
