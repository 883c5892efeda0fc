"""What all who watch a run share, so that five cost hardly more than one."""

import threading
import time

import pandas as pd

from fer_core import figures
from fer_core.growing import GrowingTable
from fer_core.records import HISTORY_COLUMNS, STEPS_COLUMNS
from fer_core.runs import Run

PACE = 3.0  # seconds from a look to the next, whoever takes it; a look costs 0.1 s of a processor
FIRST_PACE = 1.0  # the same in a run's first minutes, of which a newcomer wants to see each second
FIRST_ROWS = 120  # of the steps, about one a second: how long the first minutes are
LONGEST_PAUSE = 20.0  # seconds from a viewer's look to his next
HIDDEN_PAUSE = 60.0  # the same of a viewer whose browser shows him something else
VISIBLE = 1 / 200  # share of the steps from which new ones can be seen on the screen


class Watched:
    """A run's tables and curves, read and drawn once for all its viewers; several threads may ask.

    The viewers take turns: the more there are, the longer each waits between two looks.
    """

    def __init__(self, run: Run) -> None:
        self._directory = run.directory
        self._history = GrowingTable(run.directory / "history.csv", HISTORY_COLUMNS)
        self._steps = GrowingTable(run.directory / "steps.csv", STEPS_COLUMNS)
        self._lock = threading.Lock()
        self._viewers: dict[str, float] = {}  # when each looked last
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

    def pause(self, viewer: str, *, hidden: bool = False) -> float:
        """Seconds after which this viewer should look again, now that he looks.

        One to whom it is hidden, in a tab in the back, takes no turn and looks now and then.
        """
        now = time.monotonic()
        pace = FIRST_PACE if len(self._steps.read()) < FIRST_ROWS else PACE
        with self._lock:
            gone = [one for one, seen in self._viewers.items() if now - seen > 2 * LONGEST_PAUSE]
            for one in [*gone, viewer]:
                self._viewers.pop(one, None)
            if hidden:
                return HIDDEN_PAUSE
            self._viewers[viewer] = now
            return min(LONGEST_PAUSE, pace * len(self._viewers))


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
