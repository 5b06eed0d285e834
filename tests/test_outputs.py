"""What commands do not write over, do not pack, and do not draw again."""

import pytest
import yaml
from answers import in_process, is_one_line_that_names

from infoplane.cli import main
from infoplane.errors import UserError
from infoplane.export import copy, refuse_other_folders

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


def test_empty_files_are_neither_packed_nor_exported(config, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / "index.html").write_text('<img src="plane.png"><a href="claims.csv">')
    (results / "claims.csv").write_text("claim")
    (results / "plane.png").touch()
    line = f"{results / 'plane.png'}: is empty; remove it and run the workflow again"
    answer = in_process("bundle", str(config), "--output", str(tmp_path / "a.zip"))
    assert is_one_line_that_names(answer.errors, line) and not (tmp_path / "a.zip").exists()
    with pytest.raises(UserError) as error:
        copy(results / "plane.png", tmp_path / "other.png")
    assert str(error.value) == line
    (results / "index.html").write_text("")
    answer = in_process("bundle", str(config), "--output", str(tmp_path / "a.zip"))
    assert is_one_line_that_names(answer.errors, "index.html: is empty; remove it")


def test_a_bundle_is_a_zip(config, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "index.html").write_text("<p>")
    answer = in_process("bundle", str(config), "--output", str(tmp_path / "b.txt"))
    assert is_one_line_that_names(answer.errors, "b.txt: a bundle is written as .zip; rename the output")
    assert not (tmp_path / "b.txt").exists()
    assert in_process("bundle", str(config), "--output", str(tmp_path / "B.ZIP")).status == 0
