"""Options that say how an import reads a source, and its preview in the terminal."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from fer_core.cli.console import echo, echo_table
from fer_core.datasets.importing import Preview, Proposal, preview_of, previewing
from fer_core.datasets.layouts import (
    COLUMNS,
    EXAMPLE,
    LAYOUTS,
    NUMBERING_NAMES,
    Choices,
    ImportPlan,
    parse_numbering,
    parse_pairs,
)
from fer_core.errors import FerError
from fer_core.text import counted, printable, shortened, some

_EXAMPLES = 3  # images of a class
_ROLES = {
    "image": "images",
    "label": "expressions",
    "split": "splits",
    "pixels": "pixels",
    "subject": "persons",
    "group": "sequences",
}


def add_mapping(parser: Any) -> None:
    """Adds the options that choose a numbering, classes and splits."""
    parser.add_argument(
        "--numbering",
        type=_numbering,
        choices=NUMBERING_NAMES,
        help="what class numbers mean; free keeps the numbers",
    )
    parser.add_argument(
        "--map",
        action="append",
        metavar="CLASS=EXPRESSION",
        help="what a class of the data is; an empty expression leaves it out; repeat it, or "
        "separate pairs by commas",
    )
    parser.add_argument(
        "--split",
        action="append",
        metavar="NAME=SPLIT",
        help="which split a folder, or a word in the data, is: train, val or test; none leaves it "
        "out",
    )
    _add_subjects(parser)


def _add_subjects(parser: Any) -> None:
    parser.add_argument(
        "--subjects",
        default="",
        metavar="PATTERN",
        help="a regular expression (RE2) that finds whom an image shows in its path, with a group "
        f"named subject, or group for sequences, such as '{EXAMPLE}'",
    )


def add_choices(parser: Any) -> None:
    """Adds the options that choose how an import reads a source."""
    add_mapping(parser)
    parser.add_argument(
        "--columns",
        action="append",
        metavar="ROLE=COLUMN",
        help=f"which column of a table is which, by name or number; roles: {', '.join(COLUMNS)}",
    )
    parser.add_argument(
        "--layout",
        choices=list(LAYOUTS),
        help="how the source is laid out, if several layouts fit; any: folders of any names are "
        "classes",
    )
    parser.add_argument(
        "--last-frames",
        type=int,
        default=0,
        metavar="N",
        help="of each labeled sequence of CK+, how many of the last frames to use, such as 1 or 3",
    )
    parser.add_argument(
        "--first-frame-neutral",
        action="store_true",
        help="use the first frame of each labeled sequence of CK+ as neutral",
    )


def parse_choices(options: argparse.Namespace) -> Choices:
    """Returns the choices of a command.

    Raises:
        FerError: an option is malformed.
    """
    return Choices(
        layout=getattr(options, "layout", None) or "",
        numbering=options.numbering or "",
        classes=_pairs(options.map),
        splits=_pairs(options.split),
        columns=_pairs(getattr(options, "columns", None)),
        last_frames=getattr(options, "last_frames", 0),
        first_frame_neutral=getattr(options, "first_frame_neutral", False),
        subjects=options.subjects,
    )


def _numbering(text: str) -> str:
    try:
        return parse_numbering(text)
    except FerError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _pairs(texts: Iterable[str] | None) -> dict[str, str]:
    return parse_pairs(",".join(texts or ()))


def show_preview(source: Path, choices: Choices) -> None:
    """Prints how a source would be read: layout, splits, classes, notes and questions.

    Raises:
        FerError: it cannot be read.
    """
    with previewing(source, choices) as plan:
        _show_layout(preview_of(plan), plan)
        _show_names(plan)
        for note in plan.notes:
            echo(note)
        for question in plan.questions:
            echo(f"Question: {question.sentence}")
        # Imported here, since it takes a second that other commands need not wait.
        from fer_core.inference import propose_numbering

        if proposal := propose_numbering(plan):
            _show_proposal(proposal)
            echo(proposal.sentence(plan.classes.numbering))


def _show_layout(preview: Preview, plan: ImportPlan) -> None:
    echo(f"Layout: {preview.layout}")
    if preview.others:
        echo(f"Other layouts that fit (--layout): {', '.join(preview.others)}")
    if plan.classes.candidates:
        echo(f"Numberings that fit (--numbering): {', '.join(plan.classes.candidates)}")
    for role, column in preview.columns.items():
        echo(f"Column of {_ROLES[role]} (--columns {role}=…): {shortened(column)}")


def _show_names(plan: ImportPlan) -> None:
    echo(f"Splits, from {plan.parsed.split_origin}:")
    words = plan.rows["source_split"].value_counts(sort=False)
    echo_table(
        ("  in the data", "split", "images"),
        [
            (f"  {printable(str(word)) or '(none)'}", plan.splits[str(word)] or "-", f"{count:,}")
            for word, count in words.items()
        ],
    )
    echo("Classes:")
    echo_table(
        ("  in the data", "expression", "images", "examples"),
        [
            (
                f"  {printable(str(name))}",
                plan.classes.expressions[str(name)] or "(left out)",
                f"{len(rows):,}",
                _examples(rows),
            )
            for name, rows in plan.rows.groupby("source_class", sort=False)
        ],
    )


def _examples(rows: pd.DataFrame) -> str:
    first = rows.head(_EXAMPLES)
    if first["path"].iloc[0].endswith(".npy") and first["row"].notna().all():
        return "rows " + some([str(row + 1) for row in first["row"]])
    return some(first["path"].tolist())


def _show_proposal(proposal: Proposal) -> None:
    echo(
        f"Of {counted(proposal.images, 'sampled image')}, the model {proposal.model} gives the "
        "same expression as each numbering:"
    )
    shares = sorted(proposal.shares.items(), key=lambda each: -each[1])
    echo_table(
        ("  by the numbering", "share"), [(f"  {name}", f"{share:.0%}") for name, share in shares]
    )
