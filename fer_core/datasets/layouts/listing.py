"""Which files lie under a folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from fer_core.images import IMAGE_SUFFIXES

_SYSTEM = {"__macosx", "thumbs.db", "desktop.ini"}  # what systems leave behind


@dataclass(frozen=True)
class Listing:
    """The files under a folder; hidden ones and what systems leave behind do not count."""

    images: dict[str, list[str]]  # folder (POSIX, relative, "" at the top) to file names, sorted
    others: list[str]  # paths of files that are no images


def list_files(root: Path) -> Listing:
    """All files under a folder; links to folders are followed once."""
    listing = Listing({}, [])
    seen: set[tuple[int, int]] = set()
    waiting = [("", os.fspath(root))]
    while waiting:
        relative, folder = waiting.pop()
        stat = Path(folder).stat()
        # Windows may give no inode; there, links to folders are rare.
        if stat.st_ino and (stat.st_dev, stat.st_ino) in seen:
            continue
        seen.add((stat.st_dev, stat.st_ino))
        prefix = f"{relative}/" if relative else ""
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(".") or entry.name.lower() in _SYSTEM:
                    continue
                if entry.is_dir():
                    waiting.append((prefix + entry.name, entry.path))
                elif Path(entry.name).suffix.lower() in IMAGE_SUFFIXES:
                    listing.images.setdefault(relative, []).append(entry.name)
                else:
                    listing.others.append(prefix + entry.name)
    return Listing(dict(sorted(listing.images.items())), sorted(listing.others))


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
