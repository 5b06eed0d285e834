"""Parsers of command lines: mistakes are one line that suggests the nearest name."""

import itertools
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any, NoReturn

from infoplane.config.parsing import printable, quoted
from infoplane.config.validation import suggestion

__all__ = ["Parser"]


class Parser(ArgumentParser):
    """Parser that knows what was probably meant, and says so in one line."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Namespace, list[str]]:
        """Parse a command line; what no parser inside knows is refused here, where its options are known."""
        if not self._subparsers:
            self.refuse_unknown_options(sys.argv[1:] if args is None else args)
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"{quoted(unknown[0])} is one word too many; quote names that have spaces")
        return found, unknown

    def refuse_unknown_options(self, words: Sequence[str]) -> None:
        """Suggest the nearest option before arguments are missed that stand behind a misspelt one."""
        options = self._option_string_actions
        for word in itertools.takewhile("--".__ne__, words):
            name = word.partition("=")[0]
            if name.startswith("--") and not any(option.startswith(name) for option in options):
                self.error(f"{quoted(name)} is no option; {suggestion(name, options)}")

    def error(self, message: str) -> NoReturn:
        """Print a line on standard error and exit with status 2."""
        if unknown := re.fullmatch(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)", message):
            name, given, choices = unknown.groups()
            kind = "command" if name in ("COMMAND", "TABLE", "KIND") else f"value of {name}"
            names = [each.strip(" '") for each in choices.split(",")]
            message = f"{quoted(given)} is no {kind}; {suggestion(given, names)}"
        print(f"infoplane: {printable(message)} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)
