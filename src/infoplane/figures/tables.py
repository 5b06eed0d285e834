"""Tables that figures are drawn from, read from their files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from infoplane.artifacts import read_csv, read_table, refuse_mismatch
from infoplane.config import FigureSpec
from infoplane.config.kinds import TABLES
from infoplane.digests import digest
from infoplane.errors import UserError
from infoplane.provenance import described_spec
from infoplane.statistics.chunks import read_chunks

__all__ = ["Paths", "Tables", "read_tables", "sources_of"]

# By kind of table, and by experiment, (experiment, estimator) or "study"; in `attrs` tables say what they are
Tables = Mapping[str, Mapping[Any, pd.DataFrame]]
Paths = Mapping[str, Mapping[Any, Sequence[Path]]]


def read_tables(spec: FigureSpec, paths: Paths) -> dict[str, dict[Any, pd.DataFrame]]:
    """Read all that a figure is drawn from.

    Raises:
        UserError: a table is missing, damaged, or of other runs than another one.
    """
    tables: dict[str, dict[Any, pd.DataFrame]] = {}
    for kind in spec.reads:
        tables[kind] = {}
        for name in spec.names(kind):
            files = paths.get(kind, {}).get(name)
            if not files:
                raise UserError(f"{name}: in the figure's spec, but its {kind} is not given; give --{kind}")
            tables[kind][name] = read(files, kind)
    first, *others = spec.reads
    for kind in others:
        for name, table in tables[kind].items():
            for same in tables[first]:
                if same == name or (isinstance(same, tuple) and same[0] == name):
                    refuse_other_runs(Path(paths[kind][name][0]), table.attrs, tables[first][same].attrs)
    return tables


def read(paths: Sequence[Path], kind: str) -> pd.DataFrame:
    """One table, or all its chunks."""
    if TABLES[kind].of == "study":
        table = read_csv(paths[0])
        table.attrs = {"spec_hash": digest(table.to_dict("list"))}
    elif TABLES[kind].chunked:
        table, known = read_chunks(paths, kind)
        table.attrs.update(known, spec_hash=digest(known["spec"]))
    else:
        table, known = read_table(paths[0], kind)
        table.attrs.update(known)
    return table


def refuse_other_runs(path: Path, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> None:
    own, others = (described_spec(dict(each)) for each in (found, expected))
    others = {key: others[key] for key in own}
    refuse_mismatch(path, "the spec of the runs", own, others)
    # An estimator may count a subset of the inputs
    data, others = ({key: each["dataset"][key] for key in ("name", "digest")} for each in (found, expected))
    refuse_mismatch(path, "the dataset of the runs", data, others)
    refuse_mismatch(path, "the repetitions of the runs", found["repetitions"], expected["repetitions"])


def sources_of(spec: FigureSpec, tables: Tables) -> list[str]:
    """Hashes of the specs of the tables of the first kind."""
    return [str(table.attrs["spec_hash"]) for table in tables[spec.reads[0]].values()]
