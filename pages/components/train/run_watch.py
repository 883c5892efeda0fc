"""What all who watch a run share, so that five cost hardly more than one."""

import math
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from fer_core import figures
from fer_core.runs import HISTORY_COLUMNS, STEPS_COLUMNS, Run
from fer_core.storage import CsvTail

if TYPE_CHECKING:
    pass

SHARE = 0.02  # of all processors, that all who watch a run may take from it
LOOK = 0.02  # seconds of a processor that a look costs the server
LOOK_HERE = 0.2  # the same with the browser's part, where it runs on this machine too
FIRST_PACE = 1.0  # seconds between two looks, whoever takes them, in a run's first minutes
FIRST_ROWS = 120  # of the steps, about one a second: how long the first minutes are
LONGEST_PAUSE = 30.0  # seconds from a viewer's look to his next
HIDDEN_PAUSE = 60.0  # the same of a viewer whose browser shows him something else
VISIBLE = 1 / 200  # share of the steps from which new ones can be seen on the screen


class RunView:
    """A run's tables and curves, read and drawn once for all its viewers; several threads may ask.

    The viewers take turns: the more there are, the longer each waits between two looks.
    """

    def __init__(self, run: Run) -> None:
        self._directory = run.directory
        self._history = CsvTail(run.directory / "history.csv", HISTORY_COLUMNS)
        self._steps = CsvTail(run.directory / "steps.csv", STEPS_COLUMNS)
        self._lock = threading.Lock()
        self._viewers: dict[str, tuple[float, float]] = {}  # when each looked last, and its cost
        self._drawn: tuple[pd.DataFrame, pd.DataFrame] | None = None
        self._curves = ""

    @property
    def is_there(self) -> bool:
        """Whether the run has not been deleted."""
        return self._directory.exists()

    @property
    def history(self) -> pd.DataFrame:
        """One row per whole epoch; not to be changed."""
        return self._history.read()

    def curves(self, *, complete: bool) -> str:
        """Loss and accuracy as a figure in Plotly's JSON; empty where there is nothing to draw.

        The same text as long as one could not see what is new. With `complete`, as for a run that
        has ended, nothing is left out.
        """
        history, steps = self._history.read(), self._steps.read()
        with self._lock:
            if self._drawn is None or _differs(self._drawn, (history, steps), complete):
                self._drawn = history, steps
                some = len(history) or len(steps)
                self._curves = figures.history_figure(history, steps).to_json() if some else ""
            return self._curves

    def pause(self, viewer: str, *, here: bool = True, hidden: bool = False) -> float:
        """Seconds after which this viewer should look again, now that he looks.

        Args:
            viewer: any name that is the same at every look.
            here: his browser runs on this machine, and takes from the training what it needs.
            hidden: it is in a tab in the back; he takes no turn and looks now and then.
        """
        now, is_young = time.monotonic(), len(self._steps.read()) < FIRST_ROWS
        with self._lock:
            seen = {one: last for one, (last, _) in self._viewers.items()}
            gone = [one for one, last in seen.items() if now - last > 2 * LONGEST_PAUSE]
            for one in [*gone, viewer]:
                self._viewers.pop(one, None)
            if hidden:
                return HIDDEN_PAUSE
            self._viewers[viewer] = now, LOOK_HERE if here else LOOK
            cost = sum(cost for _, cost in self._viewers.values())
            turns = FIRST_PACE * len(self._viewers)
            pause = turns if is_young else max(FIRST_PACE, cost / (SHARE * processors()))
            # Whole seconds: a page runs anew where its pause changes.
            return min(LONGEST_PAUSE, math.ceil(round(pause, 6)))


def processors() -> int:
    """How many there are to be shared."""
    return os.cpu_count() or 1


def _differs(
    drawn: tuple[pd.DataFrame, pd.DataFrame],
    found: tuple[pd.DataFrame, pd.DataFrame],
    complete: bool,
) -> bool:
    """Whether one could see that the history or the steps are others than those that were drawn."""
    if drawn[0] is not found[0] or complete:
        return drawn[0] is not found[0] or drawn[1] is not found[1]
    new = len(found[1]) - len(drawn[1])
    return new < 0 or new > VISIBLE * len(found[1])


def watched(run: Run) -> RunView:
    """The run's tables and curves, the same for all sessions; forgotten when it is deleted."""
    return _watched(str(run.directory))


@st.cache_resource(max_entries=64, show_spinner=False, validate=lambda run: run.is_there)
def _watched(directory: str) -> RunView:
    return RunView(Run(Path(directory)))
