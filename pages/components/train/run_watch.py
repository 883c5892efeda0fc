"""The tables and curves of a run on the Train page, read and drawn once for all sessions."""

import threading
from pathlib import Path

import pandas as pd
import streamlit as st

from fer_core import figures
from fer_core.runs import HISTORY, STEPS, Run
from fer_core.storage import CsvTail

# A refresh costs 15 to 20 ms of the server's CPU time, and 0.2 s with a browser on the same
# machine: at 5 seconds 2 % of two cores, and five remote browsers take 1 %.
FIRST_REFRESH_SECONDS = 1.0  # in a run's first minutes
REFRESH_SECONDS = 5.0
HIDDEN_REFRESH_SECONDS = 60.0  # in a background tab
FIRST_ROWS = 120  # the first minutes in rows of `steps.csv`, about one per second
VISIBLE = 1 / 200  # fraction of new steps from which a change of the curves is visible


class RunView:
    """Holds a run's tables and curves, shared by all sessions that show it; thread-safe."""

    def __init__(self, run: Run) -> None:
        self._directory = run.directory
        self._history = CsvTail(run.directory / "history.csv", HISTORY)
        self._steps = CsvTail(run.directory / "steps.csv", STEPS)
        self._lock = threading.Lock()
        self._drawn: tuple[pd.DataFrame, pd.DataFrame] | None = None
        self._curves = ""

    @property
    def exists(self) -> bool:
        """Tells whether the run has not been deleted."""
        return self._directory.exists()

    @property
    def history(self) -> pd.DataFrame:
        """Returns one row per completed epoch; must not be changed."""
        return self._history.read()

    def curves(self, *, complete: bool) -> str:
        """Returns loss and accuracy as a figure in Plotly's JSON; empty without data.

        Returns the same text until new steps would be visible; always up to date with `complete`,
        for runs that have ended.
        """
        history, steps = self._history.read(), self._steps.read()
        with self._lock:
            if self._drawn is None or _differs(self._drawn, (history, steps), complete):
                self._drawn = history, steps
                has_data = len(history) or len(steps)
                self._curves = figures.history_figure(history, steps).to_json() if has_data else ""
            return self._curves

    def refresh_seconds(self, *, hidden: bool = False) -> float:
        """Returns the interval at which a session should refresh."""
        if hidden:
            return HIDDEN_REFRESH_SECONDS
        is_young = len(self._steps.read()) < FIRST_ROWS
        return FIRST_REFRESH_SECONDS if is_young else REFRESH_SECONDS


def _differs(
    drawn: tuple[pd.DataFrame, pd.DataFrame],
    current: tuple[pd.DataFrame, pd.DataFrame],
    complete: bool,
) -> bool:
    """Tells whether the curves of two pairs of history and steps differ visibly."""
    if drawn[0] is not current[0] or complete:
        return drawn[0] is not current[0] or drawn[1] is not current[1]
    new = len(current[1]) - len(drawn[1])
    return new < 0 or new > VISIBLE * len(current[1])


def run_view(run: Run) -> RunView:
    """Returns the shared view of a run; dropped from the cache when the run is deleted."""
    return _run_view(str(run.directory))


@st.cache_resource(max_entries=64, show_spinner=False, validate=lambda view: view.exists)
def _run_view(directory: str) -> RunView:
    return RunView(Run(Path(directory)))
