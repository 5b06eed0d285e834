"""Recognition of files by their first bytes, and by the description that an artifact carries."""

import json
import lzma
import tokenize
import zipfile
import zlib
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

__all__ = [
    "CHECKPOINT",
    "DAMAGE",
    "KEY",
    "UNKNOWN",
    "Recognised",
    "describe_in_words",
    "description_of",
    "recognise",
]

KEY = "infoplane"
UNKNOWN = "of an unknown format, or cut off"
# What reading a damaged file, or another file in its place, may raise
DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    pa.ArrowException,
    SafetensorError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
NOUNS = {
    "dataset": "a data set",
    "trajectory": "a trajectory",
    "history": "a history of training",
    "figure": "a figure",
    "table": "a table of a study",
}
# Arrays that are named in a message
NAMED = 5
CHECKPOINT = "a PyTorch checkpoint"
FOREIGN = {
    b"\x93NUMPY": "a bare NumPy array (npy)",
    b"\x89HDF": "an HDF5 file",
    # the magic number of torch.save before PyTorch 1.6
    b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19": CHECKPOINT,
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x1f\x8b": "a gzipped file",
    b"\x89PNG": "a PNG image",
    b"%PDF": "a PDF document",
}


class Recognised(NamedTuple):
    """What is known of a file.

    Attributes:
        words: noun for messages, such as "a PNG image"; empty if the file is cut off or of an unknown format.
        description: that of an artifact of this package; empty for other files.
    """

    words: str
    description: dict[str, Any]


def describe_in_words(kind: str) -> str:
    """Noun with article for an artifact of a kind.

    >>> describe_in_words("trajectory"), describe_in_words("phases")
    ('a trajectory', 'a table of phases')
    """
    return NOUNS.get(kind, f"a table of {kind}")


def recognise(path: Path) -> Recognised:
    """Recognise a file by its first bytes and its description, without reading its contents.

    Raises:
        OSError: it cannot be opened.
    """
    path = Path(path)
    if path.is_dir():
        return Recognised("a folder", {})
    with open(path, "rb") as file:
        start = file.read(1024)
    if not start:
        return Recognised("an empty file", {})
    if is_checkpoint(path):
        return Recognised(CHECKPOINT, {})
    for name, begins, read in FORMATS:
        if begins(start):
            with suppress(*DAMAGE):
                text, contents = read(path)
                if text is None:
                    return Recognised(f"{name}{contents} that infoplane has not written", {})
                description = json.loads(text)
                return Recognised(describe_in_words(description["kind"]), description)
            return Recognised("", {})
    for magic, words in FOREIGN.items():
        if start.startswith(magic):
            return Recognised(words, {})
    return Recognised("a text file" if is_text(start) else "", {})


def is_checkpoint(path: Path) -> bool:
    """Whether a file is an archive that `torch.save` has written."""
    with suppress(*DAMAGE), zipfile.ZipFile(path) as archive:
        return any(name.endswith("/data.pkl") for name in archive.namelist())
    return False


def is_text(start: bytes) -> bool:
    """Whether the first bytes of a file are printable UTF-8, of which the last character may be cut off.

    Fewer than eight characters are not: they may be the beginning of anything.
    """
    with suppress(UnicodeDecodeError):
        text = getincrementaldecoder("utf-8")().decode(start)
        return len(text) >= 8 and all(letter.isprintable() or letter.isspace() for letter in text)
    return False


def description_of(path: Path) -> dict[str, Any]:
    """The description in an artifact, without reading its contents; empty for other and unreadable files."""
    with suppress(OSError):
        return recognise(path).description
    return {}


def read_npz(path: Path) -> tuple[str | None, str]:
    with np.load(path, allow_pickle=False) as file:
        if "description" in file.files:
            text = str(file["description"])
            with suppress(ValueError):
                if "kind" in json.loads(text):
                    return text, ""
        names = sorted(file.files)
        return None, f" of {', '.join(names[:NAMED]) or 'nothing'}{', …' * (len(names) > NAMED)}"


def read_parquet(path: Path) -> tuple[str | None, str]:
    text = (pq.read_schema(path).metadata or {}).get(KEY.encode())
    return text and text.decode(), ""


def read_safetensors(path: Path) -> tuple[str | None, str]:
    with safe_open(path, framework="numpy") as file:
        return (file.metadata() or {}).get(KEY), ""


FORMATS: list[tuple[str, Callable[[bytes], bool], Callable[[Path], tuple[str | None, str]]]] = [
    ("an npz archive", lambda start: start.startswith(b"PK"), read_npz),
    ("a parquet table", lambda start: start.startswith(b"PAR1"), read_parquet),
    ("a safetensors file", lambda start: start[8:9] == b"{", read_safetensors),
]
