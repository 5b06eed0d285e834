"""The page on one's own networks, followed from top to bottom on a few images."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from infoplane import Dataset
from infoplane.datasets import save_dataset

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "own-networks.md").read_text(), re.M | re.S)


def run(code, folder):
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, env=None)


@pytest.mark.slow
def test_the_page_works_as_it_stands(tmp_path):
    for package in ("brevitas", "lightning"):
        pytest.importorskip(package)
    random = np.random.default_rng(0)
    labels = np.arange(200) % 10
    pixels = random.integers(0, 256, (200, 28, 28)).astype(np.uint8)
    save_dataset(tmp_path / "mnist.npz", Dataset("images", pixels, labels, np.arange(200) < 150, 1 / 255))
    run("import matplotlib; matplotlib.use('agg')\n" + "\n".join(BLOCKS), tmp_path)
    table = pd.read_parquet(tmp_path / "runs" / "float32.parquet")
    assert table["epoch"].max() == 19
    assert table["layer_name"].nunique() == 7
    for figure in ("float32.png", "brevitas.png", "lightning/lightning_logs/version_0/plane-adaptive-8.png"):
        assert np.ptp(imread(tmp_path / figure)) > 0.5


@pytest.mark.parametrize("package", ["torch", "lightning", "matplotlib"])
def test_importing_the_package_loads_no_large_one(tmp_path, package):
    run(f"import sys, infoplane; assert not {package!r} in sys.modules; infoplane.Recorder", tmp_path)
