"""A new study: a config, data for an example, and a page that explains them."""

import runpy
import shutil
from pathlib import Path

from infoplane.errors import UserError

__all__ = ["start_study"]

FILES = Path(__file__).with_name("files")


def start_study(folder: Path) -> list[Path]:
    """Write a small study into a folder, which is made if need be.

    Returns:
        The files that were written.

    Raises:
        UserError: one of them is there already; nothing is written then.
    """
    sources = [path for path in sorted(FILES.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    copies = [folder / source.relative_to(FILES) for source in sources]
    data = folder / "data" / "bars.npz"
    for path in (*copies, data):
        if path.exists():
            raise UserError(f"{path}: is there already; name a folder that has none, or move it away")
    for source, copy in zip(sources, copies, strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    runpy.run_path(str(folder / "data" / "make_bars.py"), run_name="__main__")
    return [*copies, data]
