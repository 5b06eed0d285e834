"""Histories and trajectories that do not belong together are found."""

import shutil

from infoplane.verify import verify


def test_trajectories_of_other_runs_are_found(runs):
    path, other = (runs / "training" / name / "0-1.safetensors" for name in ("relu", "tanh"))
    whole = path.read_bytes()
    shutil.copy(other, path)
    assert any(line.startswith(f"{path}: its spec is") for line in verify(runs)[0])
    path.write_bytes(whole)
    shutil.copy(path.with_stem("2-2"), path)
    assert any(line.startswith(f"{path}: the list of its repetitions is [2], ") for line in verify(runs)[0])


def test_a_repetition_that_nobody_trained_is_found(runs):
    for path in runs.glob("training/relu/0-1.*"):
        path.unlink()
    assert (
        f"{runs / 'training' / 'relu'}: repetitions [0, 1] are missing; run the workflow again"
        in verify(runs)[0]
    )
