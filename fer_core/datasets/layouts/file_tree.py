"""Which files lie under a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from fer_core.datasets.layouts.layout import Report
from fer_core.vision import IMAGE_SUFFIXES

_SYSTEM = {"__macosx", "thumbs.db", "desktop.ini"}  # what systems leave behind


@dataclass(frozen=True)
class Listing:
    """The files under a folder; hidden ones and what systems leave behind do not count."""

    images: dict[str, list[str]]  # folder (POSIX, relative, "" at the top) to file names, sorted
    others: list[str]  # paths of files that are no images
    closed: list[str]  # folders that may not be read


def list_files(root: Path, report: Report) -> Listing:
    """All files under a folder; links to folders are followed once."""
    listing = Listing({}, [], [])
    seen: set[tuple[int, int]] = set()
    waiting = [("", root)]
    found = 0
    while waiting:
        relative, folder = waiting.pop()
        try:
            stat, entries = folder.stat(), sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            listing.closed.append(relative)
            continue
        # Windows may give no inode; there, links to folders are rare.
        if stat.st_ino and (stat.st_dev, stat.st_ino) in seen:
            continue
        seen.add((stat.st_dev, stat.st_ino))
        for entry in entries:
            path = f"{relative}/{entry.name}".lstrip("/")
            if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
                continue
            if entry.is_dir():
                waiting.append((path, Path(entry.path)))
            elif Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                listing.images.setdefault(relative, []).append(entry.name)
                found += 1
            else:
                listing.others.append(path)
        report(0, 0, f"Found {found:,} images")
    return Listing(dict(sorted(listing.images.items())), sorted(listing.others), listing.closed)


def is_file(path: Path) -> bool:
    """Whether it is a file; what cannot be a file's name, such as a long text, is none."""
    return os.path.isfile(path)  # noqa: PTH113 (which raises where the system refuses the name)


def find_copies(root: Path, listing: Listing) -> list[str]:
    """Folders of images that lie once more in themselves: images/images/… beside images/….

    A much used archive of FER2013 is packed like that.
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
    """The path without the first part that repeats the one before it, if there is one."""
    parts = folder.split("/")
    for i in range(1, len(parts)):
        if parts[i] == parts[i - 1]:
            return "/".join(parts[:i] + parts[i + 1 :])
    return None
