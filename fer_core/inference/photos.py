"""Reads uploaded photos and .zip archives of photos."""

import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import BinaryIO

from fer_core.datasets.importing import (
    MAX_EXTRACTED_BYTES,
    archive_errors,
    check_member,
    check_packing,
    check_total,
    has_suffix,
    open_archive,
    read_member,
)
from fer_core.errors import FerError
from fer_core.text import Tally, counted, printable, shortened
from fer_core.vision import IMAGE_SUFFIXES, MAX_IMAGE_BYTES

ARCHIVE_SUFFIX = ".zip"
MAX_PHOTOS = 5000  # of one archive
MAX_PHOTO_BYTES = MAX_IMAGE_BYTES
_MAX_MEMBERS = 20_000  # of one archive, with files that are no images
_MAX_SENTENCES = 10  # about files of one archive


@dataclass(frozen=True)
class Photo:
    """Represents a photo's file, read on demand."""

    name: str
    key: str  # equal keys mean equal contents
    read: Callable[[], bytes] = field(compare=False, repr=False)


@dataclass(frozen=True)
class PhotoBatch:
    """Holds the photos of an upload, and messages about files that are none."""

    photos: tuple[Photo, ...]  # with distinct names
    errors: tuple[str, ...]  # a sentence for each file that cannot be read
    notes: tuple[str, ...]  # sentences about files skipped because they are not images


def read_uploads(files: Sequence[tuple[str, str, BinaryIO]]) -> PhotoBatch:
    """Lists the photos in uploaded files and archives, in order.

    Writes nothing to disk: a photo in an archive is unpacked into memory when it is read. A file
    that cannot be a photo gets an error; the others remain.

    Args:
        files: name, key and content of each; different content needs a different key.
    """
    photos: list[Photo] = []
    errors: list[str] = []
    notes: list[str] = []
    for name, key, file in files:
        if not name.lower().endswith(ARCHIVE_SUFFIX):
            photos.append(Photo(printable(name), key, partial(_read, file)))
            continue
        try:
            photos += _photos_in(printable(name), key, file, errors, notes)
        except FerError as error:
            errors.append(f"{printable(name)}: {error}")
    names = unique_names([photo.name for photo in photos])
    return PhotoBatch(
        tuple(Photo(name, each.key, each.read) for name, each in zip(names, photos, strict=True)),
        tuple(errors),
        tuple(notes),
    )


def unique_names(names: Sequence[str]) -> list[str]:
    """Appends numbers to repeated names, so that all differ."""
    taken: set[str] = set()
    numbers: defaultdict[str, Iterator[int]] = defaultdict(partial(count, 2))
    unique = []
    for name in names:
        numbered = (f"{name} ({number})" for number in numbers[name])
        unique.append(name if name not in taken else next(n for n in numbered if n not in taken))
        taken.add(unique[-1])
    return unique


def _read(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _photos_in(
    name: str, key: str, file: BinaryIO, errors: list[str], notes: list[str]
) -> Iterator[Photo]:
    """Yields the photos of an archive; adds a sentence for each rejected member.

    Raises:
        FerError: not an archive, damaged, a zip bomb, without photos or with too many.
    """
    with archive_errors():
        opened = open_archive(file, _MAX_MEMBERS)
    rejected = Tally(keep=_MAX_SENTENCES)
    safe = [member for member in opened.members if _is_safe(member, rejected)]
    errors += (f"{name}: {sentence}" for sentence in rejected.first)
    if len(rejected) > _MAX_SENTENCES:
        more = counted(len(rejected) - _MAX_SENTENCES, "file")
        errors.append(f"{name}: {more} more cannot be read for such reasons.")
    if opened.misnamed:
        errors.append(
            f"{name}: {counted(opened.misnamed, 'file')} skipped, with a name not in UTF-8."
        )
    images = [member for member in safe if has_suffix(member, IMAGE_SUFFIXES)]
    check_total(images, file.seek(0, 2), MAX_EXTRACTED_BYTES)
    if not 0 < len(images) <= MAX_PHOTOS:
        raise FerError(
            f"An archive must contain between 1 and {MAX_PHOTOS:,} images. "
            f"Received: {len(images):,}"
        )
    if len(images) < len(safe):
        others = counted(len(safe) - len(images), "file")
        notes.append(f"{name}: {others} skipped, without the name of an image.")
    for number, member in enumerate(images):
        read = partial(_unpack, opened.file, member)
        yield Photo(f"{name}/{member.filename}", f"{key}/{number}", read)


def _is_safe(member: zipfile.ZipInfo, rejected: Tally) -> bool:
    try:
        check_member(member)
        check_packing(member)
        _check_size(member)
    except FerError as error:
        rejected.add(str(error))
        return False
    return True


def _check_size(member: zipfile.ZipInfo) -> None:
    if member.file_size > MAX_PHOTO_BYTES:
        raise FerError(
            f"An image file must have at most {MAX_PHOTO_BYTES / 1e6:.0f} MB. "
            f"Received: {shortened(member.filename)}, {member.file_size / 1e6:,.0f} MB"
        )


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive_errors():
        return b"".join(read_member(archive, member))
