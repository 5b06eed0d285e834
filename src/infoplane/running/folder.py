"""One run at a time in a folder, and the lock that a killed one has left there."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infoplane.errors import UserError

__all__ = ["FolderClaim", "claimed", "is_locked", "unlock"]

CLAIM = Path(".snakemake", "infoplane.run")
LOCKS = Path(".snakemake", "locks")
# Files of locks by name, and when they were written (ns): no two locks have equal ones
Locks = dict[str, int]


class FolderClaim:
    """A folder that a run has for itself.

    It is a file that is locked by this process and by the Snakemake that it starts, and removed in the end:
    where it is there and not locked, both were killed. It holds the locks of that Snakemake.

    Attributes:
        descriptor: what the child must inherit.
        inherited: the locks that the Snakemake of a killed run has left.
        others: the locks of a Snakemake that no run has started.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / CLAIM
        noted: Locks = {}
        self.path.parent.mkdir(exist_ok=True)
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            noted = self.noted()
        except BlockingIOError as error:
            os.close(self.descriptor)
            raise UserError(
                f"{folder.absolute()}: another `infoplane run` is running here; wait for it, or stop it"
            ) from error
        except OSError:  # a file system without locks
            pass
        found = locks_of(folder).items()
        self.inherited, self.others = dict(found & noted.items()), dict(found - noted.items())

    def own(self) -> Locks:
        """The locks that were not there when the folder was claimed."""
        return dict(locks_of(self.folder).items() - self.others.items())

    def note(self) -> None:
        """Write down the locks of this run, for the next one if this one is killed."""
        with suppress(OSError):  # on a full disk, they stay for the user to remove
            self.path.write_text(json.dumps(self.own()))

    def noted(self) -> Locks:
        """What the claim holds; nothing if the run was killed before it had a lock."""
        with suppress(ValueError, TypeError):
            return dict(json.loads(self.path.read_bytes()))
        return {}


def locks_of(folder: Path) -> Locks:
    """The locks that Snakemake has on a folder."""
    found: Locks = {}
    with suppress(FileNotFoundError):  # locks may go meanwhile, all at once
        for path in (folder / LOCKS).iterdir():
            found[path.name] = path.stat().st_mtime_ns
    return found


def is_locked(folder: Path) -> bool:
    """Whether Snakemake has a lock on a folder."""
    return bool(locks_of(folder))


def unlock(folder: Path, locks: Locks | None = None) -> None:
    """Remove locks that a killed Snakemake has left in a folder.

    Args:
        locks: what is removed if it is still there; None removes all, as `snakemake --unlock` does.
    """
    if locks is None:
        shutil.rmtree(folder / LOCKS, ignore_errors=True)
        return
    for name, _ in locks_of(folder).items() & locks.items():
        (folder / LOCKS / name).unlink(missing_ok=True)
    with suppress(OSError):  # there is none, or another lock is in it
        (folder / LOCKS).rmdir()


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
