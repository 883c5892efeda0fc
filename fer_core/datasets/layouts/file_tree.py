"""Lists the files below a folder."""

import os
import stat
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from fer_core import access
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.text import Tally, counted, is_one_line, shortened
from fer_core.vision import IMAGE_SUFFIXES

_SYSTEM = {"__macosx", "thumbs.db", "desktop.ini"}  # created by operating systems


MAX_FILES = 2_000_000  # below a folder; AffectNet, the largest dataset of the field, has one
_MAX_FOLDERS = 200_000
_MAX_DEPTH = 100  # folders
_REPORT_EVERY = 10_000  # files


@dataclass(frozen=True)
class Listing:
    """Lists the regular files below a folder, without hidden files and those of systems."""

    images: dict[str, list[str]]  # folder (POSIX, relative, "" for the root) → sorted names
    others: list[str]  # paths of files that are not images
    unreadable: list[str]  # folders
    special: Tally = field(default_factory=Tally)  # pipes, devices, links to nothing or back
    misnamed: Tally = field(default_factory=Tally)  # files and folders whose name has odd bytes
    deep: Tally = field(default_factory=Tally)  # folders below `_MAX_DEPTH` others
    linked: Tally = field(default_factory=Tally)  # links to files and folders elsewhere

    def notes(self) -> list[str]:
        """Returns sentences about entries that were skipped, or that lie elsewhere."""
        notes = []
        if self.special:
            count = counted(len(self.special), "entry", "entries")
            notes.append(
                f"Skipped {count} (neither files nor folders, or links to nothing or back): "
                f"{self.special}."
            )
        if self.misnamed:
            count = counted(len(self.misnamed), "entry", "entries")
            notes.append(
                f"Skipped {count} (names with line breaks, control characters or bytes that are "
                f"not UTF-8): {self.misnamed}."
            )
        if self.deep:
            count = counted(len(self.deep), "folder")
            notes.append(f"Skipped {count} more than {_MAX_DEPTH} folders deep: {self.deep}.")
        if self.linked:
            count = counted(len(self.linked), "link")
            notes.append(f"Followed {count} that lead out of the folder: {self.linked}.")
        return notes


def list_files(root: Path, report: Report) -> Listing:
    """Lists the regular files below a folder that may be read; follows links to folders once.

    Raises:
        FerError: there are more files or folders than any dataset has.
    """
    listing = Listing({}, [], [])
    seen: set[tuple[int, int]] = set()
    waiting = [("", root)]
    base = os.path.realpath(root)
    images = count = 0
    while waiting:
        relative, folder = waiting.pop()
        try:
            status, entries = folder.stat(), _entries(folder)
        except OSError:
            listing.unreadable.append(relative)
            continue
        # Windows may report no inode; links to folders are rare there.
        if status.st_ino and (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
                continue
            path = f"{relative}/{entry.name}".lstrip("/")
            count += 1
            if count % _REPORT_EVERY == 0:
                report(0, 0, f"Found {images:,} images")
            if not _is_listed(entry, path, base, listing):
                continue
            if entry.is_dir() and path.count("/") >= _MAX_DEPTH:
                listing.deep.add(path)
            elif entry.is_dir():
                waiting.append((path, Path(entry.path)))
            elif Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                listing.images.setdefault(relative, []).append(entry.name)
                images += 1
            else:
                listing.others.append(path)
        _check_counts(root, count, len(seen) + len(waiting))
        report(0, 0, f"Found {images:,} images")
    return replace(
        listing, images=dict(sorted(listing.images.items())), others=sorted(listing.others)
    )


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted(islice(found, MAX_FILES + 1), key=lambda entry: entry.name)


def _is_listed(entry: os.DirEntry[str], path: str, base: str, listing: Listing) -> bool:
    """Returns whether it is a folder or a regular file with a usual name; notes it if not."""
    if not is_one_line(entry.name):
        listing.misnamed.add(path)
        return False
    try:
        may_read = access.current().may_read(entry.path)  # not where a link leads out
        is_known = may_read and (entry.is_dir() or entry.is_file())
    except OSError:  # a link to itself
        is_known = False
    if is_known and entry.is_symlink():
        target = Path(os.path.realpath(entry.path))
        if Path(base).is_relative_to(target):  # all that lies around the folder is not meant
            is_known = False
        elif not target.is_relative_to(base):
            listing.linked.add(path)
    if not is_known:
        listing.special.add(path)
    return is_known


def _check_counts(root: Path, files: int, folders: int) -> None:
    if files > MAX_FILES or folders > _MAX_FOLDERS:
        raise FerError(
            f"A folder must have at most {MAX_FILES:,} files in {_MAX_FOLDERS:,} folders. "
            f"{shortened(root.name)} has more."
        )


def is_file(path: Path) -> bool:
    """Returns whether it is a file that may be read; False for invalid names, as long texts."""
    return file_status(path) is not None


def file_status(path: Path | str) -> os.stat_result | None:
    """Returns what the system tells of a file; None where `is_file` is False."""
    if not access.current().may_read(path):
        return None
    try:
        status = os.stat(path)  # noqa: PTH116 (faster, and there may be a million)
    except (OSError, ValueError):  # not there, too long, or with a null character
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def find_copies(root: Path, listing: Listing) -> list[str]:
    """Finds folders that repeat their parent's content: images/images/… next to images/….

    A popular archive of FER2013 is packed like this.
    """

    def sizes(folder: str) -> list[int]:
        return [_size(root / folder / name) for name in listing.images[folder]]

    return [
        folder
        for folder, names in listing.images.items()
        if (outer := _outer(folder)) is not None
        and listing.images.get(outer) == names
        and sizes(outer) == sizes(folder)
    ]


def _size(path: Path) -> int:
    """Returns the bytes of a file; -1 if it has vanished."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _outer(folder: str) -> str | None:
    """Returns the path without the first part that repeats the one before it; None if none."""
    parts = folder.split("/")
    for i in range(1, len(parts)):
        if parts[i] == parts[i - 1]:
            return "/".join(parts[:i] + parts[i + 1 :])
    return None
