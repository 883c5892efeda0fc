"""Plans an import: what was recognized, how its names are understood, and what is open."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from fer_core.datasets.layouts.choices import Choices, Question
from fer_core.datasets.layouts.class_names import ClassNames, Conventions, read_class_names
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.numberings import LEFT_OUT
from fer_core.datasets.splits import SPLITS, parse_splits
from fer_core.errors import FerError
from fer_core.text import counted, shortened, some


@dataclass(frozen=True)
class ImportPlan:
    """Describes how a source will be imported once no question is open."""

    parsed: ParsedLayout  # the source as it was read
    index: pd.DataFrame  # path, expression, split ("" if unknown), source_split, source_class, ...
    rows: pd.DataFrame  # as in the index, with the images that are left out
    classes: ClassNames
    splits: dict[str, str]  # the split of each name in the data; "" if unknown
    name_notes: tuple[str, ...]  # about classes and splits; `ParsedLayout` has those on files
    choices: Choices
    layout_name: str = ""
    others: tuple[str, ...] = ()  # names of other layouts that fit

    @property
    def layout(self) -> str:
        """Returns the layout as it is shown."""
        return self.parsed.layout

    @property
    def root(self) -> Path:
        """Returns the base of the index's paths."""
        return self.parsed.root

    @property
    def notes(self) -> tuple[str, ...]:
        """Returns sentences about how the names were understood and what was skipped."""
        return (*self.name_notes, *self.parsed.notes)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Returns the decisions that are open."""
        return (*self.parsed.questions, *self.classes.questions)

    def noting(self, *sentences: str) -> "ImportPlan":
        """Returns the plan with further notes about files."""
        parsed = replace(self.parsed, notes=(*self.parsed.notes, *sentences))
        return replace(self, parsed=parsed)

    def check_decided(self) -> None:
        """Checks that no question is open.

        Raises:
            FerError: there are questions; the message asks them.
        """
        if self.questions:
            raise FerError(" ".join(question.sentence for question in self.questions))


def make_plan(
    parsed: ParsedLayout,
    choices: Choices,
    layout_name: str = "",
    others: tuple[str, ...] = (),
) -> ImportPlan:
    """Understands the names of classes and splits of a source that was read.

    Raises:
        FerError: a choice does not fit the data, or nothing would be left.
    """
    rows = parsed.index.rename(columns={"class_name": "source_class"})
    if "row" not in rows:
        rows["row"] = pd.NA
    rows["row"] = rows["row"].astype("Int64")
    names = rows[["source_class", "source_split"]].drop_duplicates()
    classes, splits = read_names(
        names.itertuples(index=False, name=None), choices, parsed.conventions
    )
    rows["expression"] = rows["source_class"].map(classes.expressions)
    rows["split"] = rows["source_split"].map(splits)
    index, left_out = _without_left_out(rows, choices)
    notes = (*classes.notes, *left_out, *_split_notes(rows, splits, parsed))
    return ImportPlan(parsed, index, rows, classes, splits, notes, choices, layout_name, others)


def read_names(
    names: Iterable[tuple[str, str]], choices: Choices, conventions: Conventions
) -> tuple[ClassNames, dict[str, str]]:
    """Understands the names of classes, and returns the split of each name of a split.

    Args:
        names: of a class and a split, as images of the source have them.

    Raises:
        FerError: a choice does not fit them.
    """
    by_class: dict[str, set[str]] = {}
    words: dict[str, None] = {}  # in order
    for name, word in names:
        by_class.setdefault(name, set()).add(word)
        words[word] = None
    classes = read_class_names(by_class, choices, conventions)
    splits = _read_splits(list(words), choices)
    questions = (*classes.questions, *_split_questions(splits, choices))
    return replace(classes, questions=questions), splits


def _read_splits(words: list[str], choices: Choices) -> dict[str, str]:
    missing = sorted(choices.splits.keys() - set(words))
    if missing and len(missing) == len(choices.splits):
        raise FerError(
            f"A split to be chosen must be in the data. Received: {some(missing)}. The data have "
            f"{some(sorted(filter(None, words)), 10) or 'no splits'}."
        )
    return {**parse_splits(words), **{w: choices.splits[w] for w in words if w in choices.splits}}


def _split_questions(splits: dict[str, str], choices: Choices) -> list[Question]:
    """Asks about names that tell no split beside names that do; others only mark parts."""
    told = {word: split for word, split in splits.items() if word not in choices.splits}
    known = sorted(word for word, split in told.items() if split)
    odd = sorted(word for word, split in told.items() if word and not split)
    if not known or not odd:
        return []
    return [
        Question(
            "splits",
            f"Beside {some(known, 10)} the data have {counted(len(odd), 'name')} of no known "
            f"split: {some(odd)}. Choose which split each is: train, val or test.",
            SPLITS,
            f"--split {shortened(odd[0])}=val; without a value it is left out",
        )
    ]


def _without_left_out(rows: pd.DataFrame, choices: Choices) -> tuple[pd.DataFrame, list[str]]:
    dropped = [split for split, value in choices.splits.items() if value == ""]
    out = (rows["expression"] == LEFT_OUT) | rows["source_split"].isin(dropped)
    if out.all():
        raise FerError("No image is left: every class or split was left out.")
    index = rows[~out].reset_index(drop=True)
    notes = []
    if out.any():
        names = sorted({*rows.loc[out, "source_class"]} - {*index["source_class"]})
        notes.append(
            f"Left out {counted(int(out.sum()), 'image')}"
            f"{' of class ' + some(names, 10) if names else ''}."
        )
    return index, notes


def _split_notes(rows: pd.DataFrame, splits: dict[str, str], parsed: ParsedLayout) -> list[str]:
    """Says which names were taken for which split, where that is not plain."""
    counts = rows["source_split"].value_counts(sort=False)
    read = [
        f"{name} → {split} ({counts[name]:,})"
        for name, split in splits.items()
        if split in SPLITS and name.strip().lower() != split
    ]
    notes = [f"Splits, from {parsed.split_origin}: {some(read, 10)}."] if read else []
    if counts.get("", 0) and any(splits.values()):
        unassigned = counted(int(counts[""]), "image")
        notes.append(f"Splits are not told for {unassigned}, used for training.")
    return notes
