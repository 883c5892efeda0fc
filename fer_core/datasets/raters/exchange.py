"""Exports votes as CSV, and imports them, wholly or not at all.

A row is the vote of one rater on one image: rater, path and row as in the index (row counts from 0
and is empty for image files), answer, and time (ISO 8601), which an imported table may lack.
"""

import numpy as np
import pandas as pd

from fer_core.datasets.corrections import Key, image_name, positions_of
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.names import is_name
from fer_core.datasets.raters.answers import answers_for
from fer_core.datasets.raters.votes import (
    Vote,
    add_votes,
    now,
    rater_name,
    rater_names,
    read_rater,
)
from fer_core.errors import FerError
from fer_core.storage import export_csv, parse_csv, undefused
from fer_core.text import counted, is_one_line, shortened, some

COLUMNS = ("rater", "path", "row", "answer", "time")
MAX_IMPORT_BYTES = 64_000_000
_REQUIRED = COLUMNS[:4]
_MAX_ROW_DIGITS = 10
_MAX_TIME = 40  # characters


def export_votes(dataset: Dataset) -> str:
    """Returns the votes of all raters that count, as CSV; no cell is a formula to other programs.

    Raises:
        DamagedFileError: a file of votes cannot be read.
    """
    rows = []
    for rater in rater_names(dataset):
        votes = read_rater(dataset, rater)
        rows += [(rater, *key, answer, votes.times[key]) for key, answer in votes.answers.items()]
    return export_csv(pd.DataFrame(rows, columns=list(COLUMNS)).astype({"row": "Int64"}))


def import_votes(dataset: Dataset, data: bytes) -> int:
    """Adds the votes of a table as `export_votes` makes it; returns how many were new.

    They replace those of the same rater on the same image; all others are kept.

    Raises:
        FerError: the table is malformed, has two votes of a rater on an image, or names raters,
            images or answers that cannot be; then nothing is written.
    """
    table = _parse(data)
    _check_raters(table)
    keys = _keys(table)
    _check_images(dataset, keys)
    _check_answers(dataset, table)
    names, known = dict[str, str](), dict[str, str]()
    for name in table["rater"].unique():  # upper and lower case are the same
        names[name] = known.setdefault(name.lower(), rater_name(dataset, name))
    raters = [names[name] for name in table["rater"]]
    _check_duplicates(raters, keys)
    saved = {rater: read_rater(dataset, rater).answers for rater in set(raters)}
    new = dict[str, list[Vote]]()
    for rater, key, answer, time in zip(raters, keys, table["answer"], table["time"], strict=True):
        if saved[rater].get(key) != answer:
            new.setdefault(rater, []).append(Vote(*key, answer, time or now()))
    return add_votes(dataset, new)


def _parse(data: bytes) -> pd.DataFrame:
    """Returns the columns, all text, without what `export_csv` puts before formulas."""
    if len(data) > MAX_IMPORT_BYTES:
        raise FerError(
            f"A table of votes must have at most {MAX_IMPORT_BYTES / 1e6:.0f} MB. Received: "
            f"{len(data) / 1e6:.1f} MB"
        )
    try:
        table = parse_csv(data, dtype="str")
    except FerError as error:
        raise FerError(f"Votes must be a CSV table. {error}") from error
    missing = [name for name in _REQUIRED if name not in table]
    if missing:
        raise FerError(
            f"Votes must have the columns {', '.join(_REQUIRED)}. Missing: {', '.join(missing)}"
        )
    if table.empty:
        raise FerError("The table of votes is empty.")
    table = table.reindex(columns=list(COLUMNS), fill_value="").fillna("")
    for name in ("rater", "path", "answer"):
        table[name] = table[name].map({text: undefused(text) for text in table[name].unique()})
    odd = [
        text for text in table["time"].unique() if len(text) > _MAX_TIME or not is_one_line(text)
    ]
    if odd:
        raise FerError(f"A time must be one short line. Received: {shortened(odd[0])!r}")
    return table


def _check_raters(table: pd.DataFrame) -> None:
    wrong = [name for name in table["rater"].unique() if not is_name(name)]
    if wrong:
        rows = int(table["rater"].isin(wrong).sum())
        raise FerError(
            f"{_rows(rows, len(table))} no valid name of a rater: 1 to 64 letters, digits, "
            f"dashes, underscores or dots. Received: {some([repr(name) for name in wrong])}. "
            "Nothing was imported."
        )


def _keys(table: pd.DataFrame) -> list[Key]:
    rows = table["row"]
    wrong = rows[~rows.str.fullmatch(rf"\d{{0,{_MAX_ROW_DIGITS}}}")]
    if len(wrong):
        raise FerError(
            f"`row` must be a whole number or empty. Received: {shortened(wrong.iloc[0])!r} in "
            f"row {int(wrong.index[0]) + 1:,} of the table. Nothing was imported."
        )
    pairs = zip(table["path"], rows, strict=True)
    return [(path, int(row) if row else None) for path, row in pairs]


def _check_images(dataset: Dataset, keys: list[Key]) -> None:
    wanted = dict.fromkeys(keys)
    known = positions_of(dataset.stored_index, wanted)
    unknown = [image_name(key) for key in wanted if key not in known]
    if unknown:
        raise FerError(
            f"{counted(len(unknown), 'image')} of {len(wanted):,} in the votes "
            f"{'is' if len(unknown) == 1 else 'are'} not in {dataset.name}: {some(unknown)}. "
            "Nothing was imported."
        )


def _check_answers(dataset: Dataset, table: pd.DataFrame) -> None:
    answers = answers_for(dataset.class_names)
    is_unknown = ~table["answer"].isin(answers)
    if is_unknown.any():
        names = [repr(name) for name in table.loc[is_unknown, "answer"].unique()]
        raise FerError(
            f"{_rows(int(is_unknown.sum()), len(table))} an answer that {dataset.name} does not "
            f"have: {some(names)}. Its answers: {', '.join(answers)}. Nothing was imported."
        )


def _check_duplicates(raters: list[str], keys: list[Key]) -> None:
    votes = pd.Series(list(zip(raters, keys, strict=True)))
    repeated = np.flatnonzero(votes.duplicated())
    if len(repeated):
        rater, key = votes.iloc[repeated[0]]
        raise FerError(
            f"{_rows(len(repeated), len(votes))} a second vote of a rater on an image, starting "
            f"with {rater} on {image_name(key)} in row {repeated[0] + 1:,}. Nothing was imported."
        )


def _rows(number: int, total: int) -> str:
    return f"{number:,} of {counted(total, 'row')} {'has' if number == 1 else 'have'}"
