"""Where machine code is kept, when it is not trusted, and that other processors find the same bytes."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from digests import digests

import infoplane
from infoplane.compilation import cache_folder, sources_digest

TESTS = Path(__file__).parent
PACKAGE = Path(infoplane.__file__).parent
ORDER = "[4, 2, 1, 0, 3]"
# Calls two kernels, and prints an order that one of them makes, and the folder of their code.
PRINT_ORDER = """
from infoplane.compilation import cache_folder
from infoplane.random import Streams
Streams(0, 1).uniforms(3)
print(Streams(0, 1).order("main", 0, 5).tolist(), cache_folder(), sep="\\n")
"""


def run(code: str, environment: dict[str, str | None], *before: str) -> list[str]:
    """The lines that a process of its own prints; variables that are None are not there."""
    changed = {**os.environ, "NUMBA_CACHE_DIR": None, "XDG_CACHE_HOME": None, **environment}
    own = {name: str(value) for name, value in changed.items() if value is not None}
    command = [*before, sys.executable, "-c", code]
    done = subprocess.run(command, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout.splitlines()


def printed_order(environment: dict[str, str | None], *before: str) -> Path | None:
    """The folder in which a process keeps its code, when it has found the right order."""
    order, folder = run(PRINT_ORDER, environment, *before)
    assert order == ORDER
    return None if folder == "None" else Path(folder)


def files_in(folder: Path) -> dict[str, int]:
    """Files by name, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


@pytest.fixture
def no_folder(tmp_path) -> str:
    """The path of a folder that nobody can make, because a file is in its way."""
    (tmp_path / "a file").touch()
    return str(tmp_path / "a file" / "cache")


def test_code_is_kept_and_read_again(tmp_path):
    folder = printed_order({"NUMBA_CACHE_DIR": str(tmp_path)})
    assert folder == tmp_path / "infoplane" / sources_digest()[:16]
    written = files_in(folder)
    assert {Path(name).suffix for name in written} == {".nbi", ".nbc"}
    assert printed_order({"NUMBA_CACHE_DIR": str(tmp_path)}) == folder
    assert files_in(folder) == written


