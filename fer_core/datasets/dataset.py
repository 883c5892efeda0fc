"""A data set on disk: its index, its pictures, and what identifies them."""

import contextlib
import dataclasses
import hashlib
import shutil
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fer_core import paths
from fer_core.datasets.indexes import read_index, write_index
from fer_core.datasets.names import is_name
from fer_core.datasets.pictures import BOX, Pictures
from fer_core.datasets.splits import (
    SPLITS,
    VALIDATION_FRACTION,
    complete_splits,
    named_split,
)
from fer_core.expressions import sort_classes
from fer_core.files import read_json


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A data set in the workspace. Its index is read when it is first asked for."""

    directory: Path
    root: Path  # what the index's paths start from: inside `directory` where images were copied in
    layout: str
    notes: tuple[str, ...]  # sentences: what was recognised, what was skipped and why
    split_seed: int
    images: int
    validation_fraction: float = VALIDATION_FRACTION  # of train, where no validation is named
    is_gray: bool = False  # whether no image had any colour when the data set was added
    is_redrawn: bool = False  # whether validation is drawn anew rather than as it was added

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.directory.name

    @property
    def is_copied(self) -> bool:
        """Whether the images lie in the data set's own directory."""
        return self.root.is_relative_to(self.directory)

    @property
    def size_on_disk(self) -> int:
        """Bytes of the images' files, wherever they lie, as they were when they were last read."""
        return int(self._stored.drop_duplicates("path")["size"].sum())

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row per image; not to be changed.

        Columns: path (POSIX, from `root`), row (where the images are rows of an array, else
        missing), expression, split, source_split, size (bytes) and modified (ns) of the file,
        content (a hash); optional x, y, width, height (a face box) and FER+ votes (`votes_…`).
        """
        index = self._stored
        if not self.is_redrawn or self.has_own_validation:
            return index
        undrawn = index.assign(split=index["split"].replace("val", "train"))
        return complete_splits(undrawn, self.validation_fraction, self.split_seed)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The expressions in label order."""
        return sort_classes(self.index["expression"].unique())

    @cached_property
    def has_own_validation(self) -> bool:
        """Whether the data set names its validation split, rather than ours being drawn."""
        words = self._stored.loc[self._stored["split"] == "val", "source_split"].unique()
        return any(named_split(word) == "val" for word in words)

    def with_validation_fraction(self, fraction: float | None) -> "Dataset":
        """The data set with that share of train as validation split, the same images every time.

        None leaves it as it is. No image changes its split where the data set brings a validation
        split of its own.
        """
        if fraction is None:
            return self
        return dataclasses.replace(self, validation_fraction=fraction, is_redrawn=True)

    def counts(self) -> pd.DataFrame:
        """Images: a row per class in label order, a column per split that has any."""
        table = pd.crosstab(self.index["expression"], self.index["split"])
        splits = [split for split in SPLITS if split in table.columns]
        return table.loc[list(self.class_names), splits]

    def select(self, split: str | None = None, expression: str | None = None) -> np.ndarray:
        """Positions in the index, ascending: of a split, a class, both or all."""
        chosen = np.ones(len(self.index), dtype=bool)
        if split is not None:
            chosen &= (self.index["split"] == split).to_numpy()
        if expression is not None:
            chosen &= (self.index["expression"] == expression).to_numpy()
        return np.flatnonzero(chosen)

    @cached_property
    def pictures(self) -> Pictures:
        """The images by position."""
        return Pictures(self.index, self.root)

    def image(self, position: int) -> np.ndarray:
        """One picture at its own size, uint8 RGB; cut out by the distributed box, if there is one.

        Raises:
            ValueError: the file is gone or damaged.
        """
        return self.pictures.image(position)

    def mean_faces(self) -> dict[str, np.ndarray]:
        """The average picture of each class, uint8 RGB, all of one size."""
        faces = np.load(self.directory / "mean_faces.npy")
        return dict(zip(self.class_names, faces, strict=True))

    def fingerprint(self) -> str:
        """Identifies images, labels and splits: a SHA-256 in hexadecimal.

        Files whose size or time changed since they were last read are read again.

        Raises:
            ValueError: images have vanished.
        """
        columns = ["path", "row", "size", "content", "expression", "split"]
        index = self.index.assign(**self._contents())[columns].astype("str").fillna("")
        return _digest(sorted(map("|".join, index.itertuples(index=False, name=None))))

    def pixels_key(self) -> str:
        """Identifies the pictures in their order, whatever their labels and splits.

        Raises:
            ValueError: images have vanished.
        """
        return self._pixels_key(self._contents()["content"])

    def delete(self) -> None:
        """Removes the data set and what was computed from it; images elsewhere stay untouched.

        One that is gone already counts as removed.
        """
        with contextlib.suppress(ValueError):  # without an index nothing can be found
            self._delete_pixels()
        # Renamed first, so that nobody finds half of it.
        doomed = self.directory.with_name(f".deleted-{self.name}")
        shutil.rmtree(doomed, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):  # someone else was quicker
            self.directory.rename(doomed)
            shutil.rmtree(doomed)

    def _delete_pixels(self) -> None:
        key = self._pixels_key(self._stored["content"])
        for file in (paths.cache_root() / "pixels").glob(f"{key}-*"):
            with contextlib.suppress(OSError):  # on Windows a mapped file stays; it is a cache
                file.unlink()

    @cached_property
    def _stored(self) -> pd.DataFrame:
        return read_index(self.directory)

    def _pixels_key(self, content: pd.Series) -> str:
        boxes = [self._stored[side].astype("str") for side in BOX if side in self._stored]
        return _digest(map("|".join, zip(content, *boxes, strict=True)))[:32]

    def _contents(self) -> dict[str, pd.Series]:
        """The columns size, modified and content, as the files are now."""
        stored = self._stored
        found = _file_stats(self.root, stored["path"].unique().tolist())
        columns = {
            name: stored["path"].map({path: stat[i] for path, stat in found.items()})
            for i, name in enumerate(("size", "modified"))
        }
        changed = (columns["size"] != stored["size"]) | (columns["modified"] != stored["modified"])
        columns["content"] = stored["content"]
        if changed.any():
            positions = np.flatnonzero(changed)
            hashes = list(self.pictures.contents(positions.tolist()))
            columns["content"] = stored["content"].mask(changed, pd.Series(hashes, positions))
            write_index(self.directory, stored.assign(**columns))  # remembered for the next time
        return columns


