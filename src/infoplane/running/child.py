"""Snakemake as the child of a run: each of its messages is a line of JSON on a pipe.

`python -m infoplane.running.child DESCRIPTOR ARGUMENT…` is `snakemake ARGUMENT…` that tells a descriptor.
"""

import json
import os
import sys
from contextlib import suppress
from logging import LogRecord
from typing import ClassVar, TextIO

from snakemake.cli import main
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

NAME = "infoplane"
FIELDS = ("jobid", "job_id", "rule_name", "wildcards", "log", "stats", "exception")


class LogHandler(LogHandlerBase):
    """Logger plugin of Snakemake, which finds the class by this name."""

    stream: ClassVar[TextIO]
    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False

    def emit(self, record: LogRecord) -> None:
        about = {name: as_json(getattr(record, name)) for name in FIELDS if hasattr(record, name)}
        event = str(getattr(record, "event", None) or "")
        line = json.dumps({"event": event, "level": record.levelname, "text": self.format(record)} | about)
        with suppress(BrokenPipeError):  # who read it has gone
            print(line, file=self.stream, flush=True)


def as_json(value: object) -> object:
    """A value of a record as JSON has it."""
    if isinstance(value, str | int | None):
        return value
    if hasattr(value, "items"):
        return {str(name): as_json(each) for name, each in value.items()}
    return [str(each) for each in value] if hasattr(value, "__iter__") else str(value)


if __name__ == "__main__":
    descriptor, *arguments = sys.argv[1:]
    LogHandler.stream = os.fdopen(int(descriptor), "w")
    LoggerPluginRegistry().register_plugin(f"snakemake_logger_plugin_{NAME}", sys.modules[__name__])
    main([*arguments, "--logger", NAME])
