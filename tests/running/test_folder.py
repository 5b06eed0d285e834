"""One run has a folder; what a killed one has left is known from what another is at."""

import os
import subprocess
import sys

import pytest

from infoplane.errors import UserError
from infoplane.running.folder import CLAIM, LOCKS, FolderClaim, claimed, is_locked, unlock


def lock(folder):
    """The lock of a Snakemake."""
    (folder / LOCKS).mkdir(parents=True)
    (folder / LOCKS / "0.input.lock").touch()


def test_a_second_run_is_refused(tmp_path):
    with (
        claimed(tmp_path),
        pytest.raises(UserError, match="another `infoplane run` is at work here"),
        claimed(tmp_path),
    ):
        pass
    with claimed(tmp_path) as claim:
        assert not claim.is_inherited
    assert not (tmp_path / CLAIM).exists()


def test_the_lock_of_a_killed_run_is_known_for_that(tmp_path):
    lock(tmp_path)
    claim = FolderClaim(tmp_path)
    os.close(claim.descriptor)  # as the end of its process does
    with claimed(tmp_path) as next_one:
        assert next_one.is_inherited
        unlock(tmp_path)
        assert not is_locked(tmp_path)


def test_the_lock_of_a_snakemake_by_itself_is_not(tmp_path):
    lock(tmp_path)
    with claimed(tmp_path) as claim:
        assert not claim.is_inherited
    assert is_locked(tmp_path)


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
