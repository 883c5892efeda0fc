"""Extracts and reads .zip archives from strangers."""

import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.text import counted
from fer_core.vision import IMAGE_SUFFIXES

MAX_EXTRACTED_BYTES = 100 * 2**30  # bytes, extracted
_LARGEST_RATIO = 200  # extracted to packed; images reach 2, fer2013.csv 4, bombs 1,000 and more
_NEVER_A_BOMB = 100 * 2**20  # bytes
_TABLES = frozenset({".csv", ".txt"})
_BLOCK = 2**20  # bytes
# What unpacking raises on damaged members; bz2 says it with an OSError.
_DAMAGE: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_DAMAGE += (OSError, NotImplementedError, struct.error)


def extract_archive(archive: Path, target: Path, report: Report) -> list[str]:
    """Extracts the images and tables of a .zip below `target`; notes say what was left out.

    Raises:
        FerError: no archive, damaged, encrypted, too large, or with a member that would land
            outside `target`. Nothing is promised of `target` then.
    """
    with damage_in_words(), zipfile.ZipFile(archive) as file:
        members = [member for member in file.infolist() if not member.is_dir()]
        for member in members:
            check_member(member)
        wanted = [member for member in members if holds(member, IMAGE_SUFFIXES | _TABLES)]
        _check_tree(wanted)
        size = archive.stat().st_size
        check_total(wanted, size, min(MAX_EXTRACTED_BYTES, shutil.disk_usage(target.parent).free))
        for number, member in enumerate(wanted, 1):
            _extract(file, member, target)
            if number % 100 == 0:
                report(number, len(wanted), f"Extracted {number:,} of {len(wanted):,} files")
    others = len(members) - len(wanted)
    return [f"Not extracted, no images: {counted(others, 'file')}."] if others else []


@contextmanager
def damage_in_words() -> Iterator[None]:
    """Turns what a damaged archive raises, of whatever kind, into a ValueError that says it."""
    try:
        yield
    except _DAMAGE as error:
        raise FerError(_sentence(error)) from error


def read_member(file: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's content in blocks, never more than it claims to be.

    Raises:
        FerError: there is more of it. What is damaged raises as `damage_in_words` expects.
    """
    left = member.file_size
    with file.open(member) as packed:
        while block := packed.read(_BLOCK):
            left -= len(block)
            if left < 0:
                raise FerError(f"The archive's {member.filename} is larger than it claims.")
            yield block


def leads_out(name: str) -> bool:
    """Whether a path, with slashes of either kind, may lead out of the folder it starts from."""
    path = _path(name)
    return path.is_absolute() or ".." in path.parts or bool(PureWindowsPath(name).drive)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def check_member(member: zipfile.ZipInfo) -> None:
    """Raises ValueError where a member is a link, encrypted, or would land outside of a folder."""
    name = member.filename
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if leads_out(name) or is_link or "\0" in member.orig_filename:
        kind = "a link" if is_link else "a path that leads out of it"
        raise FerError(f"The archive must hold plain files below it. Received {kind}: {name}")
    if member.flag_bits & 1:
        raise FerError(f"The archive must not be encrypted. Received, encrypted: {name}")


def holds(member: zipfile.ZipInfo, suffixes: Collection[str]) -> bool:
    """Whether a member's name ends like one of these, in lower case, and is not hidden."""
    path = _path(member.filename)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and path.suffix.lower() in suffixes


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:  # the system's, not bz2's
        name = f": {Path(error.filename).name}" if error.filename else ""
        return f"The archive could not be extracted. {error.strerror}{name}"
    return f"The archive must be a whole .zip file. Received: {error}"


def _check_tree(members: list[zipfile.ZipInfo]) -> None:
    # macOS and Windows do not tell capitals apart.
    files = {str(_path(member.filename)).lower() for member in members}
    for member in members:
        for folder in _path(member.filename).parents:
            if str(folder).lower() in files:
                raise FerError(
                    "A name in the archive must not be both a file and a folder. "
                    f"Received: {folder}"
                )


def check_total(members: Sequence[zipfile.ZipInfo], packed: int, room: int) -> None:
    """Sees whether members may be unpacked.

    Args:
        packed: bytes of the archive.
        room: bytes that there is room for.

    Raises:
        FerError: they are larger, or so much larger than the archive that it must be a bomb.
    """
    total = sum(member.file_size for member in members)
    bomb = total > max(_NEVER_A_BOMB, _LARGEST_RATIO * packed)
    if bomb or total > room:
        limit = min(room, _LARGEST_RATIO * packed)
        raise FerError(
            f"The archive must hold at most {max(limit, _NEVER_A_BOMB) / 2**30:.1f} GB when it is "
            f"extracted. Received: {total / 2**30:.1f} GB"
        )


def _extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    place = target / _path(member.filename)
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as plain:
        for block in read_member(file, member):
            plain.write(block)
