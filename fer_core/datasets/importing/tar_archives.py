"""Extracts untrusted .tar archives, also compressed ones, as safely as .zip archives."""

import bz2
import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from fer_core.datasets.importing.archives import (
    MAX_DEPTH,
    MAX_EXTRACTED_BYTES,
    NOT_OF_A_MEMBER,
    leads_out,
)
from fer_core.datasets.importing.seven_zip import is_seven_zip
from fer_core.datasets.layouts.csv_reader import TABLE_SUFFIXES
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.storage import open_regular
from fer_core.text import Tally, counted, is_one_line, shortened
from fer_core.vision import IMAGE_SUFFIXES

_WANTED = IMAGE_SUFFIXES | TABLE_SUFFIXES | {".npy"}
_MAX_RATIO = 200  # extracted ÷ compressed, as in .zip archives
_HARMLESS = 100 * 2**20  # bytes after extraction that are allowed at any ratio
_MAX_MEMBERS = 2_000_000
_MAX_EXTENSION = 2**20  # bytes of a header's extension, which tarfile reads into memory
_BLOCK = 2**20  # bytes
_RECORD = 512  # bytes of a header
_EXTENSIONS = b"xgXLK"  # types of members that extend the header of the next
_OPENERS: dict[bytes, Callable[..., Any]] = {  # by the first bytes of a file
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
_DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def is_archive(path: Path) -> bool:
    """Returns whether a file is a .zip, .tar or .7z archive by its suffix or its first bytes."""
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return True
    return is_tar(path) or is_seven_zip(path)


def is_tar(path: Path) -> bool:
    """Returns whether a file is a .tar archive or compressed by gzip, bzip2 or xz."""
    with open_regular(path) as file:
        start = file.read(_RECORD)
    return start.startswith(tuple(_OPENERS)) or start[257:262] == b"ustar"


def extract_tar(archive: Path, target: Path, report: Report) -> list[str]:
    """Extracts the images and tables of a .tar into `target`; returns notes on skipped files.

    Raises:
        FerError: it is damaged, too large, or has a member that would be written outside
            `target`. Some files may have been extracted then.
    """
    plain = target / ".archive.tar"
    try:
        _decompress(archive, plain, report)
        if not _is_plain_tar(plain):
            return _extract_single(archive, plain, target)
        _check_headers(plain)
        with tarfile.open(plain, "r:") as file:
            return _extract_members(file, target, report)
    except FerError:
        raise
    except _DAMAGE as error:
        raise FerError(
            f"The archive must be a complete .tar file. Received: {shortened(str(error))}"
        ) from error
    finally:
        plain.unlink(missing_ok=True)


def _decompress(archive: Path, plain: Path, report: Report) -> None:
    size = archive.stat().st_size
    available = min(MAX_EXTRACTED_BYTES, shutil.disk_usage(plain.parent).free // 2)
    limit = min(available, max(_HARMLESS, _MAX_RATIO * size))
    with open_regular(archive) as packed, plain.open("wb") as out:
        start = packed.read(8)
        packed.seek(0)
        opener = next((each for magic, each in _OPENERS.items() if start.startswith(magic)), None)
        source = opener(packed) if opener else packed
        while block := source.read(_BLOCK):
            out.write(block)
            report(min(packed.tell(), size), size, f"Unpacked {out.tell() / 2**20:,.0f} MB")
            if out.tell() > limit:
                raise FerError(
                    f"The archive must take at most {limit / 2**30:.1f} GB when extracted. "
                    "Received more."
                )


def _is_plain_tar(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(_RECORD)[257:262] == b"ustar"


def _check_headers(path: Path) -> None:
    """Checks that no header is extended by more than tarfile may read into memory."""
    with path.open("rb") as file:
        for _ in range(_MAX_MEMBERS):
            header = file.read(_RECORD)
            if len(header) < _RECORD or not header.strip(b"\0"):
                return
            size = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape").size
            if size < 0 or (header[156:157] in _EXTENSIONS and size > _MAX_EXTENSION):
                raise FerError("The archive has a file with an unusually long name or header.")
            file.seek(-(-size // _RECORD) * _RECORD, 1)
    raise FerError(f"An archive must have at most {_MAX_MEMBERS:,} files.")


def _extract_single(archive: Path, plain: Path, target: Path) -> list[str]:
    """Keeps the only file of a .gz that is no .tar, such as fer2013.csv.gz."""
    name = archive.stem
    if PurePosixPath(name).suffix.lower() not in TABLE_SUFFIXES:
        raise FerError(
            f"{archive.name} must be a .tar archive or a compressed table. It is neither: extract "
            "it, and add what is in it."
        )
    plain.rename(target / name)
    return []


def _extract_members(file: tarfile.TarFile, target: Path, report: Report) -> list[str]:
    others, skipped = 0, Tally()
    for number, member in enumerate(file, 1):
        if member.isdir():
            continue
        if leads_out(member.name):
            raise FerError(
                "The archive must only contain plain files. Received a path outside the archive: "
                f"{shortened(member.name)}"
            )
        path = PurePosixPath(member.name)
        if path.suffix.lower() not in _WANTED or any(p.startswith(".") for p in path.parts):
            others += 1
            continue
        place = target / path
        if not (_is_plain(member) and _extract(file, member, place)):
            skipped.add(member.name)
        if number % 100 == 0:
            report(number, 0, f"Extracted {number:,} files")
    notes = [f"Skipped {counted(others, 'file')} that are not images."] if others else []
    if skipped:
        notes.append(
            f"Skipped {counted(len(skipped), 'file')} of the archive that are links, repeated or "
            f"have names that no file can have: {skipped}"
        )
    return notes


def _is_plain(member: tarfile.TarInfo) -> bool:
    is_usual = is_one_line(member.name) and member.name.count("/") < MAX_DEPTH
    return is_usual and member.isreg() and not member.issparse()


def _extract(file: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> bool:
    """Extracts a member to a new file; returns whether there can be a file of that name."""
    content = file.extractfile(member)
    if content is None:
        return False
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with content, place.open("xb") as out:
            shutil.copyfileobj(content, out, _BLOCK)
    except OSError as error:
        if error.errno in NOT_OF_A_MEMBER:
            raise
        return False
    return True
