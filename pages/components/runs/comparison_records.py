"""Caches what a comparison reads of the runs."""

from collections.abc import Mapping
from itertools import product
from string import ascii_uppercase
from typing import Any

import streamlit as st

from fer_core import evaluation
from fer_core.errors import FerError
from fer_core.evaluation import RunRecord
from fer_core.runs import Run, open_run
from pages.components.shared.formatting import plain

LETTER = st.column_config.TextColumn("", width=40, pinned=True)


def letters(number: int) -> list[str]:
    """Returns as many letters: A to Z, then AA, AB and so on to ZZ."""
    return [*ascii_uppercase, *map("".join, product(ascii_uppercase, repeat=2))][:number]


def read_records(runs: Mapping[str, Run]) -> dict[str, RunRecord]:
    """Reads the runs by their letter; shows an error for those that cannot be read."""
    records = {}
    for letter, run in runs.items():
        try:
            records[letter] = _record(run.id, evaluation.changed(run))
        except FerError as error:
            st.error(plain(str(error)))
    return records


@st.cache_data(max_entries=400, show_spinner=False)
def _record(run_id: str, changed: tuple[Any, ...]) -> RunRecord:
    return evaluation.read_record(open_run(run_id))


def called(names: Mapping[str, str], letter: str) -> str:
    """Returns the letter and name of a run for a legend; only the name if it is the only run."""
    return f"{letter} · {names[letter]}" if len(names) > 1 else names[letter]
