"""The child process that is Snakemake: started, listened to, and stopped with all of its jobs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any

__all__ = ["Child"]


class Child:
    """Snakemake with some arguments, in a group of processes of its own.

    Args:
        arguments: those of Snakemake.
        environment: variables besides those of this process.
        inherited: descriptors that it inherits.

    Attributes:
        started: when (s since the epoch of the clock of files).
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], inherited: Sequence[int] = ()
    ) -> None:
        reading, writing = os.pipe()
        self.started = time.time()
        self.output = TemporaryFile("w+")  # noqa: SIM115, it lives as long as this
        command = [sys.executable, "-P", "-m", "infoplane.running.child", str(writing), *arguments]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
            pass_fds=[writing, *inherited],
            start_new_session=True,
            # what runs in the background of a shell ignores this signal, and so would its jobs
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        os.close(writing)
        self.events = os.fdopen(reading)

    def listen(self) -> Iterator[dict[str, Any]]:
        """What it tells, until it ends; a line that its end has cut off is left out."""
        for line in self.events:
            if line.endswith("\n"):
                yield json.loads(line)

    def wait(self) -> int:
        """Its status when it has ended."""
        return self.process.wait()

    @property
    def last_line(self) -> str:
        """The last line of what it printed beside."""
        self.output.seek(0)
        lines = [line.strip() for line in self.output if line.strip()]
        return lines[-1] if lines else ""

    def stop(self, patience: float) -> None:
        """Interrupt it and its jobs, and kill those that go on.

        Args:
            patience: seconds that they have to end in.
        """
        self.events.close()
        self.send(signal.SIGINT)
        try:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
        finally:  # a second interrupt ends the patience
            self.send(signal.SIGKILL)  # jobs that it has left behind too
            self.process.wait()

    def send(self, number: int) -> None:
        """Send a signal to it and its jobs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
