"""Extracts untrusted .zip archives safely."""

import contextlib
import errno
import lzma
import ntpath
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

from fer_core import tasks
from fer_core.datasets.importing.zip_directory import open_archive
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.text import Tally, counted, is_one_line, shortened
from fer_core.vision import IMAGE_SUFFIXES

MAX_EXTRACTED_BYTES = 100 * 2**30  # after extraction
MAX_RATIO = 200  # extracted ÷ compressed; images reach 2, fer2013.csv 4, zip bombs over 1,000
HARMLESS = 100 * 2**20  # bytes after extraction that are allowed at any ratio
_LEAST = 4096  # bytes that the smallest file takes on a disk: a million of them are a bomb too
_TABLES = frozenset({".csv", ".txt"})
_BLOCK = 2**20  # bytes
_ENCRYPTED = 0x2041  # flags: of the content, strongly, of the list of members
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_MAX_EMPTY = 10_000  # images and tables; more were not packed as they should
MAX_DEPTH = 100  # folders
# Errors of the machine rather than of one file in an archive.
NOT_OF_A_MEMBER = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE)
# Exceptions for damaged members; bz2 raises an OSError.
_DAMAGE: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_DAMAGE += (OSError, NotImplementedError, RuntimeError, UnicodeError, OverflowError, struct.error)


def extract_archive(
    archive: Path,
    target: Path,
    report: Report,
    suffixes: Collection[str] = IMAGE_SUFFIXES | _TABLES,
) -> list[str]:
    """Extracts the images and tables of a .zip into `target`; returns notes on skipped files.

    Args:
        suffixes: in lower case, of the files to extract.

    Raises:
        FerError: not an archive, damaged, too large, with a member that would be written outside
            `target`, or none that can be extracted. Some files may have been extracted then.
    """
    skipped = Tally()
    with archive_errors(), archive.open("rb") as file:
        opened = open_archive(file)
        members = opened.members
        for member in members:
            check_member(member)
        wanted = [member for member in members if has_suffix(member, suffixes)]
        check_empty(sum(member.file_size == 0 for member in wanted))
        extractable = [member for member in wanted if not _is_skipped(member, skipped)]
        _check_tree(extractable)
        free = min(shutil.disk_usage(target.parent).free, tasks.room_left())
        check_total(extractable, archive.stat().st_size, min(MAX_EXTRACTED_BYTES, free))
        for number, member in enumerate(extractable, 1):
            _extract_or_skip(opened.file, member, target, skipped)
            if number % 100 == 0:
                report(number, len(extractable), f"Extracted {number:,} of {len(wanted):,} files")
    if skipped and len(skipped) == len(wanted):
        raise FerError(f"No file of the archive can be extracted. {skipped.first[0]}")
    others = len(members) - len(wanted)
    notes = [f"Skipped {counted(others, 'file')} that are not images."] if others else []
    if opened.encoding == "gb18030":
        example = next(m.filename for m in members if not m.filename.isascii())
        notes.append(
            "Names in the archive do not tell how they are encoded, and were read as Chinese "
            f"(GB18030), such as {shortened(example)}."
        )
    if opened.misnamed:
        notes.append(
            f"Skipped {counted(opened.misnamed, 'file')} of the archive with a name not in UTF-8."
        )
    if skipped:
        notes.append(f"Skipped {counted(len(skipped), 'file')} of the archive: {skipped}")
    return notes


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
                    f"{shortened(member.filename)} in the archive is larger than its declared "
                    "size: the archive is damaged or malicious."
                )
            yield block


def leads_out(name: str) -> bool:
    """Returns whether a path, with slashes of either kind, may leave its base folder."""
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or bool(ntpath.splitdrive(name)[0])


def is_wanted(name: str, suffixes: Collection[str]) -> bool:
    """Returns whether a member's suffix is one of these, in lower case, and no part is hidden.

    Works on the text alone: `pathlib` takes minutes for the names of a million members.

    Args:
        name: with slashes of either kind.
    """
    parts = parts_of(name)
    suffix = os.path.splitext(parts[-1])[1] if parts else ""  # noqa: PTH122
    if suffix.lower() not in suffixes:
        return False
    return not any(part.startswith(".") or part == "__MACOSX" for part in parts)


