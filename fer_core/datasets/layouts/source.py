"""A source to be read: a folder with its images and tables, or one table."""

import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from fer_core.datasets.layouts.choices import Choices
from fer_core.datasets.layouts.csv_reader import TABLE_SUFFIXES, Table, open_table
from fer_core.datasets.layouts.file_tree import Listing, find_copies, is_file, list_files
from fer_core.datasets.layouts.layout import Report
from fer_core.errors import FerError
from fer_core.text import Tally, counted
from fer_core.vision import IMAGE_SUFFIXES

_TABLE_DEPTH = 3  # folders below the source in which tables are looked for
# Folders with more texts than these have one for each image, such as RAF-DB's boxes.
_MOST_TABLES = 20
_MAX_TABLES = 1_000
_MAX_END = 6  # parts of a path that a table may tell images of one name apart by


class Source:
    """Holds a folder or a table, the choices about it, and what was found in it."""

    def __init__(
        self,
        path: Path,
        copied: Path,
        choices: Choices | None = None,
        report: Report | None = None,
    ) -> None:
        """Reads nothing yet.

        Args:
            copied: the new dataset's directory, for pixels that must be copied.
        """
        self.path, self.copied = path, copied
        self.choices = choices or Choices()
        self.report: Report = report or (lambda done, total, message: None)
        self.damaged = Tally()  # why tables of the folder cannot be read
        self._ends: dict[tuple[int, bool], dict[str, list[str]]] = {}
        self.is_folder = path.is_dir()
        self.folder = path if self.is_folder else path.parent

    @cached_property
    def _listing(self) -> Listing:
        return list_files(self.folder, self.report)

    @cached_property
    def copies(self) -> dict[str, list[str]]:
        """Returns the folders that repeat their parent's content, and their images."""
        found = find_copies(self.folder, self._listing)
        return {folder: self._listing.images[folder] for folder in found}

    @cached_property
    def files(self) -> Listing:
        """Returns the files below the folder, without repeated copies of folders."""
        images = self._listing.images.items()
        kept = {folder: names for folder, names in images if folder not in self.copies}
        return replace(self._listing, images=kept)

    @cached_property
    def images(self) -> list[str]:
        """Returns the paths of all images, relative to the folder."""
        return [
            f"{folder}/{name}".lstrip("/")
            for folder, names in self.files.images.items()
            for name in names
        ]

    @cached_property
    def tables(self) -> list[Table]:
        """Returns the source itself if it is a table, else those of the folder, highest first."""
        if not self.is_folder:
            table = open_table(self.path)
            return [table] if table else []
        by_folder: dict[str, list[str]] = {}
        for name in self.files.others:
            path = PurePosixPath(name)
            if path.suffix.lower() in TABLE_SUFFIXES and len(path.parts) <= _TABLE_DEPTH:
                by_folder.setdefault(str(path.parent), []).append(name)
        few = [names for names in by_folder.values() if len(names) <= _MOST_TABLES]
        paths = sorted((name for names in few for name in names), key=lambda n: (n.count("/"), n))
        tables = [self._open(name) for name in paths[:_MAX_TABLES] if is_file(self.folder / name)]
        return [table for table in tables if table]

    def _open(self, name: str) -> Table | None:
        """Opens a table of the folder; None, and a note, if its first rows cannot be read."""
        try:
            table = open_table(self.folder / name)
            if table:
                table.sample()
        except (FerError, FileNotFoundError) as error:
            self.damaged.add(str(error))
            return None
        return table

    def notes(self) -> list[str]:
        """Returns sentences about files and tables of the folder that were not read."""
        if not self.is_folder:
            return []
        tables = counted(len(self.damaged), "table")
        return [
            *self.files.notes(),
            *([f"Ignored {tables} that cannot be read: {self.damaged}"] if self.damaged else []),
        ]

    @cached_property
    def by_stem(self) -> dict[str, list[str]]:
        """Returns the images by file name in lower case, without suffix."""
        return self._by_end(1, has_suffix=False)

    def _by_end(self, parts: int, *, has_suffix: bool) -> dict[str, list[str]]:
        """Returns the images by that many last parts of their path, in lower case.

        Each is looked up at once, since thousands of images may share a name.
        """
        key = parts, has_suffix
        if key not in self._ends:
            groups: dict[str, list[str]] = {}
            for image in self.images:
                path = image.lower() if has_suffix else os.path.splitext(image)[0].lower()  # noqa: PTH122
                words = path.rsplit("/", parts)[-parts:]
                if len(words) == parts:
                    groups.setdefault("/".join(words), []).append(image)
            self._ends[key] = groups
        return self._ends[key]

    @cached_property
    def _depth(self) -> int:
        """Returns the number of parts of the longest path of an image."""
        return 1 + max((image.count("/") for image in self.images), default=0)

    def find(self, name: str) -> list[str]:
        """Finds images by a path of which only the end need be right; the best matches only.

        Args:
            name: with slashes; may lack the suffix, or have another than the image.
        """
        parts = [part for part in name.lower().split("/") if part not in ("", ".")]
        last = PurePosixPath(parts[-1] if parts else "")
        stems = [*parts[:-1], last.stem] if last.suffix in IMAGE_SUFFIXES else []
        for ends, has_suffix in ((parts, True), (parts, False), (stems, False)):
            for count in range(min(len(ends), self._depth, _MAX_END), 0, -1):
                found = self._by_end(count, has_suffix=has_suffix).get("/".join(ends[-count:]))
                if found:
                    return found
        return []
