"""Parsers of command lines: mistakes are one line that suggests the nearest name."""

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
        found, unknown = super().parse_known_args(args, namespace)
        for word in unknown:
            if word.startswith("-"):
                name, options = word.partition("=")[0], self._option_string_actions
                self.error(f"{quoted(name)} is no option; {suggestion(name, options)}")
            self.error(f"{quoted(word)} is one word too many; quote names that have spaces")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Print a line on standard error and exit with status 2."""
        if unknown := re.fullmatch(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)", message):
            name, given, choices = unknown.groups()
            kind = "command" if name in ("COMMAND", "TABLE") else f"value of {name}"
            names = [each.strip(" '") for each in choices.split(",")]
            message = f"{quoted(given)} is no {kind}; {suggestion(given, names)}"
        print(f"infoplane: {printable(message)} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)