def parts_of(name: str) -> list[str]:
    """Returns the folders and the file of a member's name, with slashes of either kind."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def file_at(target: Path, name: str) -> Path:
    """Returns where a member is extracted to; see `leads_out`."""
    return target / name.replace("\\", "/")


def check_member(member: zipfile.ZipInfo) -> None:
    """Checks that a member is a plain file that stays below the target folder.

    Raises:
        FerError: it is a link, or would be written outside the folder.
    """
    name = member.filename
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if leads_out(name) or is_link or "\0" in member.orig_filename:
        kind = "a link" if is_link else "a path outside the archive"
        raise FerError(
            f"The archive must only contain plain files. Received {kind}: {shortened(name)}"
        )


def check_packing(member: zipfile.ZipInfo) -> None:
    """Checks that a member can be extracted to a file of its name.

    Raises:
        FerError: it is encrypted, packed in an unknown way, or its name is odd or too long.
    """
    name = shortened(member.filename)
    if member.flag_bits & _ENCRYPTED:
        raise FerError(f"The archive is encrypted ({name}). Extract it, and add the folder.")
    if member.compress_type not in _METHODS:
        raise FerError(
            "Files in the archive must be stored, or compressed by Deflate, BZIP2 or LZMA. "
            f"Received method {member.compress_type}: {name}"
        )
    if not is_one_line(member.filename) or len(parts_of(member.filename)) > MAX_DEPTH:
        raise FerError(
            f"Names in the archive must be printable and at most {MAX_DEPTH} folders deep. "
            f"Received: {name}"
        )


def has_suffix(member: zipfile.ZipInfo, suffixes: Collection[str]) -> bool:
    """Returns whether a member is not hidden and its suffix, in lower case, is one of these."""
    return is_wanted(member.filename, suffixes)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:  # of the system, not of bz2
        name = f": {shortened(Path(error.filename).name)}" if error.filename else ""
        return f"The archive could not be extracted: {error.strerror}{name}"
    return f"The archive must be a complete .zip file. Received: {shortened(str(error))}"


def _check_tree(members: list[zipfile.ZipInfo]) -> None:
    # Lower case, since file names on macOS and Windows are case-insensitive. In this order a name
    # that is also a folder stands right before what is in the folder.
    names = sorted({"\0".join(parts_of(member.filename.lower())) for member in members})
    for name, other in pairwise(names):
        if other.startswith(f"{name}\0"):
            raise FerError(
                "The archive must not use a name for both a file and a folder. "
                f"Received: {shortened(name.replace(chr(0), '/'))}"
            )


def check_total(members: Sequence[zipfile.ZipInfo], compressed: int, available: int) -> None:
    """Checks the total size of members after extraction; see `check_size`."""
    check_size(sum(size_on_disk(member.file_size) for member in members), compressed, available)


def check_empty(count: int) -> None:
    """Checks how many images and tables of an archive are empty.

    Raises:
        FerError: there are so many that something went wrong when they were packed.
    """
    if count > _MAX_EMPTY:
        raise FerError(
            f"At most {_MAX_EMPTY:,} images and tables of an archive may be empty. This one has "
            "more: pack it again."
        )


def size_on_disk(size: int) -> int:
    """Returns the bytes that a file of that size takes at least."""
    return max(size, _LEAST)


def check_size(total: int, compressed: int, available: int) -> None:
    """Checks the size of an archive after extraction, in bytes.

    Args:
        compressed: size of the archive.
        available: what the extracted files may take.

    Raises:
        FerError: they take more, or so much more than the archive that it must be a zip bomb.
    """
    is_bomb = total > max(HARMLESS, MAX_RATIO * compressed)
    if is_bomb or total > available:
        limit = min(available, MAX_RATIO * compressed)
        raise FerError(
            f"The archive must take at most {max(limit, HARMLESS) / 2**30:.1f} GB when extracted. "
            f"Received: {total / 2**30:.1f} GB"
        )


def _is_skipped(member: zipfile.ZipInfo, skipped: Tally) -> bool:
    try:
        check_packing(member)
    except FerError as error:
        skipped.add(str(error))
        return True
    if member.file_size == 0:
        skipped.add(f"{shortened(member.filename)} is empty.")
    return member.file_size == 0


def _extract_or_skip(
    file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, skipped: Tally
) -> None:
    """Extracts a member, or nothing of it if it is damaged."""
    place = file_at(target, member.filename)
    try:
        with archive_errors():
            _extract(file, member, place)
    except FerError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in NOT_OF_A_MEMBER:
            raise
        skipped.add(str(error))
        with contextlib.suppress(OSError):
            place.unlink()


def _extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, place: Path) -> None:
    with create(place, "wb") as plain:
        for block in read_member(file, member):
            plain.write(block)


def create(place: Path, mode: str) -> IO[bytes]:
    """Opens a new file, with the folders above it, which are mostly there already."""
    try:
        return place.open(mode)
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.open(mode)
