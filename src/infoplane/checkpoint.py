"""Checkpoints: files of the progress of trainings, from which interrupted ones go on to the same bytes."""

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from infoplane.artifacts import KEY, array_digest, written_aside
from infoplane.digests import digest
from infoplane.errors import UserError
from infoplane.recognition import recognise

__all__ = ["Checkpoint", "refuse_other_files"]

SECONDS_BETWEEN = 120
DIGEST = "digest"


class Checkpoint:
    """A file beside the artifact of a training, written every two minutes, and removed at the end.

    Args:
        path: the file.
        identity: identifies the training: a checkpoint of any other training is not read.
    """

    def __init__(self, path: Path, identity: object) -> None:
        self.path, self.identity = path, digest(identity)
        self.written = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether two minutes have passed since the file was written."""
        return time.monotonic() - self.written > SECONDS_BETWEEN

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Write the progress. If that fails, standard error says so, and the training goes on."""
        whole = {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}
        metadata = {KEY: self.identity, DIGEST: array_digest(np.array([*whole]), *whole.values())}
        try:
            with written_aside(self.path) as aside:
                save_file(whole, aside, metadata=metadata)
        except (SafetensorError, UserError) as error:  # the first is how it says that the disk is full
            print(f"no checkpoint is kept: {error}", file=sys.stderr)
        self.written = time.monotonic()

    def load(self) -> dict[str, np.ndarray] | None:
        """The progress of this training that was written last; None if there is none, or it is damaged."""
        with suppress(SafetensorError, OSError, KeyError, TypeError, ValueError):
            with safe_open(self.path, framework="numpy") as file:
                metadata = file.metadata()
                arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
            if metadata[KEY] == self.identity and metadata[DIGEST] == array_digest(
                np.array([*arrays]), *arrays.values()
            ):
                return arrays
        return None

    def remove(self) -> None:
        """Remove the file, if there is one."""
        with suppress(OSError):  # where nothing can be written, there is none
            self.path.unlink()


def refuse_other_files(path: Path) -> None:
    """Refuse a path at which there is something that is no checkpoint, and that one would replace.

    Raises:
        UserError: it is not free.
    """
    if not os.path.exists(path):
        return
    with suppress(SafetensorError, OSError), safe_open(path, framework="numpy") as file:
        if {*(file.metadata() or {})} == {KEY, DIGEST}:
            return
    try:
        words = recognise(path).words or "a file of another kind, or cut off"
    except OSError as error:
        words = f"unreadable ({error.strerror})"
    raise UserError(f"checkpoint: {path} is {words}, expected a checkpoint of a training; name a new file")
