"""The pictures that a person gives at once: photos, and folders of them as .zip."""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import BinaryIO

from fer_core.datasets.importing import (
    MAX_EXTRACTED_BYTES,
    archive_errors,
    check_member,
    check_total,
    has_suffix,
    read_member,
)
from fer_core.errors import FerError
from fer_core.text import counted
from fer_core.vision import IMAGE_SUFFIXES, MAX_PIXELS

ARCHIVE = ".zip"
MAX_PHOTOS = 5000  # pictures of one archive
LARGEST_PHOTO = 4 * MAX_PIXELS  # bytes: no picture that can be shown needs more


@dataclass(frozen=True)
class Photo:
    """A picture's file, read when it is asked for."""

    name: str
    key: str  # pictures of one key are the same
    read: Callable[[], bytes] = field(compare=False, repr=False)


@dataclass(frozen=True)
class PhotoBatch:
    """What there is to be looked at, and what is to be said of the rest."""

    photos: tuple[Photo, ...]  # their names are distinct
    refused: tuple[str, ...]  # a sentence each
    notes: tuple[str, ...]  # sentences on what is no picture and was not meant as one


def read_uploads(files: Sequence[tuple[str, str, BinaryIO]]) -> PhotoBatch:
    """The pictures in files, archives among them, in their order.

    Nothing is written to the disk: a picture of an archive is unpacked into memory, alone, when it
    is read. What cannot be a picture is refused in a sentence, and the others stay.

    Args:
        files: name, key and content of each; other content must have another key.
    """
    photos: list[Photo] = []
    refused: list[str] = []
    notes: list[str] = []
    for name, key, file in files:
        if not name.lower().endswith(ARCHIVE):
            photos.append(Photo(name, key, partial(_whole, file)))
            continue
        try:
            photos += _photos_in(name, key, file, refused, notes)
        except ValueError as error:
            refused.append(f"{name}: {error}")
    names = distinct([photo.name for photo in photos])
    return PhotoBatch(
        tuple(Photo(name, each.key, each.read) for name, each in zip(names, photos, strict=True)),
        tuple(refused),
        tuple(notes),
    )


def distinct(names: Sequence[str]) -> list[str]:
    """The names in their order, with a number behind those that came before."""
    taken: dict[str, None] = {}
    for name in names:
        numbered = (f"{name} ({number})" for number in count(2))
        taken[name if name not in taken else next(n for n in numbered if n not in taken)] = None
    return list(taken)


def _whole(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _photos_in(
    name: str, key: str, file: BinaryIO, refused: list[str], notes: list[str]
) -> Iterator[Photo]:
    """The pictures of an archive; members that are refused get a sentence.

    Raises:
        FerError: no archive, damaged, a bomb, without a picture or with too many.
    """
    with archive_errors():
        archive = zipfile.ZipFile(file)
    members = [member for member in archive.infolist() if not member.is_dir()]
    plain = [member for member in members if _is_fit(name, member, refused)]
    pictures = [member for member in plain if has_suffix(member, IMAGE_SUFFIXES)]
    check_total(pictures, file.seek(0, 2), MAX_EXTRACTED_BYTES)
    if not 0 < len(pictures) <= MAX_PHOTOS:
        raise FerError(
            f"An archive must hold between 1 and {MAX_PHOTOS:,} pictures. "
            f"Received: {len(pictures):,}"
        )
    if len(pictures) < len(plain):
        others = counted(len(plain) - len(pictures), "file")
        notes.append(f"{name}: not looked at, no images by their names: {others}.")
    for number, member in enumerate(pictures):
        read = partial(_unpacked, archive, member)
        yield Photo(f"{name}/{member.filename}", f"{key}/{number}", read)


def _is_fit(name: str, member: zipfile.ZipInfo, refused: list[str]) -> bool:
    try:
        check_member(member)
        _check_size(member)
    except ValueError as error:
        refused.append(f"{name}: {error}")
        return False
    return True


def _check_size(member: zipfile.ZipInfo) -> None:
    if member.file_size > LARGEST_PHOTO:
        raise FerError(
            f"A picture must have at most {LARGEST_PHOTO / 1e6:.0f} MB. "
            f"Received: {member.filename}, {member.file_size / 1e6:,.0f} MB"
        )


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive_errors():
        return b"".join(read_member(archive, member))
