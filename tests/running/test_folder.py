"""One run has a folder; what a killed one has left is known from what another is at."""

import os
import subprocess
import sys

import pytest

from infoplane.errors import UserError
from infoplane.running.folder import CLAIM, LOCKS, FolderClaim, claimed, is_locked, unlock


def lock(folder, name="0.input.lock", time=None):
    """The lock of a Snakemake, written at some time (ns)."""
    (folder / LOCKS).mkdir(parents=True, exist_ok=True)
    (folder / LOCKS / name).touch()
    if time is not None:
        os.utime(folder / LOCKS / name, ns=(time, time))


def names_of(folder):
    return sorted(path.name for path in (folder / LOCKS).glob("*"))


def killed(folder):
    """A run that was killed when it had the lock, of second 1."""
    claim = FolderClaim(folder)
    lock(folder, time=10**9)
    claim.note()
    os.close(claim.descriptor)  # as the end of its process does


def test_a_second_run_is_refused(tmp_path):
    with (
        claimed(tmp_path),
        pytest.raises(UserError, match="another `infoplane run` is running here"),
        claimed(tmp_path),
    ):
        pass
    with claimed(tmp_path) as claim:
        assert not claim.inherited
    assert not (tmp_path / CLAIM).exists()


def test_the_lock_of_a_killed_run_is_known_for_that(tmp_path):
    killed(tmp_path)
    with claimed(tmp_path) as next_one:
        unlock(tmp_path, next_one.inherited)
        assert not is_locked(tmp_path) and not (tmp_path / LOCKS).exists()


def test_the_lock_of_a_snakemake_by_itself_is_not(tmp_path):
    lock(tmp_path)
    with claimed(tmp_path) as claim:
        unlock(tmp_path, claim.inherited)
        lock(tmp_path, "1.input.lock")
        unlock(tmp_path, claim.own())
    assert names_of(tmp_path) == ["0.input.lock"]


@pytest.mark.parametrize("others", [{"0.input.lock": 2}, {"0.input.lock": 1, "1.input.lock": 2}])
def test_a_claim_that_was_left_gives_no_right_to_later_locks(tmp_path, others):
    """Of a Snakemake by itself, after the lock of the killed run was removed, or beside it."""
    killed(tmp_path)
    for name, second in others.items():
        lock(tmp_path, name, second * 10**9)
    with claimed(tmp_path) as claim:
        unlock(tmp_path, claim.inherited)
    assert names_of(tmp_path) == [name for name, second in others.items() if second == 2]


@pytest.mark.parametrize("content", ["", "{", "[1]", "3"])
def test_a_claim_that_names_no_locks_gives_no_right_to_any(tmp_path, content):
    """As of a run that was killed before it had one."""
    lock(tmp_path)
    (tmp_path / CLAIM).write_text(content)
    with claimed(tmp_path) as claim:
        assert claim.inherited == {}


def test_a_child_that_goes_on_alone_has_the_folder(tmp_path):
    """Where the run is killed and its Snakemake is not."""
    claim = FolderClaim(tmp_path)
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[claim.descriptor], text=True
    )
    os.close(claim.descriptor)
    with pytest.raises(UserError, match="another"):
        FolderClaim(tmp_path)
    child.communicate("\n")
    with claimed(tmp_path):
        pass


def test_without_a_folder_of_locks_nothing_is_unlocked(tmp_path):
    unlock(tmp_path)
    assert not is_locked(tmp_path)
