"""The command for raters' votes: agreement, import, export."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_core.cli.console import echo, echo_table
from fer_core.datasets import Dataset, open_dataset
from fer_core.datasets.raters import (
    MAX_IMPORT_BYTES,
    Interval,
    Ratings,
    agreement,
    export_votes,
    ferplus_ratings,
    import_votes,
    labels_against_majority,
    pairs_of_raters,
    raters_against_majority,
    read_ratings,
)
from fer_core.storage import read_bytes, write_text
from fer_core.text import SPLIT_NAMES, counted


def add_commands(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "raters", help="show how well the raters of a dataset agree, import or export their votes"
    )
    parser.add_argument("dataset")
    parser.add_argument("--ferplus", action="store_true", help="FER+'s votes instead")
    parser.add_argument("--split", choices=list(SPLIT_NAMES), help="images of this split alone")
    parser.add_argument(
        "--import",
        type=Path,
        dest="source",
        metavar="FILE",
        help="import the votes in this .csv file (rater, path, row, answer and optional time), "
        "wholly or not at all",
    )
    parser.add_argument(
        "--export", type=Path, dest="target", metavar="FILE", help="export all votes to this file"
    )
    parser.set_defaults(command=_raters)


def _raters(options: argparse.Namespace) -> int:
    dataset = open_dataset(options.dataset)
    if options.source is not None:
        count = import_votes(dataset, read_bytes(options.source, max_bytes=MAX_IMPORT_BYTES))
        echo(f"{counted(count, 'new vote')} imported.")
    if options.target is not None:
        write_text(options.target, export_votes(dataset))
    ratings = ferplus_ratings(dataset) if options.ferplus else read_ratings(dataset)
    for note in ratings.notes:
        echo(note)
    if options.split is not None:
        ratings = ratings.only(dataset.select(options.split))
    if len(ratings):
        _echo_agreement(dataset, ratings)
    else:
        echo("There are no votes.")
    return 0


def _echo_agreement(dataset: Dataset, ratings: Ratings) -> None:
    found = agreement(dataset, ratings)
    echo(
        f"{counted(ratings.votes, 'vote')} on {counted(len(ratings), 'image')}, {found.images:,} "
        "of which have two votes or more"
    )
    if found.images:
        echo(f"Fleiss' kappa         {_interval(found.fleiss)}")
        echo(f"Krippendorff's alpha  {_interval(found.alpha)}")
        echo(f"95% intervals: bootstrap over {counted(found.units, found.unit.removesuffix('s'))}")
        _echo_frame(found.answers[found.answers["votes"] > 0].reset_index())
    for table in (pairs_of_raters(dataset, ratings), raters_against_majority(dataset, ratings)):
        if len(table):
            _echo_frame(table)
    images, share, kappa, _ = labels_against_majority(dataset, ratings)
    if images:
        echo(
            f"Label against the majority: {counted(images, 'image')}, agreement {share:.1%}, "
            f"Cohen's kappa {_interval(kappa)}"
        )


def _echo_frame(table: pd.DataFrame) -> None:
    echo("")
    echo_table(
        list(map(str, table.columns)), [_texts(row) for row in table.itertuples(index=False)]
    )
    echo("")


def _texts(row: Sequence[object]) -> list[str]:
    return [_number(cell) if isinstance(cell, float) else str(cell) for cell in row]


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _interval(measure: Interval) -> str:
    return f"{_number(measure.value)} ({_number(measure.low)} to {_number(measure.high)})"
