"""Options that say how an import reads a source, and its preview in the terminal."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fer_core.cli.console import echo, echo_table
from fer_core.datasets.importing import preview_source
from fer_core.datasets.layouts import (
    COLUMNS,
    LAYOUTS,
    NUMBERING_NAMES,
    Choices,
    parse_numbering,
    parse_pairs,
)
from fer_core.errors import FerError
from fer_core.text import printable, some


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
        help="of each labeled sequence of CK+, how many of the last frames to use (default: 1)",
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
    plan = preview_source(source, choices).as_record()
    echo(f"Layout: {plan['layout']}")
    if plan["others"]:
        echo(f"Other layouts that fit (--layout): {', '.join(plan['others'])}")
    if plan["candidates"]:
        echo(f"Numberings that fit (--numbering): {', '.join(plan['candidates'])}")
    echo(f"Splits, from {plan['split_origin']}:")
    echo_table(
        ("  in the data", "split", "images"),
        [
            (f"  {printable(each['name']) or '(none)'}", each["split"] or "-", str(each["images"]))
            for each in plan["splits"]
        ],
    )
    echo("Classes:")
    echo_table(
        ("  in the data", "expression", "images", "examples"),
        [
            (
                f"  {printable(each['name'])}",
                each["expression"] or "(left out)",
                str(each["images"]),
                _examples(each),
            )
            for each in plan["classes"]
        ],
    )
    for note in plan["notes"]:
        echo(note)
    for question in plan["questions"]:
        echo(f"Question: {question['text']}")


def _examples(group: dict[str, Any]) -> str:
    rows = group["rows"]
    if rows and rows[0] >= 0 and group["examples"][0].endswith(".npy"):
        return "rows " + some([str(row + 1) for row in rows])
    return some(group["examples"])
