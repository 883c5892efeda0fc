"""Plans an import: what was recognized, how its names are understood, and what is open."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.datasets.layouts.choices import Choices, Question
from fer_core.datasets.layouts.class_names import ClassNames, Conventions, read_class_names
from fer_core.datasets.layouts.layout import ParsedLayout
from fer_core.datasets.layouts.numberings import LEFT_OUT
from fer_core.datasets.splits import SPLITS, parse_split
from fer_core.errors import FerError
from fer_core.text import counted, some

_EXAMPLES = 3  # images of a class


@dataclass(frozen=True)
class ImportPlan:
    """Describes how a source will be imported once no question is open."""

    layout: str
    root: Path  # base of the index's paths
    index: pd.DataFrame  # path, expression, split ("" if unknown), source_split, source_class, ...
    rows: pd.DataFrame  # as in the index, with the images that are left out
    summary: Callable[[pd.DataFrame], str]
    notes: tuple[str, ...]
    questions: tuple[Question, ...]
    classes: ClassNames
    splits: dict[str, str]  # the split of each name in the data; "" if unknown
    split_origin: str  # where those names are from
    choices: Choices
    conventions: Conventions
    layout_name: str = ""
    has_sequences: bool = False  # whether the choices about frames of a sequence count
    others: tuple[str, ...] = ()  # names of other layouts that fit

    def check_decided(self) -> None:
        """Checks that no question is open.

        Raises:
            FerError: there are questions; the message asks them.
        """
        if self.questions:
            raise FerError(" ".join(question.text for question in self.questions))

    def as_record(self) -> dict[str, Any]:
        """Returns what a preview shows, for a JSON file."""
        return {
            "layout": self.layout,
            "layout_name": self.layout_name,
            "others": list(self.others),
            "summary": self.summary(self.index) if len(self.index) else "",
            "notes": list(self.notes),
            "questions": [vars(question) for question in self.questions],
            "numbering": self.classes.numbering,
            "candidates": list(self.classes.candidates),
            "classes": [
                {
                    "name": name,
                    "expression": self.classes.expressions[str(name)],
                    "images": len(rows),
                    "examples": rows["path"].head(_EXAMPLES).tolist(),
                    "rows": [
                        -1 if pd.isna(row) else int(row) for row in rows["row"].head(_EXAMPLES)
                    ],
                }
                for name, rows in self.rows.groupby("source_class", sort=False)
            ],
            "splits": [
                {"name": name, "split": self.splits[str(name)], "images": len(rows)}
                for name, rows in self.rows.groupby("source_split", sort=False)
            ],
            "split_origin": self.split_origin,
            "has_sequences": self.has_sequences,
            "choices": self.choices.as_record(),
        }


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
    by_class = rows.groupby("source_class", sort=False)["source_split"].unique()
    names = {str(name): set(splits) for name, splits in by_class.items()}
    classes = read_class_names(names, choices, parsed.conventions)
    splits = _read_splits(rows["source_split"].unique().tolist(), choices)
    rows["expression"] = rows["source_class"].map(classes.expressions)
    rows["split"] = rows["source_split"].map(splits)
    index, left_out = _without_left_out(rows, choices)
    return ImportPlan(
        parsed.layout,
        parsed.root,
        index,
        rows,
        parsed.summary,
        (*classes.notes, *parsed.notes, *left_out, *_split_notes(rows, splits, parsed)),
        (*parsed.questions, *classes.questions),
        classes,
        splits,
        parsed.split_origin,
        choices,
        parsed.conventions,
        layout_name,
        parsed.has_sequences,
        others,
    )


def _read_splits(words: list[str], choices: Choices) -> dict[str, str]:
    missing = sorted(choices.splits.keys() - set(words))
    if missing and len(missing) == len(choices.splits):
        raise FerError(
            f"A split to be chosen must be in the data. Received: {some(missing)}. The data have "
            f"{some(sorted(filter(None, words)), 10) or 'no splits'}."
        )
    return {word: choices.splits.get(word, parse_split(word) or "") for word in words}


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
    return [f"Splits, from {parsed.split_origin}: {some(read, 10)}."] if read else []
