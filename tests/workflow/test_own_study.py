"""The page on a study of one's own, followed word by word."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT

from infoplane import load_dataset

PAGE = (ROOT / "docs" / "own-study.md").read_text()


def block(language: str) -> str:
    """The page's only block in that language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return text


@pytest.mark.slow
def test_the_page_works_as_it_stands(fresh):
    subprocess.run([sys.executable, "-c", block("python")], cwd=fresh.folder, check=True)
    (fresh.folder / "bars.yaml").write_text(block("yaml"))
    *_, command = block("sh").splitlines()
    assert command == "snakemake --cores 2 --configfile bars.yaml"
    run = fresh.snakemake(config="bars.yaml")
    assert run.returncode == 0, run.stdout + run.stderr

    config = yaml.safe_load(block("yaml"))
    results = fresh.folder / "results" / "bars"
    dataset = load_dataset(results / "datasets" / "bars.npz")
    assert (dataset.inputs.shape, dataset.classes) == ((1024, 8, 8), 3)
    for figure in config["figures"]:
        for form in ("pdf", "png"):
            assert (results / "figures" / f"{figure}.{form}").stat().st_size > 10_000
    fits = pd.read_csv(results / "statistics" / "bars" / "fits.csv").set_index("experiment")
    assert set(fits.index) == set(config["experiments"])
    assert (fits["train_accuracy"] > 0.5).all(), "a network learns to tell the bars apart"
    for experiment in config["experiments"]:
        (table,) = map(pd.read_parquet, Path(results / "information" / experiment / "exact").iterdir())
        assert table["layer"].max() == 4
        wide = table.pivot(index=["repetition", "epoch"], columns="layer", values=["h_t", "i_ty"])
        for quantity in ("h_t", "i_ty"):
            assert (wide[quantity].diff(axis=1).iloc[:, 1:] <= 1e-12).all(axis=None)
