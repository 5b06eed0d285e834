"""One run at a time in a folder, and the lock that a killed one has left there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infoplane.errors import UserError

__all__ = ["FolderClaim", "claimed", "is_locked", "unlock"]

CLAIM = Path(".snakemake", "infoplane.run")
LOCKS = Path(".snakemake", "locks")


class FolderClaim:
    """A folder that a run has for itself.

    It is a file that is locked by this process and by the Snakemake that it starts, and removed in the end:
    where it is there and not locked, both were killed.

    Attributes:
        descriptor: what the child must inherit.
        is_inherited: whether a run that was killed has left its claim, and with it a lock of Snakemake's.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / CLAIM
        self.is_inherited = self.path.exists() and is_locked(folder)
        self.path.parent.mkdir(exist_ok=True)
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self.descriptor)
            raise UserError(
                f"{folder.absolute()}: another `infoplane run` is at work here; wait for it, or stop it"
            ) from error
        except OSError:  # a file system without locks
            self.is_inherited = False


def is_locked(folder: Path) -> bool:
    """Whether Snakemake has a lock on a folder."""
    locks = folder / LOCKS
    return locks.is_dir() and any(locks.iterdir())


def unlock(folder: Path) -> None:
    """Remove the lock that a killed Snakemake has left in a folder, as `snakemake --unlock` does."""
    shutil.rmtree(folder / LOCKS, ignore_errors=True)


@contextmanager
def claimed(folder: Path) -> Iterator[FolderClaim]:
    """Have a folder for oneself meanwhile.

    Raises:
        UserError: another run has it.
    """
    claim = FolderClaim(folder)
    try:
        yield claim
    finally:
        claim.path.unlink(missing_ok=True)
        os.close(claim.descriptor)
