"""Extracts untrusted .zip archives safely."""

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from fer_core import tasks
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.text import counted
from fer_core.vision import IMAGE_SUFFIXES

MAX_EXTRACTED_BYTES = 100 * 2**30  # after extraction
_MAX_RATIO = 200  # extracted ÷ compressed; images reach 2, fer2013.csv 4, zip bombs over 1,000
_HARMLESS = 100 * 2**20  # bytes after extraction that are allowed at any ratio
_TABLES = frozenset({".csv", ".txt"})
_BLOCK = 2**20  # bytes
# Exceptions for damaged members; bz2 raises an OSError.
_DAMAGE: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_DAMAGE += (OSError, NotImplementedError, struct.error)


def extract_archive(archive: Path, target: Path, report: Report) -> list[str]:
    """Extracts the images and tables of a .zip into `target`; returns notes on skipped files.

    Raises:
        FerError: not an archive, damaged, encrypted, too large, or with a member that would be
            written outside `target`. Some files may have been extracted then.
    """
    with archive_errors(), zipfile.ZipFile(archive) as file:
        members = [member for member in file.infolist() if not member.is_dir()]
        for member in members:
            check_member(member)
        wanted = [member for member in members if has_suffix(member, IMAGE_SUFFIXES | _TABLES)]
        _check_tree(wanted)
        size = archive.stat().st_size
        free = min(shutil.disk_usage(target.parent).free, tasks.room_left())
        check_total(wanted, size, min(MAX_EXTRACTED_BYTES, free))
        for number, member in enumerate(wanted, 1):
            _extract(file, member, target)
            if number % 100 == 0:
                report(number, len(wanted), f"Extracted {number:,} of {len(wanted):,} files")
    skipped = len(members) - len(wanted)
    return [f"Skipped {counted(skipped, 'file')} that are not images."] if skipped else []


@contextmanager
def archive_errors() -> Iterator[None]:
    """Turns any exception of a damaged archive into a FerError that describes it."""
    try:
        yield
    except _DAMAGE as error:
        raise FerError(_message(error)) from error


def read_member(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yields a member's content in blocks, never more than its declared size.

    Use it within `archive_errors`, since damaged members raise many kinds of exceptions.

    Raises:
        FerError: the content is larger than declared.
    """
    left = member.file_size
    with file.open(member) as packed:
        while block := packed.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise FerError(
                    f"{member.filename} in the archive is larger than its declared size: the "
                    "archive is damaged or malicious."
                )
            yield block


def leads_out(name: str) -> bool:
    """Returns whether a path, with slashes of either kind, may leave its base folder."""
    path = _path(name)
    return path.is_absolute() or ".." in path.parts or bool(PureWindowsPath(name).drive)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def check_member(member: zipfile.ZipInfo) -> None:
    """Checks that a member is a plain file that stays below the target folder.

    Raises:
        FerError: it is a link, encrypted, or would be written outside the folder.
    """
    name = member.filename
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if leads_out(name) or is_link or "\0" in member.orig_filename:
        kind = "a link" if is_link else "a path outside the archive"
        raise FerError(f"The archive must only contain plain files. Received {kind}: {name}")
    if member.flag_bits & 1:
        raise FerError(f"The archive must not be encrypted. Encrypted: {name}")


def has_suffix(member: zipfile.ZipInfo, suffixes: Collection[str]) -> bool:
    """Returns whether a member is not hidden and its suffix, in lower case, is one of these."""
    path = _path(member.filename)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and path.suffix.lower() in suffixes


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:  # of the system, not of bz2
        name = f": {Path(error.filename).name}" if error.filename else ""
        return f"The archive could not be extracted: {error.strerror}{name}"
    return f"The archive must be a complete .zip file. Received: {error}"


def _check_tree(members: list[zipfile.ZipInfo]) -> None:
    # Lower case, since file names on macOS and Windows are case-insensitive.
    files = {str(_path(member.filename)).lower() for member in members}
    for member in members:
        for folder in _path(member.filename).parents:
            if str(folder).lower() in files:
                raise FerError(
                    "The archive must not use a name for both a file and a folder. "
                    f"Received: {folder}"
                )


def check_total(members: Sequence[zipfile.ZipInfo], compressed: int, available: int) -> None:
    """Checks the total size of members after extraction.

    Args:
        compressed: bytes of the archive.
        available: bytes that the members may take.

    Raises:
        FerError: they take more, or so much more than the archive that it must be a zip bomb.
    """
    total = sum(member.file_size for member in members)
    is_bomb = total > max(_HARMLESS, _MAX_RATIO * compressed)
    if is_bomb or total > available:
        limit = min(available, _MAX_RATIO * compressed)
        raise FerError(
            f"The archive must take at most {max(limit, _HARMLESS) / 2**30:.1f} GB when extracted. "
            f"Received: {total / 2**30:.1f} GB"
        )


def _extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    place = target / _path(member.filename)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as plain:
        for block in read_member(file, member):
            plain.write(block)
