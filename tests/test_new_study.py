"""A new study is right as it is written, and nothing is overwritten."""

from pathlib import Path

import pytest

from infoplane import load_dataset
from infoplane.cli import main
from infoplane.config.study import load_config


def test_a_new_study_is_right(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["init", "a b"]) == 0
    *written, after = capsys.readouterr().out.splitlines()
    assert written == [
        "a b/README.md",
        "a b/config/config.yaml",
        "a b/data/make_bars.py",
        "a b/data/bars.npz",
    ]
    assert after == "now: cd 'a b' && infoplane run"
    monkeypatch.chdir(tmp_path / "a b")
    assert main(["check"]) == 0
    dataset = load_dataset("data/bars.npz")
    assert dataset.inputs.shape == (1024, 8, 8) and dataset.classes == 3
    assert load_config(Path("config/config.yaml")).results == "results"


def test_files_of_its_readme_are_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    for name in ("config/config.yaml", "data/bars.npz", "data/make_bars.py"):
        assert f"`{name}`" in (tmp_path / "README.md").read_text() and (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["README.md", "config/config.yaml", "data/bars.npz"])
def test_nothing_is_overwritten(tmp_path, capsys, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"infoplane: {tmp_path / name}: is there already; ")
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]
