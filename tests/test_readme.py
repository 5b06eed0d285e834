"""What README and the first page of the docs say to type works, and README stays short."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_python_of_a_page_runs_from_top_to_bottom(page, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    code = "import matplotlib; matplotlib.use('agg')\n" + "\n".join(blocks)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert np.ptp(imread(tmp_path / "plane.png")) > 0.5


def test_readme_is_short():
    text = re.sub(r"<!--.*?-->", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    assert len(text.split()) <= 600
