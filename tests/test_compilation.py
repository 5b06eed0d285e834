"""Compiled functions survive what an interrupted compilation has left behind."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import torch
from infoplane.compilation import compiled

print(compiled(lambda x: torch.tanh(x).sum(0) * 2, True)(torch.zeros(8, 64)).sum().item())
"""


def output(cache: Path) -> str:
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(cache)}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_half_written_libraries_in_the_cache_are_no_error(tmp_path):
    assert output(tmp_path) == "0.0\n"
    libraries = list(tmp_path.rglob("*.so"))
    assert libraries
    for library in libraries:
        library.write_bytes(b"")  # so it was left by a linker that was killed a minute ago
        os.utime(library, (time.time() - 60,) * 2)
    assert output(tmp_path) == "0.0\n"
