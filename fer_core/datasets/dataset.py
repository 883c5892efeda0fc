"""A data set on disk: its index, its pictures, and what identifies them."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core.datasets.corrections import (
    CORRECTIONS_FILE,
    Corrections,
    Key,
    edit_corrections,
    keys_at,
    parse_corrections,
    read_corrections,
)
from fer_core.datasets.identity import digest_lines, file_stats
from fer_core.datasets.image_reader import BOX, ImageReader
from fer_core.datasets.index import read_index, write_index
from fer_core.datasets.splits import SPLITS, VALIDATION_FRACTION, named_split, redraw_validation
from fer_core.errors import FerError
from fer_core.expressions import sort_classes
from fer_core.storage import paths


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
    corrections: Corrections | None = (
        None  # those that are in the index; None: it is as it was added
    )

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
        index = self._stored if not self.corrections else self.corrections.applied(self._stored)
        if not self.is_redrawn or self.has_own_validation:
            return index
        return redraw_validation(index, self.validation_fraction, self.split_seed)

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The expressions in label order, with those that corrections have emptied."""
        return sort_classes(self._stored["expression"].unique())

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
        return self._with(validation_fraction=fraction, is_redrawn=True)

    @property
    def overlay(self) -> Corrections:
        """The corrections that are kept for it now, whether or not they are in the index.

        Raises:
            FerError: their file is damaged.
        """
        return read_corrections(self.directory / CORRECTIONS_FILE)

    def with_overlay(self, overlay: Corrections | None = None) -> "Dataset":
        """The data set whose index has these corrections, by default those that are kept now.

        Every image keeps its position. Excluded ones are in no split but "excluded"; the others
        keep theirs, or are drawn anew where `with_validation_fraction` was asked for: equal images
        then stay on one side.
        """
        return self._with(corrections=self.overlay if overlay is None else overlay)

    def exclude(self, positions: Iterable[int], reason: str) -> None:
        """Keeps for these images that they are left out, and why.

        Raises:
            FerError: no reason or one that is too long, no such position, or it was deleted.
        """
        keys = self.keys(positions)
        edit_corrections(self.directory, lambda overlay: overlay.excluding(keys, reason.strip()))

    def relabel(self, positions: Iterable[int], expression: str) -> None:
        """Keeps for these images that they show another expression; their own takes that back.

        Raises:
            FerError: no such expression or position, or it was deleted.
        """
        self._check_expression(expression)
        places = list(positions)
        keys, labels = self.keys(places), self._stored["expression"].iloc[places]
        is_own = dict(zip(keys, labels == expression, strict=True))
        others = [key for key in keys if not is_own[key]]
        edit_corrections(
            self.directory,
            lambda overlay: overlay.restoring(keys).relabelling(others, expression),
        )

    def restore(self, positions: Iterable[int]) -> None:
        """Forgets what was kept for these images: they are as they were added.

        Raises:
            FerError: no such position, or it was deleted.
        """
        keys = self.keys(positions)
        edit_corrections(self.directory, lambda overlay: overlay.restoring(keys))

    def confirm(self, positions: Iterable[int], is_right: bool = True) -> None:
        """Keeps that the labels of these images, as they are now, are right; or forgets it.

        Raises:
            FerError: no such position, or it was deleted.
        """
        places = list(positions)
        labels = dict(zip(self.keys(places), self._stored["expression"].iloc[places], strict=True))
        edit_corrections(
            self.directory, lambda now: now.confirming(labels) if is_right else now.doubting(labels)
        )

    def import_overlay(self, text: str) -> int:
        """Takes over corrections as `Overlay.to_csv` gives them, and says how many.

        They replace those for the same images; the others stay.

        Raises:
            FerError: they cannot be understood, or some are of images or expressions that the
                data set does not have; then none is taken over.
        """
        given = parse_corrections(text)
        given.check_known(self._stored, self.name)
        for expression in {*given.relabelled.values(), *given.confirmed.values()}:
            self._check_expression(expression)
        edit_corrections(
            self.directory, lambda now: now.taking_over(given.corrections).keeping(given.kept)
        )
        return len(given) + len(given.kept)

    def keys(self, positions: Iterable[int]) -> list[Key]:
        """What names the images at these positions, wherever the index is not at hand.

        Raises:
            FerError: there is no such position.
        """
        return keys_at(self._stored, list(positions))

    def counts(self) -> pd.DataFrame:
        """Images: a row per class in label order, a column per split that has any."""
        table = pd.crosstab(self.index["expression"], self.index["split"])
        splits = [split for split in SPLITS if split in table.columns]
        return table.reindex(index=list(self.class_names), columns=splits, fill_value=0)

    def select(self, split: str | None = None, expression: str | None = None) -> np.ndarray:
        """Positions in the index, ascending: of a split, a class, both or all."""
        chosen = np.ones(len(self.index), dtype=bool)
        if split is not None:
            chosen &= (self.index["split"] == split).to_numpy()
        if expression is not None:
            chosen &= (self.index["expression"] == expression).to_numpy()
        return np.flatnonzero(chosen)

    @cached_property
    def pictures(self) -> ImageReader:
        """The images by position."""
        return ImageReader(self.index, self.root)

    def image(self, position: int) -> np.ndarray:
        """One picture at its own size, uint8 RGB; cut out by the distributed box, if there is one.

        Raises:
            FerError: the file is gone or damaged.
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
            FerError: images have vanished.
        """
        columns = ["path", "row", "size", "content", "expression", "split"]
        index = self.index.assign(**self._contents())[columns].astype("str").fillna("")
        return digest_lines(sorted(map("|".join, index.itertuples(index=False, name=None))))

    def pixels_key(self) -> str:
        """Identifies the pictures in their order, whatever their labels and splits.

        Raises:
            FerError: images have vanished.
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

    def _check_expression(self, expression: str) -> None:
        if expression not in self.class_names:
            raise FerError(
                f"The expression must be one of {self.name}: {', '.join(self.class_names)}. "
                f"Received: {expression}"
            )

    def _with(self, **changes: Any) -> "Dataset":
        """The data set with other fields; the index as it was added is not read again."""
        changed = dataclasses.replace(self, **changes)
        if "_stored" in vars(self):
            vars(changed)["_stored"] = self._stored
        return changed

    @cached_property
    def _stored(self) -> pd.DataFrame:
        return read_index(self.directory)

    def _pixels_key(self, content: pd.Series) -> str:
        boxes = [self._stored[side].astype("str") for side in BOX if side in self._stored]
        return digest_lines(map("|".join, zip(content, *boxes, strict=True)))[:32]

    def _contents(self) -> dict[str, pd.Series]:
        """The columns size, modified and content, as the files are now."""
        stored = self._stored
        found = file_stats(self.root, stored["path"].unique().tolist())
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
