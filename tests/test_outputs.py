"""What commands do not write over, do not pack, and do not draw again."""

import pytest
import yaml
from answers import in_process, is_one_line_that_names

from infoplane.cli import main
from infoplane.errors import UserError
from infoplane.export import refuse_other_folders
from infoplane.pages.bundle import write_bundle

CONFIG = """
defaults: {dataset: synthetic, network: [3], activation: relu, bits: 4, epochs: 3, record_every: 1,
           repetitions: 2, chunk: 2}
experiments: {relu: {}, tanh: {activation: tanh}}
estimators: {exact: {kind: exact}}
figure_defaults: {category: A, experiments: [relu, tanh], estimators: [exact]}
figures: {plane: {kind: plane}, pair: {kind: explorer}, moving: {kind: film}}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(CONFIG) | {"results": str(tmp_path / "results")}))
    return path


def test_an_export_does_not_write_over_files_of_others(config, tmp_path):
    other = tmp_path / "mine"
    other.mkdir()
    (other / "config.yaml").write_text("mine: 1")
    answer = in_process("export", str(config), str(other))
    words = f"{other}: holds files that are no export; name a new folder"
    assert is_one_line_that_names(answer.errors, words)
    assert (other / "config.yaml").read_text() == "mine: 1" and len([*other.iterdir()]) == 1


def test_an_export_is_written_to_a_new_folder_an_empty_one_or_an_earlier_export(tmp_path):
    folder, results = tmp_path / "export", tmp_path / "results"
    refuse_other_folders(folder, results)
    folder.mkdir()
    refuse_other_folders(folder, results)
    (folder / "config.yaml").touch()
    with pytest.raises(UserError, match="holds files that are no export"):
        refuse_other_folders(folder, results)
    (folder / "provenance.json").touch()
    refuse_other_folders(folder, results)


def test_an_export_says_where_it_may_be_written(capsys):
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    assert "a new or empty folder, or an earlier export" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_what_is_no_export_is_not_redrawn(name, tmp_path):
    answer = in_process("redraw", str(tmp_path / name))
    remedy = "is no exported study; give a folder that `infoplane export` has written"
    assert is_one_line_that_names(answer.errors, f"{tmp_path / name}: {remedy}")


@pytest.mark.parametrize("name", ["pair", "moving"])
def test_what_moves_is_not_redrawn(config, name):
    config.rename(config.with_name("config.yaml"))
    kind = {"pair": "explorer", "moving": "film"}[name]
    answer = in_process("redraw", str(config.parent), name)
    words = f"{name}: is of kind {kind}, and explorers and films are not redrawn; remove it"
    assert is_one_line_that_names(answer.errors, words)
    errors = in_process("redraw", str(config.parent), "x").errors
    assert "x: no figure of this study; name one of plane" in errors


def test_empty_files_are_neither_packed_nor_exported(tmp_path):
    from infoplane.export import copy

    (tmp_path / "index.html").write_text('<img src="plane.png"><a href="claims.csv">')
    (tmp_path / "claims.csv").write_text("claim")
    (tmp_path / "plane.png").touch()
    line = f"{tmp_path / 'plane.png'}: is empty; remove it and run the workflow again"
    with pytest.raises(UserError) as error:
        write_bundle(tmp_path / "index.html", tmp_path / "a.zip")
    assert str(error.value) == line and not (tmp_path / "a.zip").exists()
    with pytest.raises(UserError) as error:
        copy(tmp_path / "plane.png", tmp_path / "other.png")
    assert str(error.value) == line


def test_a_bundle_is_a_zip(tmp_path):
    (tmp_path / "index.html").write_text("<p>")
    with pytest.raises(UserError, match=r"b.txt: a bundle is written as .zip; rename the output"):
        write_bundle(tmp_path / "index.html", tmp_path / "b.txt")
    write_bundle(tmp_path / "index.html", tmp_path / "B.ZIP")
