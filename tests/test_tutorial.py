"""The notebook of the docs: its code runs from top to bottom, and it was saved with what a page needs."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


def source_of(cell):
    return "".join(cell["source"])


def test_it_was_saved_as_it_ran():
    """From top to bottom, without an error, with figures of 300 kB at most."""
    assert [cell["execution_count"] for cell in CODE] == list(range(1, len(CODE) + 1))
    outputs = [output for cell in CODE for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    pictures = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2
    assert sum(len(base64.b64decode("".join(each))) for each in pictures) <= 300_000
    assert NOTEBOOK.stat().st_size <= 450_000


def test_links_lead_to_pages():

    for cell in CELLS:
        for target in re.findall(r"\]\(([\w/.-]+\.md)\)", source_of(cell)):
            assert (NOTEBOOK.parent / target).is_file(), target


@pytest.mark.slow
def test_its_code_runs_from_top_to_bottom(tmp_path):
    """As a script: cells of a shell by a shell, and the last value of each other cell is let go."""
    lines = ["import subprocess", "import matplotlib", "matplotlib.use('agg')"]
    for cell in CODE:
        source = source_of(cell)
        if source.startswith("%%bash\n"):
            lines.append(f"subprocess.run(['bash', '-ec', {source.removeprefix('%%bash')!r}], check=True)")
        else:
            lines.append(source)
    lines += ["assert len(decided) >= 3, decided", "assert len(study.experiments) == 3"]
    (tmp_path / "tutorial.py").write_text("\n".join(lines))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "tutorial.py"],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        check=True,
        timeout=1500,
    )
    assert (tmp_path / "my-study" / "results" / "index.html").is_file()
