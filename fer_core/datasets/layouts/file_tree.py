"""Lists the files below a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from fer_core import access
from fer_core.datasets.layouts.layout import Report
from fer_core.vision import IMAGE_SUFFIXES

_SYSTEM = {"__macosx", "thumbs.db", "desktop.ini"}  # created by operating systems


@dataclass(frozen=True)
class Listing:
    """The files below a folder, without hidden files and those of operating systems."""

    images: dict[str, list[str]]  # folder (POSIX, relative, "" for the root) → sorted names
    others: list[str]  # paths of files that are not images
    unreadable: list[str]  # folders


def list_files(root: Path, report: Report) -> Listing:
    """Lists the files below a folder that may be read; follows links to folders once."""
    listing = Listing({}, [], [])
    seen: set[tuple[int, int]] = set()
    waiting = [("", root)]
    count = 0
    while waiting:
        relative, folder = waiting.pop()
        try:
            stat, entries = folder.stat(), sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            listing.unreadable.append(relative)
            continue
        # Windows may report no inode; links to folders are rare there.
        if stat.st_ino and (stat.st_dev, stat.st_ino) in seen:
            continue
        seen.add((stat.st_dev, stat.st_ino))
        for entry in entries:
            path = f"{relative}/{entry.name}".lstrip("/")
            if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
                continue
            if not access.current().may_read(entry.path):  # a link that leads out
                continue
            if entry.is_dir():
                waiting.append((path, Path(entry.path)))
            elif Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                listing.images.setdefault(relative, []).append(entry.name)
                count += 1
            else:
                listing.others.append(path)
        report(0, 0, f"Found {count:,} images")
    return Listing(dict(sorted(listing.images.items())), sorted(listing.others), listing.unreadable)


def is_file(path: Path) -> bool:
    """Returns whether it is a file that may be read; False for invalid names, as long texts."""
    return access.current().may_read(path) and os.path.isfile(path)  # noqa: PTH113 (Path.is_file raises for some invalid names)


def find_copies(root: Path, listing: Listing) -> list[str]:
    """Finds folders that repeat their parent's content: images/images/… next to images/….

    A popular archive of FER2013 is packed like this.
    """

    def sizes(folder: str) -> list[int]:
        return [(root / folder / name).stat().st_size for name in listing.images[folder]]

    return [
        folder
        for folder, names in listing.images.items()
        if (outer := _outer(folder)) is not None
        and listing.images.get(outer) == names
        and sizes(outer) == sizes(folder)
    ]


def _outer(folder: str) -> str | None:
    """Returns the path without the first part that repeats the one before it; None if none."""
    parts = folder.split("/")
    for i in range(1, len(parts)):
        if parts[i] == parts[i - 1]:
            return "/".join(parts[:i] + parts[i + 1 :])
    return None
