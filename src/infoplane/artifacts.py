"""Artifacts: files that carry a description and digests, are written atomically and verified when read."""

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from infoplane.code import RECORDED, STAGES, TRAINED, made_by
from infoplane.digests import canonical, digest
from infoplane.errors import UserError
from infoplane.recognition import DAMAGE, KEY, UNKNOWN, describe_in_words, recognise

__all__ = [
    "KEY",
    "MOVE_AWAY",
    "array_digest",
    "as_read",
    "describe",
    "known_spec",
    "parse_description",
    "read_csv",
    "read_table",
    "refuse_mismatch",
    "table_digest",
    "unreadable",
    "versions",
    "write_csv",
    "write_table",
    "written_aside",
]

CONTENT = "content"
LIBRARIES = ("infoplane", "matplotlib", "numba", "numpy", "pandas", "pyarrow", "scipy", "torch")
DAMAGED = "truncated or damaged; delete it and run the workflow again"
MOVE_AWAY = "if the workflow made this file, move it away and run the workflow again"


def describe(kind: str, spec: dict[str, Any], **content: Any) -> dict[str, Any]:
    """The description of an artifact: kind, spec and its hash, content, versions, and what made it.

    It was made by a version of the kernels, or by modules that are known by their digest; figures name
    neither. What PyTorch has trained also names the machine, on which the last bits depend.

    Args:
        kind: of the artifact, such as "history".
        spec: parts of the config that it was made from, by name.
        content: further entries, such as the repetitions.
    """
    engine = RECORDED if "recorded" in spec else spec.get("training", {}).get("engine", "kernels")
    of_torch = kind in TRAINED and engine == "torch"
    maker = made_by(kind, engine) if kind in STAGES and kind != "figure" else {}
    return {
        "kind": kind,
        "spec": spec,
        "spec_hash": digest(spec),
        **content,
        "versions": versions(),
        **maker,
        **({"machine": machine()} if of_torch else {}),
    }


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of its libraries."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def machine() -> dict[str, str]:
    """The processor and the set of its instructions that PyTorch uses, on which its last bits depend."""
    import torch  # which stages that compute nothing by it need not wait for

    return {"processor": processor(), "instructions": torch.backends.cpu.get_cpu_capability()}


def processor() -> str:
    """The model of the processor, where Linux names it, else its architecture."""
    with suppress(FileNotFoundError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def parse_description(text: str | bytes | None, path: Path, kind: str) -> dict[str, Any]:
    """Parse the description of an artifact, as `describe` made it.

    Args:
        text: its JSON; None if the file has none.
        kind: the expected kind.

    Raises:
        UserError: the file is of another kind, or its description was changed.
        KeyError, TypeError, ValueError: it is no description.
    """
    if text is None:
        raise other_kind(path, kind)
    description: dict[str, Any] = json.loads(text)
    if description["kind"] != kind:
        raise other_kind(path, kind, describe_in_words(description["kind"]))
    if not isinstance(description["spec"], dict):
        raise ValueError("no spec")
    if description["spec_hash"] != digest(description["spec"]):
        raise UserError(f"{path}: its spec does not match its hash; delete it and run the workflow again")
    return description


def other_kind(path: Path, kind: str, found: str = "") -> UserError:
    """The error of a file that is not what was expected."""
    expected = describe_in_words(kind)
    found = found or recognise(path).words or f"no artifact of kind {kind}"
    return UserError(f"{path}: is {found}, expected {expected}; give the file of {expected} or, {MOVE_AWAY}")


def unreadable(path: Path, kind: str, error: Exception) -> UserError:
    """The error of a file from which an artifact of a kind cannot be read, with the remedy.

    It is called damaged only where it is known to be an artifact of that kind whose contents were lost.
    """
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path}: missing; run the workflow again")
    try:
        words, description = recognise(path)
    except OSError as refused:
        return UserError(f"{path}: cannot be read ({refused.strerror}); unlock it")
    if description.get("kind") == kind:
        return UserError(f"{path}: {DAMAGED}")
    return other_kind(path, kind, words or UNKNOWN)


@contextmanager
def known_spec(path: Path | str, description: Mapping[Any, Any], made: str = "made") -> Iterator[None]:
    """Have a spec that this version does not know be an error that names its file and version.

    Args:
        path: the file, or what stands for it.
        description: that of the file, whose spec is read meanwhile.
        made: how the file came about.
    """
    try:
        yield
    except (KeyError, TypeError, ValidationError) as error:
        version = description.get("versions", {}).get("infoplane", "of another version")
        raise UserError(
            f"{path}: was {made} by infoplane {version} from a spec that this version does not know; read it "
            f"by that version or, {MOVE_AWAY}"
        ) from error


def refuse_mismatch(path: Path, what: str, found: Any, expected: Any, remedy: str = MOVE_AWAY) -> None:
    """Raise a `UserError` if what was found in a file is not what was expected.

    Args:
        what: the noun of the message.
        found, expected: JSON values; the message has only the keys that differ.
        remedy: the last part of the message.
    """
    if found != expected:
        found, expected = differences(found, expected)
        raise UserError(f"{path}: {what} is {canonical(found)}, expected {canonical(expected)}; {remedy}")


