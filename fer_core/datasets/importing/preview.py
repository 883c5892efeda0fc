"""Describes how a source will be read, so that a person can see and change it before the import."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from fer_core.datasets.class_mapping import check_has_names, current_choices
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.layouts import (
    LAYOUTS,
    NUMBERINGS,
    Choices,
    ClassNames,
    Conventions,
    ImportPlan,
    Question,
    UnreadableSourceError,
    choices_of,
    meaning,
    read_names,
)
from fer_core.errors import FerError
from fer_core.storage import Count, Fraction
from fer_core.text import counted

# In the directory of a task: the preview, a picture of each class by its number, the proposal.
PREVIEW, FACES, PROPOSAL = "preview.json", "faces", "proposal.json"
MOST_CLASSES = 60  # with pictures
_MOST_GROUPS = 2_000
_MOST_COLUMNS = 100
_MOST_NAMES = 10
_LONGEST = 200  # characters of a column's name
_MOST_PLACES = 12  # folders that may be splits; more are those of persons


@dataclass(frozen=True)
class Group:
    """Holds the images of one class in one split, by their names in the data."""

    name: str
    split: str
    images: Count


@dataclass(frozen=True)
class Preview:
    """Holds a source as it was read: all that is needed to read its names in other ways.

    It is kept as JSON, so that a page need not read the source.
    """

    choices: dict[str, Any]  # by which it was read; see `Choices.as_record`
    layout: str = ""
    layout_name: str = ""
    others: tuple[str, ...] = ()  # names of other layouts that fit
    summary: str = ""
    notes: tuple[str, ...] = ()  # on files
    questions: tuple[Question, ...] = ()  # on files and columns
    groups: tuple[Group, ...] = ()
    omitted: Count = 0  # images of the groups beyond the first `_MOST_GROUPS`
    conventions: Conventions = field(default_factory=Conventions)  # about names of classes
    split_origin: str = ""
    places: dict[str, Count] = field(default_factory=dict)  # folders and tables of no known split
    header: tuple[str, ...] = ()  # of a table
    columns: dict[str, str] = field(default_factory=dict)  # what they hold → names
    has_sequences: bool = False  # whether the choices about frames count
    problem: str = ""  # why the source cannot be read
    names: tuple[str, ...] = ()  # paths of a few images, to try a pattern of subjects on

    def __post_init__(self) -> None:
        """Checks what a damaged file may have wrong.

        Raises:
            FerError: a name is unknown.
        """
        choices_of(self.choices)
        if unknown := {self.layout_name, *self.others} - {"", *LAYOUTS}:
            raise FerError(f"An unknown layout. Received: {unknown.pop()!r}")

    @cached_property
    def classes(self) -> dict[str, int]:
        """Returns the images of each class, by its name in the data."""
        return _summed((group.name, group.images) for group in self.groups)

    @cached_property
    def splits(self) -> dict[str, int]:
        """Returns the images of each split, by its name in the data; "" for images without one."""
        return _summed((group.split, group.images) for group in self.groups)

    def read(self, choices: Choices) -> tuple[ClassNames, dict[str, str]]:
        """Reads the names with other choices; see `read_names`."""
        names = ((group.name, group.split) for group in self.groups)
        return read_names(names, choices, self.conventions)

    def has_numbers(self) -> bool:
        """Returns whether names of classes are numbers that a numbering would tell."""
        return any(self.meaning(name, "") is None for name in self.classes)

    def meaning(self, name: str, numbering: str) -> str | None:
        """Returns the expression of a class unless it is chosen; None if that is open."""
        return meaning(name, numbering, self.conventions)


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()  # keeps the order
    for name, images in pairs:
        sums[name] += images
    return dict(sums)


def preview_of(plan: ImportPlan) -> Preview:
    """Returns the preview of a plan."""
    parsed = plan.parsed
    groups = _groups(plan.rows)
    return Preview(
        plan.choices.as_record(),
        parsed.layout,
        plan.layout_name,
        plan.others,
        parsed.summary(plan.index),
        parsed.notes,
        parsed.questions,
        groups[:_MOST_GROUPS],
        sum(group.images for group in groups[_MOST_GROUPS:]),
        parsed.conventions,
        parsed.split_origin,
        _places(plan),
        _shown_columns(parsed.header),
        dict(parsed.columns),
        parsed.has_sequences,
        names=_names(plan.rows),
    )


def preview_of_unread(error: UnreadableSourceError, choices: Choices) -> Preview:
    """Returns the preview of a source that cannot be read, with what may be chosen instead."""
    header = _shown_columns(error.header)
    columns = {role: name for role, name in choices.columns.items() if name in header}
    return Preview(
        choices.as_record(),
        others=error.layouts,
        header=header,
        columns=columns,
        problem=str(error),
    )


def preview_of_dataset(dataset: Dataset) -> Preview:
    """Returns the preview of a dataset, whose classes and splits may be changed.

    Raises:
        FerError: its index is damaged, or of an older version, without the names in the data.
    """
    check_has_names(dataset)
    groups = _groups(dataset.stored_index)
    return Preview(
        current_choices(dataset).as_record(),
        groups=groups[:_MOST_GROUPS],
        omitted=sum(group.images for group in groups[_MOST_GROUPS:]),
        conventions=dataset.conventions,
        names=_names(dataset.stored_index),
    )


def _groups(rows: pd.DataFrame) -> tuple[Group, ...]:
    sizes = rows.groupby(["source_class", "source_split"], sort=False).size()
    return tuple(Group(str(name), str(split), int(size)) for (name, split), size in sizes.items())


def _names(rows: pd.DataFrame) -> tuple[str, ...]:
    """Returns the paths of evenly spaced images."""
    paths = rows["path"].drop_duplicates()
    return tuple(paths.iloc[:: max(1, len(paths) // _MOST_NAMES)].iloc[:_MOST_NAMES])


def _shown_columns(header: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in header[:_MOST_COLUMNS] if len(name) <= _LONGEST)


def _places(plan: ImportPlan) -> dict[str, int]:
    """Returns the folders and tables whose names tell no split, though they may be splits."""
    rows = plan.rows[plan.rows["source_split"] == ""]
    if rows.empty:
        return {}
    known = {*plan.classes.expressions, *plan.splits}
    folders = rows["path"].map(lambda path: path.rpartition("/")[0])
    places: Counter[str] = Counter()
    for folder, images in folders.value_counts(sort=False).items():
        for part in set(str(folder).split("/")) - known:
            places[part] += int(images)
    has_names = plan.layout_name == "table" and not plan.parsed.columns.get("split")
    if has_names and len(plan.parsed.tables) > 1:
        places.update(dict.fromkeys(plan.parsed.tables, 0))
    places.pop("", None)
    return dict(places) if 0 < len(places) <= _MOST_PLACES else {}


@dataclass(frozen=True)
class Proposal:
    """Holds the share of sampled images that a model calls the same under each numbering."""

    model: str  # its name
    images: Count
    shares: dict[str, Fraction]  # of them, by numbering

    def __post_init__(self) -> None:
        """Checks what a damaged file may have wrong.

        Raises:
            FerError: a numbering is unknown.
        """
        if unknown := self.shares.keys() - NUMBERINGS.keys():
            raise FerError(f"An unknown numbering. Received: {unknown.pop()!r}")

    @property
    def best(self) -> str:
        """Returns the numbering under which the model agrees most often."""
        return max(self.shares, key=self.shares.__getitem__)

    def sentence(self, numbering: str) -> str:
        """Compares the best numbering with another, or else with the next best."""
        ranked = sorted(self.shares, key=self.shares.__getitem__, reverse=True)
        other = numbering if numbering in self.shares else ""
        other = next((name for name in (other, *ranked) if name and name != self.best), "")
        text = (
            f"Under {NUMBERINGS[self.best].title}'s numbering, the model “{self.model}” agrees "
            f"with {self.shares[self.best]:.0%} of {counted(self.images, 'sampled image')}"
        )
        if other:
            text += f"; under {NUMBERINGS[other].title}'s, with {self.shares[other]:.0%}"
        return f"{text}."