def open_dataset(name: str) -> Dataset:
    """The data set of that name.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    directory = paths.datasets_root() / name
    if not is_name(name) or not (directory / "data_set.json").exists():
        raise ValueError(f"There must be a data set of that name. Received: {name}")
    try:
        return _read(directory)
    except KeyError as error:
        raise ValueError(f"{name} cannot be read: its data_set.json lacks {error}.") from error
    except (ValueError, TypeError, OSError) as error:
        raise ValueError(f"{name} cannot be read: its data_set.json is damaged: {error}") from error


def _read(directory: Path) -> Dataset:
    record = read_json(directory / "data_set.json")
    return Dataset(
        directory=directory,
        root=directory / record["root"],  # an absolute root replaces the directory
        layout=record["layout"],
        notes=tuple(map(str, record["notes"])),
        split_seed=record["split_seed"],
        images=int(record["images"]),
        # Data sets of older versions lack these.
        validation_fraction=record.get("validation_fraction", VALIDATION_FRACTION),
        is_gray=record.get("gray", False),
    )


def list_datasets() -> list[Dataset]:
    """All that can be read, by name. No index is: `name`, `layout` and `images` cost nothing."""
    found = []
    for name in _names():
        with contextlib.suppress(ValueError):
            found.append(open_dataset(name))
    return found


def unreadable_datasets() -> list[str]:
    """A sentence for each folder that `list_datasets` leaves out, with the reason."""
    sentences = []
    for name in _names():
        try:
            open_dataset(name)
        except ValueError as error:
            sentences.append(str(error))
    return sentences


def _names() -> list[str]:
    found = paths.datasets_root().glob("*/data_set.json")
    names = [file.parent.name for file in found if is_name(file.parent.name)]
    return sorted(names, key=str.lower)


def _file_stats(root: Path, names: list[str]) -> dict[str, tuple[int, int]]:
    """Size in bytes and time of change in ns of every file.

    Raises:
        ValueError: some are not there.
    """
    found, missing = {}, []
    for name in names:
        try:
            stat = (root / name).stat()
        except OSError:
            missing.append(name)
        else:
            found[name] = stat.st_size, stat.st_mtime_ns
    if missing:
        raise ValueError(
            f"{len(missing):,} of {len(names):,} files have vanished from {root}, the first is "
            f"{missing[0]}. Put them back, or delete the data set and add it again."
        )
    return found


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()
