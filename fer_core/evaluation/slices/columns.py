"""Finds the columns that can slice an evaluation: of the index, of metadata, and measured ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from fer_core.datasets import GROUP_NOUNS, Dataset, mirrored_copies
from fer_core.datasets.metadata import read_metadata
from fer_core.datasets.quality import IMAGE_PROPERTIES, image_properties
from fer_core.errors import FerError
from fer_core.evaluation.predictions import find_images
from fer_core.runs import LEAKED, SEEN

_SUBJECT = "subject"
# Columns of the index, with their names on the screen.
_OF_INDEX = {
    "split": "split",
    "source_split": "split in the data",
    "source_class": "class in the data",
    _SUBJECT: "subject",
    "group": "sequence",
}
_FLAGS = {
    LEAKED: ("copy in training", ("other", "is in the training split too")),
    SEEN: ("subject in training", ("other", "subject is in the training split too")),
}
# Cells that say that a value is not known, in lower case.
UNKNOWN = ("", "na", "n/a", "nan", "null")


@dataclass(frozen=True, eq=False)
class SliceColumn:
    """Holds a column by which the images of an evaluation can be sliced."""

    name: str
    values: np.ndarray  # of each prediction: float, NaN where unknown; or text, "" where unknown
    about: str = ""  # what the numbers are
    is_key: bool = False  # whether it names the subjects or sequences over which is resampled

    @property
    def is_number(self) -> bool:
        """Tells whether the values are numbers."""
        return bool(self.values.dtype.kind == "f")


@dataclass(frozen=True, eq=False)
class SliceColumns:
    """Holds the columns that can slice an evaluation, by name, and who the images are of."""

    columns: dict[str, SliceColumn]
    subjects: np.ndarray | None  # a number per prediction; None if nothing tells whom it shows
    noun: tuple[str, str]  # what the subjects are: ("subject", "subjects"), or sequences
    missing: tuple[str, ...]  # sentences on what is not there, and what to do

    def column(self, name: str) -> SliceColumn:
        """Returns the column of that name.

        Raises:
            FerError: there is none.
        """
        found = self.columns.get(name)
        if found is None:
            raise FerError(
                "The column must be one of "
                f"{', '.join(self.columns) or 'none: nothing tells the images apart'}. "
                f"Received: {name[:100]}. {' '.join(self.missing)}".strip()
            )
        return found


def slice_columns(
    predictions: pd.DataFrame, dataset: Dataset | None, positions: np.ndarray | None = None
) -> SliceColumns:
    """Returns the columns in which the images of an evaluation differ.

    Args:
        predictions: a row per image.
        dataset: of the images; None if it is not on this machine.
        positions: in the dataset's index, as `find_images` returns them; None to find them.
    """
    if dataset is None:
        said = "The dataset is not on this machine. Add it to slice by its columns."
        return SliceColumns(_named(_flags(predictions)), None, GROUP_NOUNS[_SUBJECT], (said,))
    if positions is None:
        positions = find_images(predictions, dataset.index)
    finder = _Finder(dataset, positions)
    columns = _named(
        [*finder.of_index(), *_flags(predictions), *finder.of_metadata(), *finder.measured()]
    )
    subjects, noun = _subjects(columns, finder)
    return SliceColumns(columns, subjects, noun, tuple(finder.missing))


def _subjects(
    columns: dict[str, SliceColumn], finder: "_Finder"
) -> tuple[np.ndarray | None, tuple[str, str]]:
    """Numbers the subjects, or else sequences; an image without one is one of its own."""
    candidates = [(_SUBJECT, finder.index_values(_SUBJECT)), (_SUBJECT, _named_subject(columns))]
    candidates.append(("group", finder.index_values("group")))
    for name, values in candidates:
        if values is None or not (values != "").any():
            continue
        codes = pd.factorize(values)[0]
        unknown = np.flatnonzero(values == "")
        codes[unknown] = codes.max() + 1 + np.arange(len(unknown))
        return pd.factorize(codes)[0], GROUP_NOUNS[name]
    return None, GROUP_NOUNS[_SUBJECT]


def _named_subject(columns: dict[str, SliceColumn]) -> np.ndarray | None:
    """Returns the subjects that a table of metadata tells."""
    for name, column in columns.items():
        if name.lower() == _SUBJECT and not column.is_number:
            return column.values
    return None


class _Finder:
    """Looks up the values of a dataset's images, in the order of the predictions."""

    def __init__(self, dataset: Dataset, positions: np.ndarray) -> None:
        self.dataset, self.positions = dataset, positions
        self.missing: list[str] = []
        self.is_there = positions >= 0

    def index_values(self, name: str) -> np.ndarray | None:
        """Returns a column of the index as text; None if it does not have it."""
        index = self.dataset.index
        return self._texts(index[name]) if name in index else None

    def of_index(self) -> Iterator[SliceColumn]:
        """Yields columns of the index."""
        for name, label in _OF_INDEX.items():
            values = self.index_values(name)
            if values is not None and not self._repeats(name, values):
                yield SliceColumn(label, values, is_key=name in GROUP_NOUNS)

    def _repeats(self, name: str, values: np.ndarray) -> bool:
        """Tells whether the data call all splits, or all classes, as the program does."""
        same = {"source_split": "split", "source_class": "expression"}.get(name)
        known = self.index_values(same) if same else None
        return known is not None and bool((known == values).all())

    def of_metadata(self) -> Iterator[SliceColumn]:
        """Yields columns of the table that was joined to the dataset; numbers as numbers."""
        try:
            metadata = read_metadata(self.dataset.directory)
        except FerError as error:
            self.missing.append(f"The metadata cannot be read: {error} Join the table again.")
            return
        if metadata is None:
            self.missing.append(
                "Other columns, such as sex or age, come from a table: see the tab Metadata of the "
                "Datasets page."
            )
            return
        table = metadata.of_images(self.dataset.index)
        for name in metadata.columns:
            texts = self._texts(table[name])
            numbers = _numbers(texts)
            is_key = name.lower() == _SUBJECT
            yield SliceColumn(name, texts if numbers is None or is_key else numbers, is_key=is_key)

    def measured(self) -> Iterator[SliceColumn]:
        """Yields properties of the images that were measured before."""
        index = self.dataset.index
        mirrored = mirrored_copies(index["path"].tolist())
        yield SliceColumn("mirrored", self._texts(_named_flag(mirrored, ("no", "by its name"))))
        properties = self._properties
        if properties is None:
            self.missing.append(
                "Brightness, contrast, sharpness and face size are not measured, or files have "
                "changed since. Scan the dataset on the tab Quality of the Datasets page."
            )
            return
        for name, about in IMAGE_PROPERTIES.items():
            values = np.full(len(self.positions), np.nan)
            values[self.is_there] = properties[name].to_numpy()[self.positions[self.is_there]]
            yield SliceColumn(name, values, about)

    @cached_property
    def _properties(self) -> pd.DataFrame | None:
        return image_properties(self.dataset)

    def _texts(self, values: pd.Series) -> np.ndarray:
        texts = np.full(len(self.positions), "", object)
        found = values.astype("str").fillna("").to_numpy(object)[self.positions[self.is_there]]
        texts[self.is_there] = found
        return texts