def differences(one: Any, other: Any) -> tuple[Any, Any]:
    """Two values without the keys that they agree on.

    >>> differences({"bits": 8, "ranges": {"output": [0, 1]}}, {"bits": 8, "ranges": {"output": [0, 2]}})
    ({'ranges': {'output': [0, 1]}}, {'ranges': {'output': [0, 2]}})
    """
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one, other
    differing = {
        key: differences(one.get(key), other.get(key))
        for key in one | other
        if one.get(key) != other.get(key)
    }
    if not differing:  # a key that is missing, and one that is None
        return one, other
    return {key: pair[0] for key, pair in differing.items()}, {
        key: pair[1] for key, pair in differing.items()
    }


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it on success and removed on failure."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be created ({error.strerror})") from error
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        aside.touch()
        mode = aside.stat().st_mode
        yield aside
        with open(aside, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(aside, mode)  # some libraries replace the file by one that nobody else may read
        os.replace(aside, path)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror or error}); free or unlock the disk and run again"
        ) from error
    finally:
        with suppress(OSError):  # where nothing can be written, nothing can be removed
            aside.unlink()


def write_table(path: Path, frame: pd.DataFrame, description: dict[str, Any], smallest: bool = False) -> None:
    """Write a tidy table as parquet with its description, and a digest of both, in the schema.

    Args:
        smallest: whether the file is to be as small as it can be, at the cost of time. Rows that follow each
            other then have to be alike, as the points of a curve are.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    text = canonical(description | {CONTENT: table_digest(frame, description)})
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: text})
    with written_aside(path) as aside:
        if smallest:
            write_smallest(aside, table)
        else:
            pq.write_table(table, aside, compression="zstd", write_page_checksum=True)


def write_smallest(path: Path, table: pa.Table) -> None:
    """Write a table without what Parquet would keep twice: the metadata, and the types of plain columns."""
    schema = table.schema.remove_metadata()
    numbers = [field.name for field in schema if pa.types.is_floating(field.type)]
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=19,
        use_byte_stream_split=numbers,
        use_dictionary=[name for name in schema.names if name not in numbers],
        write_page_checksum=True,
        write_statistics=False,
        store_schema=False,
    ) as writer:
        writer.write_table(table.replace_schema_metadata(None))
        writer.add_key_value_metadata(dict(table.schema.metadata) | nullable_columns(table))


def nullable_columns(table: pa.Table) -> dict[bytes, str]:
    """Metadata that name to pandas the columns of types with NA, which Parquet does not tell from others."""
    told = table.schema.pandas_metadata
    nullable = [each for each in told["columns"] if is_nullable(each["numpy_type"])]
    return {b"pandas": json.dumps({**told, "columns": nullable}, separators=(",", ":"))}


def is_nullable(dtype: str) -> bool:
    """Whether a type of pandas has a missing value of its own, NA.

    >>> [is_nullable(dtype) for dtype in ("Int32", "boolean", "int32", "float64", "str", "object")]
    [True, True, False, False, False, False]
    """
    return getattr(pd.api.types.pandas_dtype(dtype), "na_value", None) is pd.NA


def read_table(path: Path, kind: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a table and its description.

    Raises:
        UserError: the file is missing, truncated or of another kind.
    """
    path = Path(path)
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        description = parse_description((table.schema.metadata or {}).get(KEY.encode()), path, kind)
        frame = table.to_pandas()
        expected = description.pop(CONTENT, None)  # tables of early versions have none
        if expected is not None and expected != table_digest(frame, description):
            raise ValueError("another digest")
        return frame, description
    except DAMAGE as error:
        raise unreadable(path, kind, error) from error


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, with six significant digits of every number."""
    with written_aside(path) as aside:
        aside.write_text(csv_of(table), encoding="utf-8")


def read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV table with every entry as text.

    Raises:
        UserError: the file is missing, or no table.
    """
    try:
        if recognise(path).words not in ("a text file", ""):  # the shortest tables are of no known format
            raise no_csv(path)
        return parsed(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing; run the workflow again") from error
    except (OSError, ValueError) as error:  # the errors of pandas are ValueErrors
        raise no_csv(path) from error


def no_csv(path: Path) -> UserError:
    """The error of a file that is no CSV table."""
    try:
        found = recognise(path).words
    except OSError as refused:
        return UserError(f"{path}: cannot be read ({refused.strerror}); unlock it")
    return UserError(f"{path}: is {found or UNKNOWN}, expected a CSV table; give one or, {MOVE_AWAY}")


def as_read(table: pd.DataFrame) -> pd.DataFrame:
    """A table as `read_csv` returns it once it has been written by `write_csv`.

    >>> as_read(pd.DataFrame({"effect": [1 / 3, None]}))["effect"].tolist()
    ['0.333333', '']
    """
    return parsed(csv_of(table))


def csv_of(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def parsed(text: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)


def table_digest(frame: pd.DataFrame, description: dict[str, Any]) -> str:
    """SHA-256 (hex) of the content of a table: its description, names of columns, and values."""
    return digest(
        [description, [*frame.columns], array_digest(*(values_of(column) for _, column in frame.items()))]
    )


def values_of(column: pd.Series) -> np.ndarray:
    """The values of a column, with one NaN for all missing ones: a NaN loses its sign in a file."""
    if not pd.api.types.is_numeric_dtype(column):
        return np.array("\0".join(column.fillna("")))
    values = column.to_numpy(float, na_value=np.nan)
    return np.where(np.isnan(values), np.nan, values)


def array_digest(*arrays: np.ndarray) -> str:
    """SHA-256 (hex) over shape, type and bytes of the arrays in C order."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
