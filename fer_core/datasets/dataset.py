"""A dataset on disk: its index, its images, its corrections and its fingerprint."""

import contextlib
import dataclasses
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core import access
from fer_core.datasets.corrections import (
    CORRECTIONS_FILE,
    Corrections,
    Key,
    edit_corrections,
    keys_at,
    parse_corrections,
    read_corrections,
)
from fer_core.datasets.ferplus import with_majority_labels
from fer_core.datasets.folds import Fold, FoldPlan, fold_unit, plan_folds, with_fold
from fer_core.datasets.image_reader import ImageReader
from fer_core.datasets.index import digest_lines, file_stats, pixels_key, read_index, write_index
from fer_core.datasets.layouts.choices import Choices
from fer_core.datasets.layouts.class_names import Conventions
from fer_core.datasets.splits import (
    EXCLUDED,
    SPLITS,
    VALIDATION_FRACTION,
    parse_split,
    redraw_validation,
)
from fer_core.datasets.vote_table import VoteTable
from fer_core.errors import FerError
from fer_core.expressions import sort_classes
from fer_core.storage import DamagedFileError, delete_folder, paths, read_array
from fer_core.text import shortened

_MAX_MEAN_FACES_BYTES = 100_000_000


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Represents a dataset of the workspace. Its index is read on first use."""

    directory: Path
    root: Path  # base of the index's paths; inside `directory` if the images were copied in
    layout: str
    notes: tuple[str, ...]  # sentences: what was recognized, what was skipped and why
    split_seed: int
    images: int
    validation_fraction: float = VALIDATION_FRACTION  # of train, if validation is drawn
    is_gray: bool = False  # whether all images were gray at import
    own_splits: tuple[str, ...] | None = None  # that the source has; None: unknown
    choices: Choices = dataclasses.field(default_factory=Choices, compare=False)  # at import
    conventions: Conventions = dataclasses.field(default_factory=Conventions, compare=False)
    redraws_validation: bool = False  # whether validation is drawn again, not taken as imported
    has_ferplus_labels: bool = False  # whether the index has FER+'s labels, not its own
    rater_votes: VoteTable | None = None  # whose majorities are the labels
    fold: Fold | None = None  # that validates, while the others train; None: the stored splits
    corrections: Corrections | None = None  # applied to the index; None: the index as imported
    # Columns size, modified and content of the index as the files are now, set by `checked`.
    file_columns: pd.DataFrame | None = dataclasses.field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Returns the directory's name."""
        return self.directory.name

    @property
    def is_copied(self) -> bool:
        """Tells whether the images are stored in the dataset's own directory."""
        return self.root.is_relative_to(self.directory)

    @property
    def size_on_disk(self) -> int:
        """Returns the bytes of all image files, as of the last time they were read."""
        return int(self._stored.drop_duplicates("path")["size"].sum())

    @cached_property
    def index(self) -> pd.DataFrame:
        """Returns one row per image; must not be modified.

        Columns: path (POSIX, relative to `root`), row (if images are rows of an array, else
        missing), expression, split, source_split, size (bytes) and modified (ns) of the file,
        content (a hash); optional source_class (the class's name in the data), subject, group (a
        sequence or video) and cluster (of copies), "" where unknown, x, y, width, height (face
        box) and FER+ votes (`votes_…`).
        """
        index = self._labeled if not self.corrections else self.corrections.applied(self._labeled)
        if self.fold is not None:
            return with_fold(index, self._stored, self.name, self.fold)
        if not self.redraws_validation or self.has_own_validation:
            return index
        return redraw_validation(index, self.validation_fraction, self.split_seed)

    @property
    def stored_index(self) -> pd.DataFrame:
        """Returns the index as it is stored, without corrections; must not be modified."""
        return self._stored

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """Returns the expressions in label order, with those that corrections left empty."""
        labeled = self._labeled
        return sort_classes(labeled.loc[labeled["split"] != EXCLUDED, "expression"].unique())

    @cached_property
    def has_own_validation(self) -> bool:
        """Tells whether the validation split came with the dataset rather than being drawn."""
        if self.own_splits is not None:
            return "val" in self.own_splits
        names = self._stored.loc[self._stored["split"] == "val", "source_split"].unique()
        return any(parse_split(name) == "val" for name in names)

    def with_validation_fraction(self, fraction: float | None) -> "Dataset":
        """Returns the dataset with this share of train as validation, reproducibly drawn.

        None leaves it as it is. A dataset that came with a validation split keeps it.
        """
        if fraction is None:
            return self
        return self._with(validation_fraction=fraction, redraws_validation=True)

    def with_fold(self, fold: Fold) -> "Dataset":
        """Returns the dataset with one fold as validation and the others as training.

        The folds are of training and validation together, as they are stored: corrections and
        labels do not move an image to another fold. The test split stays as it is. Images whose
        subject is not known are in the split "excluded" if folds are of subjects.
        """
        return self._with(fold=fold)

    def plan_folds(self, count: int, unit: str, seed: int) -> FoldPlan:
        """Draws the folds of `with_fold`, with the labels and corrections of this dataset.

        Raises:
            FerError: as `folds.plan_folds`.
        """
        plan = plan_folds(self._stored, self.name, count, unit, seed)
        return plan.labeled(self._with(fold=None).index)

    @property
    def fold_unit(self) -> str:
        """Returns what folds should be drawn of: the widest that is known of most images."""
        return fold_unit(self._stored)

    def with_ferplus_labels(self) -> "Dataset":
        """Returns the dataset with the majority of the FER+ votes as labels.

        Every image keeps its position; those without a majority are in the split "excluded".

        Raises:
            FerError: there are no votes.
        """
        changed = self._with(has_ferplus_labels=True)
        _ = changed._labeled  # raises here, rather than where the index is read
        return changed

    def with_rater_votes(self, votes: VoteTable) -> "Dataset":
        """Returns the dataset with the majorities of raters' votes as labels: `VoteTable.applied`.

        Every image keeps its position; images without votes keep their label.
        """
        return self._with(rater_votes=votes)

    @property
    def saved_corrections(self) -> Corrections:
        """Returns the saved corrections, whether or not they are applied to the index.

        Raises:
            FerError: their file is damaged.
        """
        return read_corrections(self.directory / CORRECTIONS_FILE)

    def with_corrections(self, corrections: Corrections | None = None) -> "Dataset":
        """Returns the dataset with corrections applied to its index, by default the saved ones.

        Every image keeps its position. Excluded images are in the split "excluded"; the others
        keep their split, or are redrawn after `with_validation_fraction`: identical images then
        stay in one split.
        """
        return self._with(
            corrections=self.saved_corrections if corrections is None else corrections
        )

    def exclude(self, positions: Iterable[int], reason: str) -> None:
        """Saves that these images are excluded, and why.

        Raises:
            FerError: the reason is empty or too long, a position is out of range, or the dataset
                was deleted.
        """
        keys = self.keys(positions)
        edit_corrections(self.directory, lambda saved: saved.with_excluded(keys, reason.strip()))

    def relabel(self, positions: Iterable[int], expression: str) -> None:
        """Saves another expression for these images; their own one undoes an earlier correction.

        Raises:
            FerError: no such expression, a position is out of range, or the dataset was deleted.
        """
        self._check_expression(expression)
        positions = list(positions)
        keys, labels = self.keys(positions), self._stored["expression"].iloc[positions]
        is_own = dict(zip(keys, labels == expression, strict=True))
        others = [key for key in keys if not is_own[key]]
        edit_corrections(
            self.directory,
            lambda saved: saved.with_restored(keys).with_relabeled(others, expression),
        )

    def restore(self, positions: Iterable[int]) -> None:
        """Removes the corrections of these images.

        Raises:
            FerError: a position is out of range, or the dataset was deleted.
        """
        keys = self.keys(positions)
        edit_corrections(self.directory, lambda saved: saved.with_restored(keys))

    def confirm(self, positions: Iterable[int], is_right: bool = True) -> None:
        """Saves that the current labels of these images are right, or removes that.

        Raises:
            FerError: a position is out of range, or the dataset was deleted.
        """
        positions = list(positions)
        own = self._stored["expression"].iloc[positions]
        labels = dict(zip(self.keys(positions), own, strict=True))
        edit_corrections(
            self.directory,
            lambda saved: (
                saved.with_confirmed(labels) if is_right else saved.without_confirmed(labels)
            ),
        )

    def import_corrections(self, text: str) -> int:
        """Merges corrections in the format of `Corrections.to_export`; returns their number.

        They replace those of the same images; the others are kept.

        Raises:
            FerError: they are malformed, or name images or expressions that the dataset does
                not have; then nothing is changed.
        """
        # An image has at most one correction and one label that is confirmed.
        new = parse_corrections(text, max_rows=2 * len(self._stored)).from_export()
        new.check_known(self._stored, self.name)
        for expression in {*new.relabeled.values(), *new.confirmed.values()}:
            self._check_expression(expression)
        edit_corrections(
            self.directory,
            lambda saved: saved.merged(new.corrections).with_confirmations(new.confirmations),
        )
        return len(new) + len(new.confirmations)

    def keys(self, positions: Iterable[int]) -> list[Key]:
        """Returns the keys that identify the images at these positions without the index.

        Raises:
            FerError: a position is out of range.
        """
        return keys_at(self._stored, list(positions))

    def counts(self) -> pd.DataFrame:
        """Counts images: a row per class in label order, a column per non-empty split."""
        names = pd.Index(self.class_names, name="expression")
        splits = pd.Index(SPLITS, name="split")
        rows = names.get_indexer(self.index["expression"])
        columns = splits.get_indexer(self.index["split"])
        known = (rows >= 0) & (columns >= 0)
        places = rows[known] * len(splits) + columns[known]
        counts = np.bincount(places, minlength=len(names) * len(splits)).reshape(len(names), -1)
        table = pd.DataFrame(counts, index=names, columns=splits)
        return table.loc[:, table.any()]

    def select(self, split: str | None = None, expression: str | None = None) -> np.ndarray:
        """Returns the positions in the index of a split, a class, both or all, ascending."""
        chosen = np.ones(len(self.index), dtype=bool)
        if split is not None:
            chosen &= (self.index["split"] == split).to_numpy()
        if expression is not None:
            chosen &= (self.index["expression"] == expression).to_numpy()
        return np.flatnonzero(chosen)

    @cached_property
    def reader(self) -> ImageReader:
        """Reads the images by position."""
        return ImageReader(self.index, self.root)

    def image(self, position: int) -> np.ndarray:
        """Returns an image at its own size, uint8 RGB, cropped to its face box if it has one.

        Raises:
            FerError: the file is missing or damaged.
        """
        return self.reader.image(position)

    def mean_faces(self) -> dict[str, np.ndarray]:
        """Returns the mean image of each class, uint8 RGB, all of one size.

        Raises:
            DamagedFileError: their file is damaged or missing.
        """
        file = self.directory / "mean_faces.npy"
        try:
            faces = read_array(file, max_bytes=_MAX_MEAN_FACES_BYTES)
        except FileNotFoundError as error:
            raise DamagedFileError(file, "is missing") from error
        classes = len(self.class_names)
        if (
            faces.dtype != np.uint8
            or faces.ndim != 4
            or faces.shape[::3] != (classes, 3)
            or not faces.size
        ):
            raise DamagedFileError(file, f"must hold an image for each of {classes} classes")
        return dict(zip(self.class_names, faces, strict=True))

    def checked(self) -> "Dataset":
        """Returns the dataset with its files checked once, for `fingerprint` and `pixels_key`.

        Without it, each of these calls `stat` on every file.

        Raises:
            FerError: image files are missing.
        """
        return self._with(file_columns=self._current_files())

    def fingerprint(self) -> str:
        """Computes a SHA-256 in hexadecimal that identifies images, labels and splits.

        Files whose size or modification time changed since they were last read are read again.

        Raises:
            FerError: image files are missing.
        """
        columns = ["path", "row", "size", "content", "expression", "split"]
        index = self.index.assign(**self._files())[columns].astype("str").fillna("")
        return digest_lines(sorted(map("|".join, index.itertuples(index=False, name=None))))

    def pixels_key(self) -> str:
        """Computes a key that identifies the images in their order, whatever their labels.

        Raises:
            FerError: image files are missing.
        """
        return pixels_key(self._stored, self._files()["content"])

    def last_pixels_key(self) -> str:
        """Computes the `pixels_key` of the files as they were when they were last read."""
        return pixels_key(self._stored, self._stored["content"])

    def changed_files(self) -> np.ndarray:
        """Returns the positions of images whose files changed or vanished since the last read."""
        stats = dict[str, tuple[int, int] | None]()
        for path in self._stored["path"].unique().tolist():
            try:
                stats |= file_stats(self.root, [path])
            except FerError:
                stats[path] = None
        rows = zip(self._stored["size"], self._stored["modified"], strict=True)
        current = map(stats.get, self._stored["path"])
        return np.flatnonzero([now != then for now, then in zip(current, rows, strict=True)])

    def delete(self) -> None:
        """Deletes the dataset and its caches; images stored elsewhere stay untouched.

        Does nothing if it was deleted already.

        Raises:
            AccessError: changes are switched off.
        """
        access.current().require_write()
        with contextlib.suppress(FerError):  # without a readable index the key is unknown
            self._delete_cached_arrays()
        delete_folder(self.directory)

    def _delete_cached_arrays(self) -> None:
        for file in (paths.cache_root() / "pixels").glob(f"{self.last_pixels_key()}-*"):
            with contextlib.suppress(OSError):  # on Windows a mapped file stays; it is a cache
                file.unlink()

    def _check_expression(self, expression: str) -> None:
        if expression not in self.class_names:
            raise FerError(
                f"The expression must be one of {self.name}: {', '.join(self.class_names)}. "
                f"Received: {shortened(expression)}"
            )

    def _with(self, **changes: Any) -> "Dataset":
        """Returns a copy with other fields; the stored index is not read again."""
        changed = dataclasses.replace(self, **changes)
        if "_stored" in vars(self):
            vars(changed)["_stored"] = self._stored
        return changed

    @cached_property
    def _labeled(self) -> pd.DataFrame:
        if self.rater_votes is not None:
            own = self._with(rater_votes=None, has_ferplus_labels=False, corrections=None)
            return self.rater_votes.applied(self._stored, own.class_names)
        if not self.has_ferplus_labels:
            return self._stored
        return with_majority_labels(self._stored, self.name)

    @cached_property
    def _stored(self) -> pd.DataFrame:
        return read_index(self.directory)

    def _files(self) -> pd.DataFrame:
        return self._current_files() if self.file_columns is None else self.file_columns

    def _current_files(self) -> pd.DataFrame:
        """Returns the columns size, modified and content as the files are now."""
        stored = self._stored
        stats = file_stats(self.root, stored["path"].unique().tolist())
        columns = {
            name: stored["path"].map({path: stat[i] for path, stat in stats.items()})
            for i, name in enumerate(("size", "modified"))
        }
        changed = (columns["size"] != stored["size"]) | (columns["modified"] != stored["modified"])
        columns["content"] = stored["content"]
        if changed.any():
            positions = np.flatnonzero(changed)
            hashes = list(self.reader.contents(positions.tolist()))
            columns["content"] = stored["content"].mask(changed, pd.Series(hashes, positions))
            write_index(self.directory, stored.assign(**columns))  # so that they are read once
        return pd.DataFrame(columns)