def test_the_first_folder_is_taken_that_can_be_written(tmp_path, no_folder, monkeypatch):
    named, caches, home, temporary = (tmp_path / name for name in ("named", "caches", "home", "temporary"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(temporary))
    folders = {"NUMBA_CACHE_DIR": named, "XDG_CACHE_HOME": caches, "HOME": home}
    for name, path in folders.items():
        monkeypatch.setenv(name, str(path))
    for name, expected in zip(folders, (named, caches, home / ".cache"), strict=True):
        assert cache_folder.__wrapped__() == expected / "infoplane" / sources_digest()[:16]
        monkeypatch.setenv(name, no_folder)
    assert cache_folder.__wrapped__().parents[1] == temporary / f"cache-{os.getuid()}"


def test_where_nothing_can_be_written_kernels_run_all_the_same(no_folder):
    """Neither where it is asked for nor among temporary files, for which Python may find no folder."""
    nowhere = dict.fromkeys(["NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"], no_folder)
    in_no_folder = f"import tempfile\ntempfile.tempdir = {no_folder!r}\n"
    without_one = (
        "import os, tempfile\ntempfile._get_default_tempdir = lambda: os.listdir('/no such folder')\n"
    )
    for before in (in_no_folder, without_one):
        assert run(before + PRINT_ORDER, nowhere) == [ORDER, "None"]


# So somebody else may read what only root may, such as the Python of its home.
AS_SOMEBODY_ELSE = ["setpriv", "--reuid=54321", "--clear-groups", "--inh-caps=+dac_read_search"]
AS_SOMEBODY_ELSE += ["--ambient-caps=+dac_read_search"]


@pytest.mark.skipif(
    os.getuid() != 0 or not shutil.which("setpriv"), reason="only root becomes somebody else, by setpriv"
)
def test_a_user_without_a_name_and_a_home_has_a_folder(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    of_root = tmp_path / "of root"
    of_root.mkdir()
    environment = {"NUMBA_CACHE_DIR": str(of_root), "HOME": None, "TMPDIR": str(shared)}
    folder = printed_order(environment, *AS_SOMEBODY_ELSE)
    assert folder.parents[1] == shared / "cache-54321"
    # The code of somebody else is not run: there is no other folder for this user.
    (shared / f"cache-{os.getuid()}").symlink_to(folder.parents[1])
    assert printed_order({"HOME": "/dev/null", "TMPDIR": str(shared)}) is None


DAMAGE = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "garbage": lambda path: path.write_bytes(b"\x80garbage" * 99),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"], ids=["index", "code"])
@pytest.mark.parametrize("damages", [("cut off", "garbage"), ("empty", "missing")], ids="-".join)
def test_damaged_files_are_not_trusted(tmp_path, suffix, damages):
    """Those of two kernels; they are written anew, so that the next process compiles nothing."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    folder = printed_order(environment)
    whole = files_in(folder)
    damaged = [folder / name for name in sorted(whole) if name.endswith(suffix)]
    for path, damage in zip(damaged, damages, strict=True):
        DAMAGE[damage](path)
    assert printed_order(environment) == folder
    written = files_in(folder)
    assert written.keys() == whole.keys()
    assert printed_order(environment) == folder
    assert files_in(folder) == written


FIND_BINS = """
import numpy as np
from infoplane.kernels.binning import number_bins
from infoplane.compilation import cache_folder
codes = np.empty((1, 8), np.uint16)
number_bins(np.arange(8.0)[None], np.zeros(1), np.full(1, 4.0), 4, codes)
print(codes.tolist(), cache_folder(), sep="\\n")
"""


@pytest.mark.parametrize("name", ["plain", 'it\'s "naïve", 100 % {文件} $HOME;'])
def test_a_kernel_whose_parts_have_changed_is_compiled_anew(tmp_path, name):
    """Its own file has not; and folders may have any names."""
    package, cache = tmp_path / name / "infoplane", tmp_path / f"{name} cache"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(package.parent)}
    bins, folder = run(FIND_BINS, environment)
    assert (bins, Path(folder)) == ("[[0, 1, 2, 3, 3, 3, 3, 3]]", cache / "infoplane" / sources_digest()[:16])
    vectors = package / "kernels" / "vectors.py"
    before, after = vectors.read_text().split("def smaller(")
    vectors.write_text(before + "def smaller(" + after.replace('"<"', '">"', 1))
    bins, other = run(FIND_BINS, environment)
    assert bins == "[[3, 3, 3, 3, 4, 5, 6, 7]]"
    assert other != folder and Path(other).parent == cache / "infoplane"


@pytest.fixture(scope="module")
def own_digests() -> dict:
    return digests()


def instructions_of(processor: str) -> set[str]:
    return {"haswell": {"avx2", "fma"}, "sandybridge": {"avx"}}[processor]


def can_run(processor: str) -> bool:
    """Whether this processor has the instructions of another one."""
    if platform.machine() != "x86_64" or not Path("/proc/cpuinfo").exists():
        return False
    own = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
    return instructions_of(processor) <= set(own.split())


@pytest.mark.parametrize("processor", ["haswell", pytest.param("sandybridge", marks=pytest.mark.slow)])
def test_other_processors_find_the_same_bytes(request, own_digests, processor):
    """Without AVX-512, and without instructions that multiply and add at once; their code is kept apart."""
    if not can_run(processor):
        pytest.skip(f"this processor does not have the instructions of {processor}")
    own = {
        "NUMBA_CPU_NAME": processor,
        "NUMBA_CPU_FEATURES": "",
        "NUMBA_CACHE_DIR": str(request.config.cache.mkdir(processor)),
    }
    command = [sys.executable, str(TESTS / "digests.py")]
    done = subprocess.run(command, env=os.environ | own, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["instructions"] == {"avx512": False, "fma": processor == "haswell"}
    assert found["digests"] == own_digests


SAVE_LATE = """
import sys, time
import numpy as np
from numba.core.caching import IndexDataCacheFile
dtype, before, after = sys.argv[1], *map(float, sys.argv[2:])
save = IndexDataCacheFile._save_index

def save_late(self, overloads):
    time.sleep(before)
    save(self, overloads)
    time.sleep(after)

IndexDataCacheFile._save_index = save_late
from infoplane.kernels.binning import number_bins
codes = np.empty((1, 8), np.uint16)
number_bins(np.arange(8)[None].astype(dtype), np.zeros(1), np.ones(1), 4, codes)
"""


def test_two_processes_that_save_at_once_keep_their_code_apart(tmp_path):
    """One compiles for float32, the other for float64, and their files are written by turns."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    script = [sys.executable, "-c", SAVE_LATE]
    by_turns = [("float32", "1.5", "0"), ("float64", "0.5", "2.5")]
    both = [subprocess.Popen([*script, *given], env=environment) for given in by_turns]
    assert [process.wait() for process in both] == [0, 0]
    for dtype in ("float32", "float64"):
        later = subprocess.run([*script, dtype, "0", "0"], env=environment, capture_output=True, text=True)
        assert later.returncode == 0, later.stderr
