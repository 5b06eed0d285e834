"""A user without a home folder, who may read the source and write to nothing but a folder of their own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

SCRIPT = """
import os, sys
import infoplane
import numpy as np

assert infoplane.__file__.startswith(sys.argv[1]), infoplane.__file__
for folder in (sys.argv[1], os.path.expanduser("~")):
    try:
        open(os.path.join(folder, "probe"), "w").close()
    except OSError:
        continue
    sys.exit(f"{folder} can be written to")
spec = infoplane.TrainingSpec(
    dataset="synthetic", network=[4, 2], activation="relu", bits=8, epochs=2, record_every=1
)
trajectory, history = infoplane.train(spec, 1)
information = infoplane.estimate("exact", trajectory, infoplane.load_dataset("synthetic"))
assert np.isfinite(information["i_xt"]).all() and len(information) == 3 * 3
infoplane.plot_plane(information).figure.savefig("plane.png")
"""
NOBODY = 65534


def source_of_others(folder: Path) -> Path:
    """The source, which its user may read and not write to."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for path in [folder / "src", *(folder / "src").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder / "src"


def as_nobody(folder: Path) -> list[str]:
    """What runs a command as a user who owns nothing but a folder; nothing if this user is no root."""
    if os.geteuid():
        return []
    if not shutil.which("setpriv"):
        pytest.skip("permissions do not bind root, and there is no setpriv to be another user by")
    os.chown(folder, NOBODY, NOBODY)
    for parent in folder.parents:  # pytest lets nobody else in
        if os.stat(parent).st_uid == 0 and parent.is_relative_to(Path(os.environ.get("TMPDIR", "/tmp"))):
            parent.chmod(parent.stat().st_mode | 0o011)
    prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    if subprocess.run([*prefix, sys.executable, "-c", "import numpy"], capture_output=True).returncode:
        pytest.skip("another user may not run this Python")
    return prefix


@pytest.mark.parametrize("home", [None, "/nonexistent"])
def test_a_user_without_home_trains_measures_and_draws(tmp_path, home):
    source, place = source_of_others(tmp_path), tmp_path / "place"
    place.mkdir()
    (place / "script.py").write_text(SCRIPT)
    environment = {"PATH": os.defpath, "PYTHONPATH": str(source), "MPLBACKEND": "agg"}
    environment |= {"HOME": home} if home else {}
    command = [*as_nobody(place), sys.executable, "-P", "script.py", str(source)]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place / "plane.png").read_bytes().startswith(b"\x89PNG")
    assert not list(source.rglob("__pycache__"))
