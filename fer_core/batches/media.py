"""Finds the photos and videos of a folder."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain, count
from pathlib import Path, PurePosixPath

from fer_core import access
from fer_core.errors import FerError
from fer_core.tasks import kinds
from fer_core.text import Tally, counted, is_one_line, printable, shortened
from fer_core.vision import IMAGE_SUFFIXES

ARCHIVE_SUFFIX = ".zip"
MAX_FILES = 20_000  # of a batch
MAX_DEPTH = 100  # folders
_MAX_ENTRIES = 1_000_000  # of all folders, with those that are neither photos nor videos
_MAX_NAME = 200  # characters of a file or folder
_FORBIDDEN = re.compile(r'[\\:*?"<>|]')  # in names, on some system


@dataclass(frozen=True)
class Media:
    """Holds the photos and videos of a folder, and notes on what was left out."""

    names: tuple[str, ...]  # paths relative to the folder, with slashes, in order
    notes: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()  # whose files belong to it, once they are extracted

    def __add__(self, other: "Media") -> "Media":
        """Returns the files of both."""
        return Media(
            tuple(sorted({*self.names, *other.names}, key=_order)),
            (*self.notes, *other.notes),
            (*self.archives, *other.archives),
        )


def is_video(name: str) -> bool:
    """Tells whether a file has the name of a video; else it has that of a photo."""
    return PurePosixPath(name).suffix.lower() in kinds.VIDEO_SUFFIXES


def is_media(name: str) -> bool:
    """Tells whether a file has the name of a photo or video, and is not hidden."""
    path = PurePosixPath(name)
    is_hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not is_hidden and path.suffix.lower() in IMAGE_SUFFIXES | set(kinds.VIDEO_SUFFIXES)


def check_folder(folder: Path) -> Path:
    """Returns the absolute path of a folder whose files can be recognized.

    Quotation marks around a path, as Windows copies it, are removed.

    Raises:
        FerError: it is no folder, or must not be read: one sentence for both, which does not tell
            strangers what exists.
    """
    text = str(folder).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        folder = Path(text[1:-1])
    try:
        path = folder.expanduser().resolve()
        if is_one_line(str(path)) and access.current().may_read(path) and path.is_dir():
            return path
    except (RuntimeError, OSError, ValueError):  # an unknown home, a loop of links, a long path
        pass
    raise FerError(
        "The folder must exist on the computer that runs FER Studio, and be one that it may read. "
        f"Received: {shortened(str(folder))}"
    )


def find_media(folder: Path, patterns: Sequence[str] = (), *, required: bool = True) -> Media:
    """Finds the photos and videos of a folder and of the folders in it, by their suffixes.

    Links to files are followed, links to folders are not.

    Args:
        patterns: of which a file must match one, such as `*.mp4` or `session1/*`; none for all.
            Upper and lower case are the same. A pattern without a slash is for the name alone.
        required: whether there must be one, or an archive.

    Raises:
        FerError: there is none, or there are more than `MAX_FILES`.
    """
    names: list[str] = []
    archives: list[str] = []
    others, skipped = Tally(), Tally()
    for entries, path in enumerate(_files(folder)):
        name = path.relative_to(folder).as_posix()
        if entries > _MAX_ENTRIES or len(names) + len(archives) > MAX_FILES:
            raise FerError(
                f"A batch must have at most {MAX_FILES:,} photos and videos, in a folder of at "
                f"most {_MAX_ENTRIES:,} files. Received more: choose a folder within this one, or "
                "a pattern."
            )
        is_archive = path.suffix.lower() == ARCHIVE_SUFFIX
        if not (is_archive or is_media(name)) or not is_one_line(name):
            others.add(name)
        elif not access.current().may_read(path):
            skipped.add(name)
        elif is_archive:
            archives.append(name)
        elif matches(name, patterns):
            names.append(name)
    if required and not names and not archives:
        wanted = f" with a name like {', '.join(map(shortened, patterns))}" if patterns else ""
        raise FerError(f"The folder must hold at least one photo or video{wanted}. It has none.")
    return Media(
        tuple(sorted(names, key=_order)),
        _notes(others, skipped),
        tuple(sorted(archives, key=_order)),
    )


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Tells whether a relative path matches one of the patterns; see `find_media`."""
    lower = name.lower()
    last = lower.rpartition("/")[2]
    return not patterns or any(
        fnmatchcase(lower if "/" in pattern else last, pattern.lower()) for pattern in patterns
    )


def check_name(name: str) -> None:
    """Checks that a relative path stays in its folder.

    Raises:
        FerError: it leads out.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not is_media(name):
        raise FerError(f"A file of a batch must be a photo or video. Received: {shortened(name)}")


def safe_path(name: str) -> str:
    """Returns a relative path, with slashes, that every system takes for a file."""
    parts = PurePosixPath(printable(name).replace("\\", "/")).parts[-MAX_DEPTH:]
    cells = [_FORBIDDEN.sub("_", part).strip(" .")[-_MAX_NAME:] for part in parts if part != "/"]
    return "/".join(filter(None, cells)) or "file"


def unique_paths(names: Sequence[str]) -> list[str]:
    """Appends numbers to the stems of paths, so that all differ on every system."""
    taken: set[str] = set()
    unique = []
    for name in names:
        path = PurePosixPath(name)
        numbered = (path.with_stem(f"{path.stem} ({number})") for number in count(2))
        free = next(each for each in chain([path], numbered) if str(each).lower() not in taken)
        taken.add(str(free).lower())
        unique.append(str(free))
    return unique


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        depth = len(Path(parent).relative_to(folder).parts)
        folders[:] = [name for name in folders if not name.startswith(".")] * (depth < MAX_DEPTH)
        yield from (Path(parent, name) for name in files if not name.startswith("."))


def _order(name: str) -> tuple[str, ...]:
    return tuple(name.lower().split("/"))


def _notes(others: Tally, skipped: Tally) -> tuple[str, ...]:
    notes = []
    if others:
        notes.append(
            f"Left out {counted(len(others), 'file')} without the name of a photo or video: "
            f"{others}."
        )
    if skipped:
        notes.append(
            f"Left out {counted(len(skipped), 'link')} to files that must not be read: {skipped}."
        )
    return tuple(notes)