def _flags(predictions: pd.DataFrame) -> Iterator[SliceColumn]:
    for name, (label, words) in _FLAGS.items():
        if name in predictions:
            flags = predictions[name].to_numpy(bool)
            yield SliceColumn(label, _named_flag(flags, words).to_numpy(object))


def _named_flag(flags: np.ndarray, words: tuple[str, str]) -> pd.Series:
    return pd.Series(np.where(flags, words[1], words[0]), dtype="str")


def _numbers(texts: np.ndarray) -> np.ndarray | None:
    """Returns texts as finite numbers, NaN where unknown; None if one is no number."""
    known = pd.unique(pd.Series(texts))
    values = {
        text: float("nan") if str(text).strip().lower() in UNKNOWN else text for text in known
    }
    numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").astype(float)
    is_unknown = np.array([value != value for value in values.values()])
    if (~np.isfinite(numbers) & ~is_unknown).any() or is_unknown.all():
        return None
    return pd.Series(texts).map(numbers.to_dict()).to_numpy(float)


def _named(columns: Iterator[SliceColumn] | list[SliceColumn]) -> dict[str, SliceColumn]:
    """Returns the columns with at least two values; of one name the second is "(table)"."""
    found: dict[str, SliceColumn] = {}
    for column in columns:
        known = column.values[~pd.isna(column.values) & (column.values != "")]
        if len(known) and (known != known[0]).any():
            name = f"{column.name} (table)" if column.name in found else column.name
            found[name] = column
    return found
